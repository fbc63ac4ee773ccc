"""A cluster of this process: workers are functions, and do what a test says when they are asked.

Nothing is done until somebody looks for answers; then each worker that lives does the oldest thing that it was asked.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from arenite.ray.answer import Outcome, Work
from arenite.ray.cluster import LostWorkerError, Node
from arenite.ray.worker import Stretch

Do = Callable[["Actor", Stretch], Outcome]


@dataclass(eq=False)
class Call:
    """Something that was asked."""

    actor: Actor
    method: str
    args: tuple[object, ...]
    answer: object = None
    ready: bool = False


@dataclass(eq=False)
class Actor:
    """A worker."""

    node: Node
    number: int
    alive: bool = True
    stuck: bool = False
    silent: bool = False  # when it is no more, what it was asked does not fail, it does not come
    calls: deque[Call] = field(default_factory=deque)
    boxes: dict[str, int] = field(default_factory=dict)


class FakeCluster:
    """`do`: what a worker does with a stretch."""

    def __init__(self, do: Do, nodes: Sequence[str] = ("a", "b"), *, cpus: int = 1) -> None:
        self.do = do
        self.alive = {name: Node(name, name, cpus) for name in nodes}
        self.actors: list[Actor] = []
        self.most = 0  # calls that were under way at a time
        self._count = itertools.count(1)
        self.refused: dict[str, Exception] = {}  # by node: what its workers say of the image

    def nodes(self) -> list[Node]:
        return list(self.alive.values())

    def put(self, value: object) -> object:
        return value

    put_bytes = put

    def seat(self, node: Node, worker: type, name: str) -> Actor:
        del worker, name
        actor = Actor(node, next(self._count), alive=node.id in self.alive)
        self.actors.append(actor)
        return actor

    def call(self, actor: Actor, method: str, *args: object) -> Call:
        call = Call(actor, method, args)
        actor.calls.append(call)
        self.most = max(self.most, sum(c.method == "stretch" for a in self.actors for c in a.calls))
        return call

    def call_in_pieces(self, actor: Actor, method: str, *args: object) -> tuple[object, ...]:
        return (self.call(actor, method.removesuffix("_in_pieces"), *args),)

    def ready(self, calls: Sequence[Call], seconds: float) -> list[Call]:
        del seconds
        for actor in self.actors:
            if not actor.alive:
                for call in [call for call in actor.calls if not (actor.silent and call.method == "stretch")]:
                    call.answer, call.ready = LostWorkerError("it is no more"), True
                    actor.calls.remove(call)
            elif actor.calls and not actor.stuck:
                self._done(actor, actor.calls[0])
        return [call for call in calls if call.ready]

    def _done(self, actor: Actor, call: Call) -> None:
        if call.method == "hold":
            call.answer = self.refused.get(actor.node.id) or {"path": f"/proc/{actor.number}"}
        elif call.method == "stretch":
            stretch = call.args[0]
            assert isinstance(stretch, Stretch)
            call.answer = self.do(actor, stretch)
        if actor.alive:
            call.ready = True
            actor.calls.popleft()

    def result(self, call: Call) -> object:
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer

    def end(self, actors: Sequence[Actor]) -> None:
        for actor in actors:
            actor.alive = False

    def lose(self, node: str) -> None:
        """A node, with its workers."""
        self.alive.pop(node, None)
        for actor in self.actors:
            if actor.node.id == node:
                actor.alive = False


def done(asked: Stretch, value: object) -> Outcome:
    """A last stretch."""
    return Outcome(asked.work, value=value)


def steps(count: int, log: list[tuple[Work, int]]) -> Do:
    """A guest that needs so many stretches: what it has become says how many it had, and what it gives."""

    def do(actor: Actor, asked: Stretch) -> Outcome:
        execution, sequence = asked.work.execution, asked.work.sequence
        log.append((asked.work, actor.number))
        if sequence > 1 and asked.after is None and actor.boxes.get(execution) != sequence - 1:
            return Outcome(asked.work, missing=True)
        value = asked.item if sequence == 1 else int((asked.after or b"0").split()[-1])
        if sequence > 1 and asked.after is None:
            value = actor.boxes[f"{execution} value"]
        actor.boxes[execution], actor.boxes[f"{execution} value"] = sequence, int(value)  # type: ignore[call-overload]
        if sequence < count:
            return Outcome(asked.work, stdout=f"{sequence};", after=f"{sequence} {value}".encode())
        return Outcome(asked.work, stdout=f"{sequence};", value=value)

    return do
