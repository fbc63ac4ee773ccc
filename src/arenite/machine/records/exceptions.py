"""Exceptions that somebody keeps: objects in the arena.

An object is a header, its tag and how many slots it has, and the slots of its values.  Objects lie in regions of the arena.  Generated code makes them in a piece of
a region that it is given, from the front (`StoreContext.room`); the machine does too.  Nothing lists them: once many were made it is found out which are
held (`machine.run.collect`), and what lies between those is free again.  Objects never move.

What a reference from the arena leads to is believed only as far as it is looked at here: it lies in a region, and has a tag of the store's.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from arenite.errors import Limit
from arenite.layout.cage import ALIGNMENT
from arenite.layout.frame import SLOT
from arenite.layout.records import ExceptionRecord, StoreContext
from arenite.layout.types import slots

if TYPE_CHECKING:
    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr

OBJECT_HEADER: Final = ExceptionRecord.packer()
ROOM: Final = struct.Struct("<II")  # the two fields of the store context
ROOM_AT: Final = StoreContext.room.offset
assert StoreContext.room_end.offset == ROOM_AT + 4
LEAST: Final = 1 << 16  # bytes of a region, and after how many it is worth looking which objects are held
FEWEST: Final = 1024  # exceptions of Python's that gather before it is worth that
MOST_KNOWN: Final = 1 << 16  # exceptions of Python's that guests may keep: each may have a long backtrace
SPARE: Final = 8  # with less than one part free of the room that objects may take, it is not worth looking for more
WORK: Final = 16  # slots that are looked at in the time that it takes to make an object
OFTEN: Final = 1 << 17  # bytes that are taken in the time that it takes to look at the largest tables
Ranges = list[tuple[int, int]]


class Exceptions:
    """Where a store's objects lie, and which of Python's exceptions they stand for.

    `regions`: (begin, end), ascending.   `gaps`: what is free of them and was not given out, the next one last; `passed`: those that were too small for something, by the
    bits of their size.   `known`: the exceptions of Python's that objects stand for, by place.   `taken`: bytes that were given out since it was looked which are held;
    `due`, `due_known`: how many of them, and exceptions that are known, there may be before it is worth looking again; `soonest`: how many there
    must be before that, also where there is no room.
    """

    __slots__ = ("due", "due_known", "gaps", "known", "passed", "regions", "soonest", "taken")

    def __init__(self, regions: Ranges | None = None) -> None:
        """`regions`: those of a snapshot, in which it is not known what is held."""
        self.regions: Ranges = [] if regions is None else regions
        self.gaps: Ranges = []
        self.passed: dict[int, Ranges] = {}
        self.known: dict[int, BaseException] = {}
        self.taken = LEAST if self.regions else 0
        self.due = LEAST
        self.soonest = 0
        self.due_known = FEWEST

    def copy(self) -> Exceptions:
        """Another with these, to be changed apart from this one; nothing is given out of a registry that is shared."""
        new = Exceptions(self.regions.copy())
        new.gaps, new.known = self.gaps.copy(), self.known.copy()
        new.passed = {bits: gaps.copy() for bits, gaps in self.passed.items()}
        new.taken, new.due, new.due_known, new.soonest = self.taken, self.due, self.due_known, self.soonest
        return new

    @property
    def free(self) -> int:
        """Bytes of the regions that no object has, and that were not given out."""
        return sum(end - begin for gaps in (self.gaps, *self.passed.values()) for begin, end in gaps)

    def put_off(self) -> None:
        """It could not be found out: later."""
        self.due *= 2
        self.due_known *= 2

    def know(self, at: int, error: BaseException) -> None:
        """Note for which of Python's exceptions an object stands.  Raises: `Limit`."""
        if len(self.known) >= MOST_KNOWN and at not in self.known:
            self.due_known = len(self.known)  # for the next call of the host's: by then some may be held no more
            raise Limit(f"guests keep {MOST_KNOWN:,} exceptions that the host has seen")
        self.known[at] = error

    def give(self, size: int) -> tuple[int, int] | None:
        """(begin, end) of room for an object of so many bytes, and for more, up to where it is due to look which are held; None: there is none."""
        found = self._gap(size)
        if found is None:
            return None
        begin, end = found
        stop = min(end, begin + max(size, self.due - self.taken & -ALIGNMENT))
        if stop < end:
            self.gaps.append((stop, end))
        self.taken += stop - begin
        return begin, stop

    def _gap(self, size: int) -> tuple[int, int] | None:
        """A gap of so many bytes, which is none any more.  One is passed once, whatever is asked for."""
        while self.gaps:
            begin, end = self.gaps.pop()
            if end - begin >= size:
                return begin, end
            self._pass(begin, end)
        for bits in range(size.bit_length(), max(self.passed, default=0) + 1):
            found = self.passed.get(bits)
            if found and found[-1][1] - found[-1][0] >= size:  # of the first bits, it may be too small
                return found.pop()
        return None

    def _pass(self, begin: int, end: int) -> None:
        self.passed.setdefault((end - begin).bit_length(), []).append((begin, end))

    def take_back(self, begin: int, end: int) -> None:
        """No object was made in that part of the room that was given out."""
        self.gaps.append((begin, end))
        self.taken -= end - begin

    def holds(self, at: int, size: int) -> bool:
        """Whether so many bytes there lie in a region."""
        index = bisect_right(self.regions, (at, 1 << 62)) - 1
        return index >= 0 and at + size <= self.regions[index][1]

    def kept(self, gaps: Ranges, size: int, known: dict[int, BaseException], looked_at: int, most: int) -> Exceptions:
        """What is known when so many bytes of objects are held, `gaps` lie between them, ascending, and nothing is given out.

        `known`: as above, of those that are held.   `looked_at`: slots, to find that out, so that it is not done too often; `most`: bytes that there
        may be, before which it must be done.
        """
        new = Exceptions(self.regions.copy())
        new.gaps, new.known = gaps[::-1], known  # what lies first is used first
        wanted = max(LEAST, size, looked_at // WORK * ALIGNMENT)
        new.taken, new.due = 0, wanted if wanted <= most - size else max(most - size, most // SPARE)
        new.soonest = min(new.due, looked_at // WORK * ALIGNMENT, OFTEN)
        new.due_known = len(new.known) + max(FEWEST, len(new.known), looked_at // WORK)
        return new


def object_size(tag: TagAddr) -> int:
    """Bytes of an exception of this tag."""
    return ExceptionRecord.size + SLOT * len(slots(tag.type.type.params)) + ALIGNMENT - 1 & -ALIGNMENT


def made_size(machine: Machine) -> int:
    """Bytes of the objects that were made since it was looked which are held."""
    room: tuple[int, int] = ROOM.unpack_from(machine.cage.store_page, ROOM_AT)
    return machine.registry.exceptions.taken - (room[1] - room[0])


def crowded(machine: Machine) -> bool:
    """Whether it is worth looking which are held."""
    exceptions = machine.registry.exceptions
    if not exceptions.regions:
        return False
    return len(exceptions.known) >= exceptions.due_known or (
        exceptions.taken >= exceptions.due and made_size(machine) >= exceptions.due
    )


def affordable(machine: Machine) -> bool:
    """Whether enough was made to look again where there is no room: a guest could have all looked at for every few exceptions otherwise."""
    return made_size(machine) >= machine.registry.exceptions.soonest


def clear_room(machine: Machine, size: int) -> None:
    """Give out room in which there is place for an object of so many bytes, of one more region where there is none.  Raises: `Limit`."""
    exceptions = machine.registry_to_change().exceptions
    page = machine.cage.store_page
    rest = ROOM.unpack_from(page, ROOM_AT)
    forget_room(machine)  # first: what an exception of a signal's handler comes between is found to be free later
    if rest[0] < rest[1]:
        exceptions.take_back(*rest)
    room = exceptions.give(size)
    if room is None:
        _add_region(machine, exceptions, size)
        room = exceptions.give(size)
        assert room is not None, "the region is as large"
    ROOM.pack_into(page, ROOM_AT, *room)


def forget_room(machine: Machine) -> None:
    """Nothing is given out any more."""
    ROOM.pack_into(machine.cage.store_page, ROOM_AT, 0, 0)


def _add_region(machine: Machine, exceptions: Exceptions, size: int) -> None:
    """One more region, with room for an object of so many bytes.  Raises: `Limit`."""
    most = machine.quota.exceptions - sum(end - begin for begin, end in exceptions.regions)
    more = min(max(size, LEAST), most) & -ALIGNMENT
    if more < size:
        exceptions.taken = exceptions.due  # for the next call of the host's, by which some may be held no more
        raise Limit(
            f"the exceptions that the guest keeps need more than {machine.quota.exceptions:,} bytes "
            f"({machine.quota.source('exceptions')})"
        )
    begin = machine.allocate(more)
    if exceptions.regions and exceptions.regions[-1][1] == begin:
        exceptions.regions[-1] = exceptions.regions[-1][0], begin + more
    else:
        exceptions.regions.append((begin, begin + more))
    exceptions.gaps.append((begin, begin + more))


def take(machine: Machine, size: int) -> int:
    """Where an object of so many bytes goes.  Raises: `Limit`."""
    begin, end = ROOM.unpack_from(machine.cage.store_page, ROOM_AT)
    if end - begin < size:
        clear_room(machine, size)
        begin, end = ROOM.unpack_from(machine.cage.store_page, ROOM_AT)
    ROOM.pack_into(machine.cage.store_page, ROOM_AT, begin + size, end)
    return int(begin)


def object_at(machine: Machine, reference: int) -> TagAddr | None:
    """The tag of the object that a reference from the arena leads to, whose values are as the tag says; None: to none."""
    exceptions = machine.registry.exceptions
    if reference % ALIGNMENT or not exceptions.holds(reference, ExceptionRecord.size):
        return None
    at, count = OBJECT_HEADER.unpack_from(machine.cage.arena, reference)
    tag = machine.registry.tags.get(at)
    if tag is None or count != len(slots(tag.type.type.params)) or not exceptions.holds(reference, object_size(tag)):
        return None
    return tag
