"""Address space that stores of one kind use one after the other: what a birth or a fork maps stays mapped for the next store of that kind.

Mapping and unmapping a cage is most of what a small store costs.  So a few of the cages that a birth, or a template's forks, have mapped are *lent*: when the
store is gone, its reservation is wiped, which gives every page back to what the image says, and lent again.  Forks of one template mostly write to the
same pages, and waiting for these is most of what a large one costs: theirs are written back instead, so they are there already.

    space = spares.take()           # wiped, or None
    spares.lend(machine, space, …)

Invariants: whatever leaves here has been wiped after its last user was gone, and nobody has a view of it: then nothing of what that
user wrote can be seen, by nobody.  What was mapped in another way since (a memory that grew, more of them, a snapshot) is not lent any
more, at once (`Reservation.changed`), so what waits here is small.  Spares belong to their birth or template, and go with it.
"""

from __future__ import annotations

import functools
import os
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from arenite import platform
from arenite.errors import Limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arenite.machine.machine import Machine

MOST: Final = 4  # lent at a time, in a process: the newest
LARGEST: Final = 64 << 20  # bytes of one: what a store has left there takes memory until it is wiped
FEW: Final = (
    5 << 16
)  # bytes that are written again rather than given back: the next store has them as its own, whether it needs them or not


class Lease:
    """A reservation that a store uses.  `space`: None when it is not to come back; `bare`: its references without any view."""

    __slots__ = ("__weakref__", "bare", "machine", "room", "space")

    def __init__(self, machine: Machine, space: platform.Reservation, room: int, bare: int) -> None:
        self.machine: weakref.ref[Machine] | None = weakref.ref(machine)  # None: it has given it back
        self.space: platform.Reservation | None = space
        self.room = room
        self.bare = bare

    def end(self) -> None:
        """The store gives it back."""
        self.machine = None

    @property
    def over(self) -> bool:
        """Whether the store is gone."""
        return self.machine is None or self.machine() is None


@functools.cache
def wiping_works() -> bool:
    """Whether pages are what they were, once they have been given back; emulators have taken that for a hint and done nothing."""
    size, before, after = platform.page_size, b"\xa5", b"\x5a"
    try:
        space, file = platform.Reservation(2 * size), platform.memfd("arenite wiping", before * size)
        try:
            space.map_fixed(0, file, size, 0)
            space.commit(size, 2 * size)
            with space.view(0, 2 * size) as view:
                view[:] = after * (2 * size)
                space.wipe([(0, 2 * size)])
                return bytes(view) == before * size + bytes(size)
        finally:
            os.close(file)
    except (OSError, Limit):
        return False


_lent: deque[weakref.ref[Lease]] = deque()
"""All of the process, the oldest first."""


class Spares:
    """The spares of one birth, or of one template.  `ranges`: (begin, end) of all that a store can write to in the reservation; `size`: of its regions.

    `mappings`: (begin, bytes, offset in the file) of what is there, and `file`, if pages that a store has written are likely to be written by the next one,
    too: then a few are written back where they are, so that nobody waits for a page again.
    """

    def __init__(
        self, ranges: Sequence[tuple[int, int]], size: int, mappings: Sequence[tuple[int, int, int]] = (), file: int = -1
    ) -> None:
        self._ranges = ranges
        self._size = size
        self._mappings, self._file = mappings, file
        self._leases: list[Lease] = []

    def lend(self, machine: Machine, space: platform.Reservation, room: int, bare: int) -> None:
        """A store begins to use a reservation that has what the image says, and will be back."""
        if self._size > LARGEST or not wiping_works():
            return
        lease = Lease(machine, space, room, bare)
        space.lease = weakref.ref(lease)
        self._leases.append(lease)
        _lent.append(weakref.ref(lease))
        while len(_lent) > MOST:
            with suppress(IndexError):  # another thread was here
                oldest = _lent.popleft()()
                if oldest is not None:
                    oldest.space = None

    def take(self, areas: int = 0, changed: Sequence[tuple[int, int]] = ()) -> tuple[platform.Reservation, int] | None:
        """A reservation whose store is gone, with what the image says in it, and for how many areas it has room: at least `areas`.

        `changed`: (begin, end), ascending, of what the caller writes before anybody reads; anything may be there.
        """
        for lease in self._leases.copy():
            if lease.space is not None and (not lease.over or lease.room < areas):
                continue
            with suppress(ValueError):  # another thread has it
                self._leases.remove(lease)  # one call into C: it is taken by one thread
                space, lease.space = lease.space, None
                if space is not None and not space.closed and not space.lost and space.references() == lease.bare:
                    space.lease = None
                    try:
                        if not self._mappings or not written_back(space, self._mappings, self._file, changed):
                            space.wipe(self._ranges)
                    except OSError:  # pages that the process has locked
                        continue
                    return space, lease.room
        return None


def written_back(
    space: platform.Reservation, mappings: Sequence[tuple[int, int, int]], file: int, changed: Sequence[tuple[int, int]] = ()
) -> bool:
    """Let all pages have again what the file says, but those that are `changed` anyway; False, and nothing was done, where that is more than a few.

    Raises: `OSError` in the middle.
    """
    found, size = [], 0
    for start, length, offset in mappings:
        dirty = space.dirty_pages(start, start + length)
        if dirty is None:
            return False
        for begin, end in outside([(start + begin, start + end) for begin, end in dirty], changed):
            found.append((begin, end, offset + begin - start))
            size += end - begin
    if size > FEW:
        return False
    for begin, end, offset in found:
        with space.view(begin, end) as view:
            if os.preadv(file, [view], offset) != end - begin:
                raise OSError("a file that is mapped was cut off")
    return True


def outside(ranges: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of some ranges lies in no other.  Both ascend."""
    first = 0
    for begin, end in ranges:
        while first < len(others) and others[first][1] <= begin:
            first += 1
        at, left = first, begin
        while at < len(others) and others[at][0] < end:
            if left < others[at][0]:
                yield left, others[at][0]
            left = others[at][1]
            at += 1
        if left < end:
            yield left, end


def forget() -> None:
    """Give back what waits, for whoever needs address space."""
    while _lent:
        with suppress(IndexError):
            lease = _lent.popleft()()
            if lease is not None:
                lease.space = None
