"""Templates: content that never changes and that cages map privately, or copy.

What lies behind a region of a template is zero until changed.  Where there are no private mappings (`Template.file` is None) cages copy
its bytes.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.layout.cage import HOST_PAGE
from arenite.light import NamedTuple
from arenite.machine.space.file import data_in
from arenite.machine.space.pages import BLOCK, ZERO_BLOCK, blocks_in, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from arenite.machine.space.spares import Spares


class Extent(NamedTuple):
    """Bytes of a file: whole pages."""

    offset: int
    size: int


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
        self.spares: Spares | None = None  # of cages that map it, whole
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
        """This template for regions that are at most so long."""
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
        if not self.size(region):
            return
        assert self.file is not None
        first, end = self.extents[region].offset, self.extents[region].offset + self.size(region)
        for start, stop in data_in(self.file, first, end):
            yield start - first, stop - first
        if os.fstat(self.file).st_size < end:  # asked last, so what was cut before was not taken for a hole
            raise self.lost()


class PortableTemplate(Template):
    """A template in ordinary memory: of each region its blocks that are not all zero, by number."""

    def __init__(self, sizes: Sequence[int], blocks: Sequence[Mapping[int, bytes]]) -> None:
        self.file = None
        self.name = ""
        self._data = {}
        self.blocks = tuple(blocks)
        self.extents = tuple(Extent(0, size) for size in sizes)
        self.pages = (
            sum(stop - start for found in blocks for block in found.values() for start, stop in spans(block)) // HOST_PAGE
        )
        self.spaced = False
        self.spares = None

    def within(self, sizes: Sequence[int]) -> PortableTemplate:
        """This template for regions that are at most so long."""
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
