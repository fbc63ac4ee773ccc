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
from typing import TYPE_CHECKING, Any, Final, TypeVar

from arenite.api.caller import Caller
from arenite.api.extern import from_core, to_core_results
from arenite.api.readiness import happens
from arenite.errors import NotReady
from arenite.layout.types import MAX_U64
from arenite.machine.run import execution as core
from arenite.machine.run.activation import Pause, PauseReason, Until
from arenite.machine.run.interrupts import trap
from arenite.machine.run.sharing import Sharing
from arenite.machine.run.waiting import EPOCH_SECONDS
from arenite.machine.run.watch import OFTEN, watch
from arenite.machine.turn import admit
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.sharing import Asked, Wanted

try:
    from anyio import get_cancelled_exc_class, get_current_task, move_on_after
    from anyio.lowlevel import checkpoint
except ImportError as error:
    raise ImportError("run_async and call_async need anyio: pip install 'arenite[async]'") from error

SHORTEST: Final = 0.001
"""Seconds of a slice after which the next word of the watch ends it: slices are as long as from one word to the next, and no shorter than this."""

SLICE_OVER: Final = Pause(PauseReason.DEADLINE, "its slice of the event loop's time is over")
TIME_OVER: Final = Pause(PauseReason.DEADLINE, "the deadline has come")

EXHAUSTED: Final = {PauseReason.FUEL: Cause.OUT_OF_FUEL, PauseReason.EPOCH: Cause.INTERRUPT}

R = TypeVar("R")


class Turn:
    """A task that has a machine's turn (`machine.turn.Holder`), and what it is itself a part of."""

    __slots__ = ("_activation", "_machine", "_task", "outer")

    def __init__(self, machine: Machine, activation: Activation) -> None:
        self._activation = activation
        self._machine = machine
        self._task = get_current_task()
        self.outer = INNERMOST.get()

    def is_ours(self) -> bool:
        """Whether the caller is called by what this task's guest waits for."""
        turn = INNERMOST.get()
        while turn is not None and turn is not self:
            turn = turn.outer
        return turn is self

    def __str__(self) -> str:
        pause = self._activation.pause
        return f"the task {self._task.name!r}" + ("" if pause is None else f", whose guest waits: {pause.what}")


INNERMOST: Final = ContextVar[Turn | None]("arenite: the innermost turn that the code is part of", default=None)


async def go_on(
    machine: Machine, activation: Activation, fuel: int | None, deadline: float, names: frozenset[tuple[str, str]]
) -> NotReady | None:
    """Run on as `machine.run.execution.go_on` does, and await what the guest waits for.  What is not ready, if it has paused for that.

    `deadline`: of `time.monotonic`; 0: none.  Raises: as that does.
    """
    return await _alone(machine, activation, lambda: _in_slices(machine, activation, fuel, deadline, names))


async def call(machine: Machine, activation: Activation) -> Sequence[object]:
    """Run on to the end; the results.  Whatever else comes, a task that is cancelled too, ends the call.

    Raises: as an ordinary call: `Trap` also where the store has no more fuel or its epoch has come; `NotReady`.
    """

    async def whole() -> Sequence[object]:
        try:
            error = await _in_slices(machine, activation, None, 0.0, frozenset())
            if error is not None:
                try:
                    raise error
                finally:
                    del error  # which knows this frame
            if activation in machine.activations:
                assert activation.pause is not None
                cause = EXHAUSTED[activation.pause.reason]
                trap(machine, cause, activation.pc, activation.sp, activation.vmctx)
            return core.results(machine, activation)
        finally:
            core.close(machine, activation)

    return await _alone(machine, activation, whole)


async def _alone(machine: Machine, activation: Activation, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """Await some work while the turn is this task's.  Raises: `Failure` when others have it."""
    turn = Turn(machine, activation)
    try:
        machine.users.add(turn)
        admit(machine.users, turn)
        INNERMOST.set(turn)
        return await work()
    finally:
        machine.users.discard(turn)
        if INNERMOST.get() is turn:  # a coroutine that is collected ends in another context
            INNERMOST.set(turn.outer)


async def _in_slices(
    machine: Machine, activation: Activation, fuel: int | None, deadline: float, names: frozenset[tuple[str, str]]
) -> NotReady | None:
    while True:
        sharing = Sharing()
        watch.often = OFTEN
        end = time.monotonic() + SHORTEST
        if core.go_on(machine, activation, Until(fuel, min(end, deadline) if deadline else end, names, sharing)):
            return None
        fuel = sharing.fuel
        if sharing.asked is not None:
            error = await _in_time(machine, activation, sharing.asked, deadline)
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


async def _in_time(machine: Machine, activation: Activation, asked: Asked, deadline: float) -> NotReady | None:
    """Answer a call; at the deadline it is given up, to be asked again."""
    if not deadline:
        return await _answer(machine, activation, asked)
    with move_on_after(max(0.0, deadline - time.monotonic())):
        return await _answer(machine, activation, asked)
    activation.pause = TIME_OVER
    return None


async def _answer(machine: Machine, activation: Activation, asked: Asked) -> NotReady | None:
    """Await a host function, and give the guest what comes of it.  What it says of not being ready: it will be asked again.

    Raises: what it raises, if the guest may not catch that, which ends the execution; unless it is cancelled.
    """
    args = [from_core(machine, value) for value in asked.args]
    caller = Caller(machine, asked.vmctx) if asked.access_caller else None
    if caller is not None:
        caller.paused(activation)
    try:
        value = await (asked.function(*args) if caller is None else asked.function(caller, *args))
    except (get_cancelled_exc_class(), GeneratorExit):
        raise
    except NotReady as error:
        activation.pause = Pause(PauseReason.NOT_READY, str(error))
        return error
    except BaseException as error:  # noqa: BLE001 (it is the guest's, or `fail` raises it)
        core.fail(machine, activation, error)
        return None
    finally:
        if caller is not None:
            caller.leave()
    try:
        count = core.waiting_results(machine, activation)
        core.answer(machine, activation, to_core_results(machine, value, count))
    except BaseException:
        core.close(machine, activation)
        raise
    return None
