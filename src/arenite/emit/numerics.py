"""Arithmetic that Python's own operators do not have: what the primitives' Python spelling calls by capital names.

Conventions: `a`, `b` integers in [0, 2**bits), `s` their sign bit; `x`, `y` floats, those of an f32 exactly representable in it.
A result that is a NaN is a quiet one, as the hardware's is; `CANON` makes it the canonical one.

In native mode `struct` writes an f32 by C's conversion: to nearest, too large becomes infinite, a signalling NaN quiet.  No scratch
memory is shared: stores run in threads.

Example:  FUNCTIONS["DIV_S"](0xFFFFFFF9, 2, 1 << 31) == -3
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

EXACT: Final = 1 << 53  # integers up to here are floats
INTEGRAL: Final = 2.0**52  # floats from here on are integers
STICKY_BITS: Final = 50  # more than an f32's 24 and 2 to round by, and few enough for a float

F32: Final = struct.Struct("f")
F64: Final = struct.Struct("d")
U32: Final = struct.Struct("I")
U64: Final = struct.Struct("Q")


def div_s(a: int, b: int, s: int) -> int:
    """a / b toward zero, signed; a Python int.  Spec: op-idiv."""
    a, b = (a ^ s) - s, (b ^ s) - s
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def rem_s(a: int, b: int, s: int) -> int:
    """a - b * (a / b), signed: the sign of a.  Spec: op-irem."""
    a, b = (a ^ s) - s, (b ^ s) - s
    rest = abs(a) % abs(b)
    return rest if a >= 0 else -rest


def ctz(a: int, bits: int) -> int:
    """Zero bits below the lowest one."""
    return (a & -a).bit_length() - 1 if a else bits


def round32(x: float) -> float:
    """The nearest f32.  One sum, product, quotient or root of f32 computed in f64 and rounded again is correctly rounded."""
    rounded: float = F32.unpack(F32.pack(x))[0]
    return rounded


def f32_from_int(n: int) -> float:
    """The nearest f32 to any integer: beyond 53 bits through fewer with a sticky last one, so that nothing is rounded twice."""
    if -EXACT <= n <= EXACT:
        return round32(float(n))
    size = abs(n)
    shift = size.bit_length() - STICKY_BITS
    kept = size >> shift
    kept |= size != kept << shift
    return round32(math.copysign(float(kept << shift), n))


def fdiv(x: float, y: float) -> float:
    """x / y, also by zero.  Spec: op-fdiv."""
    if y:
        return x / y
    if not x or x != x:  # noqa: PLR0124 (a NaN)
        return x + math.nan
    return math.copysign(math.inf, math.copysign(1.0, x) * math.copysign(1.0, y))


def fsqrt(x: float) -> float:
    """The root; NaN of a negative number, -0 of -0.  Spec: op-fsqrt."""
    return math.nan if x < 0.0 else math.sqrt(x)


def _rounding(to_int: Callable[[float], int]) -> Callable[[float], float]:
    """A rounding to an integral float that keeps the sign of zero, infinities and NaNs."""

    def rounded(x: float) -> float:
        if -INTEGRAL < x < INTEGRAL:
            return math.copysign(float(to_int(x)), x)
        return x * 1.0  # integral, infinite, or a NaN: made quiet

    return rounded


def sat(x: float, low: int, high: int) -> int:
    """Toward zero, clamped; 0 for a NaN.  Spec: op-trunc_sat_s."""
    if x != x:  # noqa: PLR0124 (a NaN)
        return 0
    return low if x <= low else high if x >= high else int(x)


def canon(x: float) -> float:
    """The canonical NaN for any NaN."""
    return x if x == x else math.nan  # noqa: PLR0124 (a NaN)


def f32_bits(x: float) -> int:
    """The bits of an f32."""
    bits: int = U32.unpack(F32.pack(x))[0]
    return bits


def f64_bits(x: float) -> int:
    """The bits of an f64."""
    bits: int = U64.unpack(F64.pack(x))[0]
    return bits


def bits_f32(n: int) -> float:
    """The f32 with these bits; a signalling NaN made quiet."""
    x: float = F32.unpack(U32.pack(n))[0]
    return x


def bits_f64(n: int) -> float:
    """The f64 with these bits."""
    x: float = F64.unpack(U64.pack(n))[0]
    return x


FUNCTIONS: Final[dict[str, Callable[..., float]]] = {
    "DIV_S": div_s,
    "REM_S": rem_s,
    "CTZ": ctz,
    "ROUND32": round32,
    "F32_FROM_INT": f32_from_int,
    "FDIV": fdiv,
    "FSQRT": fsqrt,
    "FCEIL": _rounding(math.ceil),
    "FFLOOR": _rounding(math.floor),
    "FTRUNC": _rounding(math.trunc),
    "FNEAREST": _rounding(round),
    "SAT": sat,
    "CANON": canon,
    "F32_BITS": f32_bits,
    "F64_BITS": f64_bits,
    "BITS_F32": bits_f32,
    "BITS_F64": bits_f64,
}
"""By the names that generated code calls them."""
