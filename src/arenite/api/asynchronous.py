"""Calls that share an event loop, of asyncio or of trio: `Execution.run_async` stands on `go_on`, `Func.call_async` on `call`.

- A guest that calls an `async def` host function pauses, as one does whose host function is not ready; its task awaits the function, and the
  execution goes on with what that gives or raises.  So a guest that waits is data and costs no thread.
- Where a guest would wait, for a time or for a file of the host, its task does.
- A guest that computes runs in slices; behind each, the loop's other tasks have their turn.
- From beginning to end the store's turn belongs to the task (`Turn`): others are refused, and what the guest waits for may call guests above it.
- A cancelled task leaves the execution paused: it can go on, or be closed.
"""

from __future__ import annotations

import math
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from arenite.api.caller import Caller
from arenite.api.extern import from_core, to_core_results
from arenite.errors import NotReady
from arenite.layout.types import MAX_U64
from arenite.machine.run import execution as core
from arenite.machine.run.activation import Pause, PauseReason, Until
from arenite.machine.run.interrupts import trap
from arenite.machine.run.sharing import Sharing
from arenite.machine.run.waiting import EPOCH_SECONDS
from arenite.machine.turn import admit
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.sharing import Asked, Wanted

try:
    from anyio import get_cancelled_exc_class, get_current_task, move_on_after
    from anyio.lowlevel import checkpoint

    from arenite.api.readiness import happens
except ImportError as error:
    raise ImportError("run_async and call_async need anyio: pip install 'arenite[async]'") from error

SLICE: Final = 0.003
"""Seconds of a slice, after which the guest's next look at the clock ends it (`machine.run.sharing`)."""

SLICE_OVER: Final = Pause(PauseReason.DEADLINE, "its slice of the event loop's time is over")
TIME_OVER: Final = Pause(PauseReason.DEADLINE, "the deadline has come")

EXHAUSTED: Final = {PauseReason.FUEL: Cause.OUT_OF_FUEL, PauseReason.EPOCH: Cause.INTERRUPT}


class Link:
    """A stretch of a turn: some slice of its guest, or some host function that is awaited.  What is called in it has it in its context."""

    __slots__ = ("outer",)

    def __init__(self, outer: Link | None) -> None:
        self.outer = outer


class Turn:
    """A task that has a machine's turn (`machine.turn.Holder`).  Between two stretches it is nobody's, whatever has been begun in earlier ones."""

    __slots__ = ("_activation", "_task", "link", "outer")

    def __init__(self, activation: Activation) -> None:
        self._activation = activation
        self._task = get_current_task()
        self.outer = INNERMOST.get()
        self.link: Link | None = None

    def begin(self) -> None:
        """A stretch begins."""
        self.link = link = Link(self.outer)
        INNERMOST.set(link)

    def end(self) -> None:
        """It is over."""
        link, self.link = self.link, None
        if INNERMOST.get() is link:  # a coroutine that nobody awaits any more may end in another context
            INNERMOST.set(self.outer)

    def is_ours(self) -> bool:
        """Whether the caller is called in the stretch that goes on."""
        link = INNERMOST.get()
        while link is not None and link is not self.link:
            link = link.outer
        return link is not None

    def __str__(self) -> str:
        pause = self._activation.pause
        return f"the task {self._task.name!r}" + ("" if pause is None else f", whose guest waits: {pause.what}")


INNERMOST: Final = ContextVar[Link | None]("arenite: the innermost stretch of a turn that the code is part of", default=None)


async def go_on(
    machine: Machine, activation: Activation, fuel: int | None, deadline: float, names: frozenset[tuple[str, str]]
) -> NotReady | None:
    """Run on as `machine.run.execution.go_on` does, and await what the guest waits for.  What is not ready, if it has paused for that.

    `deadline`: of `time.monotonic`; 0: none.  Raises: as that does.
    """
    turn = Turn(activation)
    try:
        _enter(machine, turn)
        return await _in_slices(machine, activation, turn, fuel, deadline, names)
    finally:
        machine.users.discard(turn)


async def call(machine: Machine, activation: Activation) -> Sequence[object]:
    """Run on to the end; the results.  Whatever else comes, a task that is cancelled too, ends the call.

    Raises: as an ordinary call: `Trap` also where the store has no more fuel or its epoch has come; `NotReady`.
    """
    turn = Turn(activation)
    try:
        _enter(machine, turn)
        error = await _in_slices(machine, activation, turn, None, 0.0, frozenset())
        if error is not None:
            try:
                raise error
            finally:
                del error  # which knows this frame
        if activation in machine.activations:
            assert activation.pause is not None
            trap(machine, EXHAUSTED[activation.pause.reason], activation.pc, activation.sp, activation.vmctx)
        return core.results(machine, activation)
    finally:
        if activation in machine.activations:
            _close(machine, activation, turn)
        machine.users.discard(turn)


def _enter(machine: Machine, turn: Turn) -> None:
    """The turn is this task's.  Raises: `Failure` when others have it."""
    machine.users.add(turn)
    admit(machine.users, turn)


def _close(machine: Machine, activation: Activation, turn: Turn) -> None:
    """End a call in the middle, in whatever context."""
    here = INNERMOST.get()
    try:
        turn.begin()
        core.close(machine, activation)
    finally:
        turn.link = None
        INNERMOST.set(here)


async def _in_slices(
    machine: Machine, activation: Activation, turn: Turn, fuel: int | None, deadline: float, names: frozenset[tuple[str, str]]
) -> NotReady | None:
    sharing, budget = Sharing(), machine.fuel
    while True:
        sharing.begin()
        now = time.monotonic()
        end, usual = now + SLICE, budget.slice
        try:
            turn.begin()
            budget.slice = min(sharing.first(now), usual)
            if core.go_on(machine, activation, Until(fuel, min(end, deadline) if deadline else end, names, sharing)):
                return None
        finally:
            budget.slice = usual
            turn.end()
        fuel = sharing.fuel
        if sharing.asked is not None:
            error = await _in_time(machine, activation, turn, sharing.asked, deadline)
            if error is not None or activation.pause is TIME_OVER:
                return error
        elif sharing.wanted is not None:
            await _wait(machine, activation, sharing.wanted, deadline)
            if activation.pause is TIME_OVER:
                return None
        elif activation.pause is None or activation.pause.reason is not PauseReason.DEADLINE:
            return sharing.error
        elif deadline and time.monotonic() >= deadline:
            return None
        else:
            sharing.next(time.monotonic(), usual, used_up=False)
            activation.pause = SLICE_OVER
            await checkpoint()


async def _wait(machine: Machine, activation: Activation, wanted: Wanted, deadline: float) -> None:
    """Let happen what a host function waits for; where that is a time, what passes is its `progress`, as when it waits by itself."""
    began = time.monotonic()
    until = [began + wanted.seconds] if wanted.seconds is not None else []
    until += [deadline] if deadline else []
    end = min(until, default=math.inf)
    try:
        while not await happens(wanted, min(end - time.monotonic(), EPOCH_SECONDS if machine.has_epochs else math.inf)):
            now = time.monotonic()
            if now >= end or machine.check() is not None:
                break
        if deadline and time.monotonic() >= deadline:
            activation.pause = TIME_OVER
    finally:
        if wanted.seconds is not None:
            done = activation.rest[0] if activation.rest else 0
            activation.rest = (min(done + round((time.monotonic() - began) * 1e9), MAX_U64),)


async def _in_time(machine: Machine, activation: Activation, turn: Turn, asked: Asked, deadline: float) -> NotReady | None:
    """Answer a call; at the deadline it is given up, to be asked again."""
    if not deadline:
        return await _answer(machine, activation, turn, asked)
    with move_on_after(max(0.0, deadline - time.monotonic())):
        return await _answer(machine, activation, turn, asked)
    activation.pause = TIME_OVER
    return None


async def _answer(machine: Machine, activation: Activation, turn: Turn, asked: Asked) -> NotReady | None:
    """Await a host function, and give the guest what comes of it.  What it says of not being ready: it will be asked again.

    Raises: what it raises, if the guest may not catch that, which ends the execution; unless it is cancelled.
    """
    args = [from_core(machine, value) for value in asked.args]
    caller = Caller(machine, asked.vmctx) if asked.access_caller else None
    if caller is not None:
        caller.paused(activation)
    try:
        turn.begin()
        value = await (asked.function(*args) if caller is None else asked.function(caller, *args))
        count = core.waiting_results(machine, activation)
        result = to_core_results(machine, value, count)
    except (get_cancelled_exc_class(), GeneratorExit):
        raise
    except NotReady as error:
        activation.pause = Pause(PauseReason.NOT_READY, str(error))
        return error
    except BaseException as error:  # noqa: BLE001 (it is the guest's, or `fail` raises it)
        core.fail(machine, activation, error)
    else:
        try:
            core.answer(machine, activation, result)
        except BaseException:  # as of an ordinary host function: what is no result ends the call
            core.close(machine, activation)
            raise
    finally:
        turn.end()
        if caller is not None:
            caller.leave()
    return None
