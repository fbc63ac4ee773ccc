"""Going on with a store's executions: to a place (`--at`), or to their end.

- A guest that waits for input is kept waiting, unless that is the place.
- What is left of the journey counts through all executions: an instantiation, the program after it.

Example:  outcome = Journey(store, place("fuel=1000")).go(lambda instance: [program(instance, store, "hello.wasm")])
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from arenite.api import Finished, PauseReason
from arenite.cli.place import END
from arenite.errors import Trap
from arenite.layout.types import MAX_U64
from arenite.traps import Cause
from arenite.wasi.hostio import wait
from arenite.wasi.stdio import descriptor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from arenite.api import Execution, Instance, Paused, Store
    from arenite.cli.guest import Call
    from arenite.cli.place import Place

PATIENCE: Final = 50_000_000  # nanoseconds of waiting for input, then the guest is asked again
PAUSE: Final = 0.001  # seconds at least between two times: it may wait for other things than standard input

EXHAUSTED: Final = {PauseReason.FUEL: Cause.OUT_OF_FUEL, PauseReason.EPOCH: Cause.INTERRUPT}
"""Reasons to stop that are the end of a guest on the command line."""


class Input:
    """A standard input that is not ready, rather than at its end, once all of `source` has been read.  `waiting`: it has come to that."""

    def __init__(self, source: Callable[[int], bytes] = lambda _: b"") -> None:
        self._source = source
        self.waiting = False

    def __call__(self, size: int) -> bytes | None:
        """As `WasiConfig(stdin=…)` asks."""
        data = self._source(size)
        self.waiting = not data
        return data or None


class Journey:
    """One way of a store.  `stdin`: what the guest reads, if the place is where that is waited for.

    A place by fuel needs a store that counts it.
    """

    def __init__(self, store: Store, at: Place = END, stdin: Input | None = None) -> None:
        self._store = store
        self._at = at
        self._stdin = stdin
        self._fuel = at.fuel
        self._end = None if at.seconds is None else time.monotonic() + at.seconds
        self._calls = () if at.call is None else (at.call,)

    def go(self, after: Callable[[Instance], Iterable[Call]]) -> Finished | Paused:
        """Go on with what the store is in the middle of: paused at the place, or what the last call finished with.

        `after`: what to call once an instance is up.  Raises: `Trap`, also when fuel or time are used up; `Exit`.
        """
        outcome: Finished | Paused = Finished(())
        while (execution := self._store.execution) is not None:
            outcome = self._through(execution)
            if not isinstance(outcome, Finished):
                return outcome
            for func, operands in () if execution.instance is None else after(execution.instance):
                outcome = self._through(func.start(self._store, *operands))
                if not isinstance(outcome, Finished):
                    return outcome
        return outcome

    def _through(self, execution: Execution) -> Finished | Paused:
        """To the end of one execution, or to the place in it."""
        while True:
            outcome = self._run(execution)
            if isinstance(outcome, Finished) or self._reached(outcome):
                return outcome
            cause = EXHAUSTED.get(outcome.reason)
            if cause is not None:
                raise Trap(cause.message, cause.code, execution.backtrace())
            wait_for_input()

    def _run(self, execution: Execution) -> Finished | Paused:
        deadline = None if self._end is None else max(0.0, self._end - time.monotonic())
        before = self._store.get_fuel() if self._fuel is not None else 0
        outcome = execution.run(fuel=self._fuel, deadline=deadline, pause_at=self._calls)
        if self._fuel is not None:
            self._fuel -= before - self._store.get_fuel()
        return outcome

    def _reached(self, paused: Paused) -> bool:
        """Whether this stop is the place."""
        if self._end is not None:
            return time.monotonic() >= self._end
        match paused.reason:
            case PauseReason.NOT_READY:
                return self._stdin is not None and self._stdin.waiting
            case PauseReason.FUEL:
                return self._fuel == 0
            case PauseReason.CALL:
                return True
        return False


def fuelled(store: Store, fuel: int | None, at: Place = END) -> None:
    """Give a store the fuel of `--fuel`; without it no limit, where fuel is only counted."""
    if fuel is not None or at.fuel is not None:
        store.set_fuel(MAX_U64 if fuel is None else fuel)


def wait_for_input() -> None:
    """Until standard input may have something."""
    fd = None if sys.stdin is None else descriptor_of(sys.stdin)
    wait(() if fd is None else (fd,), (), PATIENCE)
    time.sleep(PAUSE)
