"""The content of a cage at one moment, of which any number of cages can be made.

An image is a *template*, a file whose content never changes and which cages map privately, and the pages that have changed since.  It
has *regions*: the store page with the arena, then each memory area.  What lies behind a region of the template is zero until changed.
Images of one template share it whatever the depth of forks: an image never refers to another image.

Where there are no private mappings (`Template.file` is None) cages copy the template's bytes.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, Final

from arenite import light
from arenite.layout.cage import HOST_PAGE, LOW, region_at
from arenite.machine.space.file import sealed, write
from arenite.machine.space.pages import CHUNK, NO_PAGES, ZERO_PAGE, Pages, merged, numbers_in, spans
from arenite.machine.space.template import Extent, Template

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

GAP: Final = region_at(1) - region_at(0)  # from the store page to memory 0
ARENA: Final = 0  # the region of the store page and the arena; memory area n is region n + 1


@light.dataclass(frozen=True)
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
    def changed_places(self) -> tuple[tuple[int, int], ...]:
        """(begin, end) in a cage's reservation of each run of changed pages, ascending."""
        return tuple((start + begin, start + end) for start, _, pages in self.drifted for begin, end in pages.places)

    @cached_property
    def changes(self) -> int:
        """How many pages have changed."""
        return sum(map(len, self.changed))

    def resized(self, sizes: tuple[int, ...]) -> Image:
        """This content with more or fewer regions, longer or shorter ones; what is new is zero."""
        changed = [pages.below(size) for pages, size in zip(self.changed, sizes, strict=False)]
        return Image(self.template.within(sizes), sizes, (*changed, *[NO_PAGES] * (len(sizes) - len(changed))))

    def without(self, regions: Collection[int]) -> Image:
        """This content, but nothing but zeros in some regions."""
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
        for index in merged(places, numbers_in(self.template.data(region), size)):
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
    """This content as a template of its own, of which nothing has changed."""
    return written(image.sizes, _content(image))


def _content(image: Image) -> Iterator[tuple[int, int, memoryview]]:
    """(region, offset, bytes) of what is not zero in an image: what a template's file has no page for takes no memory."""
    for region in range(len(image.sizes)):
        for at, chunk in image.chunks(region):
            view = memoryview(chunk)
            for start, stop in spans(chunk):
                yield region, at + start, view[start:stop]


def written(sizes: tuple[int, ...], content: Iterable[tuple[int, int, memoryview]]) -> Image:
    """An image whose template is a file in memory with this content; memory 0 lies as far behind the arena as in a cage."""
    extents, end, pages = [], 0, 0
    for region, size in enumerate(sizes):
        if region == 1:
            end = GAP
        extents.append(Extent(end, size))
        end += size
    with sealed("arenite template", end) as fd:
        for region, at, data in content:
            write(fd, data, extents[region].offset + at)
            pages += len(data) // HOST_PAGE
    return Image(Template(fd, extents, pages, spaced=True), sizes, (NO_PAGES,) * len(sizes))
