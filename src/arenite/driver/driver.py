"""Running a program in pieces: its instantiation, then what is called of it, through all pauses.

Example:  with Driver.begin(module, wasi=WasiConfig(stdin=Feed())) as driver: driver.run(fuel=1000)
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from arenite import Finished, Linker, PauseReason, Store
from arenite.driver.entry import program
from arenite.errors import SnapshotError, Trap
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from arenite import Execution, HostModuleConfig, Module, Paused, Snapshot
    from arenite.driver.entry import Call, Entry

MAX_FUEL: Final = (1 << 64) - 1

EXHAUSTED: Final = {PauseReason.FUEL: Cause.OUT_OF_FUEL, PauseReason.EPOCH: Cause.INTERRUPT}
"""Reasons to stop that nobody asked `run` for: the program ends."""


class Driver:
    """A program in a store, wherever it stands: at its beginning, paused, or frozen and thawed.

    `entry`: what to call of an instance that has come up.  Calls that have not begun are not in a snapshot.
    `wait`: called where the program waits for what is not ready, such as input; true: it is asked again.  By default `run` returns there.
    """

    def __init__(self, store: Store, entry: Entry = program, *, wait: Callable[[], bool] = lambda: False) -> None:
        self.store = store
        self._entry = entry
        self._wait = wait
        self._current: Execution | None = None
        self._calls: deque[Call] = deque()

    @classmethod
    def begin(
        cls,
        module: Module,
        entry: Entry = program,
        *,
        wasi: HostModuleConfig | None = None,
        linker: Linker | None = None,
        fuel: int | None = None,
        wait: Callable[[], bool] = lambda: False,
    ) -> Self:
        """A program at its beginning, in a store of its own; nothing of it has run.

        `wasi`: what it is given; `linker`: where its imports are found, by default in WASI alone; `fuel`: as for `limit`.
        Raises: `LinkError`, `Limit`; `OSError` for a directory of `wasi`'s that cannot be opened.
        """
        driver = cls(Store(module.engine), entry, wait=wait)
        try:
            if wasi is not None:
                driver.store.set_wasi(wasi)
            if linker is None:
                linker = Linker(module.engine)
                linker.define_wasi()
            driver.limit(fuel)
            linker.start(driver.store, module)
        except BaseException:
            driver.close()
            raise
        return driver

    @classmethod
    def resume(
        cls,
        snapshot: Snapshot,
        entry: Entry = program,
        *,
        wasi: HostModuleConfig | None = None,
        fuel: int | None = None,
        wait: Callable[[], bool] = lambda: False,
    ) -> Self:
        """A program that goes on from a snapshot, in a fork of it.

        `wasi`: its standard streams and directories from now on; `fuel`: as for `limit`, whatever it had before.
        Raises: `SnapshotError` also when nothing was in the middle; and as `Snapshot.fork`.
        """
        driver = cls(snapshot.fork(wasi=wasi), entry, wait=wait)
        if driver.store.execution is None:
            driver.close()
            raise SnapshotError("nothing is going on in it: it was frozen between calls")
        try:
            driver.limit(fuel)
        except BaseException:
            driver.close()
            raise
        return driver

    def limit(self, fuel: int | None) -> None:
        """How much fuel the program may use from now on in all; None: as much as it likes.  Raises: `Failure` where none is counted."""
        if fuel is not None or self.store.engine.config.consume_fuel:
            self.store.set_fuel(MAX_FUEL if fuel is None else fuel)

    def run(self, *, fuel: int | None = None, deadline: float | None = None, pause_at: Iterable[str] = ()) -> Finished | Paused:
        """Go on to the end, to where it waits, or to a place.

        The place is as for `Execution.run`: after so much `fuel`, `deadline` seconds from now, before the calls in `pause_at`; it counts
        through the instantiation and all calls.  A place by fuel needs an engine that counts it.
        Finished with the results of the last call; Paused at the place, or with `NOT_READY` where `wait` says so.
        Raises: `Trap`, `Exit` and what host functions raise: the program is then over, and what was to be called is forgotten.
        Also a `Trap` where the limit of fuel or the epoch's deadline is reached: from there it goes on when it is given more.
        """
        place = _StopPoint(self.store, fuel, deadline, tuple(pause_at))
        outcome: Finished | Paused = Finished(())
        try:
            while (execution := self._next()) is not None:
                outcome = self._through(execution, place)
                if not isinstance(outcome, Finished):
                    return outcome
                if execution.instance is not None:
                    self._calls.extend(self._entry(self.store, execution.instance))
        except BaseException:
            if self._current is None or self._current.over:
                self._calls.clear()
            raise
        return outcome

    def _next(self) -> Execution | None:
        """The execution to go on with: the one that paused, a call that has not begun, one that those came on top of."""
        if self._current is None or self._current.over:
            if self._calls:
                func, operands = self._calls.popleft()
                self._current = func.start(self.store, *operands)
            else:
                self._current = self.store.execution
        return self._current

    def _through(self, execution: Execution, place: _StopPoint) -> Finished | Paused:
        """To the end of one execution, or as far as `run` goes."""
        while True:
            outcome = place.run(execution)
            if isinstance(outcome, Finished) or place.reached(outcome):
                return outcome
            cause = EXHAUSTED.get(outcome.reason)
            if cause is not None:
                raise Trap(cause.message, cause.code, execution.backtrace())
            if outcome.reason is PauseReason.NOT_READY and not self._wait():
                return outcome

    def close(self) -> None:
        """Close the store.  Raises: `BufferError` as `Store.close`."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class _StopPoint:
    """What is left of the way to a place, through any number of executions."""

    def __init__(self, store: Store, fuel: int | None, deadline: float | None, pause_at: tuple[str, ...]) -> None:
        self._store = store
        self._fuel = fuel
        self._end = None if deadline is None else time.monotonic() + deadline
        self._calls = pause_at

    def run(self, execution: Execution) -> Finished | Paused:
        """Go on for so much."""
        left = None if self._end is None else max(0.0, self._end - time.monotonic())
        before = 0 if self._fuel is None else self._store.get_fuel()
        outcome = execution.run(fuel=self._fuel, deadline=left, pause_at=self._calls)
        if self._fuel is not None:
            self._fuel -= before - self._store.get_fuel()
        return outcome

    def reached(self, paused: Paused) -> bool:
        """Whether this pause is the place."""
        if self._end is not None and time.monotonic() >= self._end:
            return True
        return paused.reason is PauseReason.CALL or (paused.reason is PauseReason.FUEL and self._fuel == 0)
