"""Which of the host's objects and of the exceptions guests still hold: the others are let go.

References lie in tables, in globals, in frames and in exceptions; memory holds none.  Tables, globals and tags are known with their types; what is
live in a frame, and of which type, say the safepoints: a run stands still at one whenever the host has the word.  What is left over in dead
slots holds nothing: no valid code reads it.

Other records in the arena (functions, tables, instances) are never freed before the store: a reference to one is a place.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite.bytecode.stops import SEARCHES, Builtin
from arenite.errors import AreniteError, Failure
from arenite.layout.cage import ALIGNMENT, STACK_AT
from arenite.layout.frame import SLOT
from arenite.layout.handlers import SearchRecord
from arenite.layout.raw import GRAIN, RAW
from arenite.layout.records import ExceptionRecord, GlobalRecord
from arenite.layout.types import EXNREF, EXTERNREF, FuncType, slots
from arenite.machine.records.exceptions import OBJECT_HEADER, crowded, forget_room, object_size
from arenite.machine.records.objects import FuncAddr, word
from arenite.machine.records.tables import elements
from arenite.machine.run.activation import HOST_CALL, Activation
from arenite.machine.run.builtins import BUILTINS
from arenite.machine.turn import alone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr

NONE: Final[tuple[int, int, list[tuple[int, int]]]] = (0, -1, [])
REFERENCE: Final = {"reference", "value"}  # fields of a search, and arguments of builtins, that are one
NOTHING: Final = FuncAddr(0, FuncType((), ()))


Place: TypeAlias = tuple[int, int, int, int]
"""How and where the run that has the word stands, when that is inside none of the host's functions: status, pc, sp, vmctx."""


class Held:
    """References that are held: `externs` to the host's objects, `exceptions`; and how many slots were looked at."""

    def __init__(self) -> None:
        self.by_type: dict[int, set[int]] = {EXTERNREF: set(), EXNREF: set()}
        self.externs, self.exceptions = self.by_type.values()
        self.slots = 0

    def trace(self, machine: Machine) -> list[tuple[int, int]]:
        """(begin, end) of the exceptions that are held, ascending; what these hold is held too."""
        found: dict[int, int] = {}
        shapes = {at: self._shape(tag) for at, tag in machine.registry.tags.items()}
        arena, regions, left = machine.cage.arena, machine.registry.exceptions.regions, [*self.exceptions]
        begin = end = 0  # of the region that the last lay in
        while left:  # written out: there may be a hundred thousand
            at = left.pop()
            if at in found or at % ALIGNMENT:
                continue
            if not begin <= at < end:
                index = bisect_right(regions, (at, 1 << 62)) - 1
                begin, end = regions[index] if index >= 0 else (0, 0)
            if not begin <= at < end:  # null, or no exception
                continue
            tag, count = OBJECT_HEADER.unpack_from(arena, at)
            size, wanted, values = shapes.get(tag, NONE)
            if count != wanted or at + size > end:
                continue
            found[at] = at + size
            self.slots += 1 + count
            for place, type_ in values:
                value = word(machine, at + place)
                if type_ == EXTERNREF:
                    self.externs.add(value)
                else:
                    left.append(value)
        return sorted(found.items())

    def _shape(self, tag: TagAddr) -> tuple[int, int, list[tuple[int, int]]]:
        """Of a tag's exceptions: bytes, slots, and (offset, type) of the references in them that count here."""
        types = slots(tag.type.type.params)
        places = ((ExceptionRecord.size + SLOT * index, type_) for index, type_ in enumerate(types))
        return object_size(tag), len(types), [(place, type_) for place, type_ in places if type_ in self.by_type]


@alone
def collect(machine: Machine, place: Place | None = None) -> None:
    """Let go of the host's objects and of the exceptions that no guest of the machine holds.

    `place`: of the present run, if it is not inside a host function.
    Raises: `Failure` where another thread is in, or the guest's stack is damaged; nothing has changed then.
    """
    references, exceptions = machine.registry.references, machine.registry.exceptions
    if not len(references) and not exceptions.regions:
        return
    held = Held()
    for table in machine.registry.tables.values():
        if table.type.element in held.by_type:
            with elements(machine, table.at) as view:
                held.by_type[table.type.element].update(view)
                held.slots += len(view)
    for at, one in machine.registry.externs.items():
        held.by_type[one.type.content].add(GlobalRecord.value.read(machine.cage.arena, at))
        held.slots += 1
    from arenite.machine.run.frames import references_in  # noqa: PLC0415 (few guests hold objects of the host's)

    for run in runs(machine, place):
        for objects, exceptions_ in references_in(machine.cage.arena, machine.window, run):
            held.externs.update(objects)
            held.exceptions.update(exceptions_)
            held.slots += 1 + len(objects) + len(exceptions_)
        asked = in_progress(run)
        held.externs.update(asked)
        held.exceptions.update(asked)
    live = held.trace(machine)
    externs = {reference % GRAIN for reference in held.externs} if RAW else held.externs
    registry = machine.registry_to_change()
    kept_references, kept_exceptions = (
        registry.references.kept(externs, held.slots),
        registry.exceptions.kept(live, held.slots, machine.quota.exceptions),
    )
    forget_room(machine)
    registry.references, registry.exceptions = kept_references, kept_exceptions  # both or none: nothing is called in between


def in_progress(run: Activation) -> list[int]:
    """References that lie nowhere else: what is thrown, or is to be written to a table."""
    names: Iterable[str] = ()
    if run.status in SEARCHES:
        names = (field.name for field in SearchRecord.fields)
    elif run.status in BUILTINS:
        names = (argument.name for argument in Builtin(run.status).arguments)
    return [number for name, number in zip(names, run.rest, strict=False) if name in REFERENCE]


def tidy(machine: Machine, place: Place | None = None) -> None:
    """`collect` once much has gathered; where it cannot be done, all stays and it is tried later.  `place`: as there.

    Before references are made: one that lies nowhere yet is held by nobody.
    """
    references, exceptions = machine.registry.references, machine.registry.exceptions
    if references.crowded or crowded(machine):
        try:
            collect(machine, place)
        except AreniteError:
            references.due *= 2
            exceptions.put_off()


def runs(machine: Machine, place: Place | None = None) -> list[Activation]:
    """Everything that goes on in a machine, oldest first: what has paused, and runs that are inside a host function or at `place`."""
    if machine.depth != len(machine.host_stack) + (place is not None):
        raise Failure("the guest's frames cannot be looked at while it runs")
    found = [activation for activation in machine.activations if activation is not machine.driven]
    at = found[-1].end if found else STACK_AT
    if machine.driven is not None:
        at = machine.driven.at
    for function, pc, sp, end in machine.host_stack:
        found.append(Activation(NOTHING, at, HOST_CALL, pc, sp, function, end))
        at = end
    if place is not None:
        status, pc, sp, vmctx = place
        end = sp + machine.window.frame_extent(pc) + ALIGNMENT - 1 & -ALIGNMENT
        found.append(Activation(NOTHING, at, status, pc, sp, vmctx, end))
    return found
