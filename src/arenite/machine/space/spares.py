"""Address space that stores of one kind use one after the other: what a birth maps stays mapped for the next store of that kind.

Mapping and unmapping a cage is most of what a small store costs.  So a few of the cages that a birth has mapped are *lent*: when the store
is gone, its reservation is wiped, which gives every page back to what the image says, and lent again.

    space = spares.take()           # wiped, or None
    spares.lend(machine, space, …)

Invariants: whatever leaves here has been wiped after its last user was gone, and nobody has a view of it: then nothing of what that
user wrote can be seen, by nobody.  What was mapped in another way since (a memory that grew, more of them, a snapshot) is not lent any
more, at once (`Reservation.changed`), so what waits here is small.  Spares belong to their birth, and go with it.
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
    from collections.abc import Sequence

    from arenite.machine.machine import Machine

MOST: Final = 4  # lent at a time, in a process: the newest
LARGEST: Final = 16 << 20  # bytes of one: what a store has left there takes memory until it is wiped


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
    """The spares of one birth.  `ranges`: (begin, end) of all that a store can write to in the reservation; `size`: of its regions."""

    def __init__(self, ranges: Sequence[tuple[int, int]], size: int) -> None:
        self._ranges = ranges
        self._size = size
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

    def take(self) -> tuple[platform.Reservation, int] | None:
        """A reservation whose store is gone, with what the image says in it, and for how many areas it has room."""
        for lease in self._leases.copy():
            if lease.space is not None and not lease.over:
                continue
            with suppress(ValueError):  # another thread has it
                self._leases.remove(lease)  # one call into C: it is taken by one thread
                space, lease.space = lease.space, None
                if space is not None and not space.closed and space.references() == lease.bare:
                    space.lease = None
                    try:
                        space.wipe(self._ranges)
                    except OSError:  # pages that the process has locked
                        continue
                    return space, lease.room
        return None


def forget() -> None:
    """Give back what waits, for whoever needs address space."""
    while _lent:
        with suppress(IndexError):
            lease = _lent.popleft()()
            if lease is not None:
                lease.space = None
