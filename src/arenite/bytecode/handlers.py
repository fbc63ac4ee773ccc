"""The section of handlers of a translation, and the tables of a window (`layout.handlers`) that are made of the sections of its modules.

A section is empty where nothing throws and nothing is caught, and consists of u32 numbers elsewhere:

    the count of regions, then for each: pc, group          regions, by pc
    for each clause: tag, target, values, flags             groups, one behind the other; group n begins with the n-th clause, counted from 1

A region begins at an op that may throw (a call, a throw), where another group is active than at the one before it in its function; the first of a
function's is preceded by one without handlers.  A group ends with a link to one whose number is smaller, or an end.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from array import array
from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i32, i64, u8

from arenite.errors import InternalError, Limit
from arenite.layout import handlers
from arenite.layout.cage import UNIT

FUNCTION: Final = 28  # bytes of a function's record
HEAD: Final = 4  # bytes before the regions
REGION: Final = 8
CLAUSE: Final = 16
RANK: Final = 16
RANK_SHIFT: Final = 9  # bytes of bytecode of a rank, as a power of two
LINK: Final[i64] = handlers.LINK
END: Final[i64] = handlers.END
MOST_ENTRIES: Final[i64] = handlers.MOST_ENTRIES
MASK: Final[i64] = 0xFFFFFFFF
assert (handlers.Rank.size, handlers.ClauseRecord.size, UNIT * handlers.RANKED) == (RANK, CLAUSE, 1 << RANK_SHIFT)
BIT: Final = b"\x01\x02\x04\x08\x10\x20\x40\x80"


def handler_pcs(section: bytes) -> bytes:
    """Where handlers begin, as i32, ascending and each once."""
    if not section:
        return b""
    first = HEAD + REGION * read_i32_le(section, 0)
    words = array("i", section[first:])
    found = {pc for pc, flags in zip(words[1::4], words[3::4], strict=True) if not flags & (handlers.LINK | handlers.END)}
    return array("i", sorted(found)).tobytes()


@final
class HandlerTables:
    """The tables of a window with so many bytes of bytecode: `ranks`, `regions`, `clauses`, once all modules are added, and `finish` is called."""

    def __init__(self, size: int) -> None:
        self.ranks = bytearray(((size >> RANK_SHIFT) + 1) * RANK)
        self.regions = BytesWriter()
        self.clauses = BytesWriter()
        self.region(0, 0, 0)  # of what belongs to no function
        self.clause(0, 0, 0, END)  # the group without handlers

    def region(self, pc: i64, group: i64, header: i64) -> None:
        """A region begins."""
        unit = pc >> 3
        at = ((pc >> RANK_SHIFT) << 4) + (unit >> 3 & 7)
        self.ranks[at] = u8(i64(self.ranks[at]) | i64(BIT[unit & 7]))
        write_i32_le(self.regions, i32(group))
        write_i32_le(self.regions, i32(header))

    def clause(self, tag: i64, target: i64, values: i64, flags: i64) -> None:
        """A clause."""
        for number in (tag, target, values, flags):
            write_i32_le(self.clauses, i32((number & MASK ^ 0x80000000) - 0x80000000))

    def add(self, section: bytes, functions: bytes, origin: int) -> None:
        """The handlers of a module, whose bytecode begins at `origin`.

        Raises: `Limit`; `InternalError` for a region or a handler outside of its functions, or a group that is none: the verifier has refused those.
        """
        count = i64(read_i32_le(section, 0)) if len(section) else 0
        first = i64(len(self.clauses)) // CLAUSE - 1
        clauses_at: i64 = HEAD + REGION * count
        size: i64 = len(section)
        total: i64 = len(functions) // FUNCTION
        if len(self.regions) // REGION + total + count > MOST_ENTRIES or (size >> 4) + first > MOST_ENTRIES:
            raise Limit(f"more than {MOST_ENTRIES} regions, or handlers, of exceptions in one store")
        groups = (size - clauses_at) // CLAUSE
        at: i64 = HEAD
        i: i64 = 0
        end: i64 = 0
        while i < total:
            end = i64(read_i32_le(functions, FUNCTION * i + 4)) & MASK
            begin = i64(read_i32_le(functions, FUNCTION * i)) & MASK
            header = i64(read_i32_le(functions, FUNCTION * i + 12)) & MASK
            self.region(origin + begin, 0, header)
            while at < clauses_at and i64(read_i32_le(section, at)) & MASK < end:
                pc, group = i64(read_i32_le(section, at)) & MASK, i64(read_i32_le(section, at + 4)) & MASK
                if pc < begin or group > groups:
                    raise InternalError("a region of handlers is of no function, or of no group")
                self.region(origin + pc, group + first if group else 0, header)
                at += REGION
            i += 1
        if at != clauses_at:
            raise InternalError("a region of handlers is of no function")
        while at < size:
            tag, target = i64(read_i32_le(section, at)) & MASK, i64(read_i32_le(section, at + 4)) & MASK
            values, flags = i64(read_i32_le(section, at + 8)) & MASK, i64(read_i32_le(section, at + 12)) & MASK
            if target > groups if flags & LINK else target >= end and not flags & END:
                raise InternalError("a handler begins outside of the functions, or a group goes on with none")
            self.clause(tag, target + (first if flags & LINK else 0 if flags & END else i64(origin)), values, flags)
            at += CLAUSE

    def finish(self) -> tuple[bytes, bytes, bytes]:
        """The three tables."""
        ranks = bytes(self.ranks)
        out = BytesWriter()
        before: i64 = 0
        at: i64 = 0
        size: i64 = len(ranks)
        while at < size:
            out.write(ranks[at : at + 8])
            write_i32_le(out, i32(before))
            write_i32_le(out, i32(0))
            i: i64 = 0
            while i < 8:
                bits = i64(ranks[at + i])
                while bits != 0:
                    bits &= bits - 1
                    before += 1
                i += 1
            at += RANK
        return out.getvalue(), self.regions.getvalue(), self.clauses.getvalue()
