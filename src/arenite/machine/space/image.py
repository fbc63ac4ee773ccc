"""The content of a cage at one moment, of which any number of cages can be made.

An image is a *template*, a file whose content never changes and which cages map privately, and the pages that have changed since.  It
has *regions*: the store page with the arena, then each memory area.  What lies behind a region of the template is zero until changed.
Images of one template share it whatever the depth of forks: an image never refers to another image.

Where there are no private mappings (`Template.file` is None) cages copy the template's bytes.
"""

from __future__ import annotations

import os
import weakref
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from arenite import platform
from arenite.errors import Limit, SnapshotError
from arenite.layout.cage import HOST_PAGE, LOW, region_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

ZERO_PAGE: Final = bytes(HOST_PAGE)
BLOCK: Final = 16 * HOST_PAGE  # compared at once
LONGEST_RUN: Final = 1 << 24
CHUNK: Final = 64 * HOST_PAGE  # copied at once
ZERO_BLOCK: Final = bytes(BLOCK)
MANY: Final = 16  # pages from which on the system puts them in their places
MOST_PLACES: Final = 1024  # of one `preadv`
GAP: Final = region_at(1) - region_at(0)  # from the store page to memory 0
ARENA: Final = 0  # the region of the store page and the arena; memory area n is region n + 1


@dataclass(frozen=True)
class Extent:
    """Bytes of a file: whole pages."""

    offset: int
    size: int


class File:
    """A descriptor that is closed with the object."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        weakref.finalize(self, os.close, fd)


class Template:
    """A file, open for reading, that nobody changes any more; its regions' extents.  It is closed with the object.

    `name`: of a file that lies where others may cut it off nevertheless; otherwise empty.

    `pages`: how many of its pages are not zero, for judging whether an image has drifted too far from it.  `spaced`: memory 0 lies as
    far behind the arena as in a cage, and between them there are zeros.
    """

    def __init__(self, fd: int, extents: Sequence[Extent], pages: int, *, spaced: bool = False, name: str = "") -> None:
        self.file: int | None = fd
        self.name = name
        self.extents = tuple(extents)
        self.pages = pages
        self.spaced = spaced
        self._data: dict[int, list[tuple[int, int]]] = {}
        weakref.finalize(self, os.close, fd)

    def size(self, region: int) -> int:
        """Bytes of a region, 0 if the template has no such region."""
        return self.extents[region].size if region < len(self.extents) else 0

    def read(self, region: int, start: int, stop: int) -> bytes:
        """Bytes of a region, as far as the template has it.  Holes take no memory.  Raises: `SnapshotError` for a file that was cut."""
        stop = min(stop, self.size(region))
        if start >= stop:
            return b""
        assert self.file is not None
        try:
            found = os.pread(self.file, stop - start, self.extents[region].offset + start)
        except OSError as error:
            raise self.lost() from error
        if len(found) < stop - start:
            raise self.lost()
        return found

    def lost(self) -> SnapshotError:
        """What to raise when a part of the file is not there any more."""
        return SnapshotError(f"{self.name}: the file was cut, or could not be read, while it was mapped")

    def within(self, sizes: Sequence[int]) -> Template:
        """The same for regions that are at most so long."""
        if not _beyond(self.extents, sizes):
            return self
        assert self.file is not None
        cut = [Extent(e.offset, min(e.size, size)) for e, size in zip(self.extents, sizes, strict=False)]
        return Template(os.dup(self.file), cut, self.pages, name=self.name)

    def data(self, region: int) -> list[tuple[int, int]]:
        """(start, stop) of the parts of a region that may not be zero: those that the file has data for."""
        found = self._data.get(region)
        if found is None:
            found = self._data[region] = list(self._seek(region))
        return found

    def _seek(self, region: int) -> Iterator[tuple[int, int]]:
        """`data`, asked of the system."""
        size = self.size(region)
        if not size:
            return
        if self.file is None or not hasattr(os, "SEEK_DATA"):
            yield 0, size
            return
        first = self.extents[region].offset
        at, end = first, first + size
        while at < end:
            try:
                at = os.lseek(self.file, at, os.SEEK_DATA)
            except OSError:  # ENXIO: no data behind
                break
            hole = min(os.lseek(self.file, at, os.SEEK_HOLE), end)
            if at < end:
                yield at - first, hole - first
            at = hole
        if os.fstat(self.file).st_size < end:  # asked last, so what was cut before was not taken for a hole
            raise self.lost()

    def chunks_with_data(self, region: int, size: int) -> Iterator[int]:
        """Numbers of the chunks of `size` bytes of a region that may not be zero."""
        last = -1
        for start, stop in self.data(region):
            for index in range(max(start // size, last + 1), -(-stop // size)):
                yield index
                last = index


class PortableTemplate(Template):
    """A template in ordinary memory: of each region its blocks that are not all zero, by number."""

    def __init__(self, sizes: Sequence[int], blocks: Sequence[Mapping[int, bytes]]) -> None:
        self.file = None
        self.name = ""
        self._data = {}
        self.blocks = tuple(blocks)
        self.extents = tuple(Extent(0, size) for size in sizes)
        self.pages = sum(stop - start for found in blocks for block in found.values() for start, stop in runs(block)) // HOST_PAGE
        self.spaced = False

    def within(self, sizes: Sequence[int]) -> PortableTemplate:
        """The same for regions that are at most so long."""
        if not _beyond(self.extents, sizes):
            return self
        cut = [min(extent.size, size) for extent, size in zip(self.extents, sizes, strict=False)]
        kept = (
            {n: b[: size - n * BLOCK] for n, b in found.items() if n * BLOCK < size}
            for found, size in zip(self.blocks, cut, strict=False)
        )
        return PortableTemplate(cut, list(kept))

    def read(self, region: int, start: int, stop: int) -> bytes:
        """Bytes of a region, as far as the template has it."""
        stop = min(stop, self.size(region))
        if start >= stop:
            return b""
        blocks, first = self.blocks[region], start // BLOCK
        whole = b"".join(blocks.get(number, ZERO_BLOCK) for number in range(first, -(-stop // BLOCK)))
        return whole[start - first * BLOCK : stop - first * BLOCK]

    def _seek(self, region: int) -> Iterator[tuple[int, int]]:
        """`data`: the blocks."""
        size = self.size(region)
        for number in sorted(self.blocks[region]) if size else ():
            yield number * BLOCK, min((number + 1) * BLOCK, size)


def _beyond(extents: Sequence[Extent], sizes: Sequence[int]) -> bool:
    """Whether a template has a region that is longer than `sizes` says, or not among them."""
    return len(extents) > len(sizes) or any(e.size > size for e, size in zip(extents, sizes, strict=False))


@dataclass(frozen=True)
class Pages:
    """Some pages of a region: their numbers, ascending, and their bytes one after the other."""

    numbers: Sequence[int]
    content: bytes | memoryview

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

    def write_to(self, view: memoryview) -> None:
        """Put the pages where they belong in a region."""
        if len(self.numbers) >= MANY and hasattr(os, "preadv"):
            self._read_into(view)
            return
        content, at = memoryview(self.content), 0
        for begin, end in self.places:
            view[begin:end] = content[at : at + end - begin]
            at += end - begin

    def _read_into(self, view: memoryview) -> None:
        """The same by the system, for which touching a page that nobody has touched is a fifth cheaper."""
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


@dataclass(frozen=True)
class Image:
    """A template and what has changed since.  `sizes`: bytes of each region, at least those of the template's."""

    template: Template
    sizes: tuple[int, ...]
    changed: tuple[Pages, ...]

    @cached_property
    def mappings(self) -> tuple[tuple[int, int, int], ...]:
        """(where in a cage's reservation, bytes, offset in the template's file) of each part that is mapped.

        Where the file has memory 0 as far behind the arena as a cage does, one mapping serves both: a fork is made of little else.  What
        lies between is then no guard but zeros; nobody but a damaged arena leads there, and it is the store's own.
        """
        parts = [(region_at(r) - LOW, e.size, e.offset) for r, e in enumerate(self.template.extents[: len(self.sizes)]) if e.size]
        if self.template.spaced and len(parts) > 1 and parts[1][0] - parts[0][0] == GAP:
            parts[:2] = [(parts[0][0], GAP + parts[1][1], parts[0][2])]
        return tuple(parts)

    @cached_property
    def behind(self) -> tuple[tuple[int, int], ...]:
        """(begin, end) in a cage's reservation of each part behind the template's."""
        parts = ((region_at(region) - LOW, self.template.size(region), size) for region, size in enumerate(self.sizes))
        return tuple((at + known, at + size) for at, known, size in parts if size > known)

    @cached_property
    def drifted(self) -> tuple[tuple[int, int, Pages], ...]:
        """(begin, end) in a cage's reservation of each region with changed pages, and these."""
        parts = zip(enumerate(self.sizes), self.changed, strict=True)
        return tuple((region_at(r) - LOW, region_at(r) - LOW + size, pages) for (r, size), pages in parts if pages.numbers)

    @cached_property
    def changes(self) -> int:
        """How many pages have changed."""
        return sum(map(len, self.changed))

    def resized(self, sizes: tuple[int, ...]) -> Image:
        """The same with more or fewer regions, longer or shorter ones; what is new is zero."""
        changed = [pages.below(size) for pages, size in zip(self.changed, sizes, strict=False)]
        return Image(self.template.within(sizes), sizes, (*changed, *[NO_PAGES] * (len(sizes) - len(changed))))

    def without(self, regions: Collection[int]) -> Image:
        """The same with nothing but zeros in some regions."""
        if not regions:
            return self
        changed = (NO_PAGES if number in regions else pages for number, pages in enumerate(self.changed))
        kept = [0 if number in regions else size for number, size in enumerate(self.sizes)]
        return Image(self.template.within(kept), self.sizes, tuple(changed))

    def page(self, region: int, number: int) -> bytes:
        """The bytes of one page."""
        pages = self.changed[region]
        at = bisect_left(pages.numbers, number)
        if at < len(pages) and pages.numbers[at] == number:
            return bytes(pages.content[at * HOST_PAGE : (at + 1) * HOST_PAGE])
        return self.template.read(region, number * HOST_PAGE, (number + 1) * HOST_PAGE) or ZERO_PAGE

    def chunks(self, region: int, size: int = CHUNK) -> Iterator[tuple[int, bytes]]:
        """The bytes of a region, `size` at a time (whole pages), where they are not all zero: (offset, bytes)."""
        changed = self.changed[region]
        end, zeros = self.sizes[region], bytes(size)
        places = sorted({n * HOST_PAGE // size for n in changed.numbers})
        next_page = 0
        for index in merged(places, self.template.chunks_with_data(region, size)):
            at = index * size
            length = min(size, end - at)
            chunk = self.template.read(region, at, at + length)
            chunk += bytes(length - len(chunk))
            if next_page < len(changed.numbers) and changed.numbers[next_page] * HOST_PAGE < at + length:
                patched = bytearray(chunk)
                while next_page < len(changed.numbers) and (to := changed.numbers[next_page] * HOST_PAGE - at) < length:
                    patched[to : to + HOST_PAGE] = changed.content[next_page * HOST_PAGE : (next_page + 1) * HOST_PAGE]
                    next_page += 1
                chunk = bytes(patched)
            if chunk != zeros[:length]:
                yield at, chunk

    def pages(self, region: int) -> Iterator[tuple[int, bytes]]:
        """The pages of a region that are not zero: (number, bytes)."""
        for at, chunk in self.chunks(region):
            for start in range(0, len(chunk), HOST_PAGE):
                page = chunk[start : start + HOST_PAGE]
                if page != ZERO_PAGE:
                    yield (at + start) // HOST_PAGE, page


def rebuilt(image: Image) -> Image:
    """The same content as a template of its own."""
    return written(image.sizes, _content(image))


def _content(image: Image) -> Iterator[tuple[int, int, memoryview]]:
    """(region, offset, bytes) of what is not zero in an image: what a template's file has no page for takes no memory."""
    for region in range(len(image.sizes)):
        for at, chunk in image.chunks(region):
            view = memoryview(chunk)
            for start, stop in runs(chunk):
                yield region, at + start, view[start:stop]


def written(sizes: tuple[int, ...], content: Iterable[tuple[int, int, memoryview]]) -> Image:
    """An image whose template is a file in memory with this content; memory 0 lies as far behind the arena as in a cage."""
    extents, end, pages = [], 0, 0
    for region, size in enumerate(sizes):
        if region == 1:
            end = GAP
        extents.append(Extent(end, size))
        end += size
    fd = platform.memfd("arenite template")
    try:
        os.ftruncate(fd, end)
        for region, at, data in content:
            write(fd, data, extents[region].offset + at)
            pages += len(data) // HOST_PAGE
        platform.seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return Image(Template(fd, extents, pages, spaced=True), sizes, (NO_PAGES,) * len(sizes))


def write(fd: int, data: bytes | memoryview, at: int) -> None:
    """Put all of the bytes at an offset of a file: a system that is short of room takes a part."""
    with memoryview(data) as rest:
        done = 0
        while done < len(rest):
            done += os.pwrite(fd, rest[done:], at + done)


def runs(chunk: bytes) -> Iterator[tuple[int, int]]:
    """Runs of pages of a chunk that are not zero."""
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


def blocks_in(ranges: Iterable[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of the blocks of a region of `size` bytes that have a part in any of the ranges; ascending, each once."""
    numbers = {number for start, stop in ranges for number in range(start // BLOCK, -(-min(stop, size) // BLOCK))}
    for number in sorted(numbers):
        yield number * BLOCK, min((number + 1) * BLOCK, size)


def nonzero_blocks(view: memoryview, ranges: Iterable[tuple[int, int]]) -> dict[int, bytes]:
    """The blocks in `ranges` of a region that are not all zero, by number."""
    found = {}
    for start, stop in blocks_in(ranges, len(view)):
        block = view[start:stop].tobytes()
        if block != ZERO_BLOCK[: stop - start]:
            found[start // BLOCK] = block
    return found


def different_pages(
    view: memoryview, template: Template, region: int, ranges: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of the pages in `ranges` of a region that are not the template's."""
    for block_at, block_end in blocks_in(ranges, len(view)):
        block = view[block_at:block_end].tobytes()
        before = template.read(region, block_at, block_at + len(block))
        before += bytes(len(block) - len(before))
        if block == before:
            continue
        for at in range(0, len(block), HOST_PAGE):
            page = block[at : at + HOST_PAGE]
            if page != before[at : at + HOST_PAGE]:
                yield (block_at + at) // HOST_PAGE, page


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
