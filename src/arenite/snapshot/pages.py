"""The pages of an image in a file, with their checksums.

A region lies at its place, a hole wherever it is zero, so that it can be mapped; a delta's pages lie one after the other behind the list
of their numbers.  Checksums are of *chunks*, so many bytes of a region or of a delta's pages.
"""

from __future__ import annotations

import itertools
import os
from array import array
from typing import TYPE_CHECKING, Final

import xxhash

from arenite.errors import SnapshotError
from arenite.layout.cage import HOST_PAGE
from arenite.machine.space.file import data_in
from arenite.machine.space.pages import BLOCK, CHUNK, NO_PAGES, ZERO_BLOCK, Pages, blocks_in, collected, merged, spans
from arenite.machine.space.template import Extent, PortableTemplate, Template

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.space.image import Image
    from arenite.snapshot.container import Reader, Section, Writer

DIGEST: Final = 16
NO_DIGEST: Final = bytes(DIGEST)  # of a chunk of zeros


def digest(chunk: bytes | memoryview) -> bytes:
    """The checksum of a chunk."""
    return xxhash.xxh3_128_digest(chunk)


def write_region(out: Writer, image: Image, region: int, advance: Callable[[int], object]) -> tuple[Section, bytes]:
    """Write a region at its place; where it lies, and the checksums of its chunks."""
    size = image.sizes[region]
    place = out.reserve(size)
    sums = bytearray(DIGEST * -(-size // CHUNK))
    for at, chunk in image.chunks(region, CHUNK):
        sums[DIGEST * at // CHUNK : DIGEST * (at // CHUNK + 1)] = digest(chunk)
        for start, stop in spans(chunk):
            out.write(place.offset + at + start, memoryview(chunk)[start:stop])
        advance(at + len(chunk))
    return place, bytes(sums)


def verify_region(file: Reader, place: Section, sums: bytes, name: str) -> None:
    """Raises: `SnapshotError` naming the first chunk that is not what was written."""
    zero = bytes(CHUNK)
    for number, at in enumerate(range(0, place.size, CHUNK)):
        chunk = file.read(type(place)(place.offset + at, min(CHUNK, place.size - at)))
        found = NO_DIGEST if chunk == zero[: len(chunk)] else digest(chunk)
        if found != sums[DIGEST * number : DIGEST * (number + 1)]:
            raise file.error(f"{name} is damaged between {at:#x} and {at + len(chunk):#x}")


def checksums(content: bytes | memoryview) -> bytes:
    """The checksums of a delta's pages."""
    view = memoryview(content)
    return b"".join(digest(view[at : at + CHUNK]) for at in range(0, len(view), CHUNK))


def mapped(file: Reader, places: list[Section]) -> Template:
    """The template that a file's regions are."""
    for place in places:
        _check_place(file, place)
    extents, pages = [Extent(p.offset, p.size) for p in places], sum(p.size for p in places) // HOST_PAGE
    return Template(os.dup(file.fd), extents, pages, name="" if file.sealed else file.name)


def _check_place(file: Reader, place: Section) -> None:
    file.check(place)
    if place.offset % HOST_PAGE or place.size % HOST_PAGE:
        raise file.error("a region does not lie on pages")


def copied(file: Reader, places: list[Section]) -> tuple[Template, int]:
    """The regions of a file in ordinary memory, and the bytes that they take.  Raises: `Limit` before it takes more than is allowed."""
    held, blocks = 0, []
    for place in places:
        _check_place(file, place)
        found: dict[int, bytes] = {}
        ranges = ((a - place.offset, b - place.offset) for a, b in data_in(file.fd, place.offset, place.offset + place.size))
        for start, stop in blocks_in(ranges, place.size):
            block = file.read(place._replace(offset=place.offset + start, size=stop - start))
            if block != ZERO_BLOCK[: stop - start]:
                held += len(block)
                file.limits.check_pages(file.name, held)
                found[start // BLOCK] = block
        blocks.append(found)
        if os.fstat(file.fd).st_size < place.offset + place.size:  # asked last, so what was cut is not taken for a hole
            raise file.error("it was cut off while it was read")
    return PortableTemplate([place.size for place in places], blocks), held


def difference(image: Image, parent: Image, region: int) -> Pages:
    """The pages of a region that are not the parent's; where the parent has none, or a shorter one, it is zero."""
    before = parent.changed[region].below(image.sizes[region]) if region < len(parent.sizes) else NO_PAGES
    same = image.template is parent.template
    if same and not before.numbers:
        return image.changed[region]
    if region >= len(parent.sizes):
        return collected(image.pages(region))
    last = image.sizes[region] // HOST_PAGE
    if same:
        candidates = merged(image.changed[region].numbers, before.numbers)
    else:
        theirs = (number for number, _ in parent.pages(region))
        candidates = merged((n for n, _ in image.pages(region)), itertools.takewhile(lambda n: n < last, theirs))
    pages = ((number, image.page(region, number)) for number in candidates)
    return collected((number, page) for number, page in pages if page != parent.page(region, number))


def union(first: Pages, second: Pages) -> Pages:
    """The pages of both; where both have one, the second's."""
    if not first.numbers:
        return second
    if not second.numbers:
        return first
    content = {n: (first, i) for i, n in enumerate(first.numbers)} | {n: (second, i) for i, n in enumerate(second.numbers)}
    numbers = array("I", sorted(content))
    pieces = [bytes(p.content[i * HOST_PAGE : (i + 1) * HOST_PAGE]) for p, i in (content[n] for n in numbers)]
    return Pages(numbers, b"".join(pieces))


def check_numbers(numbers: array[int], size: int) -> None:
    """Page numbers of a delta ascend and lie in their region.  Raises: `SnapshotError`."""
    if len(numbers) and (numbers[-1] * HOST_PAGE >= size or sorted(set(numbers)) != numbers.tolist()):
        raise SnapshotError("the pages of a delta are out of order")
