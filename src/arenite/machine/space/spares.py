"""Address space that stores of one kind use one after the other: what a birth or a fork maps stays mapped for the next store of that kind.

Mapping and unmapping a cage is most of what a small store costs.  So a few of the cages that a birth, or a template's forks, have mapped are *lent*: when the
store is gone, its reservation is wiped, which gives every page back to what the image says, and lent again.  Forks of one template mostly write to the
same pages, and waiting for these is most of what a large one costs: theirs are written back instead, so they are there already.

    space, lease = spares.take()        # wiped, or None
    spares.lend(machine, space, lease)

Invariants: whatever leaves here has been wiped after its last user was gone, and nobody has a view of it: then nothing of what that
user wrote can be seen, by nobody.  What was mapped in another way since (a memory that grew, more of them, a snapshot) is not lent any
more, at once (`Reservation.changed`), so what waits here is small.  Spares belong to their birth or template, and go with it.
"""

from __future__ import annotations

import functools
import os
import weakref
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite import platform
from arenite.errors import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from arenite.machine.machine import Machine

Space: TypeAlias = "tuple[platform.Reservation, int]"
"""A reservation for a cage, and for how many areas it has room."""

MOST: Final = 4  # lent at a time, in a process: the newest
LARGEST: Final = 64 << 20  # bytes of one: what a store has left there takes memory until it is wiped
FEW: Final = (
    5 << 16
)  # bytes that are written again rather than given back: the next store has them as its own, whether it needs them or not
MOST_KNOWN: Final = 2 * FEW  # bytes of the file's that are held for being written again


def nobody() -> None:
    """The store of a lease that was given back."""


class Lease:
    """A reservation that stores use one after the other.

    `machine`: of the store that has it, as long as it lives.  `space`: None when it is not to come back.  `again`: it has been used again since it was
    last looked for one to give up.
    """

    __slots__ = ("__weakref__", "again", "machine", "room", "space")

    def __init__(self, machine: Machine, space: platform.Reservation, room: int) -> None:
        self.machine: Callable[[], Machine | None] = weakref.ref(machine)
        self.space: platform.Reservation | None = space
        self.room = room
        self.again = False

    def end(self) -> None:
        """The store gives it back."""
        self.machine = nobody


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
    too: then a few are written back where they are, so that nobody waits for a page again.  What the file says there is read once.
    """

    def __init__(
        self, ranges: Sequence[tuple[int, int]], size: int, mappings: Sequence[tuple[int, int, int]] = (), file: int = -1
    ) -> None:
        self._ranges = ranges
        self._size = size
        self._mappings, self._file = mappings, file
        self._leases: list[Lease] = []
        self._known: dict[
            tuple[int, int], bytes
        ] = {}  # (begin, end) in the reservation -> what the file says, of runs that were written back
        self._known_size = 0

    def lend(self, machine: Machine, cage_space: Space, lease: Lease | None) -> None:
        """A store begins to use a reservation that has what the image says, and will be back.  `lease`: what `take` gave with it."""
        if lease is not None:
            lease.machine, lease.again = weakref.ref(machine), True
            if lease.space is not None:  # it has not been given up meanwhile
                self._leases.append(lease)
            return
        if self._size > LARGEST or not wiping_works():
            return
        space, room = cage_space
        lease = Lease(machine, space, room)
        space.lease = weakref.ref(lease)
        self._leases.append(lease)
        _lent.append(space.lease)
        while len(_lent) > MOST:
            _give_up()

    def take(self, areas: int = 0, changed: Sequence[tuple[int, int]] = ()) -> tuple[Space, Lease] | tuple[None, None]:
        """A reservation whose store is gone, with what the image says in it, and room for so many areas at least; it is to be lent with what comes with it.

        `changed`: (begin, end), ascending, of what the caller writes before anybody reads; anything may be there.
        """
        for lease in self._leases.copy():
            space = lease.space
            if space is not None and (lease.machine() is not None or lease.room < areas):
                continue
            try:
                self._leases.remove(lease)  # one call into C: it is taken by one thread
            except ValueError:  # by another
                continue
            if space is not None and space.idle:
                try:
                    if not self._mappings or not self._write_back(space, changed):
                        space.wipe(self._ranges)
                except OSError:  # pages that the process has locked
                    continue
                return (space, lease.room), lease
        return None, None

    def _write_back(self, space: platform.Reservation, changed: Sequence[tuple[int, int]]) -> bool:
        """Let all pages have again what the file says, but those that are `changed` anyway; False, and nothing was done, where that is more than a few.

        Raises: `OSError` in the middle.
        """
        found, size = [], 0
        for start, length, offset in self._mappings:
            dirty = space.dirty_pages(start, start + length)
            if dirty is None:
                return False
            for begin, end in outside([(start + begin, start + end) for begin, end in dirty], changed):
                found.append((begin, end, offset + begin - start))
                size += end - begin
        if size > FEW:
            return False
        with space.view(0, space.size) as view:
            for begin, end, place in found:
                content = self._known.get((begin, end))
                view[begin:end] = self._read(begin, end, place) if content is None else content
        return True

    def _read(self, begin: int, end: int, place: int) -> bytes:
        """What the file says from `place` on of a run.  Raises: `OSError`."""
        content = os.pread(self._file, end - begin, place)
        if len(content) != end - begin:
            raise OSError("a file that is mapped was cut off")
        self._known_size += len(content)
        if self._known_size > MOST_KNOWN:
            self._known.clear()
            self._known_size = len(content)
        self._known[begin, end] = content
        return content


def _give_up() -> None:
    """Let go of the one that was lent before all others, unless it was used again since it came to the front: of the next one then."""
    try:
        lease = _lent.popleft()()
    except IndexError:  # another thread was here
        return
    if lease is not None and lease.again and lease.space is not None:
        lease.again = False
        _lent.append(weakref.ref(lease))
    elif lease is not None:
        lease.space = None


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
        try:
            lease = _lent.popleft()()
        except IndexError:  # another thread was here
            return
        if lease is not None:
            lease.space = None
