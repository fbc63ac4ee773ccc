"""Exceptions that somebody keeps: objects in the arena, and which of Python's they stand for.

An object is a header, its tag and how many slots it has, and the slots of its values.  Objects lie in regions of the arena, which are given out
from the front.  Nothing lists them: once many were made it is found out which are held (`machine.run.collect`), and what lies between those
is free again.  Objects never move.

What a reference from the arena leads to is believed only as far as it is looked at here: it lies in a region, and has a tag of the store's.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from arenite.errors import AreniteError, Limit, Trap, WasmException
from arenite.layout.cage import ALIGNMENT
from arenite.layout.frame import SLOT
from arenite.layout.records import ExceptionRecord
from arenite.layout.types import EXNREF, slots
from arenite.light import NamedTuple
from arenite.machine.records.values import codec, converted
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr

HEADER: Final = ExceptionRecord.packer()
LEAST: Final = 1 << 16  # bytes of a region, and after how many it is worth looking which objects are held
FEWEST: Final = 1024  # exceptions of Python's that gather before it is worth that
DEEPEST: Final = 32  # exceptions that carry each other, as Python has them
MOST: Final = 1 << 16  # of those that guests may keep: each may have a long backtrace
SPARE: Final = 8  # with less than one part free of the room that objects may take, it is not worth looking for more
WORK: Final = 16  # slots that are looked at in the time that it takes to make an object
OFTEN: Final = 1 << 17  # bytes that are taken in the time that it takes to look at the largest tables
Ranges = list[tuple[int, int]]


class Binding(NamedTuple):
    """What guests know an exception of Python's by.  `values`: what it carries."""

    tag: TagAddr
    values: Callable[[BaseException], Sequence[object]]


class Exceptions:
    """Where a store's objects lie, and which of Python's exceptions they stand for.

    `regions`: (begin, end), ascending.   `gaps`: what is free of them, the next one last; `passed`: those that were too small for something, by the
    bits of their size.   `known`: the exceptions of Python's that objects stand for, by place.   `taken`: bytes since it was looked which are held;
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
        """The same, to be changed."""
        new = Exceptions(self.regions.copy())
        new.gaps, new.known = self.gaps.copy(), self.known.copy()
        new.passed = {bits: gaps.copy() for bits, gaps in self.passed.items()}
        new.taken, new.due, new.due_known, new.soonest = self.taken, self.due, self.due_known, self.soonest
        return new

    @property
    def crowded(self) -> bool:
        """Whether it is worth looking which are held."""
        return self.taken >= self.due or len(self.known) >= self.due_known

    @property
    def free(self) -> int:
        """Bytes of the regions that no object has."""
        return sum(end - begin for gaps in (self.gaps, *self.passed.values()) for begin, end in gaps)

    @property
    def affordable(self) -> bool:
        """Whether enough was made to look again where there is no room: a guest could have all looked at for every few exceptions otherwise."""
        return self.taken >= self.soonest

    def put_off(self) -> None:
        """It could not be found out: later."""
        self.due *= 2
        self.due_known *= 2

    def know(self, at: int, error: BaseException) -> None:
        """Note for which of Python's exceptions an object stands.  Raises: `Limit`."""
        if len(self.known) >= MOST and at not in self.known:
            self.taken = self.due  # for the next call of the host's: by then some may be held no more
            raise Limit(f"guests keep {MOST:,} exceptions that the host has seen")
        self.known[at] = error

    def take(self, size: int) -> int | None:
        """Where an object of so many bytes goes; None: there is no room.  A gap is passed once, whatever is asked for."""
        while self.gaps:
            begin, end = self.gaps[-1]
            if end - begin >= size:
                self.gaps[-1] = begin + size, end
                self.taken += size
                return begin
            self._pass(*self.gaps.pop())
        for bits in range(size.bit_length(), max(self.passed, default=0) + 1):
            found = self.passed.get(bits)
            if found and found[-1][1] - found[-1][0] >= size:  # of the first bits, it may be too small
                begin, end = found.pop()
                self._pass(begin + size, end)
                self.taken += size
                return begin
        return None

    def _pass(self, begin: int, end: int) -> None:
        if begin < end:
            self.passed.setdefault((end - begin).bit_length(), []).append((begin, end))

    def holds(self, at: int, size: int) -> bool:
        """Whether so many bytes there lie in a region."""
        index = bisect_right(self.regions, (at, 1 << 62)) - 1
        return index >= 0 and at + size <= self.regions[index][1]

    def kept(self, live: Ranges, looked_at: int, most: int) -> Exceptions:
        """The same when nothing but this is held: ascending, in the regions; what overlaps is a damaged arena's.

        `looked_at`: slots, to find that out, so that it is not done too often; `most`: bytes that there may be, before which it must be done.
        """
        new = Exceptions(self.regions.copy())
        index = 0
        for begin, end in self.regions:
            at = begin
            while index < len(live) and live[index][0] < end:
                if live[index][0] > at:
                    new.gaps.append((at, live[index][0]))
                at = max(at, live[index][1])
                index += 1
            if end > at:
                new.gaps.append((at, end))
        new.gaps.reverse()  # what lies first is used first
        held = {at for at, _ in live}
        new.known = {at: error for at, error in self.known.items() if at in held}
        size = sum(end - begin for begin, end in live)
        wanted = max(LEAST, size, looked_at // WORK * ALIGNMENT)
        new.taken, new.due = 0, wanted if wanted <= most - size else max(most - size, most // SPARE)
        new.soonest = min(new.due, looked_at // WORK * ALIGNMENT, OFTEN)
        new.due_known = len(new.known) + max(FEWEST, len(new.known), looked_at // WORK)
        return new


def object_size(tag: TagAddr) -> int:
    """Bytes of an exception of this tag."""
    return ExceptionRecord.size + SLOT * len(slots(tag.type.type.params)) + ALIGNMENT - 1 & -ALIGNMENT


def take(machine: Machine, size: int) -> int:
    """Where an object of so many bytes goes; one more region, where there is no room.  Raises: `Limit`."""
    exceptions = machine.registry_to_change().exceptions
    at = exceptions.take(size)
    if at is not None:
        return at
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
    exceptions.gaps.append((begin + size, begin + more))
    exceptions.taken += size
    return begin


def object_at(machine: Machine, reference: int) -> TagAddr | None:
    """The tag of the object that a reference from the arena leads to, whose values are as the tag says; None: to none."""
    exceptions = machine.registry.exceptions
    if reference % ALIGNMENT or not exceptions.holds(reference, ExceptionRecord.size):
        return None
    at, count = HEADER.unpack_from(machine.cage.arena, reference)
    tag = machine.registry.tags.get(at)
    if tag is None or count != len(slots(tag.type.type.params)) or not exceptions.holds(reference, object_size(tag)):
        return None
    return tag


def values_at(machine: Machine, tag: TagAddr, at: int, depth: int = 0) -> Sequence[object]:
    """What an exception of this tag carries that has its values there, as the machine has values.  Raises: `Trap`, `Limit`.

    `depth`: in how many others it is.
    """
    arena, kind = machine.cage.arena, codec(tag.type.type)
    if at + SLOT * len(slots(tag.type.type.params)) > len(arena):
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)

    def from_guest(type_: int, reference: int) -> object:
        if type_ == EXNREF and reference:
            return python_exception(machine, reference, depth + 1)
        return machine.from_guest(type_, reference)

    return kind.read_params(arena, at, from_guest)


def python_exception(machine: Machine, reference: int, depth: int = 0) -> BaseException:
    """What a guest's reference means in Python: the very object that came from there, or the one that stands for the guest's.

    Raises: `Trap` for none, `Limit` for one that leads to others, and these to others, without an end.
    """
    found = machine.registry.exceptions.known.get(reference)
    if found is not None:
        return found
    tag = object_at(machine, reference)
    if tag is None:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    if depth > DEEPEST:
        raise Limit(f"an exception carries another, and that another, more than {DEEPEST} deep: too many for the host")
    error = wasm_exception(machine, tag, values_at(machine, tag, reference + ExceptionRecord.size, depth))
    machine.registry_to_change().exceptions.know(reference, error)
    return error


def wasm_exception(machine: Machine, tag: TagAddr, values: Sequence[object]) -> WasmException:
    """A guest's exception as Python has it."""
    wrap = machine.handles.wrap
    return WasmException(wrap(machine, tag), [wrap(machine, value) for value in values])


def exception_reference(machine: Machine, error: BaseException) -> int:
    """The object that stands for an exception of Python's, which is a guest's or was one; its room is not looked for where others are held.

    Raises: `TypeError`, `OverflowError` for values of other types than its tag's, `Failure` for a tag of another store, `Limit`.
    """
    found = binding_of(machine, error)
    if found is None and isinstance(error, WasmException):
        raise TypeError(f"expected a Tag for an exception, found {type(error.tag).__name__}")
    if found is None:
        raise TypeError(f"expected a WasmException or None for exnref, found {type(error).__name__}")
    return new_object(machine, error, found)


def binding_of(machine: Machine, error: BaseException) -> Binding | None:
    """The tag of an exception that guests may have, and what gives its values; None: it is none of theirs.  Raises: `Failure` for a tag of another store."""
    if isinstance(error, WasmException):
        tag = machine.handles.tag(machine, error.tag)
        return None if tag is None else Binding(tag, _values)
    bindings = machine.registry.bindings
    if not bindings or isinstance(error, AreniteError):
        return None
    return next((bindings[kind] for kind in type(error).__mro__ if kind in bindings), None)


def _values(error: BaseException) -> Sequence[object]:
    assert isinstance(error, WasmException)
    return error.values


def new_object(machine: Machine, error: BaseException, binding: Binding) -> int:
    """An object that stands for an exception of Python's.  Raises: as `exception_reference`."""
    tag = binding.tag
    kind, core = codec(tag.type.type), machine.handles.core
    machine.depth += 1  # what a value calls to say what it is must not let go of what was made for another
    try:
        numbers = converted([core(machine, value) for value in binding.values(error)], kind.type.params, machine.to_guest)
    finally:
        machine.depth -= 1
    at = take(machine, object_size(tag))
    arena = machine.cage.arena
    HEADER.pack_into(arena, at, tag.at, len(slots(kind.type.params)))
    kind.put_params(arena, at + ExceptionRecord.size, *numbers)
    machine.registry_to_change().exceptions.know(at, error)
    return at
