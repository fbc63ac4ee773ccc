"""Waiting: `poll_oneoff` on clocks and descriptors, which `arenite.world.polling` does.

- What fails is an event of its own; it does not fail the call.
- An execution that goes on waits for what is left (`progress`).
- Events come in the order of their subscriptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.wasi import records
from arenite.wasi.errno import Errno, Failure, of
from arenite.world.clocks import Clock
from arenite.world.polling import Event, Poll
from arenite.world.refused import Refused

if TYPE_CHECKING:
    from arenite.wasi.abi import Guest

MOST_SUBSCRIPTIONS = 4096
NEEDS = {
    records.EventType.FD_READ: int(records.Rights.POLL_FD_READWRITE | records.Rights.FD_READ),
    records.EventType.FD_WRITE: int(records.Rights.POLL_FD_READWRITE | records.Rights.FD_WRITE),
}
RUNNING = {
    records.CLOCKS.index(Clock.REALTIME),
    records.CLOCKS.index(Clock.MONOTONIC),
}  # those of the processor do not run while one waits


def poll_oneoff(guest: Guest, subscriptions: int, events: int, count: int) -> int:
    """Wait until one of several things happens."""
    if not 0 < count <= MOST_SUBSCRIPTIONS:
        raise Failure(Errno.INVAL)
    asked = list(records.SUBSCRIPTION.iter_unpack(guest.bytes(subscriptions, count * records.SUBSCRIPTION.size)))
    out = guest.bytes(events, count * records.EVENT.size)
    poll = Poll(guest.session.world.clocks)
    for index, (_, kind, subject, timeout, _, flags) in enumerate(asked):
        try:
            if kind == records.EventType.CLOCK:
                subscribe_clock(guest, poll, index, subject, timeout, flags)
            else:
                subscribe_descriptor(guest, poll, index, kind, subject)
        except (Failure, Refused) as failure:
            poll.events[index] = Event(error=of(failure))
    poll.wait(guest.caller)
    for at, index in enumerate(sorted(poll.events)):
        size, hung_up, error = poll.events[index]
        records.EVENT.pack_into(
            out,
            at * records.EVENT.size,
            asked[index][0],
            error or 0,
            asked[index][1],
            size,
            records.EVENT_FD_READWRITE_HANGUP if hung_up else 0,
        )
    return len(poll.events)


def subscribe_clock(guest: Guest, poll: Poll, index: int, clock: int, timeout: int, flags: int) -> None:
    """Wait for a time."""
    if clock not in RUNNING or flags & ~records.SUBSCRIPTION_CLOCK_ABSTIME:
        raise Failure(Errno.INVAL)
    absolute = bool(flags & records.SUBSCRIPTION_CLOCK_ABSTIME)
    waited = 0 if absolute else guest.caller.progress
    poll.subscribe_clock(index, records.CLOCKS[clock], max(0, timeout - waited), absolute=absolute)


def subscribe_descriptor(guest: Guest, poll: Poll, index: int, kind: int, number: int) -> None:
    """Wait for a descriptor."""
    if kind not in NEEDS:
        raise Failure(Errno.INVAL)
    descriptor = guest.session.descriptors.find(number, NEEDS[records.EventType(kind)])
    poll.subscribe(index, descriptor.resource, writing=kind == records.EventType.FD_WRITE)
