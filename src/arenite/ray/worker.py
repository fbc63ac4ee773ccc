"""What runs on a node: a worker has mapped the image, and forks it for each piece of work.

It is an actor of Ray's, one call at a time.  A box that is to go on stays with it; where another worker is to go on with it, it comes as what it has become
beside the image.

Example:  Worker().hold(kind, [ref], None); Worker().stretch(Stretch(...))
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from arenite.errors import Failure, SnapshotError
from arenite.ray.answer import Outcome
from arenite.ray.cluster import PIECES, Cluster
from arenite.ray.image import Mapped
from arenite.sandbox.pending import Pending
from arenite.sandbox.tools.tool import Tool
from arenite.sandbox.tools.toolbox import Toolbox
from arenite.sandbox.turn import PLENTY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import ReadableBuffer

    from arenite import Sandbox
    from arenite.ray.answer import Work
    from arenite.ray.image import Kind
    from arenite.sandbox.options import Stretch as Limits
    from arenite.sandbox.result import Result

    What: TypeAlias = str | Callable[..., object]
    """Code that boxes run, or a function of a fork and an item."""

MOST_BOXES: Final = 256  # that stay with a worker
MOST_JOBS: Final = 16
PIECE: Final = 90 << 10  # bytes: what Ray sends with an answer, and does not put into the store


@dataclass(frozen=True)
class Job:
    """What a run does with each item.  `tools`: what the code is told of them, and the digest of that."""

    id: str
    what: What
    tools: tuple[tuple[tuple[str, str, str], ...], str] | None = None


class Stretch(NamedTuple):
    """One that is to be done.

    `item`: of the first stretch.   `after`: what the box has become, unless the worker has it.   `reply`: to the call of a tool that it waits for.
    `seconds`, `output`, `fuel`: what it may use until it is over for good; `every`: seconds of this stretch.
    """

    work: Work
    job: str
    item: object = None
    after: bytes | None = None
    reply: bytes | None = None
    seconds: float | None = None
    output: int | None = None
    fuel: int | None = None
    every: float | None = None


class Worker:
    """One of a pool's."""

    def __init__(self) -> None:
        self._mapped: Mapped | None = None
        self._jobs = OrderedDict[str, Job]()
        self._boxes: OrderedDict[str, tuple[int, Sandbox]] = OrderedDict()  # by execution: after which stretch it is
        self._done = 0
        self._node = Cluster.here()

    def hold(self, kind: Kind, refs: Sequence[object], path: str | None) -> dict[str, object]:
        """Map the image: what another worker of this node has mapped, or what lies in the store.  Raises: `SnapshotError`, `LinkError`, `Limit`."""
        begun = time.perf_counter()
        if path is not None:
            with contextlib.suppress(OSError, SnapshotError):  # its process may be gone, and the path another's
                self._mapped = Mapped.shared(kind, path)
        if self._mapped is None:
            self._mapped = Mapped.copied(kind, memoryview(cast("ReadableBuffer", Cluster.result(refs[0]))))
        return self.facts() | {"seconds": time.perf_counter() - begun}

    def facts(self) -> dict[str, object]:
        """What there is to tell: node, process, image, path of what is mapped, pieces of work done, boxes that wait here."""
        mapped = self._mapped
        return {
            "node": self._node,
            "pid": os.getpid(),
            "image": None if mapped is None else mapped.kind.id,
            "size": None if mapped is None else mapped.kind.size,
            "path": None if mapped is None else mapped.path,
            "done": self._done,
            "boxes": len(self._boxes),
        }

    def stretch(self, asked: Stretch, refs: Sequence[object]) -> Outcome:
        """Do one.  `refs`: where the job lies, if the worker may not have it.  What goes wrong with it is in the outcome."""
        job = self._job(asked.job, refs)
        if job is None:
            return Outcome(asked.work, missing=True)
        found = self._called(job, asked) if callable(job.what) else self._run(job, job.what, asked)
        self._done += 1
        return found

    def stretch_in_pieces(self, asked: Stretch, refs: Sequence[object]) -> tuple[Outcome | bytes, ...]:
        """Do one; what the box has become comes in pieces, `PIECES` of them: the last has what is left."""
        found = self.stretch(asked, refs)
        if found.after is None:
            return found, *([b""] * PIECES)
        rest = [found.after[at : at + PIECE] for at in range(0, (PIECES - 1) * PIECE, PIECE)]
        return found._replace(after=b""), *rest, found.after[(PIECES - 1) * PIECE :]

    def forget(self, executions: Sequence[str]) -> None:
        """Give up boxes that go on elsewhere, or not at all."""
        for execution in executions:
            self._drop(execution)

    def _job(self, id_: str, refs: Sequence[object]) -> Job | None:
        if id_ not in self._jobs:
            if not refs:
                return None
            job = Cluster.result(refs[0])
            assert isinstance(job, Job)
            self._jobs[id_] = job
            if len(self._jobs) > MOST_JOBS:
                self._jobs.popitem(last=False)
        self._jobs.move_to_end(id_)
        return self._jobs[id_]

    def _called(self, job: Job, asked: Stretch) -> Outcome:
        """A function, with a fork."""
        assert self._mapped is not None
        assert callable(job.what)
        begun = time.perf_counter()
        try:
            fork = self._mapped.box() if self._mapped.kind.guest is not None else self._mapped.store()
            try:
                value = job.what(fork, asked.item)
            finally:
                fork.close()
        except Exception as error:  # noqa: BLE001 (it is the item's)
            return Outcome(asked.work, error=traceback.format_exc(), raised=portable(error), seconds=time.perf_counter() - begun)
        return Outcome(asked.work, value=value, seconds=time.perf_counter() - begun)

    def _run(self, job: Job, code: str, asked: Stretch) -> Outcome:
        """Code, in a box."""
        assert self._mapped is not None
        execution, sequence = asked.work.execution, asked.work.sequence
        limits: Limits = {"seconds": _least(asked.seconds, asked.every), "output": asked.output, "fuel": asked.fuel}
        box: Sandbox | None = None
        begun = time.perf_counter()
        try:
            if sequence == 1:
                box = self._mapped.box(told(job))
                found = box.run_until_tool(code, inputs={"item": asked.item}, **limits)
                box.tools = None  # all calls are left for who has them
            else:
                box = self._going_on(asked)
                if box is None:
                    return Outcome(asked.work, missing=True)
                if asked.reply is not None:
                    box.channel.reply(asked.reply)
                found = box.go_on_until_tool(**limits)
            outcome = self._outcome(asked, box, found, time.perf_counter() - begun)
        except Exception as error:  # noqa: BLE001 (it is the item's: what a file of it was refused for, data that cannot be given)
            outcome = Outcome(asked.work, error=f"{type(error).__name__}: {error}", raised=portable(error))
        if outcome.after is not None and box is not None:
            self._keep(execution, sequence, box)
        elif box is not None:
            box.close()
        return outcome

    def _going_on(self, asked: Stretch) -> Sandbox | None:
        """The box, which is here or comes along."""
        assert self._mapped is not None
        sequence, box = self._boxes.pop(asked.work.execution, (0, None))
        if box is not None and sequence == asked.work.sequence - 1:
            return box
        if box is not None:
            box.close()
        return None if asked.after is None else self._mapped.again(asked.after)

    def _outcome(self, asked: Stretch, box: Sandbox, found: Result | Pending, seconds: float) -> Outcome:
        """What has come of a stretch of a box."""
        assert self._mapped is not None
        if isinstance(found, Pending):
            return Outcome(
                asked.work,
                stdout=box.channel.written("stdout"),
                stderr=box.channel.written("stderr"),
                seconds=seconds,
                fuel=PLENTY - box.store.get_fuel(),
                call=found.call,
                after=self._mapped.after(box),
            )
        goes_on = found.limit == "time" and asked.every is not None and (asked.seconds is None or seconds < asked.seconds)
        return Outcome(
            asked.work,
            value=found.value,
            error=None if goes_on else found.error,
            limit=None if goes_on else found.limit,
            stdout=found.stdout,
            stderr=found.stderr,
            files=found.files,
            seconds=seconds,
            fuel=found.fuel,
            after=self._mapped.after(box) if goes_on else None,
        )

    def _keep(self, execution: str, sequence: int, box: Sandbox) -> None:
        self._boxes[execution] = sequence, box
        while len(self._boxes) > MOST_BOXES:
            self._drop(next(iter(self._boxes)))

    def _drop(self, execution: str) -> None:
        _, box = self._boxes.pop(execution, (0, None))
        if box is not None:
            box.close()


def told(job: Job) -> Toolbox | None:
    """What the code of a job is told of its tools, which are not here."""
    if job.tools is None:
        return None
    described, digest = job.tools
    found = Toolbox([Tool(_elsewhere, name) for name, _, _ in described])
    found.described, found.digest = described, digest
    return found


def _elsewhere(*_args: object, **_kwargs: object) -> None:
    raise Failure("this tool is run elsewhere")


def _least(*numbers: float | None) -> float | None:
    return min((number for number in numbers if number is not None), default=None)


def portable(error: Exception) -> Exception | None:
    """An exception, if another process can have it."""
    return error if Cluster.travels(error) else None
