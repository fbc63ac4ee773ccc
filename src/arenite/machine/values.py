"""Python values and slots: how arguments get into a frame and results out of it.

A slot is 8 bytes; i32 and f32 stand in the lower half, the upper is zero.  Integers come out signed, and go in signed or unsigned.
References: a function reference is the arena offset of its record, a host reference 1 + its index in the store's list; 0 is null.
Converting references needs the store, so the machine gives two functions for it.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from arenite.layout.types import EXTERNREF, F32, F64, FUNCREF, I32, I64, REFERENCES, type_name

if TYPE_CHECKING:
    from arenite.layout.types import FuncType

FORMATS: Final = {I32: "i4x", I64: "q", F32: "f4x", F64: "d", FUNCREF: "I4x", EXTERNREF: "I4x"}
BITS: Final = {I32: 32, I64: 64}

ToGuest = Callable[[int, object], int]  # (reference type, object) -> the slot's value
FromGuest = Callable[[int, int], object]


def integer(value: object, type_: int) -> int:
    """An int for an i32 or i64, signed.  Raises: `TypeError`, `OverflowError`."""
    if not hasattr(value, "__index__"):
        raise TypeError(f"expected an int for {type_name(type_)}, found {type(value).__name__}")
    n: int = value.__index__()
    bits = BITS[type_]
    if not -(1 << (bits - 1)) <= n < 1 << bits:
        raise OverflowError(f"{n} does not fit {type_name(type_)}")
    return n - (1 << bits) if n >> (bits - 1) == 1 else n


def single(value: float) -> float:
    """A float that `struct` accepts for an f32: what is too large becomes infinite, as it does when rounded."""
    try:
        struct.pack("<f", value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return value


class Codec:
    """Arguments and results of one function type."""

    def __init__(self, type_: FuncType) -> None:
        self.type = type_
        self.params = struct.Struct("<" + "".join(FORMATS[t] for t in type_.params))
        self.results = struct.Struct("<" + "".join(FORMATS[t] for t in type_.results))
        self.plain_params = not any(t in REFERENCES for t in type_.params)
        self.plain_results = not any(t in REFERENCES for t in type_.results)

    def pack(self, layout: struct.Struct, types: Sequence[int], values: Sequence[object], view: memoryview, at: int, refs: ToGuest) -> None:
        """Write values of any acceptable form into slots.  Raises: `TypeError`, `OverflowError`."""
        if len(values) != len(types):
            raise TypeError(f"expected {len(types)} values of type ({' '.join(map(type_name, types))}), found {len(values)}")
        layout.pack_into(view, at, *(convert(value, t, refs) for value, t in zip(values, types, strict=True)))

    def unpack(self, layout: struct.Struct, types: Sequence[int], view: memoryview, at: int, refs: FromGuest) -> list[object]:
        """Read values from slots."""
        values: Sequence[object] = layout.unpack_from(view, at)
        return [refs(t, v) if t in REFERENCES and isinstance(v, int) else v for v, t in zip(values, types, strict=True)]


def convert(value: object, type_: int, refs: ToGuest) -> object:
    """A Python value as `struct` wants it for the type."""
    if type_ in BITS:
        return integer(value, type_)
    if type_ in REFERENCES:
        return refs(type_, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a float for {type_name(type_)}, found {type(value).__name__}")
    return single(value) if type_ == F32 else float(value)


@functools.lru_cache(maxsize=4096)
def codec(type_: FuncType) -> Codec:
    """The codec of a type."""
    return Codec(type_)
