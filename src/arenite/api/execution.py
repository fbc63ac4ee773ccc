"""A call that can stop in the middle and go on later, as users hold it.

execution = func.start(store, 20)
outcome = execution.run(fuel=1000)
while isinstance(outcome, Paused):
    outcome = execution.run(fuel=1000)
print(outcome.values)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from arenite.api.bound import ProcessBound
from arenite.api.extern import from_core, to_core_results, wrap
from arenite.api.numbers import expect, integer, seconds
from arenite.errors import Failure
from arenite.machine.run import execution as core
from arenite.machine.run.activation import Activation, HostCall, PauseReason, Until
from arenite.machine.run.backtrace import backtrace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arenite.api.instance import Instance
    from arenite.machine.machine import Machine
    from arenite.machine.run.backtrace import GuestFrame


@dataclass(frozen=True)
class Finished:
    """The call has returned.  `values`: its results."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Paused:
    """The call has stopped in the middle.  `what` says why in words; `call`: the host call that waits for an answer, if one does."""

    reason: PauseReason
    what: str
    call: HostCall | None = None


class AskAgain:
    """The type of `ASK_AGAIN`."""

    def __repr__(self) -> str:
        return "ASK_AGAIN"


NUMBERS: Final = (int, float)
ASK_AGAIN: Final = AskAgain()
"""In place of a value for a waiting host call: call the host function."""


class Execution(ProcessBound):
    """A call by the host, begun with `Func.start`, `Linker.start` or `Instance.start`, or found in a fork as `Store.execution`.

    Executions of a store nest: only the newest can go on.  An error that leaves `run` (a trap, the guest's exit, what a host function
    raised) ends it.
    """

    __slots__ = ("_activation", "_machine")

    def __init__(self, machine: Machine, activation: Activation) -> None:
        self._machine = machine
        self._activation = activation

    def run(self, *, fuel: int | None = None, deadline: float | None = None, pause_at: Iterable[str] = ()) -> Finished | Paused:
        """Go on until the call has returned or must stop.

        `fuel`: units that it may use now, beside what the store has; `deadline`: seconds from now; `pause_at`: host functions, as
        `"module.name"` of the import, before whose calls it stops.  A host function that raises `NotReady` stops it too, and is asked
        again next time.  A guest called *by* a host function does not pause: out of fuel, it traps; a deadline waits for it.
        Raises: `Trap`, `Exit`, what a host function raised; `Failure` when the execution is over or not the newest;
        `TypeError`, `ValueError` for a `fuel`, `deadline` or `pause_at` that is none.
        """
        core.go_on(self._machine, self._activation, _until(fuel, deadline, pause_at))
        return self._outcome()

    async def run_async(
        self, *, fuel: int | None = None, deadline: float | None = None, pause_at: Iterable[str] = ()
    ) -> Finished | Paused:
        """Go on as `run` does, as a task of an event loop: of asyncio, or of trio.

        `async def` host functions are awaited, by this task; a guest that computes lets the loop's other tasks run every few milliseconds.
        Meanwhile the store is this task's: others are refused, but what the guest waits for may call guests.
        A task that is cancelled leaves the execution paused: it can go on, where the host function is asked again, or be closed.
        `deadline`: as for `run`, and a host function that is awaited then is cancelled, to be asked again.
        Raises: as `run`; `ImportError` without anyio.
        """
        from arenite.api import asynchronous  # noqa: PLC0415 (it imports anyio, for few)

        await asynchronous.go_on(self._machine, self._activation, *_until(fuel, deadline, pause_at)[:3])
        return self._outcome()

    def _outcome(self) -> Finished | Paused:
        """What has come of a run that has just ended."""
        paused = self.paused
        if paused is not None:
            return paused
        return Finished(tuple(from_core(self._machine, v) for v in core.results(self._machine, self._activation)))

    def resume(
        self, value: object = ASK_AGAIN, *, fuel: int | None = None, deadline: float | None = None, pause_at: Iterable[str] = ()
    ) -> Finished | Paused:
        """Go on as `run` does.  `value`: what the waiting host call returns; without it the host function is called.

        Raises: as `run`; `TypeError`, `OverflowError` for a value of another type, after which the execution still waits.
        """
        if value is not ASK_AGAIN:
            self.answer(value)
        return self.run(fuel=fuel, deadline=deadline, pause_at=pause_at)

    def throw(
        self, error: BaseException, *, fuel: int | None = None, deadline: float | None = None, pause_at: Iterable[str] = ()
    ) -> Finished | Paused:
        """Go on as `run` does.  `error`: what the waiting host call raises.

        Raises: as `run`; `error`, where no guest may catch it, which ends the execution; `TypeError`, `OverflowError` for values that do not fit its
        tag, after which the execution still waits.
        """
        self.fail(error)
        return self.run(fuel=fuel, deadline=deadline, pause_at=pause_at)

    def answer(self, value: object) -> None:
        """What the waiting host call returns; nothing runs.  Raises: as `resume` before it goes on."""
        count = core.waiting_results(self._machine, self._activation)
        core.answer(self._machine, self._activation, to_core_results(self._machine, value, count))

    def fail(self, error: BaseException) -> None:
        """What the waiting host call raises; nothing runs.  Raises: as `throw` before it goes on."""
        expect(error, BaseException)
        core.fail(self._machine, self._activation, error)

    @property
    def paused(self) -> Paused | None:
        """Why it stopped last; None before it has run, and when it is over."""
        return None if self.over else _paused(self._machine, self._activation)

    @property
    def over(self) -> bool:
        """Whether it has returned, failed or been closed."""
        return self._activation not in self._machine.activations

    @property
    def instance(self) -> Instance | None:
        """The instance that it brings up, if it is an instantiation."""
        index = self._activation.instance
        return None if index < 0 else cast("Instance", wrap(self._machine, self._machine.registry.instances[index]))

    def backtrace(self) -> list[GuestFrame]:
        """Where it stands: the guest's frames, innermost first."""
        if self.over:
            raise Failure("the execution is over")
        a = self._activation
        return backtrace(self._machine, a.pc, a.sp, a.vmctx)

    def close(self) -> None:
        """End it, and those above it: the guest's frames are forgotten.  Raises: `Failure` inside a host function."""
        core.close(self._machine, self._activation)


def _until(fuel: int | None, deadline: float | None, pause_at: Iterable[str]) -> Until:
    """How far to go.  Raises: as `run`."""
    if isinstance(pause_at, str):
        raise TypeError(f"pause_at {pause_at!r}; expected a list of names, found str")
    names = frozenset(_import_name(name) for name in pause_at)
    until = 0.0 if deadline is None else time.monotonic() + seconds("deadline", deadline)
    return Until(None if fuel is None else integer("fuel", fuel, 0), until, names)


def _paused(machine: Machine, activation: Activation) -> Paused | None:
    pause, call = activation.pause, core.waiting_call(machine, activation)
    if call is not None and any(type(p) not in NUMBERS for p in call.params):
        call = HostCall(call.module, call.name, tuple(from_core(machine, p) for p in call.params))
    return None if pause is None else Paused(pause.reason, pause.what, call)


def _import_name(text: str) -> tuple[str, str]:
    module, dot, name = text.rpartition(".")
    if not dot:
        raise ValueError(f"{text!r} is not of the form 'module.name'")
    return module, name
