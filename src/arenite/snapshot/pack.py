"""The packed form: a snapshot's regions as compressed chunks, each stored once, found by the digest of its content.

A region is a list of chunks by number in the table; 0 is a chunk of zeros.  The table has the digest, place and size of each.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from typing import TYPE_CHECKING, Any, Final

import zstandard

from arenite.layout.cage import HOST_PAGE
from arenite.machine.space.file import sealed, write
from arenite.machine.space.pages import BLOCK, CHUNK, ZERO_BLOCK
from arenite.machine.space.template import Extent, PortableTemplate, Template
from arenite.snapshot.container import Section, decompressed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from arenite.machine.space.image import Image
    from arenite.snapshot.checked import Fields
    from arenite.snapshot.container import Reader, Writer

ROW: Final = struct.Struct("<32sQII")  # sha256 of the content, where it lies, compressed and uncompressed size
LEVEL: Final = 3
MOST_PACKED: Final = 2 * CHUNK  # bytes of a compressed chunk: what cannot be compressed grows by a little


def pack_regions(out: Writer, image: Image, progress: Callable[[int, int], object]) -> tuple[list[dict[str, Any]], int]:
    """Write the chunks and the table; the manifest's entries for the regions, and the bytes that these take unpacked."""
    compress = zstandard.ZstdCompressor(level=LEVEL).compress
    known: dict[bytes, int] = {}
    rows, entries, total, start = bytearray(), [], sum(image.sizes), 0
    pieces: list[bytes] = []
    base = out.end
    at, held = base, 0
    for region, size in enumerate(image.sizes):
        numbers = array("I", bytes(4 * -(-size // CHUNK)))
        for offset, chunk in image.chunks(region, CHUNK):
            key = hashlib.sha256(chunk).digest()
            place = known.get(key)
            if place is None:
                data = compress(chunk)
                place = known[key] = len(known) + 1
                rows += ROW.pack(key, at, len(data), len(chunk))
                pieces.append(data)
                at += len(data)
            numbers[offset // CHUNK] = place
            held += len(chunk)
            progress(start + offset + len(chunk), total)
        entries.append({"size": size, "chunks": numbers.tolist()})
        start += size
    out.section(b"".join(pieces))
    table = out.section(bytes(rows))
    entries[0]["table"] = {"offset": table.offset, "size": table.size}
    progress(total, total)
    return entries, held


class Chunks:
    """The packed regions of a file: where each chunk belongs, all of it checked before one is unpacked.  Raises: `SnapshotError`, `Limit`."""

    def __init__(self, reader: Reader, entries: list[Fields], sizes: tuple[int, ...], unused: Collection[int]) -> None:
        self.reader = reader
        self.sizes = sizes
        place = reader.check(entries[0].section("table"))
        if place.size % ROW.size:
            raise reader.error("the table of chunks is damaged")
        reader.limits.check_values(reader.name, place.size // ROW.size)
        self.rows = list(ROW.iter_unpack(reader.read(place)))
        lists = [fields.integers("chunks", len(self.rows)) for fields in entries]
        self.places: dict[int, list[tuple[int, int]]] = {}  # of each row: (region, offset)
        for region, (fields, numbers, size) in enumerate(zip(entries, lists, sizes, strict=True)):
            if fields.integer("size", 0, 1 << 40) != size or len(numbers) != -(-size // CHUNK):
                raise fields.error("chunks", "as many as the region has")
            for index, number in enumerate(numbers):
                if number:
                    self._use(number - 1, region, index * CHUNK)
            if region in unused and any(numbers):
                raise reader.error(f"region {region} has pages, but no instance has its memory")

    def _use(self, row: int, region: int, at: int) -> None:
        length = self.rows[row][3]
        if length != min(CHUNK, self.sizes[region] - at):
            raise self.reader.error(f"chunk {row} has {length} bytes, which do not fit")
        self.places.setdefault(row, []).append((region, at))

    @property
    def held(self) -> int:
        """Bytes of the chunks, each as often as it is used."""
        return sum(self.rows[row][3] * len(places) for row, places in self.places.items())

    def unpack(self, put: Callable[[int, int, bytes], object]) -> int:
        """Unpack each chunk once and put it wherever it belongs; how many pages that were."""
        pages = 0
        for row, places in self.places.items():
            key, offset, size, length = self.rows[row]
            if size > MOST_PACKED:
                raise self.reader.error(f"chunk {row} has {size} bytes compressed")
            try:
                data = decompressed(self.reader.read(Section(offset, size)), length)
            except zstandard.ZstdError as error:
                raise self.reader.error(f"chunk {row} is damaged: {error}") from error
            if len(data) != length or hashlib.sha256(data).digest() != key:
                raise self.reader.error(f"chunk {row} is damaged")
            for region, at in places:
                put(region, at, data)
            pages += len(places) * (length // HOST_PAGE)
        return pages


def unpack_regions(
    reader: Reader, entries: list[Fields], sizes: tuple[int, ...], unused: Collection[int], *, portable: bool
) -> tuple[Template, int]:
    """A template with the regions' content, and the bytes that it takes; every chunk is checked.

    `unused`: regions that hold nothing, for nobody could reach it.  Raises: `SnapshotError`, `Limit`.
    """
    chunks = Chunks(reader, entries, sizes, unused)
    reader.limits.check_pages(reader.name, chunks.held)
    if portable:
        blocks: list[dict[int, bytes]] = [{} for _ in sizes]
        chunks.unpack(lambda region, at, data: _put(blocks[region], at, data))
        return PortableTemplate(sizes, blocks), chunks.held
    extents, end = [], 0
    for size in sizes:
        extents.append(Extent(end, size))
        end += size
    with sealed("arenite template", end) as fd:
        pages = chunks.unpack(lambda region, at, data: write(fd, data, extents[region].offset + at))
    return Template(fd, extents, pages), chunks.held


def _put(blocks: dict[int, bytes], at: int, data: bytes) -> None:
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        if block != ZERO_BLOCK[: len(block)]:
            blocks[(at + start) // BLOCK] = block
