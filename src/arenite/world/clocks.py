"""The guest's clocks: the host's, or virtual ones under which a run is the same each time and never really waits.

WasiConfig(clocks=VirtualClocks(start=0))
"""

from __future__ import annotations

import time
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, Protocol, TypeGuard

from arenite.world import hostio
from arenite.world.travel import LAST_TIME, LATEST, SystemTime, VirtualTime, decode, encode

if TYPE_CHECKING:
    from collections.abc import Collection

    from arenite.machine.run.hosts import HostState
    from arenite.world.hostio import Ready


class Clock(IntEnum):
    """The clocks that there are: of the day, one that never goes backwards, and how long the processor was busy."""

    REALTIME = 0
    MONOTONIC = 1
    PROCESS_CPUTIME = 2
    THREAD_CPUTIME = 3


class Clocks(Protocol):
    """What `WasiConfig(clocks=…)` takes.  Units: nanoseconds.

    Clocks that take part in snapshots have `freeze` and `thaw` too, see `Travelling`; others go on as they are.  Where a guest may be
    stopped while it waits, `wait` is called for a part of the time, again and again, unless the clocks say that they `jumps`.
    """

    def resolution(self, clock: Clock) -> int:
        """The smallest difference that the clock shows."""

    def now(self, clock: Clock) -> int:
        """The time; of `REALTIME` since 1970."""

    def wait(self, nanoseconds: int | None, readable: Collection[int], writable: Collection[int]) -> Ready:
        """Let at most that time pass (None: any), less if one of the host's descriptors gets ready."""


class Travelling(Protocol):
    """Clocks that can be frozen and go on elsewhere, where no clock but `REALTIME` may go backwards."""

    def freeze(self) -> HostState:
        """What they show, as data; asking does not change it."""

    def thaw(self, state: HostState, *, reseed: bool) -> Clocks:
        """Clocks of this kind that go on where others, perhaps of another kind, were; `reseed`: as freshly as can be.

        `state`: None if those said nothing.

        Raises: `SnapshotError`.
        """


NAMES: dict[Clock, Literal["time", "monotonic", "process_time", "thread_time"]] = {
    Clock.REALTIME: "time",
    Clock.MONOTONIC: "monotonic",
    Clock.PROCESS_CPUTIME: "process_time",
    Clock.THREAD_CPUTIME: "thread_time",
}
READERS = {
    Clock.REALTIME: time.time_ns,
    Clock.MONOTONIC: time.monotonic_ns,
    Clock.PROCESS_CPUTIME: time.process_time_ns,
    Clock.THREAD_CPUTIME: time.thread_time_ns,
}


ONWARD = [clock for clock in Clock if clock is not Clock.REALTIME]  # these never go backwards
FIELDS = {clock: clock.name.lower() for clock in ONWARD}  # of `SystemTime`
WHERE = "clocks"


class SystemClocks:
    """The host's clocks.  `ahead`: by how much a guest that comes from elsewhere sees one later than the host, in nanoseconds."""

    def __init__(self) -> None:
        self.ahead = [0] * len(READERS)

    def resolution(self, clock: Clock) -> int:
        """What the host says of the clock."""
        return max(1, round(time.get_clock_info(NAMES[clock]).resolution * 1e9))

    def now(self, clock: Clock) -> int:
        """The host's time."""
        return READERS[clock]() + self.ahead[clock]

    def wait(self, nanoseconds: int | None, readable: Collection[int], writable: Collection[int]) -> Ready:
        """Sleep as the host does; a signal's handler runs and may raise."""
        return hostio.wait(readable, writable, nanoseconds)

    def freeze(self) -> HostState:
        """What the clocks show; `REALTIME` is each host's own."""
        return encode(SystemTime(**{name: self.now(clock) for clock, name in FIELDS.items()}))

    def thaw(self, state: HostState, *, reseed: bool = True) -> SystemClocks:
        """The host's clocks, put forward where they are behind."""
        del reseed
        clocks = SystemClocks()
        for clock, shown in last_shown(state).items():
            clocks.ahead[clock] = max(0, min(shown, LATEST) - READERS[clock]())  # virtual ones may have jumped beyond all numbers
        return clocks


class VirtualClocks:
    """Clocks that tick once per reading and jump over every wait.

    `start`: the first real time, in nanoseconds since 1970; `tick`: what passes with each reading.
    """

    jumps = True  # no time passes while one waits

    def __init__(self, start: int = 0, tick: int = 1000) -> None:
        self.start = start
        self.tick = tick
        self.passed = 0

    def resolution(self, clock: Clock) -> int:
        """One tick, of every clock."""
        del clock
        return self.tick

    def now(self, clock: Clock) -> int:
        """One tick later than before; the clocks but `REALTIME` begin with 0.  At the end of all time they stand still."""
        self.passed = min(self.passed + self.tick, LAST_TIME)
        return min(self.passed + (self.start if clock is Clock.REALTIME else 0), LAST_TIME)

    def wait(self, nanoseconds: int | None, readable: Collection[int], writable: Collection[int]) -> Ready:
        """Jump, unless a descriptor is ready now; a wait without end is real, for nothing else could end it."""
        found = hostio.wait(readable, writable, None if nanoseconds is None else 0)
        if not found and nanoseconds is not None:
            self.passed = min(self.passed + nanoseconds, LAST_TIME)
        return found

    def freeze(self) -> HostState:
        """All there is."""
        return encode(VirtualTime(start=self.start, tick=self.tick, passed=self.passed))

    def thaw(self, state: HostState, *, reseed: bool = False) -> VirtualClocks:
        """Clocks that go on exactly as virtual ones would have; with `reseed`, or after others, these, but not earlier."""
        if not reseed and is_virtual(state):
            frozen = decode(VirtualTime, state, WHERE)
            clocks = VirtualClocks(frozen.start, frozen.tick)
            clocks.passed = frozen.passed
        else:
            clocks = VirtualClocks(self.start, self.tick)
            clocks.passed = max(0, *last_shown(state).values())
        return clocks


def is_virtual(state: HostState) -> bool:
    """Whether that is what virtual clocks say of themselves."""
    return isinstance(state, dict) and "tick" in state


def last_shown(state: HostState) -> dict[Clock, int]:
    """What the clocks but `REALTIME` have shown at most, as far as a state says.  Raises: `SnapshotError`."""
    if state is None:
        return dict.fromkeys(ONWARD, 0)
    if is_virtual(state):
        return dict.fromkeys(ONWARD, decode(VirtualTime, state, WHERE).passed)
    shown = decode(SystemTime, state, WHERE)
    return {clock: int(getattr(shown, name)) for clock, name in FIELDS.items()}


def travel(clocks: Clocks) -> TypeGuard[Travelling]:
    """Whether clocks take part in snapshots."""
    return hasattr(clocks, "freeze") and hasattr(clocks, "thaw")


def freeze_clocks(clocks: Clocks) -> HostState:
    """What there is to say of a guest's clocks."""
    return clocks.freeze() if travel(clocks) else None


def thaw_clocks(chosen: Clocks | None, state: HostState, *, reseed: bool) -> Clocks:
    """The clocks of a guest that goes on: those it is chosen, or what virtual ones would have shown, or the host's.

    Raises: `SnapshotError`.
    """
    if chosen is None:
        host = VirtualClocks() if is_virtual(state) and not reseed else SystemClocks()
        return host.thaw(state, reseed=reseed)
    return chosen.thaw(state, reseed=reseed) if travel(chosen) else chosen
