"""Linux: address space with holes, addresses and copy-on-write files.

Invariants:
- a `Reservation` starts without access: touching what is not committed or mapped kills the process (or is a guest's
  trap, see `arenite.platform.faults`);
- one `mmap` object owns the whole range, whatever was mapped into it since; there is no `__del__`.

    cage = Reservation(8 << 30)
    cage.commit(0, 65536)
    template = memfd("template", bytes(65536))
    cage.map(65536, template, 65536, writable=True, private=True)
"""

from __future__ import annotations

import fcntl
import mmap
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from arenite.platform import faults, libc, pagemap
from arenite.platform.reserve import check_range, page_size, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.platform.reserve import PortableReservation

RW: Final = mmap.PROT_READ | mmap.PROT_WRITE
PRIVATE: Final = mmap.MAP_PRIVATE | libc.MAP_NORESERVE
NOT_WATCHED: Final = memoryview(b"\0")  # nothing is lost


class Lent(Protocol):
    """How a reservation was lent; its `space` becomes None when something else is mapped there."""

    space: Reservation | None

    def end(self) -> None:
        """Whoever used it gives it back."""


class Reservation:
    """`size` bytes of address space without access: the `Space` of Linux.

    Raises: `Limit` when the system refuses it, also after a garbage collection.
    """

    __slots__ = ("__weakref__", "_idle", "_lost", "_mapping", "_watch", "address", "lease", "size")

    def __init__(self, size: int) -> None:
        self.size = round_up(size)
        self._mapping = libc.reserve(self.size)
        self.address = libc.address_of(self._mapping)
        self._watch, self._lost = -1, NOT_WATCHED
        self._idle = sys.getrefcount(self._mapping)
        self.lease: Callable[[], Lent | None] | None = None
        # Python makes read-only views of what was mapped without access, so access is taken away afterwards.
        libc.protect(self.address, self.size, libc.PROT_NONE)

    def view(self, start: int, stop: int) -> memoryview:
        """A writable view of the bytes; touching any that are not committed or mapped kills the process.

        Keeps: the whole reservation, for as long as the view lives.
        """
        if not 0 <= start <= stop <= self.size:
            check_range(self, start, stop, 1)
        return memoryview(self._mapping)[start:stop]

    def commit(self, start: int, stop: int) -> None:
        """Make the pages readable and writable; they read as zero when they are new."""
        self._check(start, stop)
        self.changed()
        if start < stop:  # qemu-user refuses to change nothing
            libc.protect(self.address + start, stop - start, mmap.PROT_READ | mmap.PROT_WRITE)

    def enlarge_pages(self, start: int, stop: int) -> None:
        """Let what is committed there be backed by large pages where the system has some: whoever writes all of it waits for a few, not for thousands."""
        self._check(start, stop)
        with suppress(OSError, AttributeError):
            self._mapping.madvise(mmap.MADV_HUGEPAGE, start, stop - start)

    def decommit(self, start: int, stop: int) -> None:
        """Give the pages back and take access away."""
        self._check(start, stop)
        self.changed()
        if start < stop:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | libc.MAP_NORESERVE
            libc.map_at(self.address + start, stop - start, libc.PROT_NONE, flags)

    def map(self, start: int, fd: int, length: int, offset: int = 0, *, writable: bool, private: bool) -> None:
        """Show `length` bytes of the file from `offset` on at `start`; the rest of the last page reads as zero.

        Raises: `ValueError` when the file is shorter, for reading behind its end would kill the process.
        """
        self._check(start, start + round_up(length))
        file_size = os.fstat(fd).st_size
        if offset + length > file_size:
            raise ValueError(f"a file of {file_size:#x} bytes has no bytes {offset:#x}..{offset + length:#x}")
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        flags = libc.MAP_NORESERVE | (mmap.MAP_PRIVATE if private else mmap.MAP_SHARED)
        libc.map_at(self.address + start, length, prot, flags, fd, offset)

    def map_fixed(self, start: int, fd: int, length: int, offset: int) -> None:
        """`map` privately and writable, from a file that is known to be long enough: a fork is made of little else."""
        assert not (start | length | offset) % page_size
        assert start + length <= self.size
        if self.lease is not None:
            self.changed()
        libc.map_at(self.address + start, length, RW, PRIVATE, fd, offset)

    def changed(self) -> None:
        """Something else is mapped from now on: whoever lent the space does not want it back.  (What `map` shows is replaced by each user.)"""
        if self.lease is not None:
            lease, self.lease = self.lease(), None
            if lease is not None:
                lease.space = None

    def wipe(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Forget what was written to the pages: they are the file's again, or zero where there is none.  Raises: `OSError`."""
        for start, stop in ranges:
            self._mapping.madvise(mmap.MADV_DONTNEED, start, stop - start)  # which checks them

    @property
    def idle(self) -> bool:
        """Whether somebody else may have it: nobody has a view, it was not closed, and no page was lost, whose zeros stay also when it is wiped."""
        return sys.getrefcount(self._mapping) == self._idle and not self._mapping.closed and not self._lost[0]

    def watch(self) -> memoryview:
        """Let pages of files that are mapped here read as zeros once they are lost; a view of a word that is not 0 then.  Raises: `Limit`."""
        self.unwatch()
        mapping = self._mapping  # views keep it too
        self._watch, self._lost = faults.watch(mapping, self.address, self.address + self.size)
        return self._lost

    def unwatch(self) -> None:
        """Have them end the process again."""
        if self._watch >= 0:
            faults.unwatch(self._watch)
            self._watch = -1

    def dirty_pages(self, start: int, stop: int) -> list[tuple[int, int]] | None:
        """Ranges of whole pages, as offsets from `start`, that are this mapping's own: written since the file was mapped, or, where
        there is no file, ever touched.  None when the system does not tell.
        """
        self._check(start, stop)
        try:
            return pagemap.dirty_pages(self.address + start, stop - start)
        except OSError:
            return None

    def views(self) -> int:
        """How many views of it there are, those of parts of one not counted."""
        return sys.getrefcount(self._mapping) - self._idle

    def close(self) -> None:
        """Unmap everything now.  Raises: `BufferError` while a view lives; the reservation stays usable in that case."""
        self._mapping.close()
        self.unwatch()

    def _check(self, start: int, stop: int) -> None:
        """Refuse unaligned or foreign ranges, and any after `close`, when the addresses may be somebody else's."""
        if self._mapping.closed:
            raise ValueError("the reservation is closed")
        check_range(self, start, stop, page_size)


def touched(space: PortableReservation) -> list[tuple[int, int]] | None:
    """Ranges of whole pages of plain memory outside of which all is zero, for nobody has ever written there; None when the system does not tell."""
    try:
        return pagemap.dirty_pages(libc.address_of(space.mapping), round_up(space.size))
    except OSError:
        return None


class Move:
    """Pages on their way from ranges of a reservation to the same places of another: all of them, or `back` undoes it.

    Where they were they read as zeros until that reservation is closed.  An exception may come behind any call: what has been moved is
    noted in the call that moves it, and `back` can be called again.
    """

    def __init__(self, source: Reservation, target: Reservation, ranges: Sequence[tuple[int, int]]) -> None:
        source.changed()
        target.changed()
        self._sizes = [stop - start for start, stop in ranges]
        self._there = [source.address + start for start, _ in ranges]
        self._here = [target.address + start for start, _ in ranges]
        self._moved: list[int] = []
        self._returned: list[int] = []

    def run(self) -> bool:
        """Move them; whether the system could."""
        libc.move_all(self._there, self._sizes, self._here, self._moved)
        return libc.FAILED not in self._moved

    def back(self) -> None:
        """Move back what was moved and has not been moved back."""
        moved = [n for n, address in enumerate(self._moved) if address != libc.FAILED][len(self._returned) :]
        here, sizes, there = ([places[n] for n in moved] for places in (self._here, self._sizes, self._there))
        libc.move_all(here, sizes, there, self._returned)


def memfd(name: str, data: bytes | bytearray | memoryview | None = None) -> int:
    """A file descriptor of a file in memory: empty, or with `data` and sealed.  The caller closes it."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    if data is not None:
        try:
            with memoryview(data).cast("B") as rest:
                done = 0
                while done < len(rest):
                    done += os.write(fd, rest[done:])
            seal(fd)
        except BaseException:
            os.close(fd)
            raise
    return fd


def seal(fd: int) -> None:
    """Make the contents and the size of a `memfd` final: what is mapped from it can never change or go away."""
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
