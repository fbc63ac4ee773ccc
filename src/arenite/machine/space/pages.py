"""Pages of a region: some of them with their bytes, and which of them are not zero."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from arenite import platform
from arenite.errors import Limit
from arenite.layout.cage import HOST_PAGE
from arenite.machine.space.file import File

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ZERO_PAGE: Final = bytes(HOST_PAGE)
BLOCK: Final = 16 * HOST_PAGE  # compared at once
ZERO_BLOCK: Final = bytes(BLOCK)
CHUNK: Final = 64 * HOST_PAGE  # copied at once
LONGEST_RUN: Final = 1 << 24
MANY: Final = 16  # pages from which on the system puts them in their places
MOST_PLACES: Final = 1024  # of one `preadv`


@dataclass(frozen=True)
class Pages:
    """Some pages of a region: their numbers, ascending, and their bytes one after the other.   `once`: they are hardly put in their places twice."""

    numbers: Sequence[int]
    content: bytes | memoryview
    once: bool = False

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """(begin, end) in the region of each run of neighbours, in the order in which their bytes lie in `content`."""
        found: list[tuple[int, int]] = []
        begin = end = -1
        for number in self.numbers:
            if number != end:
                if end >= 0:
                    found.append((begin * HOST_PAGE, end * HOST_PAGE))
                begin = number
            end = number + 1
        if end >= 0:
            found.append((begin * HOST_PAGE, end * HOST_PAGE))
        return found

    def below(self, size: int) -> Pages:
        """Those that lie in the first `size` bytes of the region."""
        count = bisect_left(self.numbers, size // HOST_PAGE)
        return self if count == len(self.numbers) else Pages(self.numbers[:count], self.content[: count * HOST_PAGE])

    def write_to(self, view: memoryview, *, touched: bool = False) -> None:
        """Put the pages where they belong in a region.  `touched`: most are there already, so that there is little to wait for."""
        if not (touched or self.once) and len(self.numbers) >= MANY and hasattr(os, "preadv"):
            self._read_into(view)
            return
        content, at = memoryview(self.content), 0
        for begin, end in self.places:
            view[begin:end] = content[at : at + end - begin]
            at += end - begin

    def _read_into(self, view: memoryview) -> None:
        """Copy the pages to their places by the system, for which touching a page that nobody has touched is a fifth cheaper."""
        at, end = 0, len(self.content)
        for start in range(0, len(self.places), MOST_PLACES):
            at += os.preadv(self._file.fd, [view[a:b] for a, b in self.places[start : start + MOST_PLACES]], at)
        if at != end:
            raise Limit("no memory for the pages of a snapshot")

    @cached_property
    def _file(self) -> File:
        """The content as a file in memory."""
        return File(platform.memfd("arenite pages", self.content))


NO_PAGES: Final = Pages(array("I"), b"")


def spans(chunk: bytes) -> Iterator[tuple[int, int]]:
    """Spans (start, stop) of a chunk, in whole pages, that are not zero."""
    start = -1
    for at in range(0, len(chunk), HOST_PAGE):
        page = chunk[at : at + HOST_PAGE]
        zero = page == ZERO_PAGE[: len(page)]
        if zero and start >= 0:
            yield start, at
            start = -1
        elif not zero and start < 0:
            start = at
    if start >= 0:
        yield start, len(chunk)


def merged(first: Iterable[int], second: Iterable[int]) -> Iterator[int]:
    """Numbers of two ascending sequences, each once."""
    left, right = iter(first), iter(second)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a <= b):
            assert a is not None
            if a == b:
                b = next(right, None)
            yield a
            a = next(left, None)
        else:
            yield b
            b = next(right, None)


def nonzero_pages(view: memoryview, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of the pages in `ranges` of a region, in order, that are not zero."""
    for start, stop in ranges:
        for block_at in range(start, stop, BLOCK):
            block = view[block_at : min(block_at + BLOCK, stop)].tobytes()
            if block == ZERO_BLOCK:
                continue
            for at in range(0, len(block), HOST_PAGE):
                page = block[at : at + HOST_PAGE]
                if page != ZERO_PAGE:
                    yield (block_at + at) // HOST_PAGE, page


def nonzero_runs(view: memoryview, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """(start, stop) of what is not zero in `ranges` of a region, in blocks; runs are at most so long that a write takes them whole."""
    for begin, end in ranges:
        start = -1
        for at in range(begin, end, BLOCK):
            stop = min(at + BLOCK, end)
            zero = view[at:stop].tobytes() == ZERO_BLOCK[: stop - at]
            if start >= 0 and (zero or at - start >= LONGEST_RUN):
                yield start, at
                start = -1
            if not zero and start < 0:
                start = at
        if start >= 0:
            yield start, end


def numbers_in(ranges: Iterable[tuple[int, int]], grain: int) -> list[int]:
    """Numbers of the pieces of so many bytes that have a part in any of the ranges; ascending, each once."""
    return sorted({number for start, stop in ranges for number in range(start // grain, -(-stop // grain))})


def blocks_in(ranges: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of the blocks of a region of `size` bytes that have a part in any of the ranges; ascending, each once."""
    for number in numbers_in(((start, min(stop, size)) for start, stop in ranges), BLOCK):
        yield number * BLOCK, min((number + 1) * BLOCK, size)


def nonzero_blocks(view: memoryview, ranges: Iterable[tuple[int, int]]) -> dict[int, bytes]:
    """The blocks in `ranges` of a region that are not all zero, by number."""
    found = {}
    for start, stop in blocks_in(ranges, len(view)):
        block = view[start:stop].tobytes()
        if block != ZERO_BLOCK[: stop - start]:
            found[start // BLOCK] = block
    return found


def collected(pages: Iterable[tuple[int, bytes]]) -> Pages:
    """Pages, put together."""
    numbers, content = array("I"), []
    for number, page in pages:
        numbers.append(number)
        content.append(page)
    return Pages(numbers, b"".join(content))


def ranges_of(view: memoryview, ranges: Iterable[tuple[int, int]]) -> Pages:
    """All pages of some ranges of a region."""
    numbers, content = array("I"), []
    for start, stop in ranges:
        numbers.extend(range(start // HOST_PAGE, stop // HOST_PAGE))
        content.append(view[start:stop])
    return Pages(numbers, b"".join(content))
