"""A search for an exception's handler, and the tables of a window in which it looks, right below its map of return points.

    … | clauses | regions | ranks | map of return points (`layout.frame`) | bytecode

A *region* begins at each function, and at each op in it that may throw where another group of handlers is active than before.  The region of an op is
found by its *rank*: how many begin up to it.  A *group* is a run of clauses, the innermost first, so the first that fits is the one; group 0 has none.

They lie outside the arena and are made of verified sections (`bytecode.handlers`), so what they say is believed.
"""

from __future__ import annotations

from typing import Final

from arenite.layout.cage import CODE_MAX, MODULE_GRAIN, UNIT
from arenite.layout.frame import RETURN_MAP_SIZE
from arenite.layout.records import Field, Record, StoreContext
from arenite.layout.spaces import Space


class Rank(Record):
    """For each 64 units of bytecode: where regions begin in them."""

    begins = Field("u64", "a bit for each unit, the first one's is the lowest: whether a region begins there", readonly=True)
    before = Field("u32", "regions that begin before these units", readonly=True)


class RegionRecord(Record):
    """Ops with the same handlers."""

    group = Field("u32", "the number of its group's first clause; 0: no handler", readonly=True)
    header = Field("u32", "byte offset of the header in the frames of its function", readonly=True)


class ClauseRecord(Record):
    """One way on for an exception."""

    tag = Field("u32", "of what is caught: place of the tag's offset in the instance; 0: all", readonly=True)
    target = Field("u32", "where its handler begins; of a link the group to go on with", readonly=True)
    values = Field("u32", "byte offset in the frame where the values go", readonly=True)
    flags = Field("u32", "of `WANTS_REFERENCE`, `LINK`, `END`, `BELOW`; from bit 8 on: slots of the values", readonly=True)


class SearchRecord(Record):
    """A search for the handler of an exception, where the arguments of builtins lie otherwise (`StoreContext.arguments`)."""

    tag = Field("u32", "the exception's tag", arena_offset=True)
    values = Field("u32", "its values", arena_offset=True)
    reference = Field("u32", "it as an object, which has the values then; 0: there is none", arena_offset=True)
    thrown = Field("u32", "pc of the op that has thrown it")
    pc = Field("u32", "an op in whose code the frame stands that is looked at")
    sp = Field("u32", "that frame", arena_offset=True)
    vmctx = Field("u32", "its instance", arena_offset=True)
    clause = Field("u32", "the clause that is looked at; 0: its function's handlers come first")
    place = Field("u32", "byte offset of the header in that frame; once there is a handler, where the next value goes")
    left = Field("u32", "of an object that is to be made, what is still to be paid for; of values, those still to be copied")


WANTS_REFERENCE: Final = 1  # a reference to the exception follows the values: an object is made, if it is none yet
LINK: Final = 2  # no handler: the group goes on with that of the enclosing block, whose number is smaller
END: Final = 4  # no handler: the group ends
BELOW: Final = 8  # the reference goes to the slot before the values; without `WANTS_REFERENCE` null if there is none
COUNT_SHIFT: Final = 8

MOST_SLOTS: Final = 2000  # of an exception's values: 1,000 parameters, each a vector

UNWINDING: Final = ("unwind.frame", "unwind.clause", "unwind.keep", "unwind.fill", "unwind.copy")
"""The ops of a search, at fixed places in every window: the last before the first module."""
FRAME_PC, CLAUSE_PC, KEEP_PC, FILL_PC, COPY_PC = (MODULE_GRAIN - UNIT * left for left in range(len(UNWINDING), 0, -1))

RANKED: Final = 64  # units of bytecode of a `Rank`
MOST_ENTRIES: Final = 1 << 22  # regions, and clauses, of a window
RANKS_SIZE: Final = CODE_MAX // (UNIT * RANKED) * Rank.size
TABLES_AT: Final[dict[Space, int]] = {
    Space.RANKS: RETURN_MAP_SIZE + RANKS_SIZE,
    Space.REGIONS: RETURN_MAP_SIZE + RANKS_SIZE + MOST_ENTRIES * RegionRecord.size,
    Space.CLAUSES: RETURN_MAP_SIZE + RANKS_SIZE + MOST_ENTRIES * (RegionRecord.size + ClauseRecord.size),
}
"""Bytes from a table's beginning to that of the bytecode."""
HANDLERS_SIZE: Final = max(TABLES_AT.values()) - RETURN_MAP_SIZE
assert SearchRecord.size <= StoreContext.arguments.size * StoreContext.arguments.count
