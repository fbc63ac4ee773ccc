"""Who works for a pool: workers on nodes, those that were lost, and those that take their place.

A node's first worker maps the image from the store, those that come later what it has mapped.  Where a worker is lost another is begun on its node, or, when
that has gone, on one that the pool does not use yet; nobody waits for it.

Example:  seats = Seats(Cluster(), image.kind, ref, nodes=None, size=4); seats.begin()
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from arenite.ray.cluster import Cluster, LostWorkerError, WorkerError
from arenite.ray.errors import LostError, PoolError
from arenite.ray.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.ray.cluster import Handle, Node, Ref
    from arenite.ray.image import Kind

PULSE: Final = 1.0  # seconds of silence
OTHERS: Final = 5.0  # seconds to wait for a further worker
MOST_FAILURES: Final = 3  # beginnings of workers on a node, one after the other, after which it is left out


@dataclass(eq=False)
class Seat:
    """A worker.  `number`: among all that the pool has had.   `busy`: calls that it has not answered; `heard`: when it last did, or was last idle.

    `pulse`: a call that shows whether it lives, from when it was `felt` last: one that is busy does not answer, one that is no more fails.
    `knows`: the job that it did last.
    """

    node: Node
    number: int
    handle: Handle
    busy: int = 0
    heard: float = field(default_factory=time.monotonic)
    pulse: Ref | None = None
    felt: float = field(default_factory=time.monotonic)
    path: str | None = None
    facts: dict[str, object] = field(default_factory=dict)
    lost: bool = False
    knows: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"worker {self.number} on {self.node.name}"


class Seats:
    """The workers of a pool.  `now`: those that can be asked."""

    def __init__(self, cluster: Cluster, kind: Kind, image: Ref, *, nodes: Sequence[str] | None, size: int | None) -> None:
        self._cluster, self._kind, self._image = cluster, kind, image
        self._chosen = None if nodes is None else frozenset(nodes)
        self._size = size
        self.now: list[Seat] = []
        self._coming: dict[Ref, Seat] = {}
        self._left: dict[Ref, Seat] = {}  # calls whose answers nobody waits for
        self._failures: dict[str, int] = {}
        self._count = 0
        self._name = f"pool-{secrets.token_hex(4)}"  # by which others see it
        self.losses: list[str] = []

    def begin(self, seconds: float) -> None:
        """All of them.  Raises: what keeps the first from mapping the image; `PoolError` where there is no node, or none is there in time."""
        nodes = self._nodes()
        places = [node for turn in range(max((node.cpus for node in nodes), default=0)) for node in nodes if turn < node.cpus]
        if not places:
            asked = "" if self._chosen is None else f" of the names or ids {', '.join(sorted(self._chosen))}"
            raise PoolError(f"no node{asked} has a CPU to work with")
        rest = places[: self._size]
        first = list(dict.fromkeys(rest))
        for node in first:
            self._start(node)
            rest.remove(node)
        self._wait(seconds)
        for node in rest:
            self._start(node)
        self._wait(OTHERS)

    def _nodes(self) -> list[Node]:
        return [n for n in self._cluster.nodes() if self._chosen is None or self._chosen & {n.id, n.name}]

    def _start(self, node: Node) -> None:
        self._count += 1
        seat = Seat(node, self._count, self._cluster.seat(node, Worker, f"{self._name}/{self._count}"))
        path = next((s.path for s in self.now if s.node.id == node.id), None)
        self._coming[self._cluster.call(seat.handle, "hold", self._kind, [self._image], path)] = seat

    def _wait(self, seconds: float) -> None:
        """For those that come: for the first so long, and then a little for the others, which may have to wait for a CPU.  Raises: as `begin`."""
        end = time.monotonic() + seconds
        while self._coming and (left := end - time.monotonic()) > 0:
            before = len(self.now)
            self._arrived(min(1.0, left))
            if len(self.now) > before:
                end = min(end, time.monotonic() + OTHERS)
        if not self.now:
            late = [f"{seat.name}: not there after {seconds:g} s" for seat in self._coming.values()]
            raise PoolError(f"no worker could be begun: {'; '.join(self.losses + late) or 'no node'}")

    def look(self) -> None:
        """Take in those that have come meanwhile.  Raises: what keeps one from mapping the image."""
        if self._coming:
            self._arrived(0)
        if self._left:
            for ref in self._cluster.ready(list(self._left), 0):
                self.answered(self._left.pop(ref))

    def await_one(self, seconds: float) -> bool:
        """Whether one comes in time.  Raises: as `look`."""
        end = time.monotonic() + seconds
        while not self.now and time.monotonic() < end:
            if not self._coming:
                self._again()
                if not self._coming:
                    time.sleep(min(0.5, seconds))
                    continue
            self._arrived(0.5)
        return bool(self.now)

    def _arrived(self, seconds: float) -> None:
        for ref in self._cluster.ready(list(self._coming), seconds):
            seat = self._coming.pop(ref)
            try:
                facts = self._cluster.result(ref)
            except (LostWorkerError, WorkerError) as error:
                self.losses.append(f"{seat.name}: {error}")
                self._failures[seat.node.id] = self._failures.get(seat.node.id, 0) + 1
                self._replace(seat)
                continue
            self._failures.pop(seat.node.id, None)
            assert isinstance(facts, dict)
            seat.facts, path = facts, facts["path"]
            seat.path = path if isinstance(path, str) else None
            seat.heard = time.monotonic()
            self.now.append(seat)

    def gone(self) -> list[tuple[Seat, LostError]]:
        """Those that are no more, though nothing that they were asked has said so.

        An answer that is too long to come by itself stays on its node; when that is lost, Ray says nothing until it misses the node.
        """
        found, now = list[tuple[Seat, LostError]](), time.monotonic()
        for seat in self.now:
            if seat.pulse is None and seat.busy and now - max(seat.heard, seat.felt) > PULSE:
                seat.pulse = self._cluster.call(seat.handle, "facts")
        pulses = {seat.pulse: seat for seat in self.now if seat.pulse is not None}
        for ref in self._cluster.ready(list(pulses), 0) if pulses else ():
            seat = pulses[ref]
            seat.pulse, seat.felt = None, now
            try:
                self._cluster.result(ref)
            except (LostWorkerError, WorkerError) as error:
                found.append((seat, LostError(f"{seat.name}: {error}")))
        return found

    def lose(self, seat: Seat, why: str) -> None:
        """It is no more, or is to be no more."""
        if seat.lost:
            return
        seat.lost = True
        self.losses.append(why)
        self.now.remove(seat)
        self._left = {ref: s for ref, s in self._left.items() if s is not seat}
        self._cluster.end([seat.handle])
        self._replace(seat)

    def _replace(self, seat: Seat) -> None:
        """Another in its place, if there is one for it."""
        alive = {node.id: node for node in self._nodes() if self._failures.get(node.id, 0) < MOST_FAILURES}
        used = {s.node.id for s in (*self.now, *self._coming.values())}
        node = alive.get(seat.node.id) or next((node for id_, node in alive.items() if id_ not in used), None)
        if node is not None:
            self._start(node)

    def _again(self) -> None:
        """Begin anew, when there is nobody."""
        for node in self._nodes():
            if self._failures.get(node.id, 0) < MOST_FAILURES:
                self._start(node)
                return

    @staticmethod
    def asked(seat: Seat) -> None:
        """It has one more call to answer."""
        if not seat.busy:
            seat.heard = time.monotonic()
        seat.busy += 1

    @staticmethod
    def answered(seat: Seat) -> None:
        """It has answered one."""
        seat.busy -= 1
        seat.heard = time.monotonic()

    def leave(self, calls: dict[Ref, Seat]) -> None:
        """Nobody waits for these any more."""
        self._left |= {ref: seat for ref, seat in calls.items() if not seat.lost}

    def close(self) -> None:
        """End all."""
        self._cluster.end([seat.handle for seat in (*self.now, *self._coming.values())])
        self.now, self._coming, self._left = [], {}, {}
