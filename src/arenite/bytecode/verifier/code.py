"""A module's code as the verifier reads it, and the error that a broken rule is.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import read_i16_le, read_i32_le
from mypy_extensions import i64

from arenite.bytecode.verifier.slots import NOTHING

RECORD: Final = 28  # bytes of a function's record
MASK: Final[i64] = 0xFFFFFFFF


class Broken(Exception):  # noqa: N818 (made into an `InternalError` where it is caught)
    """A rule is broken.  Arguments: pc or -1, what is wrong."""


def broken(pc: i64, message: str) -> Broken:
    """The exception to raise about the op at `pc`."""
    return Broken(int(pc), message)


@final
class Code:
    """Bytecode, the map of return points, the records of functions."""

    def __init__(self, bytecode: bytes, returns: bytes, functions: bytes) -> None:
        self.bytecode = bytecode
        self.returns = returns
        self.functions = functions

    def half(self, at: i64) -> i64:
        """A u16 of the bytecode."""
        return i64(read_i16_le(self.bytecode, at)) & 0xFFFF

    def number(self, at: i64) -> i64:
        """A u32 of the bytecode."""
        return i64(read_i32_le(self.bytecode, at)) & MASK

    def field(self, function: i64, n: i64) -> i64:
        """A number in the record of a function."""
        return i64(read_i32_le(self.functions, RECORD * function + 4 * n)) & MASK

    # the module

    def is_return_point(self, pc: i64) -> bool:
        """Whether the map says so."""
        unit = pc >> 3
        return unit >> 3 < i64(len(self.returns)) and i64(self.returns[unit >> 3]) >> (unit & 7) & 1 != 0

    def beginning(self, pc: i64) -> i64:
        """The function that begins at a pc, NOTHING if none does."""
        low: i64 = 0
        high: i64 = len(self.functions) // RECORD
        while low < high:
            middle = (low + high) >> 1
            begin = self.field(middle, 0)
            if begin == pc:
                return middle
            if begin < pc:
                low = middle + 1
            else:
                high = middle
        return NOTHING
