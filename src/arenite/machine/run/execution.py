"""A call by the host that can stop in the middle and go on later: on another tier, in another store or another process.

activation = start(machine, function, args)
finished = go_on(machine, activation, Until(fuel=1000))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.stops import SEARCHING
from arenite.errors import Failure, Trap
from arenite.layout.cage import ALIGNMENT, UNIT
from arenite.layout.frame import HALT_PC
from arenite.layout.types import FuncType
from arenite.machine.records.functions import start_function
from arenite.machine.records.objects import FuncAddr
from arenite.machine.run import host_calls
from arenite.machine.run.activation import HOST_CALL, READY, UNLIMITED, Activation, HostCall, PauseReason, Suspended, Until
from arenite.machine.run.calls import ensure_attended, put_arguments, put_entry
from arenite.machine.run.collect import tidy
from arenite.machine.run.loop import run
from arenite.machine.run.searching import thrown_by_host
from arenite.machine.turn import alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import InstanceAddr


@alone
def start(machine: Machine, function: FuncAddr, args: Sequence[object], instance: int = -1) -> Activation:
    """Begin a call; nothing of it has run.  Raises: as `calls.call`, before it runs; `Failure` inside a host function."""
    if machine.nested:  # the guest that goes on afterwards takes the place where its frame would lie
        raise Failure("an execution cannot begin inside a host function of its store")
    tidy(machine)
    at = machine.top
    machine.depth += 1
    try:
        put_arguments(machine, function, args)
        pc, vmctx = put_entry(machine, function, at)
    finally:
        machine.depth -= 1
        machine.top = at
    end = _end(machine, at, pc)
    activation = Activation(function, at, READY, pc, at, vmctx, end, instance=instance)
    machine.activations += [activation]  # both or none: nothing is called in between
    machine.top = end
    return activation


def start_instance(machine: Machine, instance: InstanceAddr) -> Activation:
    """Begin the start function of an instance; without one there is only the end."""
    function = start_function(machine, instance)
    if function is None:
        function = FuncAddr(0, FuncType((), ()))
        function.entry = HALT_PC, instance.at, instance.at
    return start(machine, function, (), machine.registry.instances.index(instance))


@alone
def go_on(machine: Machine, activation: Activation, until: Until = UNLIMITED) -> bool:
    """Run on until it stops again or has finished; whether it has finished.

    Raises: what an ordinary call raises, which ends it; `Failure` when it is not the newest of its store.  So does an exception of a
    signal's handler, wherever it comes: what is set here is set where nothing is called, so all of it is or nothing.
    """
    _check_newest(machine, activation)
    fuel, newest = machine.fuel, len(machine.activations) - 1
    unlimited = fuel.left is None
    paused = False
    try:
        fuel.lend(until.fuel)
        _drive(machine, activation, until)
    except Suspended as stop:
        status, pc, sp, vmctx, rest = stop.place
        end = _end(machine, sp, pc)
        activation.status, activation.pc, activation.sp, activation.vmctx = status, pc, sp, vmctx
        activation.pause, activation.rest = stop.pause, rest
        activation.end = machine.top = end
        if until.sharing is not None:
            until.sharing.fuel = None if until.fuel is None else fuel.left
        paused = True
    finally:
        left = (fuel.left or 0) + fuel.reserve
        fuel.left, fuel.reserve, fuel.limited = None if unlimited else left, 0, False
        if not paused or activation.status != SEARCHING:
            machine.crossing = None
        if not paused:
            del machine.activations[newest:]
            machine.top = activation.at
    return not paused


def _drive(machine: Machine, activation: Activation, until: Until) -> None:
    """Run an activation until it has finished.  Raises: `Suspended` where it stops, and what an ordinary call raises."""
    machine.until = until
    machine.asked = activation.pause is not None and activation.pause.reason is PauseReason.CALL
    machine.depth += 1
    machine.can_pause = True
    machine.driven = activation
    try:
        if not machine.attended:
            ensure_attended(machine)
        run(machine, activation.pc, activation.sp, activation.vmctx, activation.status, activation.rest)
    except Trap:
        machine.cage.check()  # as in `calls.call`
        raise
    finally:  # nothing is called before all is as it was
        machine.depth -= 1
        machine.can_pause = False
        machine.driven = None
        machine.until = UNLIMITED
        del machine.host_stack[:]


@alone
def answer(machine: Machine, activation: Activation, value: object) -> None:
    """Complete the host call that an activation waits in.  Raises: `TypeError` and `OverflowError` for a value of another type."""
    _check_newest(machine, activation)
    if activation.status != HOST_CALL:
        raise Failure("the execution does not wait in a host call that a value could complete")
    host_calls.answer(machine, activation.pc, activation.sp, activation.vmctx, value)
    activation.status, activation.pc, activation.pause, activation.rest = READY, activation.pc + UNIT, None, ()


@alone
def fail(machine: Machine, activation: Activation, error: BaseException) -> None:
    """Let the host call that an activation waits in raise an error, which its guest may catch when it goes on.  Raises: the error, where it may not: that ends it."""
    _check_newest(machine, activation)
    functions, index = machine.registry.host_functions, activation.vmctx
    if activation.status != HOST_CALL or index >= len(functions):
        raise Failure("the execution does not wait in a host call that could fail")
    pc, sp = activation.pc, activation.sp
    search = thrown_by_host(machine, error, sp + functions[index].codec.header, pc, sp, index)
    if not search:
        del machine.activations[-1:]
        machine.top = activation.at
        raise error
    activation.status, activation.pause, activation.rest = SEARCHING, None, search


@alone
def close(machine: Machine, activation: Activation) -> None:
    """Forget it, and what was called above it; its frames are free.

    Raises: `Failure` inside a host function, whose caller's frames may be those.
    """
    if activation not in machine.activations:
        return
    if machine.nested:
        raise Failure("an execution cannot be closed inside a host function of its store")
    index = machine.activations.index(activation)
    del machine.activations[index:]
    machine.top = activation.at


def waiting_call(machine: Machine, activation: Activation) -> HostCall | None:
    """The host call that an activation waits in, if it does."""
    index = activation.vmctx
    if activation.status != HOST_CALL or index >= len(machine.registry.host_functions):
        return None
    kind = machine.registry.host_functions[index].codec
    return host_calls.named(machine, index, kind.read_params(machine.cage.arena, activation.sp, machine.from_guest))


def waiting_results(machine: Machine, activation: Activation) -> int:
    """How many results the host call has that an activation waits in; 0 if it does not."""
    functions, index = machine.registry.host_functions, activation.vmctx
    return len(functions[index].type.results) if activation.status == HOST_CALL and index < len(functions) else 0


def results(machine: Machine, activation: Activation) -> Sequence[object]:
    """The values of one that has just finished; nothing else may have run since."""
    return activation.function.codec.read_results(machine.cage.arena, activation.at, machine.from_guest)


def _end(machine: Machine, sp: int, pc: int) -> int:
    """Where frames above that of an activation that rests at `pc` may begin."""
    end = sp + machine.window.frame_extent(pc) + ALIGNMENT - 1 & -ALIGNMENT
    return min(end, machine.stack_limit)  # a frame that has not been entered may find no room


def _check_newest(machine: Machine, activation: Activation) -> None:
    if activation not in machine.activations:
        raise Failure("the execution is over")
    if machine.activations[-1] is not activation:
        raise Failure("a newer execution of the store lies above this one: it must end first")
    if machine.nested:
        raise Failure("an execution cannot go on inside a host function of its store")
