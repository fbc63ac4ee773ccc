"""`Run`: inputs on their way through a pool's workers, and the answers.

- Inputs are taken when there is room for them, and no further ones while answers lie here that nobody has fetched.
- What was under way on a worker that is lost is done again elsewhere: from the beginning, or from where its last stretch ended.  It is then alone with its
  worker, so that one item that kills its workers does not take others along.
- A stretch counts when its outcome comes, and only the first that comes; so nothing that has counted is done again.

Example:  for answer in pool.start("item + 1", range(10)): ...
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sized
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import TYPE_CHECKING, Final

from arenite.ray.answer import Answer, Outcome, Progress
from arenite.ray.cluster import LostWorkerError
from arenite.ray.errors import LostError, PoolError, StalledError
from arenite.ray.going import Going
from arenite.ray.worker import Stretch
from arenite.sandbox.turn import missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from arenite.ray.cluster import Cluster, Ref
    from arenite.ray.ledger import Ledger
    from arenite.ray.options import Options
    from arenite.ray.seats import Seat, Seats
    from arenite.ray.worker import Job
    from arenite.sandbox.tools.call import Call
    from arenite.sandbox.tools.toolbox import Toolbox

TICK: Final = 0.25  # seconds between two looks at who is late
ASKING: Final = 0.01  # and at tools that are being run
TOOLS: Final = 8  # that are run at a time


class Run:
    """Inputs on their way.  Iterating over it drives it, and gives the answers."""

    def __init__(
        self,
        cluster: Cluster,
        seats: Seats,
        job: Job,
        job_ref: Ref,
        inputs: Iterable[object],
        options: Options,
        tools: Toolbox | None,
        ledger: Ledger | None = None,
    ) -> None:
        self.id = job.id
        self._cluster, self._seats, self._job, self._ref = cluster, seats, job, job_ref
        self._inputs = enumerate(inputs)
        self._total = len(inputs) if isinstance(inputs, Sized) else None
        self._options = options
        self._tools = tools
        self._threads = None if tools is None else ThreadPoolExecutor(TOOLS, "arenite tools")
        self._calls: dict[Ref, tuple[Going, Seat, tuple[Ref, ...]]] = {}
        self._asking: dict[Future[bytes], Going] = {}
        self._ready = deque[Going]()  # anybody may do them
        self._alone = deque[Going]()  # those that were lost with a worker
        self._own: dict[Seat, deque[Going]] = {}
        self._answers: dict[int, Answer] = {}
        self._open: dict[int, Going] = {}
        self._taken = self._done = self._failed = self._moved = self._repeated = self._given = 0
        self._exhausted = False
        self._ledger = ledger

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(
            taken=self._taken,
            done=self._done,
            failed=self._failed,
            running=len(self._open),
            moved=self._moved,
            repeated=self._repeated,
            total=self._total,
            workers=len(self._seats.now),
        )

    @property
    def places(self) -> dict[int, str]:
        """Where the boxes are that go on: by the index of their inputs, the names of nodes."""
        here = {going.index: seat.node.name for going, seat, _ in self._calls.values()}
        return here | {index: going.seat.node.name for index, going in self._open.items() if going.seat is not None}

    def move(self, index: int, node: str) -> None:
        """An execution is to go on at a node, by its name or id, from its next stretch on.  Raises: `PoolError` if none of the pool's workers is there."""
        if all(node not in {seat.node.id, seat.node.name} for seat in self._seats.now):
            raise PoolError(f"no worker of the pool is on {node!r}")
        if index in self._open:
            self._open[index].wanted = node

    def __iter__(self) -> Iterator[Answer]:
        try:
            while not self._over():
                yield from self._fetched()
                self._send()
                self._take()
            yield from self._fetched()
        finally:
            self._end()

    def _over(self) -> bool:
        return self._exhausted and not self._open

    def _fetched(self) -> Iterator[Answer]:
        """Answers that are there, in order if that is asked."""
        while self._answers:
            index = self._given if self._options.ordered else next(iter(self._answers))
            if index not in self._answers:
                return
            self._given += 1
            yield self._answers.pop(index)

    # ------------------------------------------------------------------------------------------------- out to workers

    def _send(self) -> None:
        """Give work to all that have room for it."""
        self._seats.look()
        if not self._seats.now and not self._seats.await_one(self._options.patience):
            raise PoolError(
                f"no worker is left, and none has come in {self._options.patience:g} s: {'; '.join(self._seats.losses[-3:])}"
            )
        for seat in [seat for seat in self._own if seat.lost]:  # another run has noticed
            self._ready.extend(self._own.pop(seat))
        for seat in sorted(self._seats.now, key=lambda seat: seat.busy):
            while (going := self._for(seat)) is not None:
                self._call(seat, going)

    def _for(self, seat: Seat) -> Going | None:
        """What a worker could do now."""
        if any(going.lost and found is seat for going, found, _ in self._calls.values()):
            return None
        if not seat.busy and self._alone:
            return self._alone.popleft()
        if seat.busy >= self._options.ahead:
            return None
        own = self._own.get(seat)
        shared = self._options.every is not None  # all that are taken run, by turns
        found = self._input() if shared or not (own or self._ready) else None
        if found is not None:
            return found
        if own:
            return own.popleft()
        if self._ready:
            return self._ready.popleft()
        return None if seat.busy else self._from_others()

    def _from_others(self) -> Going | None:
        """What another has more of than it can do soon."""
        most = max(self._own.values(), key=len, default=None)
        if most is None or len(most) < 2:
            return None
        return most.pop()

    def _input(self) -> Going | None:
        """The next, if there is room for it."""
        while not self._exhausted and self._taken - self._given < self._options.window:
            try:
                index, item = next(self._inputs)
            except StopIteration:
                self._exhausted = True
                return None
            self._taken += 1
            known = None if self._ledger is None else self._ledger.answer(index, item)
            if known is not None:
                self._answered(known)
                continue
            going = Going(index, f"{self.id}/{index}", item)
            self._open[index] = going
            if self._ledger is not None:
                self._ledger.going(going)
            if going.call is None:
                return going
            self._ask(going, going.call)
        return None

    def _call(self, seat: Seat, going: Going) -> None:
        moved = going.after is not None and going.seat is not seat
        self._moved += moved
        options = self._options
        asked = Stretch(
            work=going.next,
            job=self._job.id,
            item=going.item if not going.sequence else None,
            after=going.after if moved else None,
            reply=going.reply,
            seconds=None if options.seconds is None else max(0.0, options.seconds - going.seconds),
            output=max(0, options.output - going.printed),
            fuel=None if options.fuel is None else max(0, options.fuel - going.fuel),
            every=options.every,
        )
        if moved and going.seat is not None and not going.seat.lost:
            self._cluster.call(going.seat.handle, "forget", [going.execution])
        self._seats.asked(seat)
        where = [] if seat.knows == self.id else [self._ref]  # a reference costs a tenth of a millisecond
        if options.every is None and self._tools is None:
            refs: tuple[Ref, ...] = (self._cluster.call(seat.handle, "stretch", asked, where),)
        else:
            refs = self._cluster.call_in_pieces(seat.handle, "stretch_in_pieces", asked, where)
        self._calls[refs[0]] = going, seat, refs[1:]

    # ------------------------------------------------------------------------------------------------ in from workers

    def _take(self) -> None:
        """What has come, or is late."""
        if self._asking:
            wait_for(self._asking, ASKING if self._calls else TICK, FIRST_COMPLETED)
            for future in [future for future in self._asking if future.done()]:
                going = self._asking.pop(future)
                try:
                    going.reply = future.result()
                except Exception as error:  # noqa: BLE001 (of a tool's result, or of who permits it: it is the item's)
                    self._finish(going, going.failed(error))
                else:
                    self._noted(going)
                    self._again(going)
        if self._calls:
            for ref in self._cluster.ready(list(self._calls), 0 if self._asking else TICK):
                if ref in self._calls:
                    self._came(ref)
            self._late()

    def _came(self, ref: Ref) -> None:
        going, seat, pieces = self._calls.pop(ref)
        self._seats.answered(seat)
        try:
            outcome = self._whole(ref, pieces)
        except LostWorkerError as error:
            why = LostError(f"{seat.name}: {error}")
            self._lost(seat, why)
            self._repeat(going, why)
            return
        except Exception as error:  # noqa: BLE001 (what it gave cannot travel: it is the item's)
            self._finish(going, going.failed(error))
            return
        self._counts(going, seat, outcome)

    def _whole(self, ref: Ref, pieces: tuple[Ref, ...]) -> Outcome:
        """What has come, put together.  Raises: as `Cluster.result`."""
        outcome = self._cluster.result(ref)
        assert isinstance(outcome, Outcome)
        if outcome.after is None or not pieces:
            return outcome
        parts = [self._cluster.result(piece) for piece in pieces]
        return outcome._replace(after=b"".join(part for part in parts if isinstance(part, bytes)))

    def _counts(self, going: Going, seat: Seat, outcome: Outcome) -> None:
        seat.knows = None if outcome.missing else self.id
        if outcome.missing:
            going.seat = None
            self._call(seat, going)
            return
        going.count(outcome, seat)
        if outcome.after is not None:
            self._noted(going)
        if outcome.call is not None:
            self._ask(going, outcome.call)
        elif outcome.after is not None:
            self._again(going)
        else:
            self._finish(going, going.answer(outcome))

    def _noted(self, going: Going) -> None:
        """What counts of one that goes on is kept before anything comes of it."""
        if self._ledger is not None:
            self._ledger.keep_going(going)

    def _ask(self, going: Going, call: Call) -> None:
        """A tool is run.  Code may ask for one also where there is none: it needs no function for that."""
        if self._threads is None or self._tools is None:
            going.reply = missing(call)
            self._noted(going)
            self._again(going)
            return
        self._asking[self._threads.submit(self._tools.run, call)] = going

    def _again(self, going: Going) -> None:
        """It goes on: where it is, or where it was asked to be."""
        seat, wanted = going.seat, going.wanted
        if wanted is not None:
            going.wanted = None
            if seat is None or wanted not in {seat.node.id, seat.node.name}:
                seat = next((s for s in self._seats.now if wanted in {s.node.id, s.node.name}), seat)
        if seat is None or seat.lost:
            self._ready.append(going)
        else:
            self._own.setdefault(seat, deque()).append(going)

    def _finish(self, going: Going, answer: Answer) -> None:
        if self._ledger is not None:
            try:
                self._ledger.keep(answer, going.item)
            except TypeError as error:
                answer = going.failed(error)
        del self._open[going.index]
        self._answered(answer)

    def _answered(self, answer: Answer) -> None:
        """It is there."""
        self._answers[answer.index] = answer
        self._done += 1
        self._failed += answer.error is not None
        if self._options.progress is not None:
            self._options.progress(self.progress)

    def _late(self) -> None:
        """Workers that are no more, and those that have been silent for too long, are given up."""
        limit, now = self._options.timeout, time.monotonic()
        for seat, why in self._seats.gone():
            self._lost(seat, why)
        if limit is None:
            return
        for seat in {seat for _, seat, _ in self._calls.values() if now - seat.heard > limit}:
            error = StalledError(f"{seat.name} has not answered for {limit:g} s")
            self._lost(seat, error)

    def _lost(self, seat: Seat, error: Exception) -> None:
        """A worker is no more: what it had goes on elsewhere."""
        self._seats.lose(seat, str(error))
        self._ready.extend(self._own.pop(seat, ()))
        for ref in [ref for ref, (_, found, _) in self._calls.items() if found is seat]:
            going, _, _ = self._calls.pop(ref)
            self._repeat(going, error)

    def _repeat(self, going: Going, error: Exception) -> None:
        """A stretch did not count."""
        going.lost.append(error)
        going.tries += 1
        self._repeated += 1
        if len(going.lost) >= self._options.tries:
            self._finish(going, going.given_up())
        else:
            self._alone.append(going)

    def _end(self) -> None:
        """Nobody wants more of it."""
        self._seats.leave({ref: seat for ref, (_, seat, _) in self._calls.items()})
        for seat in self._seats.now:
            left = [going.execution for going in self._open.values() if going.seat is seat]
            if left:
                self._cluster.call(seat.handle, "forget", left)
        self._calls.clear()
        self._open.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
