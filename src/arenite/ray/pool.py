"""`Pool`: an image on the nodes of a cluster, and work for its forks.

with Pool(Sandbox.python(), size=4) as pool:
    squares = [answer.get() for answer in pool.map("item ** 2", range(1000))]
    lengths = [answer.get() for answer in pool.map(lambda box, item: len(box.run(item).stdout), ["print(1)"])]
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from arenite.api.numbers import integer
from arenite.errors import Failure
from arenite.ray.cluster import Cluster
from arenite.ray.image import Image
from arenite.ray.ledger import Ledger
from arenite.ray.options import Options
from arenite.ray.run import Run
from arenite.ray.seats import Seats
from arenite.ray.worker import Job
from arenite.sandbox.tools.toolbox import toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Self, TypedDict, Unpack

    from arenite import Sandbox, Snapshot
    from arenite.ray.answer import Answer, Progress
    from arenite.ray.worker import What
    from arenite.sandbox.options import Checkpoint
    from arenite.sandbox.tools.tool import Function, Tool
    from arenite.sandbox.tools.toolbox import Permit

    class Asked(TypedDict, total=False):
        """The arguments of `Pool.start` that can be left out."""

        every: float | None
        tools: Iterable[Function | Tool]
        permit: Permit | None
        progress: Callable[[Progress], object] | None
        timeout: float | None
        tries: int
        window: int | None
        fuel: int | None
        seconds: float | None
        record: str | None


AHEAD: Final = 8  # calls that a worker is given at a time
AHEAD_IN_STRETCHES: Final = 2
SLACK: Final = 60.0  # seconds that an answer may take beside those of the guest
PATIENCE: Final = 60.0  # seconds to wait for workers


class Pool:
    """An image on nodes: workers that have mapped it, one for each CPU of the nodes or `size` in all.

    `image`: an `Image`, or what one is made of: a box, a checkpoint, a snapshot.   `nodes`: their names, addresses or ids; by default all.
    `patience`: seconds to wait for workers when there is none.
    This process joins the cluster that `ray.init` has joined, or else the one that is there (`RAY_ADDRESS`), or begins one on this machine.
    Raises: what keeps the image from being opened on the first node (`SnapshotError`, `LinkError`, `Limit`); `StoreFullError`; `PoolError`.
    """

    def __init__(
        self,
        image: Image | Sandbox | Checkpoint | Snapshot,
        *,
        nodes: Sequence[str] | None = None,
        size: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        if size is not None:
            integer("size", size, 1)
        self.image = image if isinstance(image, Image) else Image.of(image)
        self._patience = patience
        self._cluster = Cluster()
        put = self._cluster.put_bytes(self.image.data)
        self.seats = Seats(self._cluster, self.image.kind, put, nodes=nodes, size=size)
        self.closed = False
        try:
            self.seats.begin(patience)
        except BaseException:
            self.close()
            raise

    def map(self, what: What, inputs: Iterable[object], **asked: Unpack[Asked]) -> Iterator[Answer]:
        """The answers for all inputs, in their order: see `start`."""
        return iter(self.start(what, inputs, **asked))

    def unordered(self, what: What, inputs: Iterable[object], **asked: Unpack[Asked]) -> Iterator[Answer]:
        """The answers as they come; `Answer.index` says whose each is."""
        return iter(self._start(what, inputs, ordered=False, **asked))

    def start(self, what: What, inputs: Iterable[object], **asked: Unpack[Asked]) -> Run:
        """Work for forks, one for each input; iterating over the run does it and gives the answers, an error in that of its item.

        `what`: code for boxes, which finds its input, plain data, as `item`; or a function of a fork (a box, or the store of another snapshot) and the input.
        `every`: seconds after which a box's run is cut, and what it has become is kept: if its worker is lost it goes on from there, and it may go on on
        another node.   `tools`, `permit`: as for a box; they are called in this process, by threads, and each call once.
        `progress`: is called with each answer.   `timeout`: seconds without an answer after which a worker is given up; by default a minute more than a box
        may take.   `tries`: of an item whose workers are lost.   `window`: inputs that are taken before their answers are fetched.
        `seconds`, `fuel`: of one item, in all; by default as the image's boxes have.
        `record`: a folder, by a path or any URL that fsspec knows, for what has counted: who does the same again is given the answers that are there, and goes on
        with the rest.  Inputs and values must be plain data then.
        Raises: `Failure`, `TypeError` and `ValueError` for arguments, and while it goes on `PoolError` where no worker is left.
        """
        return self._start(what, inputs, ordered=True, **asked)

    def _start(
        self,
        what: What,
        inputs: Iterable[object],
        *,
        ordered: bool,
        every: float | None = None,
        tools: Iterable[Function | Tool] = (),
        permit: Permit | None = None,
        progress: Callable[[Progress], object] | None = None,
        timeout: float | None = None,
        tries: int = 3,
        window: int | None = None,
        fuel: int | None = None,
        seconds: float | None = None,
        record: str | None = None,
    ) -> Run:
        if self.closed:
            raise Failure("the pool is closed")
        kind, tool = self.image.kind, toolbox(tools, permit)
        if not callable(what) and kind.guest is None:
            raise Failure("the image is none of a box: give a function of a store and an input")
        if callable(what) and (tool is not None or every is not None):
            raise Failure("tools and stretches are for code: a function has the box for itself")
        ledger = None if record is None else Ledger(record, kind.id, kind.key)
        id_ = secrets.token_hex(8) if ledger is None else ledger.begin(named(what), None if tool is None else tool.digest)
        job = Job(id_, what, None if tool is None else (tool.described, tool.digest))
        bounds = kind.bounds
        seconds = bounds.seconds if seconds is None else seconds
        ahead = AHEAD if every is None else AHEAD_IN_STRETCHES
        longest = seconds if every is None else every
        options = Options(
            ordered=ordered,
            every=every,
            ahead=ahead,
            window=4 * ahead * max(1, len(self.seats.now)) if window is None else window,
            timeout=silence(timeout, longest),
            tries=tries,
            patience=self._patience,
            seconds=seconds,
            output=bounds.output,
            fuel=bounds.fuel if fuel is None else fuel,
            progress=progress,
        )
        return Run(self._cluster, self.seats, job, self._cluster.put(job), inputs, options, tool, ledger)

    def facts(self) -> list[dict[str, object]]:
        """Of each worker: its node, and what it tells of itself."""
        return [seat.facts | {"node": seat.node.name, "worker": seat.number, "busy": seat.busy} for seat in self.seats.now]

    def close(self) -> None:
        """End its workers; the image goes from the store."""
        self.closed = True
        self.seats.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def silence(timeout: float | None, longest: float | None) -> float | None:
    """Seconds without an answer after which a worker is given up; None: never.  `longest`: that a call may take in its box."""
    return timeout if timeout is not None or longest is None else longest + SLACK


def named(what: What) -> str:
    """By what work is known again: code by itself, a function by its name.  Raises: `TypeError` for one that has none of its own."""
    if not callable(what):
        return what
    name = getattr(what, "__qualname__", "<lambda>")
    if name.endswith("<lambda>"):
        raise TypeError("work that is recorded is known again by its code, or its function's name: give a function that has one")
    return f"{what.__module__}.{name}"
