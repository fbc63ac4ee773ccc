"""Waiting: `poll_oneoff` on clocks and descriptors.

- What fails is an event of its own; it does not fail the call.
- Descriptors that never wait (Python's streams) are ready; for the host's the host is asked, by the guest's clocks, which sleep.
- A guest that can be paused is not kept waiting for descriptors alone: it is told `NotReady` before anything has changed.
- A wait is made of steps, between which the guest may be stopped; an execution that goes on waits for what is left (`progress`).
- Events come in the order of their subscriptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arenite.errors import NotReady
from arenite.wasi import hostio
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.records import (
    EVENT,
    EVENT_FD_READWRITE_HANGUP,
    LAST_TIME,
    SUBSCRIPTION,
    SUBSCRIPTION_CLOCK_ABSTIME,
    ClockId,
    EventType,
    Rights,
)

if TYPE_CHECKING:
    from arenite.wasi.abi import Guest
    from arenite.wasi.clocks import Clocks
    from arenite.wasi.descriptors import Descriptor, DescriptorTable
    from arenite.wasi.hostio import Ready

MOST_SUBSCRIPTIONS = 4096
NEEDS = {
    EventType.FD_READ: int(Rights.POLL_FD_READWRITE | Rights.FD_READ),
    EventType.FD_WRITE: int(Rights.POLL_FD_READWRITE | Rights.FD_WRITE),
}


@dataclass
class Waiting:
    """What a call waits for, by the subscription's index."""

    events: dict[int, tuple[Errno, int, int]] = field(default_factory=dict)  # error, bytes, flags
    deadlines: dict[int, tuple[ClockId, int]] = field(default_factory=dict)
    descriptors: dict[int, tuple[Descriptor, int, EventType]] = field(default_factory=dict)  # the host's descriptor second

    def of(self, kind: EventType) -> set[int]:
        """The host's descriptors that are waited for in that way."""
        return {fd for _, fd, asked in self.descriptors.values() if asked is kind}


def poll_oneoff(guest: Guest, subscriptions: int, events: int, count: int) -> int:
    """Wait until one of several things happens."""
    if not 0 < count <= MOST_SUBSCRIPTIONS:
        raise Failure(Errno.INVAL)
    asked = list(SUBSCRIPTION.iter_unpack(guest.bytes(subscriptions, count * SUBSCRIPTION.size)))
    out = guest.bytes(events, count * EVENT.size)
    waiting = Waiting()
    clocks = guest.state.clocks
    for index, (_, kind, subject, timeout, _, flags) in enumerate(asked):
        if kind == EventType.CLOCK:
            waited = 0 if flags & SUBSCRIPTION_CLOCK_ABSTIME else guest.caller.progress
            subscribe_clock(waiting, clocks, index, subject, max(0, timeout - waited), flags)
        else:
            subscribe_descriptor(waiting, guest.state.descriptors, index, kind, subject)
    if guest.can_pause and not waiting.deadlines:
        pause(waiting, clocks)
    else:
        guest.caller.wait(lambda limit: wait(waiting, clocks, limit))
    for at, index in enumerate(sorted(waiting.events)):
        error, size, flags = waiting.events[index]
        EVENT.pack_into(out, at * EVENT.size, asked[index][0], error, asked[index][1], size, flags)
    return len(waiting.events)


def subscribe_clock(waiting: Waiting, clocks: Clocks, index: int, clock: int, timeout: int, flags: int) -> None:
    """Wait for a time; the clocks of the processor do not run while one waits."""
    if clock not in {ClockId.REALTIME, ClockId.MONOTONIC} or flags & ~SUBSCRIPTION_CLOCK_ABSTIME:
        waiting.events[index] = (Errno.INVAL, 0, 0)
        return
    start = 0 if flags & SUBSCRIPTION_CLOCK_ABSTIME else clocks.now(ClockId(clock))
    waiting.deadlines[index] = (ClockId(clock), min(start + timeout, LAST_TIME))


def subscribe_descriptor(waiting: Waiting, table: DescriptorTable, index: int, kind: int, number: int) -> None:
    """Wait for a descriptor."""
    if kind not in NEEDS:
        waiting.events[index] = (Errno.INVAL, 0, 0)
        return
    try:
        descriptor = table.find(number, NEEDS[EventType(kind)])
    except Failure as failure:
        waiting.events[index] = (failure.errno, 0, 0)
        return
    host_fd = descriptor.host_fd()
    if host_fd is None:
        waiting.events[index] = (Errno.SUCCESS, descriptor.waiting_bytes(), 0)
    else:
        waiting.descriptors[index] = (descriptor, host_fd, EventType(kind))


def pause(waiting: Waiting, clocks: Clocks) -> None:
    """Fill `events` with what is ready now.  Raises: `NotReady` if nothing is."""
    collect(waiting, clocks.wait(0, waiting.of(EventType.FD_READ), waiting.of(EventType.FD_WRITE)))
    if not waiting.events:
        for descriptor, _, kind in waiting.descriptors.values():
            if descriptor.stream is not None and kind is EventType.FD_READ:
                raise descriptor.stream.not_ready()
        raise NotReady("none of the descriptors that the guest waits for is ready")


def wait(waiting: Waiting, clocks: Clocks, limit: float | None) -> bool:
    """A step of waiting, of `limit` seconds at most: fill `events` with what has happened; whether something has."""
    readable, writable = waiting.of(EventType.FD_READ), waiting.of(EventType.FD_WRITE)
    nearest: int | None = 0 if waiting.events else None
    for index, (clock, deadline) in waiting.deadlines.items():
        left = max(0, deadline - clocks.now(clock))
        if left == 0:
            waiting.events[index] = (Errno.SUCCESS, 0, 0)
        nearest = left if nearest is None else min(nearest, left)
    if readable or writable or nearest != 0:
        longest = None if limit is None else round(limit * 1e9)
        if not getattr(clocks, "jumps", False):
            nearest = longest if nearest is None else nearest if longest is None else min(nearest, longest)
            found = clocks.wait(nearest, readable, writable)
        elif nearest is None:
            found = hostio.wait(readable, writable, longest)
        else:
            found = clocks.wait(nearest, readable, writable)
        collect(waiting, found)
    return bool(waiting.events)


def collect(waiting: Waiting, ready: Ready) -> None:
    """Note the descriptors that the host says are ready."""
    for index, (descriptor, host_fd, kind) in waiting.descriptors.items():
        reading = kind is EventType.FD_READ
        if host_fd in (ready.readable if reading else ready.writable):
            flags = EVENT_FD_READWRITE_HANGUP if host_fd in ready.hung_up else 0
            waiting.events[index] = (Errno.SUCCESS, descriptor.waiting_bytes() if reading else 1, flags)
