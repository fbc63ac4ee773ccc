"""A snapshot as a picture: bands of cells, each cell so many bytes, with the kind of what lies there and the state of its pages.

    the arena        all of it, in pages
    frames, records  the same closer, in bytes
    memory 0, …      in pages

A cell that covers several kinds shows the one with most bytes in it, a backdrop only where there is nothing else; of several states the
one that says most.

Example:  for band in bands(survey, 128, 64): draw(band.cells)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from arenite.inspect.kinds import BYTES, CONTEXT, FRAMES, FREE, LOST, NULL, UNUSED, RecordKind
from arenite.layout.cage import HOST_PAGE, STACK_AT, STORE_AT
from arenite.machine.space.image import ARENA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.inspect.records import Survey

GRAIN: Final = 16  # bytes: what records are aligned to


class PageState(IntEnum):
    """What is known of a page.  In a snapshot without a parent nothing is `CHANGED`."""

    EMPTY = 0
    KEPT = 1
    CHANGED = 2


PAGE_STATES: Final = {PageState.EMPTY: "zero", PageState.KEPT: "data", PageState.CHANGED: "other than the parent's"}


@dataclass(frozen=True)
class Extent:
    """Bytes of one kind."""

    at: int
    end: int
    kind: RecordKind


@dataclass(frozen=True)
class Cell:
    """One cell."""

    kind: RecordKind
    state: PageState


@dataclass(frozen=True)
class Band:
    """A stretch of a region.  `per`: bytes of a cell; `counts`: pages in each state."""

    title: str
    at: int
    size: int
    per: int
    cells: list[Cell]
    counts: tuple[int, int, int]


def page_states(survey: Survey, region: int) -> bytearray:
    """The state of each page of a region; kept, and nobody's to change."""
    known = survey.states.get(region)
    if known is not None:
        return known
    opened = survey.opened
    states = bytearray(opened.image.sizes[region] // HOST_PAGE)
    for number, _ in opened.image.pages(region):
        states[number] = PageState.KEPT
    for number in opened.delta[region] if opened.delta else ():
        states[number] = PageState.CHANGED
    survey.states[region] = states
    return states


def extents(survey: Survey) -> list[Extent]:
    """What the store page and the arena are divided into, in order, without gaps."""
    sizes = survey.opened.sizes
    top = max((a.end for a in survey.roots.executions if a is not None), default=STACK_AT)
    found, at = [Extent(STORE_AT, 0, CONTEXT), Extent(0, STACK_AT, NULL)], STACK_AT
    for record in survey.records:
        kind, start, end = record.kind, max(record.at, at), min(record.end, survey.arena.size)
        if record.at < STACK_AT or end <= start:
            continue  # what lies inside another record, or over one, belongs to the first
        found += _gap(at, start, top, sizes.stack_limit)
        found.append(Extent(start, end, kind))
        at = end
    found += _gap(at, sizes.heap, top, sizes.stack_limit)
    if max(at, sizes.heap) < survey.arena.size:
        found.append(Extent(max(at, sizes.heap), survey.arena.size, FREE))
    return found


def _gap(start: int, end: int, top: int, limit: int) -> Iterator[Extent]:
    """What lies between two records: stack where no known frame is, or records that nothing leads to; alignment counts to neither."""
    for low, high, kind in ((STACK_AT, top, UNUSED), (top, limit, UNUSED), (limit, end, LOST)):
        a, b = max(start, low), min(end, high)
        if a < b and (b - a >= GRAIN or kind is UNUSED):
            yield Extent(a, b, kind)


def bands(survey: Survey, most: int, overview: int) -> list[Band]:
    """All bands, each of at most so many cells; `overview`: of the whole arena, which is seldom full."""
    arena, states, parts = survey.arena, page_states(survey, ARENA), extents(survey)
    sizes = survey.opened.sizes
    found = [_paged("arena", STORE_AT, states, parts, overview)]
    top = max((e.end for e in parts if e.kind is FRAMES), default=STACK_AT)
    for title, start, end in (("frames", STACK_AT, top), ("records", sizes.stack_limit, sizes.heap)):
        if start < end:
            found.append(_close(survey, title, start, min(end, arena.size), states, parts, most))
    for number, memory in enumerate(survey.roots.memories):
        if memory is not None and sizes.regions[memory.area + 1]:
            pages = page_states(survey, memory.area + 1)
            found.append(_paged(f"memory {number}", 0, pages, [Extent(0, len(pages) * HOST_PAGE, BYTES)], most))
    return found


def _counts(states: bytearray) -> tuple[int, int, int]:
    return states.count(PageState.EMPTY), states.count(PageState.KEPT), states.count(PageState.CHANGED)


def _per(size: int, most: int, grain: int) -> int:
    """Bytes of a cell: a power of two of grains."""
    per = grain
    while -(-size // per) > most:
        per *= 2
    return per


def _paged(title: str, at: int, states: bytearray, parts: list[Extent], most: int) -> Band:
    """A region in whole pages; it begins at `at`."""
    size = len(states) * HOST_PAGE
    per = _per(size, most, HOST_PAGE)
    step = per // HOST_PAGE
    found = [PageState(max(states[n : n + step])) for n in range(0, len(states), step)]
    kinds = _kinds(parts, at, at + size, per)
    return Band(title, at, size, per, [Cell(k, s) for k, s in zip(kinds, found, strict=True)], _counts(states))


def _close(survey: Survey, title: str, start: int, end: int, states: bytearray, parts: list[Extent], most: int) -> Band:
    """A part of the arena in bytes: zeros are empty, the rest is as its pages are."""
    per = _per(end - start, most, GRAIN)
    cells = []
    for kind, at in zip(_kinds(parts, start, end, per), range(start, end, per), strict=True):
        content = survey.arena.bytes(at, min(per, end - at))
        first, last = ((place - STORE_AT) // HOST_PAGE for place in (at, min(at + per, end) - 1))
        state = max(states[first : last + 1])
        cells.append(Cell(kind, PageState(state) if content.strip(b"\0") else PageState.EMPTY))
    first, last = ((place - STORE_AT) // HOST_PAGE for place in (start, end - 1))
    return Band(title, start, end - start, per, cells, _counts(states[first : last + 1]))


def _kinds(parts: list[Extent], start: int, end: int, per: int) -> list[RecordKind]:
    """The kind of each cell from `start` to `end`."""
    shares: list[dict[RecordKind, int]] = [{} for _ in range(start, end, per)]
    for part in parts:
        low, high = max(part.at, start), min(part.end, end)
        for cell in range((low - start) // per, -(-(high - start) // per) if low < high else 0):
            left, right = max(low, start + cell * per), min(high, start + (cell + 1) * per)
            shares[cell][part.kind] = shares[cell].get(part.kind, 0) + right - left
    return [max(share, key=lambda k, s=share: (not k.backdrop, s[k]), default=LOST) for share in shares]  # type: ignore[misc]
