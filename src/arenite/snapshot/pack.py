"""The packed form: a snapshot's regions as compressed chunks, each stored once, found by the digest of its content.

A region is a list of chunks by number in the table; 0 is a chunk of zeros.  The table has the digest, place and size of each.
"""

from __future__ import annotations

import hashlib
import os
import struct
from array import array
from typing import TYPE_CHECKING, Any, Final

import zstandard

from arenite import platform
from arenite.machine.image import CHUNK, Extent, Image, PortableTemplate, Template
from arenite.snapshot.container import Section, decompressed

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.snapshot.checked import Fields
    from arenite.snapshot.container import Reader, Writer

ROW: Final = struct.Struct("<32sQII")  # sha256 of the content, where it lies, compressed and uncompressed size
LEVEL: Final = 3


def pack_regions(out: Writer, image: Image, progress: Callable[[int, int], object]) -> list[dict[str, Any]]:
    """Write the chunks and the table; the manifest's entries for the regions."""
    compress = zstandard.ZstdCompressor(level=LEVEL).compress
    known: dict[bytes, int] = {}
    rows, entries, total, start = bytearray(), [], sum(image.sizes), 0
    pieces: list[bytes] = []
    base = out.end
    at = base
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
            progress(start + offset + len(chunk), total)
        entries.append({"size": size, "chunks": numbers.tolist()})
        start += size
    out.section(b"".join(pieces))
    table = out.section(bytes(rows))
    entries[0]["table"] = {"offset": table.offset, "size": table.size}
    progress(total, total)
    return entries


def unpack_regions(reader: Reader, entries: list[Fields], sizes: tuple[int, ...], *, portable: bool) -> Template:
    """A template with the regions' content; every chunk is checked.  Raises: `SnapshotError`."""
    table = reader.read(entries[0].section("table"))
    if len(table) % ROW.size:
        raise reader.error("the table of chunks is damaged")
    rows = list(ROW.iter_unpack(table))
    lists = [fields.integers("chunks", len(rows)) for fields in entries]
    for fields, numbers, size in zip(entries, lists, sizes, strict=True):
        if fields.integer("size", 0, 1 << 40) != size or len(numbers) != -(-size // CHUNK):
            raise fields.error("chunks", "as many as the region has")
    extents, end = [], 0
    for size in sizes:
        extents.append(Extent(end, size))
        end += size
    if portable:
        buffers = [bytearray(min(_used(numbers) * CHUNK, size)) for numbers, size in zip(lists, sizes, strict=True)]
        _unpack(reader, rows, lists, lambda region, at, data: _put(buffers[region], at, data), sizes)
        return PortableTemplate([bytes(b) for b in buffers])
    fd = platform.memfd("arenite template")
    try:
        os.ftruncate(fd, end)
        pages = _unpack(reader, rows, lists, lambda region, at, data: os.pwrite(fd, data, extents[region].offset + at), sizes)
        platform.seal(fd)
    except BaseException:
        os.close(fd)
        raise
    return Template(fd, extents, pages)


def _used(numbers: list[int]) -> int:
    """How many chunks there are up to the last that is not zero."""
    return max((index + 1 for index, number in enumerate(numbers) if number), default=0)


def _put(buffer: bytearray, at: int, data: bytes) -> None:
    buffer[at : at + len(data)] = data


def _unpack(
    reader: Reader,
    rows: list[tuple[bytes, int, int, int]],
    lists: list[list[int]],
    put: Callable[[int, int, bytes], object],
    sizes: tuple[int, ...],
) -> int:
    """Put every chunk where it belongs; how many pages that were."""
    pages = 0
    for region, numbers in enumerate(lists):
        for index, number in enumerate(numbers):
            if number == 0:
                continue
            key, offset, size, length = rows[number - 1]
            at = index * CHUNK
            if length != min(CHUNK, sizes[region] - at):
                raise reader.error(f"chunk {number - 1} has {length} bytes, which do not fit")
            try:
                data = decompressed(reader.read(Section(offset, size)), length)
            except zstandard.ZstdError as error:
                raise reader.error(f"chunk {number - 1} is damaged: {error}") from error
            if len(data) != length or hashlib.sha256(data).digest() != key:
                raise reader.error(f"chunk {number - 1} is damaged")
            put(region, at, data)
            pages += length // 4096
    return pages
