"""Which of the host's objects guests still hold: the others are let go.

An externref lies in a table, in a global, or in a frame; memory holds none.  Tables and globals are known with their types; what is live
in a frame, and of which type, say the safepoints: a run stands still at one whenever the host has the word.  What is left over in dead
slots holds nothing: no valid code reads it.

Records in the arena (functions, tables, instances) are never freed before the store: a reference to one is a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import AreniteError, Failure
from arenite.layout.cage import STACK_AT
from arenite.layout.raw import GRAIN, RAW
from arenite.layout.records import GlobalRecord
from arenite.layout.types import EXTERNREF, FuncType
from arenite.machine.records.objects import FuncAddr
from arenite.machine.records.tables import elements
from arenite.machine.run.activation import HOST_CALL, Activation
from arenite.machine.run.builtins import BUILTINS
from arenite.machine.turn import alone

if TYPE_CHECKING:
    from arenite.machine.machine import Machine


@alone
def collect(machine: Machine) -> None:
    """Let go of the host's objects that no guest of the machine holds.

    Raises: `Failure` where another thread is in, or the guest's stack is damaged; nothing has changed then.
    """
    references = machine.registry.references
    if not len(references):
        return
    held: set[int] = set()
    slots = 0
    for table in machine.registry.tables.values():
        if table.type.element == EXTERNREF:
            with elements(machine, table.at) as view:
                held.update(view)
                slots += len(view)
    for at in machine.registry.externs:
        held.add(GlobalRecord.value.read(machine.cage.arena, at))
        slots += 1
    from arenite.machine.run.frames import references_in  # noqa: PLC0415 (few guests hold objects of the host's)

    for run in runs(machine):
        for found in references_in(machine.cage.arena, machine.window, run):
            held.update(found)
            slots += 1 + len(found)
        if run.status in BUILTINS:  # half done: what is to be written to a table lies nowhere else
            held.update(run.progress)
    if RAW:
        held = {reference % GRAIN for reference in held}
    machine.registry_to_change().references = references.kept(held, slots)


def tidy(machine: Machine) -> None:
    """`collect` once many objects have gathered; where it cannot be done, they stay and it is tried later.

    Before references are made: one that lies nowhere yet is held by nobody.
    """
    references = machine.registry.references
    if references.crowded:
        try:
            collect(machine)
        except AreniteError:
            references.due *= 2


def runs(machine: Machine) -> list[Activation]:
    """Everything that goes on in a machine, oldest first: what has paused, and runs that are inside a host function."""
    if machine.depth != len(machine.host_stack):
        raise Failure("the guest's frames cannot be looked at while it runs")
    found = [activation for activation in machine.activations if activation is not machine.driven]
    at = found[-1].end if found else STACK_AT
    if machine.driven is not None:
        at = machine.driven.at
    nothing = FuncAddr(0, FuncType((), ()))
    for function, pc, sp, end in machine.host_stack:
        found.append(Activation(nothing, at, HOST_CALL, pc, sp, function, end))
        at = end
    return found
