"""What comes of work: answers of items, and how far a run is.

- Each item of a run is an *execution*, which is done in one or more *stretches*: (execution, sequence) is the id of one.
- A stretch counts when its outcome has come; one that was under way when its worker was lost is done again, with its id.

Example:  answer.get(), answer.stdout, answer.work.execution
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from arenite.ray.errors import CodeError
from arenite.serving.record import Work

if TYPE_CHECKING:
    from arenite.sandbox.tools.call import Call

__all__ = ["Answer", "Outcome", "Progress", "Work"]


class Outcome(NamedTuple):
    """Of one stretch, as a worker tells it.

    `error`: a traceback, or what was reached; `raised`: what a function raised, where that can travel.   `limit`: as of `Result`.
    `call`: of a tool, which waits.   `after`: the box at the end of the stretch, if it is to go on.   `missing`: the worker has not the box that it is
    to go on from, or not the job, and has done nothing.
    """

    work: Work
    value: object = None
    error: str | None = None
    raised: Exception | None = None
    limit: str | None = None
    stdout: str = ""
    stderr: str = ""
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    fuel: int = 0
    call: Call | None = None
    after: bytes | None = None
    missing: bool = False


@dataclass(frozen=True)
class Answer:
    """Of one item.

    `index`: its place among the inputs.   `value`: of the code's last expression, or what the function returned.
    `error`: None, or the traceback, or what was reached, or how it was lost; `raised`: an exception that says so.
    `stdout`, `stderr`, `files`, `limit`: as of `arenite.sandbox.Result`; `seconds`, `fuel`: that the guest has used, in all stretches.
    `work`: the id of the last stretch.   `nodes`: where it was done, in order.   `tries`: how often a stretch of it was begun, beside those that counted.
    """

    index: int
    work: Work
    value: object
    error: str | None
    raised: Exception | None = field(compare=False)
    limit: str | None
    stdout: str
    stderr: str
    files: tuple[str, ...]
    seconds: float
    fuel: int
    nodes: tuple[str, ...]
    tries: int

    def get(self) -> object:
        """The value.  Raises: what the function raised; `CodeError` that says what the code did; `LostError`, `StalledError`."""
        if self.raised is not None:
            raise self.raised
        if self.error is not None:
            raise CodeError(self.error)
        return self.value


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    `taken`: inputs that it has taken; `done`: answers that are there, `failed` those with an error among them; `running`: under way.
    `moved`: executions that went on on another node; `repeated`: stretches that were begun again because a worker was lost.
    `total`: of inputs, if they can be counted.   `workers`: that there are.
    """

    taken: int
    done: int
    failed: int
    running: int
    moved: int
    repeated: int
    total: int | None
    workers: int
