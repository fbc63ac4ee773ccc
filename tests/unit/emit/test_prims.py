"""Each primitive's two spellings against each other: LLVM's compiled and run, Python's evaluated, on edge values."""

from __future__ import annotations

import ast
import ctypes
import itertools
import math
import struct
from functools import cache

import pytest

from arenite.bytecode.ops import ROWS
from arenite.bytecode.prims import PRIMS
from arenite.bytecode.protocol import F32, F64, I1, I8, I16, I32, I64, Type, Value
from arenite.emit.addressing import Single
from arenite.emit.llvm_text import METADATA, LlvmText, declarations
from arenite.emit.numerics import FUNCTIONS
from arenite.emit.python_text import Expression, PythonText
from arenite.emit.python_tree import built
from arenite.platform import HAS_OBJECTS, elf, llvm

INTEGERS = (I32, I64)
FLOATS = (F32, F64)
BITS = {F32: I32, F64: I64}
PLAIN = ("add", "sub", "mul", "and", "or", "xor")
SHIFTS = ("shl", "shr_u", "shr_s", "rotl", "rotr")
DIVISIONS = ("div_s", "div_u", "rem_s", "rem_u")
COMPARISONS = tuple(name for name, prim in PRIMS.items() if prim.result == "i1" and prim.llvm.startswith("icmp"))
F_BINARY = ("fadd", "fsub", "fmul", "fdiv")
F_UNARY = ("fsqrt", "fceil", "ffloor", "ftrunc", "fnearest")
F_COMPARE = ("feq", "fne", "flt", "fgt", "fle", "fge", "fuo")

# fmt: off
INTEGER_EDGES = (0, 1, 2, 7, 0x55, -1, -2, 0x7FFFFFFF, 0x80000000, 0x1000001 << 30, 0x7FFFFFBFFFFFFFFF)
F32_EDGES = (
    0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFA00000, 1, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x4B000001, 0xCB7FFFFF, 0x4EFFFFFF,
)
F64_EDGES = (
    0x7FF8 << 48, 0xFFF8000000000001, 0x7FF0000000000001, 0xFFF4 << 48, 1, 0x800FFFFFFFFFFFFF, 1 << 52, 0x7FEFFFFFFFFFFFFF,
    0x36A0000000000000, 0x3690000000000001, 0x47EFFFFFF0000000, 0x47EFFFFFEFFFFFFF, 0x3FF0000010000000, 0x4330000000000001,
)
FLOAT_EDGES = (
    0.0, 0.5, 1.0, 1.5, 2.5, 3.7, 1e10, 2.0**31, 2.0**32, 2.0**63, 2.0**64, 1.1, math.inf, 0.49999999999999994, 4503599627370495.5,
)
# fmt: on

Case = tuple[str, tuple[Type, ...], Type | None]
CASES: list[Case] = [
    *((name, (t, t), None) for name in (*PLAIN, *SHIFTS, *DIVISIONS, *COMPARISONS) for t in INTEGERS),
    *((name, (t,), None) for name in ("clz", "ctz", "popcnt") for t in INTEGERS),
    *((name, (t, t), None) for name in (*F_BINARY, *F_COMPARE) for t in FLOATS),
    *((name, (t,), None) for name in F_UNARY for t in FLOATS),
    ("both", (I1, I1), None),
    ("not", (I1,), None),
    *(("select", (I1, t, t), None) for t in (*INTEGERS, *FLOATS)),
    *(("extend_s", (a,), b) for a, b in ((I8, I32), (I16, I32), (I8, I64), (I16, I64), (I32, I64))),
    *(("extend_u", (a,), b) for a, b in ((I1, I32), (I8, I32), (I16, I32), (I32, I64))),
    *(("wrap", (a,), b) for a, b in ((I32, I8), (I32, I16), (I64, I8), (I64, I16), (I64, I32))),
    *((name, (i,), f) for name in ("from_s", "from_u") for i in INTEGERS for f in FLOATS),
    *((name, (f,), i) for name in ("trunc_s", "trunc_u", "sat_s", "sat_u") for i in INTEGERS for f in FLOATS),
    ("demote", (F64,), F32),
    ("promote", (F32,), F64),
    *(("bits", (f,), i) for f, i in BITS.items()),
    *(("bits", (i,), f) for f, i in BITS.items()),
]


def words(t: Type) -> list[int]:
    """Edge values, as bits."""
    if t is I1:
        return [0, 1]
    if not t.is_float:
        top = 1 << (t.bits - 1)
        return sorted({x & 2 * top - 1 for x in (*INTEGER_EDGES, top, top - 1, top + 1)})
    special, letter = (F32_EDGES, "<f") if t is F32 else (F64_EDGES, "<d")
    return [*special, *(int.from_bytes(struct.pack(letter, s * x), "little") for x in FLOAT_EDGES for s in (1, -1))]


def as_python(t: Type, bits: int) -> int | float:
    """The value as generated Python holds it."""
    if not t.is_float:
        return bits
    value: float = FUNCTIONS["BITS_F32" if t is F32 else "BITS_F64"](bits)
    return value


def as_bits(t: Type, value: float) -> int:
    """The bits of what generated Python made; of a NaN only that it is a quiet one."""
    if not t.is_float:
        assert 0 <= value < 1 << t.bits
        return int(value)
    bits = int(FUNCTIONS["F32_BITS" if t is F32 else "F64_BITS"](value))
    return quiet(t, bits)


def quiet(t: Type, bits: int) -> int:
    """NaNs alike but for being quiet."""
    if not t.is_float:
        return bits
    mantissa = 23 if t is F32 else 52
    exponent = (1 << (t.bits - 1 - mantissa)) - 1
    is_nan = bits >> mantissa & exponent == exponent and bits & (1 << mantissa) - 1
    return -(bits >> (mantissa - 1) & 1) if is_nan else bits


def in_domain(name: str, types: tuple[Type, ...], to: Type | None, args: tuple[int, ...]) -> bool:
    """Whether a meaning would get there.  Moves of f32 bits work on integers, for Python has no signalling f32."""
    if name in {"select", "bits"} and any(quiet(t, bits) == 0 != bits for t, bits in zip(types, args, strict=True) if t is F32):
        return False
    if name in SHIFTS:
        return args[1] < types[1].bits
    if name in DIVISIONS:
        lowest = 1 << (types[0].bits - 1)
        return args[1] != 0 and not (name.endswith("_s") and args == (lowest, 2 * lowest - 1))
    if name.startswith("trunc"):
        assert to is not None
        x, signed = as_python(types[0], args[0]), name == "trunc_s"
        if math.isnan(x) or math.isinf(x):
            return False
        return (-(1 << (to.bits - 1)) if signed else 0) <= int(x) < 1 << (to.bits - signed)
    return True


def result_type(name: str, types: tuple[Type, ...], to: Type | None) -> Type:
    found = {"same": types[0], "i1": I1, "last": types[-1]}.get(PRIMS[name].result, to)
    assert found is not None
    return found


@cache
def library() -> elf.CodeObject:
    """One function per case, `void(ptr a, ptr b, ptr c, ptr out)`."""
    parts = [declarations(), METADATA]
    for i, (name, types, to) in enumerate(CASES):
        e = LlvmText(Single(), explicit_bounds=False, deterministic=False)
        args = [Value(t, e.line(f"load {t.llvm}, ptr %{place}")) for t, place in zip(types, "abc", strict=False)]
        value = e.pure(name, *args, to=to)
        e.do(f"store {value.type.llvm} {value.text}, ptr %out")
        e.do("ret void")
        parts.append(f"define void @c{i}(ptr %a, ptr %b, ptr %c, ptr %out) {{\n" + "\n".join(e.lines) + "\n}\n")
    return elf.load(llvm.compile_object("".join(parts)), elf.libc_symbols())


@pytest.mark.skipif(not HAS_OBJECTS, reason="needs machine code")
@pytest.mark.parametrize(("name", "types", "to"), CASES, ids=lambda x: x if isinstance(x, str) else None)
def test_llvm_and_python_agree(name: str, types: tuple[Type, ...], to: Type | None) -> None:
    function = ctypes.CFUNCTYPE(None, *4 * [ctypes.c_void_p])(library().symbols[f"c{CASES.index((name, types, to))}"])
    result = result_type(name, types, to)
    values = (Expression(t, tree=built(x)) for t, x in zip(types, "abc", strict=False))
    text = ast.unparse(PythonText(ROWS["halt"], deterministic=False).pure(name, *values, to=to).tree)
    python = eval(f"lambda {', '.join('abc'[: len(types)])}: {text}", dict(FUNCTIONS))
    cells = [ctypes.c_uint64() for _ in range(4)]
    places = [ctypes.addressof(cell) for cell in cells]
    for args in itertools.product(*map(words, types)):
        if not in_domain(name, types, to, args):
            continue
        for cell, arg in zip(cells, args, strict=False):
            cell.value = arg
        cells[3].value = 0
        function(*places)
        expected = quiet(result, cells[3].value & (1 << result.bits) - 1)
        found = as_bits(result, python(*(as_python(t, a) for t, a in zip(types, args, strict=True))))
        assert found == expected, (name, [hex(a) for a in args], text)


def test_every_primitive_is_compared() -> None:
    assert {name for name, _, _ in CASES} == set(PRIMS)


@pytest.mark.parametrize("bits", [0x7FF0000000000001, 0xFFF8000000000000, 0x7FF8000000000123])
def test_canonical_nan(bits: int) -> None:
    assert FUNCTIONS["F64_BITS"](FUNCTIONS["CANON"](FUNCTIONS["BITS_F64"](bits))) == 0x7FF8 << 48
    assert FUNCTIONS["F32_BITS"](FUNCTIONS["CANON"](FUNCTIONS["BITS_F64"](bits))) == 0x7FC00000


def test_bits_of_an_f64_survive() -> None:
    assert FUNCTIONS["F64_BITS"](FUNCTIONS["BITS_F64"](0x7FF0000000000001)) == 0x7FF0000000000001
