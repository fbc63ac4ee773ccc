"""Vectors in Python: ints in [0, 2**128), the first lane lowest.  What the Python spelling of primitives calls by capital names, as in `numerics`.

    SPLIT_F32X4(v)     its lanes, a tuple of floats        JOIN_F32X4(lanes)     the vector of these, zeros behind them

A lane of floats is what `struct` makes of it: a signalling NaN of an f32 becomes quiet.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.bytecode.protocol import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.bytecode.protocol import Type

SIZE: Final = 16
SIGN: Final = 0x80
BYTES: Final = struct.Struct(f"{SIZE}s")


def _split(type_: Type) -> Callable[[int], tuple[float, ...]]:
    """From a vector to its lanes."""
    unpack = struct.Struct(f"{SIZE // LANES[type_].size}{LANES[type_].view}").unpack

    def split(vector: int) -> tuple[float, ...]:
        return unpack(vector.to_bytes(SIZE, "little"))

    return split


def _join(type_: Type) -> Callable[[Sequence[float]], int]:
    """From lanes to a vector: of as many as it has, zeros in place of what is missing."""
    count = SIZE // LANES[type_].size
    pack = struct.Struct(f"{count}{LANES[type_].view}").pack

    def join(lanes: Sequence[float]) -> int:
        return int.from_bytes(pack(*lanes[:count], *[0] * (count - len(lanes))), "little")

    return join


def splat(lane: int, size: int) -> int:
    """A number of `size` bytes in every lane."""
    return int.from_bytes(lane.to_bytes(size, "little") * (SIZE // size), "little")


def interleave(a: int, b: int, size: int, start: int) -> int:
    """The lanes of both in turn, from byte `start` on, in half as many bytes as there are."""
    x, y = a.to_bytes(SIZE, "little"), b.to_bytes(SIZE, "little")
    turns = (side[at : at + size] for at in range(start, start + SIZE // 2, size) for side in (x, y))
    return int.from_bytes(b"".join(turns), "little")


def even(a: int, b: int, size: int) -> int:
    """Every other lane of a, then of b."""
    both = a.to_bytes(SIZE, "little") + b.to_bytes(SIZE, "little")
    return int.from_bytes(b"".join(both[at : at + size] for at in range(0, len(both), 2 * size)), "little")


def swizzle(a: int, by: int) -> int:
    """Bytes of a, as those of `by` name them; 0 where they name none."""
    known = a.to_bytes(SIZE, "little") + bytes(256 - SIZE)
    return int.from_bytes(by.to_bytes(SIZE, "little").translate(known), "little")


def bitmask(a: int, size: int) -> int:
    """The sign bits of lanes."""
    tops = a.to_bytes(SIZE, "little")[size - 1 :: size]
    return sum((top >= SIGN) << i for i, top in enumerate(tops))


def all_true(a: int, size: int) -> bool:
    """Whether no lane is zero."""
    lanes = a.to_bytes(SIZE, "little")
    return all(any(lanes[at : at + size]) for at in range(0, SIZE, size))


def load(memory: memoryview, at: int) -> tuple[int]:
    """The vector at a place of a memory, as `struct` gives it.  Raises: `struct.error` outside."""
    return (int.from_bytes(BYTES.unpack_from(memory, at)[0], "little"),)


def store(memory: memoryview, at: int, vector: int) -> None:
    """Set it.  Raises: as `load`."""
    BYTES.pack_into(memory, at, vector.to_bytes(SIZE, "little"))


VECTOR_FUNCTIONS: Final[dict[str, object]] = {
    "SPLAT": splat,
    "INTERLEAVE": interleave,
    "EVEN": even,
    "SWIZZLE": swizzle,
    "BITMASK": bitmask,
    "ALL_TRUE": all_true,
    "ldV": load,
    "stV": store,
    **{f"SPLIT_{type_.name}": _split(type_) for type_ in LANES},
    **{f"JOIN_{type_.name}": _join(type_) for type_ in LANES},
}
"""By the names that generated code calls them."""
