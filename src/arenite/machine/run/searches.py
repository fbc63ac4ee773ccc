"""A search for an exception's handler as data, and whether one from a file can stand as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.cage import UNIT
from arenite.layout.handlers import END, LINK, RANKED, WANTS_REFERENCE, ClauseRecord, Rank, RegionRecord
from arenite.layout.spaces import Space
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.machine.space.window import Window

RANK: Final = Rank.packer("begins", "before")
REGION: Final = RegionRecord.packer("group", "header")
CLAUSE: Final = ClauseRecord.packer()


class Search(NamedTuple):
    """The fields of a `SearchRecord`."""

    tag: int
    values: int
    reference: int
    thrown: int
    pc: int
    sp: int
    vmctx: int
    clause: int = 0
    place: int = 0
    left: int = 0


def check(window: Window, pc: int, search: tuple[int, ...]) -> bool:
    """Whether a search that the op at `pc` has begun can stand like that: what steps believe.

    The frame that is looked at stands at that op, or where a call comes back; the clause is of the group that is active there.
    """
    now = Search._make(search)
    if now.pc >= len(window.code) or (now.pc != pc and not window.is_return_point(now.pc + UNIT)):
        return False
    found = region_at(window, now.pc)
    if found is None:
        return False
    group, header = found
    if not now.clause:
        return not now.left
    if now.place != header or now.clause not in clauses_of(window, group):
        return False
    return not now.left or (not now.reference and _wants_reference(window, now.clause))


def _wants_reference(window: Window, clause: int) -> bool:
    """Whether its handler does: where there is none yet, it is paid for."""
    *_, flags = CLAUSE.unpack_from(window.handlers[Space.CLAUSES], clause * ClauseRecord.size)
    return bool(flags & WANTS_REFERENCE)


def region_at(window: Window, pc: int) -> tuple[int, int] | None:
    """The group and the place of the header that a search finds for the op that holds `pc`; None where none looks."""
    ranks, regions = window.handlers[Space.RANKS], window.handlers[Space.REGIONS]
    unit = pc // UNIT
    at = unit // RANKED * Rank.size
    if at + Rank.size > len(ranks) or window.module_at(pc) is None:
        return None
    begins, before = RANK.unpack_from(ranks, at)
    number = before + (begins & (2 << unit % RANKED) - 1).bit_count() - 1
    return REGION.unpack_from(regions, number * RegionRecord.size)


def clauses_of(window: Window, group: int) -> Iterator[int]:
    """The numbers of a group's clauses, and of those that it goes on with."""
    clauses = window.handlers[Space.CLAUSES]
    while True:
        yield group
        _, target, _, flags = CLAUSE.unpack_from(clauses, group * ClauseRecord.size)
        if flags & END:
            return
        group = target if flags & LINK else group + 1
