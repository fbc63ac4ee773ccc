"""Fields of machine code: how a number is written into one, and what no field holds.

Compiled by mypyc.
"""

from __future__ import annotations

from librt.strings import BytesWriter  # noqa: TC002 (compiled code checks its arguments at run time)
from mypy_extensions import i64

from arenite.bytecode.words import patch, word_at
from arenite.tiers.baseline.tables import Tables  # noqa: TC001 (as above)


class UncompilableError(Exception):
    """A function has a number that no stencil has room for: the interpreter runs it."""


def reached(number: i64, bits: i64) -> i64:
    """A signed number's lowest bits, if those are all it has.  Raises: `UncompilableError`."""
    half = i64(1) << (bits - 1)
    if number < -half or number >= half:
        raise UncompilableError
    return number & (half + half - 1)


def filled(word: i64, number: i64) -> i64:
    """An instruction of aarch64 with a number in its place: a piece of 16 bits, a displacement, a way in bytes.

    Raises: `UncompilableError` when it does not fit.
    """
    if word & 0x1F800000 == 0x12800000:  # movz, movk, movn
        return word & ~0x1FFFE0 | (number >> ((word >> 21 & 3) << 4) & 0xFFFF) << 5
    if word & 0x3B000000 == 0x39000000 or word & 0x7F800000 == 0x11000000:  # ldr, str, add
        scale: i64 = 0
        if word & 0x3B000000 == 0x39000000:
            scale = 4 if word & 0x04800000 == 0x04800000 else word >> 30
        scaled = number >> scale
        if scaled << scale != number or scaled < 0 or scaled > 0xFFF:
            raise UncompilableError
        return word & ~0x3FFC00 | scaled << 10
    if word & 0x1F000000 == 0x10000000:  # adr; adrp, in pages
        way = reached(number, 21)
        return word & ~0x60FFFFE0 | (way & 3) << 29 | way >> 2 << 5
    if word & 0x7C000000 == 0x14000000:  # b
        return word & ~0x3FFFFFF | reached(number, 28) >> 2
    return word & ~0xFFFFE0 | reached(number, 21) >> 2 << 5  # b.cond, cbz, cbnz


def lead(out: BytesWriter, tables: Tables, at: i64, way: i64) -> None:
    """Let a field lead so far."""
    patch(out, at, filled(word_at(out, at), way) if tables.instructions else way - 4)


def leading(tables: Tables, word: int, way: int) -> int:
    """What a field of a call has, which led elsewhere, when it leads so far."""
    return filled(word, way) if tables.instructions else way - 4 & 0xFFFFFFFF
