"""Runs whose process is killed, and begun again with the same record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

from arenite import SnapshotError
from arenite.ray.answer import Outcome, Work
from arenite.ray.errors import CodeError
from arenite.ray.going import Going
from arenite.ray.ledger import Ledger
from arenite.sandbox.tools.call import Call
from arenite.sandbox.tools.toolbox import Toolbox
from arenite.serving.record import KeyUsedError
from unit.ray.fakes import Actor, FakeCluster, done, steps
from unit.ray.test_run import run

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.ray.run import Run
    from arenite.ray.worker import Stretch

KEY = b"a key of sixteen"


@pytest.fixture(params=["memory", "local"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}" if request.param == "memory" else str(tmp_path / "record")


def begun(url: str, *, image: str = "image", key: bytes | None = None, code: str = "code") -> Ledger:
    ledger = Ledger(url, image, key)
    ledger.begin(code, None)
    return ledger


def recorded(
    fake: FakeCluster,
    inputs: list[object],
    ledger: Ledger,
    *,
    tools: Toolbox | None = None,
    every: float | None = None,
    window: int = 8,
) -> Run:
    return run(fake, inputs, tools=tools, ledger=ledger, every=every, window=window)


def test_answers_that_are_there_are_given_again(url: str) -> None:
    log: list[object] = []

    def do(_actor: Actor, asked: Stretch) -> Outcome:
        log.append(asked.item)
        if asked.item == 2:
            return Outcome(
                asked.work, error="Traceback …\nKeyError: 2\n", stdout="out", stderr="err", limit="time", files=("/a",), fuel=7
            )
        return done(asked, {"found": [asked.item, (1.5, b"x", None)]})

    inputs: list[object] = [0, 1, 2, 3, 4, 5]
    going = iter(recorded(FakeCluster(do), inputs, begun(url), window=3))
    first = [next(going) for _ in range(3)]
    going.close()  # type: ignore[attr-defined]
    answers = list(recorded(FakeCluster(do), inputs, begun(url)))
    assert answers[:3] == first
    assert answers[0].get() == {"found": [0, (1.5, b"x", None)]}
    with pytest.raises(CodeError, match="KeyError: 2"):
        answers[2].get()
    assert max(Counter(log[: log.index(5) + 1]).values()) <= 2
    assert [item for item, count in Counter(log).items() if count > 1 and item in {0, 1, 2}] == []  # what had counted
    log.clear()
    assert list(recorded(FakeCluster(do), inputs, begun(url))) == answers
    assert log == []


def test_stretches_go_on_from_the_last_that_counted_and_tools_are_not_called_again(url: str) -> None:
    stepping, log, called = steps(6, []), list[Work](), list[int]()

    def look(n: int) -> int:
        called.append(n)
        return n * 10

    def do(actor: Actor, asked: Stretch) -> Outcome:
        log.append(asked.work)
        found = stepping(actor, asked)
        if asked.work.sequence == 2 and not found.missing:
            return Outcome(
                asked.work, stdout=found.stdout, after=found.after, call=Call("look", (int(asked.work.execution[-1]),), {}, "id")
            )
        if asked.work.sequence == 3:
            replies.append(asked.reply)
        return found

    replies: list[bytes | None] = []
    inputs: list[object] = [1, 2, 3]
    going = recorded(FakeCluster(do), inputs, begun(url), tools=Toolbox([look]), every=0.1)
    running = iter(going)

    def killed(actor: Actor, asked: Stretch) -> Outcome:
        if asked.work.sequence == 5:
            raise RuntimeError("killed")
        return do(actor, asked)

    going._cluster.do = killed  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="killed"):
        list(running)
    before = set(log)
    answers = list(recorded(FakeCluster(do), inputs, begun(url), tools=Toolbox([look]), every=0.1))
    assert [(answer.get(), answer.stdout) for answer in answers] == [(n, "1;2;3;4;5;6;") for n in inputs]
    assert sorted(called) == [0, 1, 2]  # once each
    assert sorted(set(filter(None, replies))) == [b'{"value": %d}' % n for n in (0, 10, 20)]
    assert {work for work, count in Counter(log).items() if count > 1} <= {
        max((w for w in before if w.execution == e), key=lambda w: w.sequence) for e in {w.execution for w in before}
    }


def test_a_call_that_was_not_answered_is_done_again_with_its_id(url: str) -> None:
    ids: list[int] = []

    def slow(n: int) -> int:
        ids.append(n)
        if len(ids) == 1:
            raise KeyboardInterrupt
        return n

    def do(_actor: Actor, asked: Stretch) -> Outcome:
        if asked.work.sequence == 1:
            return Outcome(asked.work, call=Call("slow", (7,), {}, "box-1"), after=b"1 7")
        return done(asked, (asked.reply or b"").decode())

    with pytest.raises(KeyboardInterrupt):
        list(recorded(FakeCluster(do), [1], begun(url), tools=Toolbox([slow])))
    (answer,) = recorded(FakeCluster(do), [1], begun(url), tools=Toolbox([slow]))
    assert (answer.get(), ids) == ('{"value": 7}', [7, 7])


def test_a_record_is_of_one_work(url: str) -> None:
    list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [1], begun(url)))
    with pytest.raises(KeyUsedError, match="other code"):
        begun(url, code="other")
    with pytest.raises(KeyUsedError, match="input 0 was another"):
        list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [2], begun(url)))


def test_boxes_go_on_from_their_own_image_alone(url: str) -> None:
    going = iter(recorded(FakeCluster(steps(3, [])), [1], begun(url), every=0.1))
    log: list[tuple[Work, int]] = []
    del going
    running = recorded(FakeCluster(steps(9, log)), [1, 2], begun(url), every=0.1)
    running._cluster.do = lambda actor, asked: 1 / 0 if asked.work.sequence == 3 else steps(9, log)(actor, asked)  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        list(running)
    with pytest.raises(KeyUsedError, match="another image"):
        list(recorded(FakeCluster(steps(9, log)), [1, 2], begun(url, image="other"), every=0.1))


def test_what_is_recorded_is_plain_data(url: str) -> None:
    first, second = recorded(FakeCluster(lambda _, asked: done(asked, object() if asked.item == 1 else 2)), [1, 2], begun(url))
    assert "must be plain data, not object" in str(first.error)
    assert second.get() == 2
    with pytest.raises(TypeError, match="an input of work that is recorded"):
        list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [object()], begun(url)))


def test_what_was_changed_or_has_another_key_is_refused(tmp_path: Path) -> None:
    url = str(tmp_path / "record")
    list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [1], begun(url, key=KEY)))
    with pytest.raises(SnapshotError, match="not written with this key"):
        begun(url, key=b"another key, too")
    path = tmp_path / "record" / "0.answer"
    path.write_bytes(path.read_bytes().replace(b'"value": 1', b'"value": 2'))
    with pytest.raises(SnapshotError, match=r"0\.answer"):
        list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [1], begun(url, key=KEY)))


@pytest.mark.parametrize("said", [b"{", b"[]", b"{}", b'{"item": 1}', b"[" * 100_000])
def test_what_is_no_record_is_refused(said: bytes, tmp_path: Path) -> None:
    url = str(tmp_path / "record")
    list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [1], begun(url)))
    ledger = begun(url)
    body = said + b"\n"
    (tmp_path / "record" / "0.answer").write_bytes(ledger._tag("0.answer", body) + body)
    with pytest.raises((SnapshotError, KeyUsedError)):
        list(recorded(FakeCluster(lambda _, asked: done(asked, 1)), [1], ledger))


ODD = [{"value": ["z"]}, {"value": ["d", 1]}, {"seconds": 10**400}, {"stdout": 1}, {"fuel": -1}]
ODD_GOING = [{"call": [["z"], 1, 2, 3]}, {"call": ["f", ["l"]]}, {"reply": "\ud800"}, {"stdout": "\ud800"}, {"seconds": 10**400}]


@pytest.mark.parametrize(
    ("name", "odd"), [*(("0.answer", each) for each in ODD), *(("0.going", each) for each in ODD_GOING)], ids=repr
)
def test_whatever_a_record_says_is_read_or_refused(name: str, odd: dict[str, object], tmp_path: Path) -> None:
    url = str(tmp_path)
    said = {
        "item": begun(url)._digest(1),
        "image": "image",
        "execution": "x",
        "sequence": 1,
        "value": 1,
        "files": [],
        "nodes": [],
    }
    said |= {"stdout": "", "stderr": "", "seconds": 0, "fuel": 0, "tries": 0}

    def read(said: dict[str, object]) -> None:
        begun(url)._write(name, said, b"after")
        if name == "0.answer":
            begun(url).answer(0, 1)
        else:
            begun(url).going(Going(0, "x", 1))

    read(said)
    with pytest.raises(SnapshotError, match="record"):
        read(said | odd)
