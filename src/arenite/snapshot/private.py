"""Private copies of snapshot files, and the keyed digest that says who wrote one.

A copy lies in a sealed file in memory: nobody can change or cut it while it is read or mapped.  The digest is taken over what goes into the
copy, so what was checked is what is used.

    keyed digest   BLAKE2b with the key, in the header's page; of the size of the file and every chunk that is not all zero, with its
                   number before it, the digest's own place taken as zeros
    seal           a digest that was checked or made, and by which key: what a delta needs to know of its parent

Example:  fd = private_copy(fd, "booted.arn", DEFAULT, key)
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from typing import TYPE_CHECKING, Final

from arenite.errors import SnapshotError
from arenite.light import NamedTuple
from arenite.machine.space.file import data_in, sealed, write
from arenite.machine.space.pages import CHUNK, numbers_in, spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.snapshot.limits import FileLimits

TAG_AT: Final = 128  # in the file
TAG_SIZE: Final = 64
NO_TAG: Final = bytes(TAG_SIZE)
SHORTEST_KEY: Final = 16  # bytes
LONGEST_KEY: Final = hashlib.blake2b.MAX_KEY_SIZE
SMALL: Final = 1 << 20  # bytes on disk, and with the holes, up to which a file is copied unasked
SMALL_SIZE: Final = 64 << 20
NUMBER: Final = struct.Struct("<Q")


class Seal(NamedTuple):
    """`key`: what tells keys apart, but not the key."""

    tag: bytes
    key: bytes


def checked_key(key: bytes | None) -> bytes | None:
    """The key.  Raises: `TypeError` for what are no bytes, `ValueError` for fewer than 16 of them or more than 64."""
    if key is None:
        return None
    if not isinstance(key, bytes):
        raise TypeError(f"a key is bytes, not {type(key).__name__}: make some of a password with hashlib.scrypt")
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"a key of {len(key)} bytes; expected {SHORTEST_KEY} to {LONGEST_KEY}")
    return key


def key_id(key: bytes) -> bytes:
    """What tells keys apart."""
    return hashlib.blake2b(key=key, digest_size=16, person=b"arenite key").digest()


class Tagging:
    """The keyed digest of a file, chunk by chunk, in their order."""

    def __init__(self, key: bytes, size: int) -> None:
        self._hash = hashlib.blake2b(NUMBER.pack(size), key=key, person=b"arenite snapshot")
        self._key = key_id(key)

    def add(self, at: int, chunk: bytes) -> None:
        """A chunk that is not all zero."""
        self._hash.update(NUMBER.pack(at // CHUNK))
        if at == 0:
            chunk = chunk[:TAG_AT] + NO_TAG[: max(len(chunk) - TAG_AT, 0)] + chunk[TAG_AT + TAG_SIZE :]
        self._hash.update(chunk)

    def seal(self) -> Seal:
        """The digest."""
        return Seal(self._hash.digest(), self._key)


def chunks(fd: int, size: int, name: str) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of the first chunk of a file, and of all that are not zero.  Raises: `SnapshotError` when it becomes shorter."""
    zeros = bytes(CHUNK)
    for number in sorted({0, *numbers_in(data_in(fd, 0, size), CHUNK)} if size else ()):
        at = number * CHUNK
        chunk = read(fd, at, min(CHUNK, size - at), name)
        if at == 0 or chunk != zeros[: len(chunk)]:
            yield at, chunk
    if os.fstat(fd).st_size < size:  # asked last, so what was cut is not taken for a hole
        raise SnapshotError(f"{name}: it was cut off while it was read")


def read(fd: int, at: int, size: int, name: str) -> bytes:
    """So many bytes.  Raises: `SnapshotError` when there are fewer by now."""
    pieces, end = [], at + size
    while at < end:
        piece = os.pread(fd, min(end - at, 1 << 30), at)
        if not piece:
            raise SnapshotError(f"{name}: the file ends at {at:#x}: it was cut off while it was read")
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def is_small(fd: int) -> bool:
    """Whether a copy of the file costs next to nothing."""
    info = os.fstat(fd)
    return info.st_size <= SMALL_SIZE and getattr(info, "st_blocks", info.st_size // 512) * 512 <= SMALL


def private_copy(fd: int, name: str, limits: FileLimits | None, key: bytes | None) -> tuple[int, Seal | None]:
    """A sealed copy of an open file, and with a key its seal.  Holes stay holes.

    Raises: `SnapshotError` when it is cut meanwhile, or was not written with this key or changed since; `Limit`; `OSError`.
    """
    size = os.fstat(fd).st_size
    tagging = None if key is None else Tagging(key, size)
    with sealed("arenite snapshot", size) as copy:
        found = _copied(fd, copy, size, name, limits, tagging)
        seal = None if tagging is None else _checked(tagging.seal(), found, name)
    return copy, seal


def _copied(fd: int, copy: int, size: int, name: str, limits: FileLimits | None, tagging: Tagging | None) -> bytes:
    """Copy `size` bytes of a file; what stands where the keyed digest does."""
    taken, found = 0, NO_TAG
    for at, chunk in chunks(fd, size, name):
        if at == 0:
            found = chunk[TAG_AT : TAG_AT + TAG_SIZE]
        if tagging is not None:
            if found.strip(b"\0") == b"":
                raise SnapshotError(f"{name}: it was written without a key")
            tagging.add(at, chunk)
        taken += write_runs(copy, chunk, at)
        if limits is not None:
            limits.check_pages(name, taken)
    return found


def _checked(seal: Seal, found: bytes, name: str) -> Seal:
    if not hmac.compare_digest(seal.tag, found):
        raise SnapshotError(f"{name}: it was not written with this key, or it is not what was written")
    return seal


def write_runs(fd: int, chunk: bytes, at: int) -> int:
    """Write what of a chunk is not zero; how many bytes that were."""
    taken = 0
    for start, stop in spans(chunk):
        write(fd, memoryview(chunk)[start:stop], at + start)
        taken += stop - start
    return taken
