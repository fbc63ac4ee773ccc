"""A call going on, as the machine knows it beside the arena; why and where it stops.

What is going on stands in the arena; an `Activation` is the rest: where the tier goes on, what it owes, where the results will lie.
Activations of a machine nest as their frames do: only the newest can go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from arenite import light
from arenite.bytecode.stops import Builtin
from arenite.light import NamedTuple
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.machine.records.objects import FuncAddr
    from arenite.machine.run.sharing import Sharing

READY: Final = -1  # status: the tier goes on at pc, and nothing is owed
HOST_CALL: Final = int(Builtin.HOST_CALL)


class PauseReason(StrEnum):
    """Why an execution has stopped in the middle."""

    __module__ = "arenite"  # pickles name the class, and outlive the files

    FUEL = "fuel"
    EPOCH = "epoch"
    DEADLINE = "deadline"
    NOT_READY = "not ready"
    CALL = "call"


@light.dataclass(frozen=True)
class HostCall:
    """A call of a host function that has not been answered: its name as an import, and the guest's arguments."""

    module: str
    name: str
    params: tuple[object, ...]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Pause(NamedTuple):
    """Why it stopped, in words."""

    reason: PauseReason
    what: str


class Suspended(BaseException):
    """Unwinds the loop to whoever drives the activation; nobody else sees it."""

    def __init__(self, pause: Pause, status: int, pc: int, sp: int, vmctx: int, rest: tuple[int, ...] = ()) -> None:
        super().__init__(pause)
        self.pause = pause
        self.place = status, pc, sp, vmctx, rest


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
    `end`: where frames above it may begin.  `rest`: of a builtin that is half done, its arguments for the rest; of a host call, one
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
    rest: tuple[int, ...] = ()

    def copy(self) -> Activation:
        """This call, to go on elsewhere."""
        return Activation(
            self.function, self.at, self.status, self.pc, self.sp, self.vmctx, self.end, self.pause, self.instance, self.rest
        )


class Until(NamedTuple):
    """How far an activation may go now.  `fuel`: at least 0; `deadline`: of `time.monotonic`, 0: none; `pause_at`: host functions to stop before;
    `sharing`: how to pause for others of its thread, None where it has the thread to itself.
    """

    fuel: int | None = None
    deadline: float = 0.0
    pause_at: frozenset[tuple[str, str]] = frozenset()
    sharing: Sharing | None = None


UNLIMITED: Final = Until()
