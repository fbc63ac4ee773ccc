"""What is seldom about a call of a host function; what is usual stands in the loop, for each function on the way takes time and stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import NotReady, Trap
from arenite.machine.records.values import converted
from arenite.machine.run.activation import HOST_CALL, GiveWay, HostCall, Pause, PauseReason, Suspended
from arenite.machine.run.collect import tidy
from arenite.machine.run.interrupts import give_way
from arenite.traps import Cause

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
        if machine.until.sharing is not None:
            machine.until.sharing.error = error
        raise Suspended(Pause(PauseReason.NOT_READY, str(error)), HOST_CALL, pc, sp, vmctx, (machine.progress,)) from None
    if isinstance(error, GiveWay):
        give_way(machine, error, HOST_CALL, pc, sp, vmctx, (machine.progress,))


def pause_at(machine: Machine, pc: int, sp: int, vmctx: int, progress: int) -> None:
    """Stop before a host call that the activation is to stop at, unless it has just stopped there."""
    asked, machine.asked = machine.asked, False
    if not asked and machine.registry.host_names[vmctx] in machine.until.pause_at:
        raise Suspended(
            Pause(PauseReason.CALL, f"before the call of {named(machine, vmctx)}"), HOST_CALL, pc, sp, vmctx, (progress,)
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


def named(machine: Machine, index: int, args: Sequence[object] = ()) -> HostCall:
    """A call of a host function, for people."""
    module, name = machine.registry.host_names[index] or ("", f"host function {index}")
    return HostCall(module, name, tuple(args))


def answer(machine: Machine, pc: int, sp: int, vmctx: int, value: object) -> None:
    """Write what the host function `vmctx` would have returned to the frame at `sp`.  Raises: `TypeError`, `OverflowError`, `Trap`."""
    functions = machine.registry.host_functions
    if vmctx >= len(functions) or machine.window.preamble.host_calls.get(pc) != functions[vmctx].type:
        raise Trap(Cause.BAD_SIGNATURE.message, Cause.BAD_SIGNATURE.code)
    tidy(machine)
    kind, arena = functions[vmctx].codec, machine.cage.arena
    asked = bytes(arena[sp : sp + kind.header])
    machine.depth += 1  # what one value calls to say what it is must not let go of what was made for another
    try:
        put_results(machine, kind, value, sp)
    except BaseException:
        arena[sp : sp + len(asked)] = asked  # a value that does not fit has overwritten what the guest asks
        raise
    finally:
        machine.depth -= 1
