"""The guest's clocks: the host's, or virtual ones under which a run is the same each time and never really waits.

WasiConfig(clocks=VirtualClocks(start=0))
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, Protocol

from arenite.wasi import hostio
from arenite.wasi.records import ClockId

if TYPE_CHECKING:
    from collections.abc import Collection

    from arenite.wasi.hostio import Ready


class Clocks(Protocol):
    """What `WasiConfig(clocks=…)` takes.  Units: nanoseconds."""

    def resolution(self, clock: ClockId) -> int:
        """The smallest difference that the clock shows."""

    def now(self, clock: ClockId) -> int:
        """The time; of `REALTIME` since 1970."""

    def wait(self, nanoseconds: int | None, readable: Collection[int], writable: Collection[int]) -> Ready:
        """Let at most that time pass (None: any), less if one of the host's descriptors gets ready."""


NAMES: dict[ClockId, Literal["time", "monotonic", "process_time", "thread_time"]] = {
    ClockId.REALTIME: "time",
    ClockId.MONOTONIC: "monotonic",
    ClockId.PROCESS_CPUTIME: "process_time",
    ClockId.THREAD_CPUTIME: "thread_time",
}
READERS = {
    ClockId.REALTIME: time.time_ns,
    ClockId.MONOTONIC: time.monotonic_ns,
    ClockId.PROCESS_CPUTIME: time.process_time_ns,
    ClockId.THREAD_CPUTIME: time.thread_time_ns,
}


class SystemClocks:
    """The host's clocks."""

    def resolution(self, clock: ClockId) -> int:
        """What the host says of the clock."""
        return max(1, round(time.get_clock_info(NAMES[clock]).resolution * 1e9))

    def now(self, clock: ClockId) -> int:
        """The host's time."""
        return READERS[clock]()

    def wait(self, nanoseconds: int | None, readable: Collection[int], writable: Collection[int]) -> Ready:
        """Sleep as the host does; a signal's handler runs and may raise."""
        return hostio.wait(readable, writable, nanoseconds)


class VirtualClocks:
    """Clocks that tick once per reading and jump over every wait.

    `start`: the first real time, in nanoseconds since 1970; `tick`: what passes with each reading.
    """

    def __init__(self, start: int = 0, tick: int = 1000) -> None:
        self.start = start
        self.tick = tick
        self.passed = 0

    def resolution(self, clock: ClockId) -> int:
        """One tick, of every clock."""
        del clock
        return self.tick

    def now(self, clock: ClockId) -> int:
        """One tick later than before; the clocks but `REALTIME` begin with 0."""
        self.passed += self.tick
        return self.passed + (self.start if clock is ClockId.REALTIME else 0)

    def wait(self, nanoseconds: int | None, readable: Collection[int], writable: Collection[int]) -> Ready:
        """Jump, unless a descriptor is ready now; a wait without end is real, for nothing else could end it."""
        found = hostio.wait(readable, writable, None if nanoseconds is None else 0)
        if not found and nanoseconds is not None:
            self.passed += nanoseconds
        return found
