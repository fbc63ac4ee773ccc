"""Python values and slots: how arguments get into a frame and results out of it.

A slot is 8 bytes; i32 and f32 stand in the lower half, the upper is zero.  Integers come out signed, and go in signed or unsigned.  A v128 is
16 `bytes`, in two slots.
References: a function reference or an exception is the arena offset of its record, a host reference 1 + its index in the store's list; 0 is null.
Converting references needs the store, so the machine gives two functions for it.
"""

from __future__ import annotations

import struct
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, SupportsFloat

from arenite.errors import Failure
from arenite.layout.cage import ALIGNMENT
from arenite.layout.frame import SLOT, frame_end, header_offset
from arenite.layout.raw import RAW
from arenite.layout.types import EXNREF, EXTERNREF, F32, F64, FUNCREF, I32, I64, REFERENCES, V128, VECTORS, slots, type_name

if TYPE_CHECKING:
    from arenite.layout.types import FuncType

WORD: Final = "Q" if RAW else "I4x"  # a reference
VECTOR_SIZE: Final = 16
FORMATS: Final = {
    I32: "i4x",
    I64: "q",
    F32: "f4x",
    F64: "d",
    V128: f"{VECTOR_SIZE}s",
    FUNCREF: WORD,
    EXTERNREF: WORD,
    EXNREF: WORD,
}
BITS: Final = {I32: 32, I64: 64}
PATTERNS: Final = {I32: 32, I64: 64, F32: 32, F64: 64, V128: 128}  # bits of what is no reference

CONVERTED: Final = (*REFERENCES, *VECTORS)  # `struct` takes bytes of any length for a v128

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


def vector(value: object) -> bytes:
    """The 16 bytes of a v128, the first lane first.  Raises: `TypeError`, `OverflowError`."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected {VECTOR_SIZE} bytes for v128, found {type(value).__name__}")
    found = bytes(value)
    if len(found) != VECTOR_SIZE:
        raise OverflowError(f"{len(found)} bytes do not fit v128, which has {VECTOR_SIZE}")
    return found


def single(value: float) -> float:
    """A float that `struct` accepts for an f32: what is too large becomes infinite, as it does when rounded."""
    try:
        struct.pack("<f", value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return value


class Typed:
    """A value that says which type it is of; the public API has what it is."""

    __slots__ = ()

    def plain(self, type_: int) -> object:
        """The value, wanted as one of that type.  Raises: `TypeError` if it is of another."""
        raise NotImplementedError


class Codec:
    """Arguments and results of one function type.

    `put_params(view, at, *values)` and `get_results(view, at)` are `struct`'s own, for values of exactly the right kind (`converted`).
    `header`: where a frame of such a function has its header, in bytes; `frame`: where that ends; `room`: where the next may begin;
    `results`: how many.
    """

    def __init__(self, type_: FuncType) -> None:
        self.type = type_
        self.header = header_offset(type_)
        self.frame = frame_end(type_)
        self.room = self.frame + ALIGNMENT - 1 & -ALIGNMENT
        self.results = len(type_.results)
        params, results = (struct.Struct("<" + "".join(FORMATS[t] for t in side)) for side in (type_.params, type_.results))
        self.put_params, self.get_params = params.pack_into, params.unpack_from
        self.put_results, self.get_results = results.pack_into, results.unpack_from
        self.plain_params = not any(t in CONVERTED for t in type_.params)
        self.plain_results = not any(t in CONVERTED for t in type_.results)

    def read_params(self, view: memoryview, at: int, refs: FromGuest) -> Sequence[object]:
        """Read arguments from slots."""
        values = self.get_params(view, at)
        return values if self.plain_params else _with_references(values, self.type.params, refs)

    def read_results(self, view: memoryview, at: int, refs: FromGuest) -> Sequence[object]:
        """Read results from slots."""
        values = self.get_results(view, at)
        return values if self.plain_results else _with_references(values, self.type.results, refs)


def put_bits(view: memoryview, at: int, types: Sequence[int], bits: Sequence[int]) -> None:
    """Write values, given as the bit patterns of their slots.  Raises: `TypeError`, `OverflowError`."""
    for type_, value in zip(types, bits, strict=True):
        size = SLOT * len(slots((type_,)))
        if type_ in PATTERNS:
            if not isinstance(value, int):
                raise TypeError(f"expected an int, the bits of {type_name(type_)}, found {type(value).__name__}")
            if not 0 <= value < 1 << PATTERNS[type_]:
                raise OverflowError(f"{value:#x} is no {PATTERNS[type_]} bits of {type_name(type_)}")
        view[at : at + size] = value.to_bytes(size, "little")
        at += size


def get_bits(view: memoryview, at: int, types: Sequence[int]) -> list[int]:
    """Read them."""
    found = []
    for type_ in types:
        size = SLOT * len(slots((type_,)))
        found.append(int.from_bytes(view[at : at + size], "little"))
        at += size
    return found


def _with_references(values: Sequence[object], types: Sequence[int], refs: FromGuest) -> list[object]:
    return [refs(t, v) if t in REFERENCES and isinstance(v, int) else v for v, t in zip(values, types, strict=True)]


def expect_count(values: Sequence[object], types: Sequence[int]) -> None:
    """See that there are as many values as types.  Raises: `TypeError`."""
    if len(values) != len(types):
        raise TypeError(f"expected {len(types)} values of type ({' '.join(map(type_name, types))}), found {len(values)}")


def converted(values: Sequence[object], types: Sequence[int], refs: ToGuest) -> list[object]:
    """Python values as `struct` wants them.  Raises: `TypeError`, `OverflowError`, `Failure`, which say of several values which one it is; what else `refs` raises."""
    expect_count(values, types)
    found: list[object] = []
    try:
        for value, type_ in zip(values, types, strict=True):
            found.append(convert(value, type_, refs))
    except (TypeError, OverflowError, Failure) as error:
        if len(types) > 1 and type(error) in {TypeError, OverflowError, Failure}:
            error.args = (f"{error} (value {len(found)} of {len(types)}, counted from 0)",)
        raise
    return found


def convert(value: object, type_: int, refs: ToGuest) -> object:
    """A Python value as `struct` wants it for the type.  Raises: `TypeError`, `OverflowError`."""
    if isinstance(value, Typed):
        value = value.plain(type_)
    return refs(type_, value) if type_ in REFERENCES else number(value, type_)


def number(value: object, type_: int) -> int | float | bytes:
    """A Python value as one of the type, which is none of references.  Raises: `TypeError`, `OverflowError`."""
    if type_ in BITS:
        return integer(value, type_)
    if type_ == V128:
        return vector(value)
    if not isinstance(value, SupportsFloat) or isinstance(value, bool):
        raise TypeError(f"expected a float for {type_name(type_)}, found {type(value).__name__}")
    return single(float(value)) if type_ == F32 else float(value)


_codecs: weakref.WeakValueDictionary[FuncType, Codec] = weakref.WeakValueDictionary()


def codec(type_: FuncType) -> Codec:
    """The codec of a type, one for all who use it at a time."""
    found = _codecs.get(type_)
    if found is None:
        found = _codecs[type_] = Codec(type_)
    return found
