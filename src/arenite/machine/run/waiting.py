"""Host functions that take long: where a guest's time may be up while they work or wait.

A step of a wait lasts until the nearest deadline, or as long as epochs allow; between two the machine looks up.  What has passed is the
call's `progress`, so an execution that pauses there waits for the rest when it goes on.  One that shares its thread pauses at once, and says
what is to be waited for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from arenite.layout.types import MAX_U64
from arenite.machine.run.activation import GiveWay, Pause, PauseReason
from arenite.machine.run.interrupts import epoch_is_up, time_is_up
from arenite.machine.run.sharing import Wanted
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.machine import Machine

LONGEST_NAP: Final = 86400.0  # seconds; the system takes no more than some centuries
EPOCH_SECONDS: Final = 0.02  # a host function that waits looks at the epoch so often
ASKED_AGAIN: Final = 0.01  # seconds, where nobody says what a host function waits for
WAITS: Final = Pause(PauseReason.NOT_READY, "a host function waits")


def checkpoint(machine: Machine, *, now: bool = False) -> None:
    """Stop the guest if it must; for host functions.  `now`: look, also if the watch has not said so.  Raises: `GiveWay`."""
    if now or machine.due:
        machine.due = False
        stop = time_is_up(machine)
        if stop is not None:
            raise stop


def wait(
    machine: Machine,
    step: Callable[[float | None], bool],
    seconds: float | None = None,
    wanted: Callable[[], Wanted] | None = None,
) -> bool:
    """Repeat `step` until it says that what is waited for has come, or so many seconds have passed; whether it has come.

    `step` gets the seconds for which it may wait, None: any.  What has passed is counted in `progress`, in nanoseconds.
    `wanted`: what it waits for, for those who share its thread.  Raises: `GiveWay` between two steps.
    """
    if shares(machine):
        return _wait_elsewhere(machine, step, seconds, wanted)
    before, began = machine.progress, time.monotonic_ns()
    whole = None if seconds is None else max(0, round(seconds * 1e9))
    while True:
        if step(_longest_wait(machine, None if whole is None else max(0, whole - machine.progress) / 1e9)):
            return True
        machine.progress = min(before + time.monotonic_ns() - began, MAX_U64)  # `before` may have come out of a file
        if whole is not None and machine.progress >= whole:
            return False
        checkpoint(machine, now=True)


def shares(machine: Machine) -> bool:
    """Whether the guest shares its thread, so that it pauses instead of waiting."""
    return machine.until.sharing is not None and machine.can_pause


def _wait_elsewhere(
    machine: Machine, step: Callable[[float | None], bool], seconds: float | None, wanted: Callable[[], Wanted] | None
) -> bool:
    """As `wait`; where it has not come, the guest pauses.  Whoever drives it counts what passes until the host function is asked again."""
    if step(0.0):
        return True
    left = None if seconds is None else max(0.0, seconds - machine.progress / 1e9)
    if left == 0.0:
        return False
    epoch = epoch_is_up(machine)  # the end of a slice is no reason: it may be over before anything was asked for
    if epoch is not None:
        raise epoch
    sharing = machine.until.sharing
    assert sharing is not None
    if wanted is not None:
        sharing.wanted = wanted()
    else:
        sharing.wanted = Wanted(left if step is nap else ASKED_AGAIN if left is None else min(left, ASKED_AGAIN))
    raise GiveWay(WAITS, Cause.INTERRUPT)


def nap(seconds: float | None) -> bool:
    """A step of a sleep."""
    time.sleep(LONGEST_NAP if seconds is None else min(seconds, LONGEST_NAP))
    return False


def _longest_wait(machine: Machine, seconds: float | None) -> float | None:
    """How much of a wait of so many seconds may pass before the guest must look up."""
    limits = [] if seconds is None else [seconds]
    if machine.has_epochs:
        limits.append(EPOCH_SECONDS)
    if machine.can_pause and machine.until.deadline:
        limits.append(max(0.0, machine.until.deadline - time.monotonic()))
    return min(limits, default=None)


def hurried(machine: Machine) -> bool:
    """Whether a host function may not wait for any time without looking up."""
    return _longest_wait(machine, None) is not None
