"""One item of a run on its way: what was done with it so far, and where its box is.

Example:  Going(0, "run-1/0", item)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arenite.ray.answer import Answer, Work

if TYPE_CHECKING:
    from arenite.ray.answer import Outcome
    from arenite.ray.seats import Seat
    from arenite.sandbox.tools.call import Call


@dataclass(eq=False)
class Going:
    """`sequence`: of stretches that have counted.   `after`: what its box was then; `seat`: who has that box.   `call`: of a tool, that it waits for; `reply`: the
    answer to it.

    `wanted`: the node that it is to go on at.   `lost`: why the stretch that comes did not count before; `tries`: all stretches that did not.
    """

    index: int
    execution: str
    item: object
    sequence: int = 0
    after: bytes | None = None
    seat: Seat | None = None
    call: Call | None = None
    reply: bytes | None = None
    wanted: str | None = None
    lost: list[Exception] = field(default_factory=list)
    tries: int = 0
    nodes: list[str] = field(default_factory=list)
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    printed: int = 0  # bytes
    files: set[str] = field(default_factory=set)
    seconds: float = 0.0
    fuel: int = 0

    @property
    def next(self) -> Work:
        """The id of the stretch that comes."""
        return Work(self.execution, self.sequence + 1)

    def count(self, outcome: Outcome, seat: Seat) -> None:
        """A stretch counts."""
        self.sequence = outcome.work.sequence
        self.after, self.call, self.reply = outcome.after, outcome.call, None
        self.lost.clear()
        self.seat = seat if outcome.after is not None else None
        if not self.nodes or self.nodes[-1] != seat.node.name:
            self.nodes.append(seat.node.name)
        self.stdout.append(outcome.stdout)
        self.stderr.append(outcome.stderr)
        self.printed += len(outcome.stdout.encode()) + len(outcome.stderr.encode())
        self.files.update(outcome.files)
        self.seconds += outcome.seconds
        self.fuel += outcome.fuel

    def answer(self, outcome: Outcome) -> Answer:
        """The last one has counted."""
        return self._answer(outcome.value, outcome.error, outcome.raised, outcome.limit)

    def given_up(self) -> Answer:
        """No more is tried."""
        last = self.lost[-1]
        tries = "; ".join(map(str, self.lost))
        error = type(last)(f"item {self.index} was given up after {len(self.lost)} tries: {tries}")
        return self._answer(None, str(error), error, None)

    def failed(self, error: Exception) -> Answer:
        """What went wrong is the item's own."""
        return self._answer(None, f"{type(error).__name__}: {error}", error, None)

    def _answer(self, value: object, error: str | None, raised: Exception | None, limit: str | None) -> Answer:
        return Answer(
            index=self.index,
            work=Work(self.execution, self.sequence),
            value=value,
            error=error,
            raised=raised,
            limit=limit,
            stdout="".join(self.stdout),
            stderr="".join(self.stderr),
            files=tuple(sorted(self.files)),
            seconds=self.seconds,
            fuel=self.fuel,
            nodes=tuple(self.nodes),
            tries=self.tries,
        )
