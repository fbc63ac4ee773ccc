"""What is seldom about a call of a host function; what is usual stands in the loop, for each function on the way takes time and stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import NotReady
from arenite.machine.records.values import converted
from arenite.machine.run.execution import HOST_CALL, GiveWay, Pause, PauseReason, Suspended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import HostFunction
    from arenite.machine.records.values import Codec


def fail(
    machine: Machine, function: HostFunction, args: Sequence[object], error: BaseException, pc: int, sp: int, vmctx: int
) -> None:
    """A host function has not come to its end.  Raises: what the guest is told in place of the error, if it is told something else."""
    if function.after is not None:
        function.after(machine, args, None)
    if isinstance(error, NotReady) and machine.can_pause:
        raise Suspended(Pause(PauseReason.NOT_READY, str(error)), HOST_CALL, pc, sp, vmctx, (machine.progress,)) from None
    if isinstance(error, GiveWay):
        machine.give_way(error, HOST_CALL, pc, sp, vmctx, (machine.progress,))


def pause_at(machine: Machine, pc: int, sp: int, vmctx: int, progress: int) -> None:
    """Stop before a host call that the activation is to stop at, unless it has just stopped there."""
    asked, machine.asked = machine.asked, False
    if not asked and machine.made.host_names[vmctx] in machine.until.pause_at:
        raise Suspended(
            Pause(PauseReason.CALL, f"before the call of {machine.host_call(vmctx)}"), HOST_CALL, pc, sp, vmctx, (progress,)
        )


def put_results(machine: Machine, kind: Codec, result: object, sp: int) -> None:
    """Write what a host function returned."""
    count = kind.results
    if count == 1:
        values: Sequence[object] = (result,)
    elif not count:
        if result is not None:
            raise TypeError(f"a host function without results returned {result!r}")
        return
    elif isinstance(result, (list, tuple)):
        values = result
    else:
        raise TypeError(f"a host function with {count} results returned {type(result).__name__}, not a list or tuple")
    numbers = converted(values, kind.type.results, machine.to_guest)  # which may call guests, before the arena is looked at
    kind.put_results(machine.cage.arena, sp, *numbers)
