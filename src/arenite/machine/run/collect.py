"""Which of the host's objects and of the exceptions guests still hold: the others are let go.

References lie in tables, in globals, in frames and in exceptions; memory holds none.  Tables, globals and tags are known with their types; what is
live in a frame, and of which type, say the safepoints: a run stands still at one whenever the host has the word.  What is left over in dead
slots holds nothing: no valid code reads it.

Other records in the arena (functions, tables, instances) are never freed before the store: a reference to one is a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from arenite.bytecode.stops import SEARCHES, Builtin
from arenite.errors import AreniteError, Failure
from arenite.layout.cage import ALIGNMENT, STACK_AT
from arenite.layout.frame import SLOT
from arenite.layout.handlers import SearchRecord
from arenite.layout.raw import GRAIN, RAW
from arenite.layout.records import ExceptionRecord, GlobalRecord
from arenite.layout.types import EXNREF, EXTERNREF, MAX_U32, FuncType, slots
from arenite.machine.records.exceptions import crowded, forget_room, object_size
from arenite.machine.records.objects import FuncAddr
from arenite.machine.records.tables import elements
from arenite.machine.run.activation import HOST_CALL, Activation
from arenite.machine.run.builtins import BUILTINS
from arenite.machine.turn import alone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr
    from arenite.machine.run.marks import Marks, ObjectShape

HELD: Final = (EXNREF, EXTERNREF)  # types of the references that count
PIECE: Final = 1 << 16  # elements of a table that are looked at together
REFERENCE: Final = {"reference", "value"}  # fields of a search, and arguments of builtins, that are one
NOTHING: Final = FuncAddr(0, FuncType((), ()))


Place: TypeAlias = tuple[int, int, int, int]
"""How and where the run that has the word stands, when that is inside none of the host's functions: status, pc, sp, vmctx."""


@alone
def collect(machine: Machine, place: Place | None = None) -> None:
    """Let go of the host's objects and of the exceptions that no guest of the machine holds.

    `place`: of the present run, if it is not inside a host function.
    Raises: `Failure` where another thread is in, or the guest's stack is damaged; nothing has changed then.
    """
    references, exceptions = machine.registry.references, machine.registry.exceptions
    if not len(references) and not exceptions.regions:
        return
    from arenite.machine.run.marks import Marks  # noqa: PLC0415 (few guests hold objects of the host's, or exceptions)

    arena = machine.cage.arena
    content = b"".join(bytes(arena[begin:end]) for begin, end in exceptions.regions)
    marks = Marks(exceptions.regions, content, {at: _shape(tag) for at, tag in machine.registry.tags.items()})
    _hold_roots(machine, marks, place)
    marks.trace()
    gaps, size = marks.gaps()
    known = {at: error for at, error in exceptions.known.items() if marks.holds(at)}
    externs = {reference % GRAIN for reference in marks.externs} if RAW else marks.externs
    registry = machine.registry_to_change()
    kept_references, kept_exceptions = (
        registry.references.kept(externs, marks.looked_at),
        registry.exceptions.kept(gaps, size, known, marks.looked_at, machine.quota.exceptions),
    )
    forget_room(machine)
    registry.references, registry.exceptions = kept_references, kept_exceptions  # both or none: nothing is called in between


def _hold_roots(machine: Machine, marks: Marks, place: Place | None) -> None:
    """What tables, globals and what goes on hold.  Raises: `Failure`, `SnapshotError`."""
    arena = machine.cage.arena
    for table in machine.registry.tables.values():
        if table.type.element in HELD:
            with elements(machine, table.at) as view:
                for at in range(0, len(view), PIECE):
                    _hold_all(marks, table.type.element, view[at : at + PIECE])
    for at, one in machine.registry.externs.items():
        _hold(marks, one.type.content, GlobalRecord.value.read(arena, at))
    from arenite.machine.run.frames import hold_references  # noqa: PLC0415 (as above)

    for run in runs(machine, place):
        hold_references(arena, machine.window, run, marks)
        for asked in in_progress(run):
            _hold(marks, EXNREF, asked)
            _hold(marks, EXTERNREF, asked)


def _hold(marks: Marks, type_: int, reference: int) -> None:
    """A reference is held."""
    if type_ == EXNREF:
        marks.hold(reference % GRAIN if RAW else reference & MAX_U32)
    else:
        marks.externs.add(reference)
    marks.looked_at += 1


def _hold_all(marks: Marks, type_: int, view: memoryview) -> None:
    """References of a table are held."""
    if type_ == EXTERNREF:
        marks.externs.update(view)
        marks.looked_at += len(view)
    elif RAW:
        for reference in view:
            _hold(marks, type_, reference)
    else:
        marks.hold_all(bytes(view))


def _shape(tag: TagAddr) -> ObjectShape:
    """Of a tag's exceptions."""
    from arenite.machine.run.marks import ObjectShape  # noqa: PLC0415 (as above)

    types = slots(tag.type.type.params)
    exceptions, externs = (
        [ExceptionRecord.size + SLOT * index for index, type_ in enumerate(types) if type_ == wanted] for wanted in HELD
    )
    return ObjectShape(object_size(tag), len(types), exceptions, externs)


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
    if machine.registry.references.crowded or crowded(machine):
        try:
            collect(machine, place)
        except AreniteError:
            registry = machine.registry_to_change()  # forks may share the other
            registry.references.due *= 2
            registry.exceptions.put_off()


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
