"""Why a guest that runs must stop, and when it looks whether it must.

The watch says that it is time (`due`), or the clock does where the watch is starved: behind host functions and builtins the loop asks
`is_late`, and `look_up` then finds out whether the epoch's or a deadline's time has come.
"""

from __future__ import annotations

import time
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, NoReturn

from arenite.errors import Trap
from arenite.machine.run.activation import GiveWay, Pause, PauseReason, Suspended
from arenite.machine.run.backtrace import backtrace
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.machine.machine import Machine

LATE: Final = 0.015
"""Seconds without a word of the watch after which a run looks up by itself.  The watch speaks every 10 ms, but it needs the interpreter lock
for that, and a run whose host functions are short lets go of it for moments only, in which the watch may never come first."""

UNSEEN: Final = 4
"""Host calls between two looks at the clock.  Four short ones take no time that matters; a long one lets go of the lock, so the watch speaks."""

YIELD: Final = 50e-6
"""Seconds that a late run sleeps, so that the watch and the user's other threads get the lock."""


def is_late(machine: Machine) -> bool:
    """Whether to look up behind a host function or a builtin.  The first time in a run only says when it would be late."""
    now = monotonic()
    if machine.due or now >= machine.look_at > 0.0:
        return True
    if not machine.look_at:
        machine.look_at = _late(machine, now)
    return False


def _late(machine: Machine, now: float) -> float:
    """When a run is late that looks up now.  One that shares its thread is at its deadline, which is near, whatever the watch does."""
    return now + LATE if machine.until.sharing is None else machine.until.deadline


def look_up(machine: Machine, status: int, pc: int, sp: int, vmctx: int, rest: tuple[int, ...] = ()) -> None:
    """Give way if it is time to.  Raises: `Suspended`, `Trap`; what a signal's handler raises."""
    machine.cage.lower_floor()
    if not machine.due and monotonic() >= machine.look_at > 0.0 and machine.until.sharing is None:
        sleep(YIELD)
    machine.due = False
    machine.look_at = _late(machine, monotonic())
    stop = time_is_up(machine)
    if stop is not None:
        give_way(machine, stop, status, pc, sp, vmctx, rest)


def epoch_is_up(machine: Machine) -> GiveWay | None:
    """Whether the epoch's deadline has come."""
    code = machine.check()
    return None if code is None else GiveWay(Pause(PauseReason.EPOCH, "the epoch's deadline has come"), code)


def time_is_up(machine: Machine) -> GiveWay | None:
    """Why the guest must stop now, if it must."""
    epoch = epoch_is_up(machine)
    if epoch is not None:
        return epoch
    if machine.can_pause and machine.until.deadline and time.monotonic() >= machine.until.deadline:
        return GiveWay(Pause(PauseReason.DEADLINE, "the deadline has come"), Cause.INTERRUPT)
    return None


def give_way(machine: Machine, stop: GiveWay, status: int, pc: int, sp: int, vmctx: int, rest: tuple[int, ...]) -> NoReturn:
    """The guest must stop: an execution pauses, an ordinary call traps."""
    if machine.can_pause:
        raise Suspended(stop.pause, status, pc, sp, vmctx, rest) from None
    trap(machine, stop.code, pc, sp, vmctx)


def trap(machine: Machine, cause: Cause, pc: int, sp: int, vmctx: int) -> NoReturn:
    """Raise the trap with the guest's frames."""
    raise Trap(cause.message, cause.code, backtrace(machine, pc, sp, vmctx))
