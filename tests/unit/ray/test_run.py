"""Runs on a cluster that does what a test says."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING, cast

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

from arenite import SnapshotError
from arenite.ray.answer import Outcome, Work
from arenite.ray.cluster import Node
from arenite.ray.errors import LostError, PoolError, StalledError
from arenite.ray.options import Options
from arenite.ray.run import Run
from arenite.ray.seats import Seats
from arenite.ray.worker import Job
from arenite.sandbox.tools.call import Call
from arenite.sandbox.tools.toolbox import Toolbox, current_call
from unit.ray.fakes import Actor, FakeCluster, done, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arenite.ray.answer import Progress
    from arenite.ray.cluster import Cluster
    from arenite.ray.image import Kind
    from arenite.ray.ledger import Ledger
    from arenite.ray.worker import Stretch


def seated(fake: FakeCluster, size: int | None = None) -> Seats:
    seats = Seats(cast("Cluster", fake), cast("Kind", None), None, nodes=None, size=size)
    seats.begin(5.0)
    return seats


def run(
    fake: FakeCluster,
    inputs: Iterable[object],
    *,
    tools: Toolbox | None = None,
    seats: Seats | None = None,
    ledger: Ledger | None = None,
    **asked: object,
) -> Run:
    options = {
        "ordered": True,
        "every": None,
        "ahead": 2,
        "window": 8,
        "timeout": None,
        "tries": 3,
        "patience": 0.2,
        "seconds": None,
        "output": 1 << 20,
        "fuel": None,
        "progress": None,
    } | asked
    seats = seated(fake) if seats is None else seats
    return Run(cast("Cluster", fake), seats, Job("job", "code"), None, inputs, Options(**options), tools, ledger)  # type: ignore[arg-type]


def test_answers_are_in_order_and_ids_are_executions_and_sequences() -> None:
    fake = FakeCluster(lambda _, asked: done(asked, asked.item))
    answers = list(run(fake, range(20)))
    assert [answer.get() for answer in answers] == list(range(20))
    assert [answer.work for answer in answers] == [Work(f"job/{n}", 1) for n in range(20)]


def test_inputs_are_taken_as_answers_are_fetched() -> None:
    fake = FakeCluster(lambda _, asked: done(asked, asked.item))
    taken = []

    def inputs() -> Iterator[int]:
        for n in range(1000):
            taken.append(n)
            yield n

    answers = iter(run(fake, inputs(), window=10))
    assert [next(answers).get() for _ in range(5)] == list(range(5))
    assert len(taken) <= 5 + 10
    assert fake.most <= 2 * 2


def test_progress_is_told_with_each_answer() -> None:
    told: list[Progress] = []
    fake = FakeCluster(lambda _, asked: done(asked, asked.item))
    list(run(fake, [1, 2, 3], progress=told.append))
    assert [(one.done, one.total, one.workers) for one in told] == [(1, 3, 2), (2, 3, 2), (3, 3, 2)]


def test_what_was_under_way_on_a_lost_worker_is_done_elsewhere_with_its_id() -> None:
    log: list[tuple[str, Work]] = []

    def do(actor: Actor, asked: Stretch) -> Outcome:
        log.append((actor.node.id, asked.work))
        if actor.node.id == "b" and len(log) > 6:
            fake.lose("b")
        return done(asked, asked.item)

    fake = FakeCluster(do)
    answers = list(run(fake, range(30)))
    assert [answer.get() for answer in answers] == list(range(30))
    repeated = [answer.work for answer in answers if answer.tries]
    assert repeated
    assert all(answer.nodes == ("a",) for answer in answers if answer.tries)
    counts = Counter(work for _, work in log)
    assert {work for work, count in counts.items() if count > 1} <= set(repeated)  # what had counted was not done again


def test_an_item_that_kills_its_workers_is_given_up_by_name_and_takes_no_others_along() -> None:
    def do(actor: Actor, asked: Stretch) -> Outcome:
        if asked.item == 7:
            actor.alive = False
        return done(asked, asked.item)

    fake = FakeCluster(do)
    answers = list(run(fake, range(20), ahead=8))
    assert [answer.index for answer in answers if answer.error] == [7]
    assert isinstance(answers[7].raised, LostError)
    assert "item 7 was given up after 3 tries" in str(answers[7].error)
    assert [answer.get() for answer in answers if answer.index != 7] == [n for n in range(20) if n != 7]


def test_a_worker_that_is_silent_is_given_up_by_name() -> None:
    def do(actor: Actor, asked: Stretch) -> Outcome:
        actor.stuck = actor.node.id == "b"
        return done(asked, asked.item)

    fake = FakeCluster(do)
    seats = seated(fake)
    fake.alive.pop("b")
    for actor in fake.actors:
        actor.stuck = actor.node.id == "b"
    answers = list(run(fake, range(10), seats=seats, timeout=0.05))
    assert [answer.get() for answer in answers] == list(range(10))
    assert any("has not answered for 0.05 s" in loss for loss in seats.losses)


def test_a_worker_whose_answers_are_lost_with_it_is_noticed_by_its_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arenite.ray.seats.PULSE", 0.01)

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if actor.node.id == "b" and asked.item == 5:
            actor.silent = True
            fake.lose("b")
        time.sleep(0.005)
        return done(asked, asked.item)

    fake = FakeCluster(do)
    answers = list(run(fake, range(30)))
    assert [answer.get() for answer in answers] == list(range(30))
    assert any(answer.tries for answer in answers)


def test_an_item_on_which_all_are_silent_is_given_up_by_name() -> None:
    def do(actor: Actor, asked: Stretch) -> Outcome:
        actor.stuck = True
        return done(asked, asked.item)

    fake = FakeCluster(do, ("a",))
    seats = seated(fake)
    fake.ready = lambda calls, seconds: [c for c in FakeCluster.ready(fake, calls, seconds) if c.method != "stretch"]  # type: ignore[method-assign]
    (answer,) = run(fake, [1], seats=seats, timeout=0.05)
    assert isinstance(answer.raised, StalledError)


def test_without_workers_a_run_ends_by_name() -> None:
    def do(_actor: Actor, asked: Stretch) -> Outcome:
        fake.lose("a")
        fake.lose("b")
        return done(asked, asked.item)

    fake = FakeCluster(do)
    with pytest.raises(PoolError, match=r"no worker is left.*it is no more"):
        list(run(fake, range(10)))


def test_another_node_takes_the_place_of_one_that_is_lost() -> None:
    def do(actor: Actor, asked: Stretch) -> Outcome:
        if asked.item == 4 and actor.node.id == "a":
            fake.alive["c"] = type(actor.node)("c", "c", 1)
            fake.lose("a")
        return done(asked, asked.item)

    fake = FakeCluster(do, ("a",))
    answers = list(run(fake, range(10)))
    assert [answer.get() for answer in answers] == list(range(10))
    assert answers[-1].nodes == ("c",)


def test_an_image_that_a_node_refuses_keeps_the_pool_from_being() -> None:
    fake = FakeCluster(lambda _, asked: done(asked, None))
    fake.refused["b"] = SnapshotError("another version")
    with pytest.raises(SnapshotError, match="another version"):
        seated(fake)


def test_a_pool_has_a_worker_for_each_cpu_or_as_many_as_are_asked() -> None:
    fake = FakeCluster(lambda _, asked: done(asked, None), ("a", "b", "c"), cpus=2)
    assert sorted(seat.node.id for seat in seated(fake).now) == ["a", "a", "b", "b", "c", "c"]
    assert sorted(seat.node.id for seat in seated(fake, 4).now) == ["a", "a", "b", "c"]


def test_stretches_go_on_where_the_box_is_and_from_the_last_that_counted_when_it_is_lost() -> None:
    log: list[tuple[Work, int]] = []
    stepping = steps(5, log)

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if actor.node.id == "b" and asked.work.sequence == 4:
            fake.lose("b")
        return stepping(actor, asked)

    fake = FakeCluster(do)
    going = run(fake, range(6), every=0.1)
    answers = list(going)
    assert [answer.get() for answer in answers] == list(range(6))
    assert {answer.stdout for answer in answers} == {"1;2;3;4;5;"}  # nothing twice, nothing lost
    repeated = {work for work, count in Counter(work for work, _ in log).items() if count > 1}
    assert all(work.sequence <= 4 for work in repeated)
    assert any(answer.nodes == ("b", "a") for answer in answers)
    assert going.progress.moved > 0


def test_an_execution_moves_to_the_node_that_is_asked_for() -> None:
    log: list[tuple[Work, int]] = []
    fake = FakeCluster(steps(6, log))
    going = run(fake, [3, 4], every=0.1, ordered=False)
    told: list[int] = []

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if asked.work == Work("job/0", 2):
            going.move(0, "b" if actor.node.id == "a" else "a")
            told.append(actor.number)
        return steps(6, log)(actor, asked)

    fake.do = do
    answers = {answer.index: answer for answer in going}
    assert answers[0].get() == 3
    assert len(answers[0].nodes) == 2
    assert len(answers[1].nodes) == 1
    with pytest.raises(PoolError, match="'elsewhere'"):
        going.move(0, "elsewhere")


def test_a_worker_that_has_nothing_takes_what_another_has_too_much_of() -> None:
    log: list[tuple[Work, int]] = []
    stepping = steps(8, log)
    fake = FakeCluster(stepping, ("a",))
    seats = seated(fake)

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if len(log) == 8:  # all have begun where they were
            fake.alive["b"] = Node("b", "b", 1)
            seats._start(fake.alive["b"])
        return stepping(actor, asked)

    fake.do = do
    answers = list(run(fake, range(8), every=0.1, seats=seats, window=8))
    assert [answer.get() for answer in answers] == list(range(8))
    assert any(answer.nodes == ("a", "b") for answer in answers)


def test_what_waits_for_a_worker_that_another_run_has_lost_goes_on_elsewhere() -> None:
    fake = FakeCluster(steps(4, []))
    seats = seated(fake)
    lost, left = seats.now
    going = run(fake, range(3), every=0.1, seats=seats)
    waiting = going._input()
    assert waiting is not None
    waiting.sequence, waiting.after, waiting.seat = 1, b"1 0", lost
    going._own[lost] = deque([waiting])
    fake.lose(lost.node.id)
    seats.lose(lost, "noticed by another run")
    assert [(answer.get(), answer.nodes[-1]) for answer in going] == [(n, left.node.name) for n in range(3)]


def test_a_worker_that_has_not_the_box_any_more_is_given_it() -> None:
    stepping = steps(4, [])

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if asked.work.sequence == 3 and asked.after is None:
            actor.boxes.clear()
        return stepping(actor, asked)

    answers = list(run(FakeCluster(do, ("a",)), range(3), every=0.1))
    assert [(answer.get(), answer.stdout, answer.tries) for answer in answers] == [(n, "1;2;3;4;", 0) for n in range(3)]


def test_a_worker_that_has_not_the_job_any_more_is_given_it() -> None:
    given = list[object]()

    def do(actor: Actor, asked: Stretch) -> Outcome:
        where = actor.calls[0].args[1]
        given.append(where)
        if len(given) == 5:
            assert where == []
            return Outcome(asked.work, missing=True)
        return done(asked, asked.item)

    answers = list(run(FakeCluster(do, ("a",)), range(10), ahead=1))
    assert [answer.get() for answer in answers] == list(range(10))
    assert given == [[None], [], [], [], [], [None], [], [], [], [], []]


def test_what_has_lost_many_workers_but_goes_on_is_not_given_up() -> None:
    stepping = steps(8, [])
    killed = set[int]()

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if asked.work.sequence not in killed:
            killed.add(asked.work.sequence)
            actor.alive = False
        return stepping(actor, asked)

    (answer,) = run(FakeCluster(do), [5], every=0.1)
    assert (answer.get(), answer.tries, answer.stdout) == (5, 8, "1;2;3;4;5;6;7;8;")


def test_a_call_of_a_tool_is_answered_once_also_when_the_worker_is_lost_then() -> None:
    calls: list[str] = []

    def look(n: int) -> int:
        found = current_call()
        assert found is not None
        calls.append(found.id)
        return n * 10

    given: list[bytes | None] = []

    def do(actor: Actor, asked: Stretch) -> Outcome:
        if asked.work.sequence == 1:
            return Outcome(asked.work, call=Call("look", (asked.item,), {}, f"{asked.work.execution}-1"), after=b"1")
        given.append(asked.reply)
        if actor.node.id == "b":
            fake.lose("b")
        return done(asked, asked.reply)

    fake = FakeCluster(do)
    answers = list(run(fake, [1, 2, 3, 4], tools=Toolbox([look])))
    assert [answer.get() for answer in answers] == [b'{"value": %d}' % n for n in (10, 20, 30, 40)]
    assert sorted(calls) == [f"job/{n}-1" for n in range(4)]
    assert any(answer.tries for answer in answers)


def test_a_tool_that_gives_what_is_no_data_is_an_error_of_its_item() -> None:
    def odd() -> object:
        return object()

    def do(_actor: Actor, asked: Stretch) -> Outcome:
        return Outcome(asked.work, call=Call("odd", (), {}, "x"), after=b"1") if asked.item == 1 else done(asked, asked.item)

    first, second = run(FakeCluster(do), [1, 2], tools=Toolbox([odd]))
    assert isinstance(first.raised, TypeError)
    assert second.get() == 2


def test_code_that_calls_a_tool_where_there_is_none_is_told() -> None:
    def do(_: Actor, asked: Stretch) -> Outcome:
        if asked.work.sequence > 1:
            return done(asked, (asked.reply or b"").decode())
        return Outcome(asked.work, call=Call("forged", ()), after=b"it")

    (answer,) = run(FakeCluster(do), [1])
    assert "there is no tool" in str(answer.value)


def test_limits_are_of_all_stretches_together() -> None:
    asked_for = []

    def do(_actor: Actor, asked: Stretch) -> Outcome:
        asked_for.append((asked.seconds, asked.output, asked.fuel))
        last = asked.work.sequence == 3
        return Outcome(asked.work, stdout="12345", seconds=2.0, fuel=100, after=None if last else b"1")

    list(run(FakeCluster(do), [1], every=2.0, seconds=10.0, output=20, fuel=1000))
    assert asked_for == [(10.0, 20, 1000), (8.0, 15, 900), (6.0, 10, 800)]
