"""What host modules hold that is too large for a manifest (`machine.run.chunks`): a section of chunks, each stored once.

The section has one chunk after the other, children before whoever refers to them.  A chunk's address is computed from what is read, so what
was damaged or forged is another chunk, which nobody refers to, and the one that is meant is missing.  A delta has those alone that its parent
has not; in the packed form the section is one Zstandard frame.

Example:  entry, size = write_chunks(out, roots_of(frozen.host_states), parent.chunks, packed=False)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import zstandard

from arenite.errors import SnapshotError
from arenite.machine.run.chunks import ADDRESS_SIZE, HEAD, LARGEST, MOST_CHILDREN, Chunk, Chunked
from arenite.snapshot.container import content_size, decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arenite.machine.run.hosts import HostState
    from arenite.snapshot.checked import Fields
    from arenite.snapshot.container import Reader, Writer
    from arenite.snapshot.limits import FileLimits

Chunks = dict[bytes, Chunk]  # by address

EACH: Final = 512  # bytes of memory that a chunk takes beside its content
LEVEL: Final = 3


def roots_of(state: HostState) -> Iterator[Chunk]:
    """The chunks that a state refers to."""
    if isinstance(state, dict):
        for value in state.values():
            yield from roots_of(value)
    elif isinstance(state, list):
        for value in state:
            yield from roots_of(value)
    elif not (state is None or isinstance(state, (str, bytes, int, float))) and isinstance(state, Chunked):
        yield state.chunk()


def reached(states: Mapping[str, HostState]) -> Chunks:
    """All chunks that host modules hold, by address: children before whoever refers to them."""
    found: Chunks = {}
    todo = [(chunk, False) for state in states.values() for chunk in roots_of(state)]
    while todo:
        chunk, below_done = todo.pop()
        if chunk.address in found:
            continue
        if below_done:
            found[chunk.address] = chunk
        else:
            todo.append((chunk, True))
            todo += [(child, False) for child in chunk.children]
    return found


def write_chunks(out: Writer, chunks: Chunks, known: Chunks, *, packed: bool) -> tuple[dict[str, Any], int]:
    """The manifest's entry, nothing if there are none, and the bytes that they take in memory.  `known`: those of the parent."""
    new = [chunk for address, chunk in chunks.items() if address not in known]
    size = sum(chunk.size for chunk in new)
    held = size + EACH * len(new)
    out.limits.check_pages(str(out.path), held)
    if not new:
        return {}, 0
    if packed:
        data = zstandard.ZstdCompressor(level=LEVEL).compress(
            b"".join(part for chunk in new for part in (chunk.head(), chunk.data))
        )
        place = out.section(data)
    else:
        place = out.reserve(size)
        at = place.offset
        for chunk in new:
            out.write(at, b"".join((chunk.head(), chunk.data)))
            at += chunk.size
    return {"contents": {"offset": place.offset, "size": place.size}}, held


def read_chunks(reader: Reader, manifest: Fields, known: Chunks, held: int) -> tuple[Chunks, int]:
    """The chunks of a file and of its parent, and `held` with what they take in memory.  Raises: `SnapshotError`, `Limit`."""
    if not manifest.has("contents"):
        return known, held
    place = reader.check(manifest.section("contents"))
    packed = reader.kind == "packed"
    size = content_size(reader, place) if packed else place.size
    reader.limits.check_pages(reader.name, held + size)
    data = reader.read(place)
    if packed:
        try:
            data = decompressed(data, size)
        except zstandard.ZstdError as error:
            raise reader.error(f"what is compressed is damaged: {error}") from error
    found = dict(known)
    count = read_into(found, data, reader.limits, reader.name, held + size)
    return found, held + size + EACH * count


def read_into(found: Chunks, data: bytes, limits: FileLimits, name: str, held: int) -> int:
    """Add the chunks of a section to those that are `found`; how many there are."""
    at = count = 0
    while at < len(data):
        count += 1
        limits.check_pages(name, held + EACH * count)
        begin, at = at, at + HEAD.size
        children, size = HEAD.unpack(data[begin:at]) if at <= len(data) else (0, LARGEST + 1)
        end = at + ADDRESS_SIZE * children + size
        if size > LARGEST or children > MOST_CHILDREN or end > len(data):
            raise SnapshotError(f"{name}: the contents of host modules are damaged")
        addresses = (data[place : place + ADDRESS_SIZE] for place in range(at, end - size, ADDRESS_SIZE))
        try:
            chunk = Chunk(data[end - size : end], [found[address] for address in addresses])
        except KeyError:
            raise SnapshotError(f"{name}: of the contents of host modules a part is missing, or damaged") from None
        if found.setdefault(chunk.address, chunk) is not chunk:
            raise SnapshotError(f"{name}: the contents of host modules have a part twice")
        at = end
    return count
