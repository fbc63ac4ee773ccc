"""Address space to build in: the interface, and the form of it that runs everywhere.

A `Space` is one contiguous range of bytes.  On Linux it is a reservation with holes, addresses and copy-on-write files
(`arenite.platform.linux.Reservation`); here it is plain memory, readable and writable from the start, without addresses.

Invariants:
- `start` and `stop` are byte offsets in the space, aligned to pages for everything but `view`;
- the memory goes when the space *and* the last view of it are gone; nothing else frees it but `close`.

    space = PortableReservation(1 << 20)
    space.commit(0, 65536)
    space.view(0, 4)[:] = b"sand"
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Final, Protocol

from arenite.errors import Limit

PIECE: Final = 1 << 16  # copied at once
ZEROS: Final = bytes(PIECE)
page_size: Final = mmap.PAGESIZE
"""The granularity of `commit`, `decommit` and `map`, in bytes."""


class Space(Protocol):
    """What every reservation can do."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    def view(self, start: int, stop: int) -> memoryview:
        """A writable view of the bytes; only committed or mapped ones may be touched.

        Keeps: the memory, for as long as the view lives.
        """

    def commit(self, start: int, stop: int) -> None:
        """Make the pages readable and writable; they read as zero when they are new."""

    def decommit(self, start: int, stop: int) -> None:
        """Give the pages back and forget what they held; until the next `commit` they must not be touched."""

    def map(self, start: int, fd: int, length: int, offset: int = 0, *, writable: bool, private: bool) -> None:
        """Show `length` bytes of the file from `offset` on at `start`, in place of what was there.

        `private`: writes stay here, the file never changes; otherwise they go to the file.
        Raises: `ValueError` when the file is shorter.
        """

    def close(self) -> None:
        """Free the memory now.

        Raises: `BufferError` while a view lives; the space can be used on in that case.
        """


def check_range(space: Space, start: int, stop: int, granularity: int) -> None:
    """Refuse what is not an aligned range inside `space`.  Raises: `ValueError`."""
    if not 0 <= start <= stop <= space.size:
        raise ValueError(f"range {start:#x}..{stop:#x} is not inside a space of {space.size:#x} bytes")
    if (start | stop) % granularity:
        raise ValueError(f"range {start:#x}..{stop:#x} is not aligned to {granularity:#x} bytes")


def round_up(size: int, granularity: int = page_size) -> int:
    """The next multiple of `granularity`, a power of two."""
    return (size + granularity - 1) & -granularity


class PortableReservation:
    """Plain memory behind the interface of `Space`: all of it is there from the start.

    Private to the process: a child after `os.fork` has a copy.
    Raises: `Limit` when the system refuses the memory.
    """

    __slots__ = ("_mapping",)

    def __init__(self, size: int) -> None:
        self._mapping = _plain(size)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self._mapping)

    def view(self, start: int, stop: int) -> memoryview:
        """A writable view of the bytes."""
        check_range(self, start, stop, 1)
        return memoryview(self._mapping)[start:stop]

    def commit(self, start: int, stop: int) -> None:
        """Check the range; the pages are there already."""
        check_range(self, start, stop, page_size)

    def enlarge_pages(self, start: int, stop: int) -> None:
        """Check the range."""
        check_range(self, start, stop, page_size)

    def decommit(self, start: int, stop: int) -> None:
        """Fill the pages with zeros, which is what they hold when they are committed again."""
        check_range(self, start, stop, page_size)
        zeros = bytes(page_size)
        with self.view(start, stop) as view:
            for at in range(0, len(view), page_size):
                view[at : at + page_size] = zeros

    def map(self, start: int, fd: int, length: int, offset: int = 0, *, writable: bool, private: bool) -> None:
        """Copy the bytes of the file.

        Raises: `ValueError` when the file is shorter, `Limit` for a writable shared mapping, which a copy cannot be.
        """
        stop = start + round_up(length)
        check_range(self, start, stop, page_size)
        if writable and not private:
            raise Limit("a mapping that writes to its file is not possible on this platform")
        with mmap.mmap(fd, length, access=mmap.ACCESS_READ, offset=offset) as source, self.view(start, stop) as view:
            view[:length] = source
            view[length:] = bytes(len(view) - length)

    def resize(self, size: int) -> None:
        """Have more bytes, zeros at the end.  Where the system can, it moves the pages and nothing is copied.

        Raises: `Limit` while a view lives, or when the system refuses; all is as it was then.
        """
        try:
            self._mapping.resize(size)
        except BufferError as error:
            raise Limit("a memory must move to grow, but a view of it is held") from error
        except (TypeError, SystemError):  # no moving of pages here
            self.move(size)
        except (OSError, ValueError) as error:
            raise Limit(f"{size:#x} bytes of memory refused: {error}") from error

    def move(self, size: int) -> None:
        """Grow by copying what is not zero.  Views that live show the bytes of before.  Raises: `Limit` when the system refuses."""
        new = _plain(size)
        with memoryview(self._mapping) as old:
            for at in range(0, len(old), PIECE):
                piece = old[at : at + PIECE].tobytes()
                if piece != ZEROS[: len(piece)]:
                    new[at : at + len(piece)] = piece
        self._mapping = new

    @property
    def mapping(self) -> mmap.mmap:
        """The memory, until it is resized."""
        return self._mapping

    def references(self) -> int:
        """A number that is the same as long as no views are made or released."""
        return sys.getrefcount(self._mapping)

    def close(self) -> None:
        """Free the memory now.  Raises: `BufferError` while a view lives."""
        self._mapping.close()


def _plain(size: int) -> mmap.mmap:
    """Memory of zeros.  Raises: `Limit` when the system refuses it."""
    try:
        if sys.platform == "win32":
            return mmap.mmap(-1, size, access=mmap.ACCESS_COPY)
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # which can be resized
    except OSError as error:
        raise Limit(f"{size:#x} bytes of memory refused: {error}") from error


Reservation = PortableReservation
"""What `arenite.platform` offers where a system has no form of its own."""


class Move:
    """What moves pages between reservations where a system has no form of it: it cannot, so they are copied."""

    def __init__(self, source: PortableReservation, target: PortableReservation, ranges: object) -> None:
        """As on Linux."""

    def run(self) -> bool:
        """Whether the pages were moved."""
        return False

    def back(self) -> None:
        """Nothing was moved."""


def touched(space: PortableReservation) -> list[tuple[int, int]] | None:
    """As on Linux; here nobody knows."""
    del space
    return None


def memfd(name: str, data: bytes | bytearray | memoryview | None = None) -> int:
    """A file descriptor of a file without a name on disk: empty, or with `data`.  The caller closes it."""
    import tempfile  # noqa: PLC0415 (with what it needs it takes longer than all of this package, and Linux does without)

    with tempfile.TemporaryFile(prefix=name) as file:
        file.write(data or b"")
        file.flush()
        return os.dup(file.fileno())


def seal(fd: int) -> None:
    """Check that `fd` is open; what `PortableReservation` maps is a copy, which no later write to the file reaches."""
    os.fstat(fd)
