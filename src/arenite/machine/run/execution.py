"""A call by the host that can stop in the middle and go on later: on another tier, in another store or another process.

What is going on stands in the arena; an `Activation` is the rest: where the tier goes on, what it owes, where the results will lie.
Activations of a machine nest as their frames do: only the newest can go on.

    activation = start(machine, function, args)
    finished = go_on(machine, activation, Until(fuel=1000))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from arenite.bytecode.helpers import Helper
from arenite.errors import Failure, Trap
from arenite.layout.cage import ALIGNMENT, UNIT
from arenite.layout.frame import frame_end
from arenite.layout.records import FrameHeader
from arenite.layout.types import FuncType
from arenite.machine.records.objects import FuncAddr
from arenite.machine.records.segments import start_function
from arenite.machine.space.window import HALT_PC
from arenite.machine.turn import alone
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import InstanceAddr
    from arenite.machine.space.window import Window

READY: Final = -1  # status: the tier goes on at pc, and nothing is owed
HOST_CALL: Final = int(Helper.HOST_CALL)


class PauseReason(StrEnum):
    """Why an execution has stopped in the middle."""

    FUEL = "fuel"
    EPOCH = "epoch"
    DEADLINE = "deadline"
    NOT_READY = "not ready"
    CALL = "call"


@dataclass(frozen=True)
class HostCall:
    """A call of a host function that has not been answered: its name as an import, and the guest's arguments."""

    module: str
    name: str
    params: tuple[object, ...]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Pause:
    """Why it stopped, in words."""

    reason: PauseReason
    what: str


class Suspended(BaseException):
    """Unwinds the loop to whoever drives the activation; nobody else sees it."""

    def __init__(self, pause: Pause, status: int, pc: int, sp: int, vmctx: int, progress: tuple[int, ...] = ()) -> None:
        super().__init__(pause)
        self.pause = pause
        self.place = status, pc, sp, vmctx, progress


class GiveWay(BaseException):
    """Leaves a host function in which the guest must stop; the loop turns it into a pause or a trap."""

    def __init__(self, pause: Pause, code: Cause) -> None:
        super().__init__(pause)
        self.pause = pause
        self.code = code


SPENT: Final = GiveWay(Pause(PauseReason.FUEL, "all fuel is used up"), Cause.OUT_OF_FUEL)


@dataclass(slots=True, eq=False)
class Activation:
    """A call going on.

    `function`: what was called; `at`: its frame, where the results will lie.  `status`, `pc`, `sp`, `vmctx`: how and where it stands.
    `end`: where frames above it may begin.  `progress`: of a helper that is half done, its arguments for the rest; of a host call, one
    number that the host function decides on (`Caller.progress`).  `instance`: index of the instance whose start function this is, or -1.
    """

    function: FuncAddr
    at: int
    status: int
    pc: int
    sp: int
    vmctx: int
    end: int
    pause: Pause | None = None
    instance: int = -1
    progress: tuple[int, ...] = ()

    def copy(self) -> Activation:
        """The same call, to go on elsewhere."""
        return Activation(
            self.function, self.at, self.status, self.pc, self.sp, self.vmctx, self.end, self.pause, self.instance, self.progress
        )


@dataclass(frozen=True)
class Until:
    """How far an activation may go now.  `fuel`: at least 0; `deadline`: of `time.monotonic`, 0: none; `pause_at`: host functions to stop before."""

    fuel: int | None = None
    deadline: float = 0.0
    pause_at: frozenset[tuple[str, str]] = field(default_factory=frozenset)


UNLIMITED: Final = Until()


@alone
def start(machine: Machine, function: FuncAddr, args: Sequence[object], instance: int = -1) -> Activation:
    """Begin a call; nothing of it has run.  Raises: as `Machine.call`, before it runs; `Failure` inside a host function."""
    if machine.nested:  # the guest that goes on afterwards takes the place where its frame would lie
        raise Failure("an execution cannot begin inside a host function of its store")
    machine.tidy()
    at = machine.top
    machine.depth += 1
    try:
        machine.put_arguments(function, args)
        pc, vmctx = machine.put_entry(function, at)
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
    return start(machine, function, (), machine.made.instances.index(instance))


@alone
def go_on(machine: Machine, activation: Activation, until: Until = UNLIMITED) -> bool:
    """Run on until it stops again or has finished; whether it has finished.

    Raises: what an ordinary call raises, which ends it; `Failure` when it is not the newest of its store.  So does an exception of a
    signal's handler, wherever it comes: what is set here is set where nothing is called, so all of it is or nothing.
    """
    _check_newest(machine, activation)
    unlimited, newest = machine.fuel is None, len(machine.activations) - 1
    limits = [limit for limit in (machine.fuel, until.fuel) if limit is not None]
    allowed = min(limits, default=0)
    machine.reserve = 0 if machine.fuel is None else machine.fuel - allowed
    machine.fuel = allowed if limits else None
    paused = False
    try:
        machine.drive(activation, until)
    except Suspended as stop:
        status, pc, sp, vmctx, progress = stop.place
        end = _end(machine, sp, pc)
        activation.status, activation.pc, activation.sp, activation.vmctx = status, pc, sp, vmctx
        activation.pause, activation.progress = stop.pause, progress
        activation.end = machine.top = end
        paused = True
    finally:
        left = (machine.fuel or 0) + machine.reserve
        machine.fuel, machine.reserve = None if unlimited else left, 0
        if not paused:
            del machine.activations[newest:]
            machine.top = activation.at
    return not paused


def answer(machine: Machine, activation: Activation, value: object) -> None:
    """Complete the host call that an activation waits in.  Raises: `TypeError` and `OverflowError` for a value of another type."""
    _check_newest(machine, activation)
    if activation.status != HOST_CALL:
        raise Failure("the execution does not wait in a host call that a value could complete")
    machine.answer(activation.pc, activation.sp, activation.vmctx, value)
    activation.status, activation.pc, activation.pause, activation.progress = READY, activation.pc + UNIT, None, ()


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
    if activation.status != HOST_CALL or index >= len(machine.made.host_functions):
        return None
    kind = machine.made.host_functions[index].codec
    return machine.host_call(index, kind.read_params(machine.cage.arena, activation.sp, machine.from_guest))


def waiting_results(machine: Machine, activation: Activation) -> int:
    """How many results the host call has that an activation waits in; 0 if it does not."""
    functions, index = machine.made.host_functions, activation.vmctx
    return len(functions[index].type.results) if activation.status == HOST_CALL and index < len(functions) else 0


def results(machine: Machine, activation: Activation) -> Sequence[object]:
    """The values of one that has just finished; nothing else may have run since."""
    return activation.function.codec.read_results(machine.cage.arena, activation.at, machine.from_guest)


def _end(machine: Machine, sp: int, pc: int) -> int:
    """Where frames above that of an activation that rests at `pc` may begin."""
    end = sp + frame_extent(machine.window, pc) + ALIGNMENT - 1 & -ALIGNMENT
    return min(end, machine.stack_limit)  # a frame that has not been entered may find no room


def frame_extent(window: Window, pc: int) -> int:
    """Bytes of the frame of the function whose code holds `pc`.  Raises: `Trap` when no function's does."""
    if pc == HALT_PC:
        return FrameHeader.size
    type_ = window.preamble.thunk_at(pc)
    if type_ is not None:
        return frame_end(type_)
    index = window.module_at(pc)
    if index is not None:
        placed = window.modules[index]
        function = placed.code.function_at(pc - placed.origin)
        if function is not None:
            return placed.code.function(function).frame_size
    raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)


def _check_newest(machine: Machine, activation: Activation) -> None:
    if activation not in machine.activations:
        raise Failure("the execution is over")
    if machine.activations[-1] is not activation:
        raise Failure("a newer execution of the store lies above this one: it must end first")
    if machine.nested:
        raise Failure("an execution cannot go on inside a host function of its store")
