"""Waiting for one of several things: times of the guest's clocks, and resources.

- Resources that never wait (Python's streams) are ready; for the host's the host is asked, by the guest's clocks, which sleep.
- A guest that can be paused is not kept waiting for resources alone: it is told `NotReady` before anything has changed.
- A wait is made of steps, between which the guest may be stopped.

    poll = Poll(clocks)
    poll.subscribe(0, resource, writing=False)
    poll.wait(caller)
    poll.events         # {0: Event(size=3)}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import NotReady
from arenite.light import NamedTuple
from arenite.machine.run.sharing import Wanted
from arenite.world import hostio
from arenite.world.travel import LAST_TIME

if TYPE_CHECKING:
    from arenite.world.blocking import WaitingCaller
    from arenite.world.clocks import Clock, Clocks
    from arenite.world.hostio import Ready
    from arenite.world.resource import Resource


class Event(NamedTuple):
    """What has happened.

    `size`: bytes that can be read, or 1 for what can be written.   `hung_up`: the other end is gone.
    `error`: why this cannot be waited for, in the words of the dialect; None if it can.
    """

    size: int = 0
    hung_up: bool = False
    error: object = None


class Poll:
    """What a guest waits for, by an index of the dialect's, and what of that has happened."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.events: dict[int, Event] = {}
        self._deadlines: dict[int, tuple[Clock, int]] = {}
        self._resources: dict[int, tuple[Resource, int, bool]] = {}  # the host's descriptor second, whether to write third

    def subscribe_clock(self, index: int, clock: Clock, timeout: int, *, absolute: bool) -> None:
        """Wait for a time, in nanoseconds: from now, or that of the clock."""
        start = 0 if absolute else self.clocks.now(clock)
        self._deadlines[index] = clock, min(start + timeout, LAST_TIME)

    def subscribe(self, index: int, resource: Resource, *, writing: bool) -> None:
        """Wait until a resource can be read or written."""
        host_fd = resource.host_fd()
        if host_fd is None:
            self.events[index] = Event(resource.waiting_bytes())
        else:
            self._resources[index] = resource, host_fd, writing

    def wait(self, caller: WaitingCaller) -> None:
        """Fill `events` with what has happened, once something has.  Raises: `NotReady`."""
        if caller.can_pause and not self._deadlines and not caller.shares:
            self._pause()
        else:
            caller.wait(self._step, wanted=self._wanted)

    def _of(self, *, writing: bool) -> set[int]:
        """The host's descriptors that are waited for in that way."""
        return {fd for _, fd, asked in self._resources.values() if asked is writing}

    def _wanted(self) -> Wanted:
        """What an event loop is to wait for."""
        left = [max(0, deadline - self.clocks.now(clock)) / 1e9 for clock, deadline in self._deadlines.values()]
        return Wanted(min(left, default=None), self._of(writing=False), self._of(writing=True))

    def _pause(self) -> None:
        """Fill `events` with what is ready now.  Raises: `NotReady` if nothing is."""
        self._collect(self.clocks.wait(0, self._of(writing=False), self._of(writing=True)))
        if not self.events:
            for resource, _, writing in self._resources.values():
                if resource.stream is not None and not writing:
                    raise resource.stream.not_ready()
            raise NotReady("none of the descriptors that the guest waits for is ready")

    def _step(self, limit: float | None) -> bool:
        """A step of waiting, of `limit` seconds at most: fill `events` with what has happened; whether something has."""
        readable, writable = self._of(writing=False), self._of(writing=True)
        nearest: int | None = 0 if self.events else None
        for index, (clock, deadline) in self._deadlines.items():
            left = max(0, deadline - self.clocks.now(clock))
            if left == 0:
                self.events[index] = Event()
            nearest = left if nearest is None else min(nearest, left)
        if readable or writable or nearest != 0:
            longest = None if limit is None else round(limit * 1e9)
            if not getattr(self.clocks, "jumps", False):
                nearest = longest if nearest is None else nearest if longest is None else min(nearest, longest)
                found = self.clocks.wait(nearest, readable, writable)
            elif nearest is None:
                found = hostio.wait(readable, writable, longest)
            else:
                found = self.clocks.wait(nearest, readable, writable)
            self._collect(found)
        return bool(self.events)

    def _collect(self, ready: Ready) -> None:
        """Note the resources that the host says are ready."""
        for index, (resource, host_fd, writing) in self._resources.items():
            if host_fd in (ready.writable if writing else ready.readable):
                self.events[index] = Event(1 if writing else resource.waiting_bytes(), host_fd in ready.hung_up)
