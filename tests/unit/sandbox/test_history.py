"""Histories: hundreds of checkpoints, each as what has changed, in memory and in a folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from arenite import Failure, SnapshotError
from arenite.sandbox import History
from arenite.sandbox.history import APART, ENDING, FRESH
from arenite.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS = APART + 5
KEY = b"k" * 32


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python() as box:
        box.run("log = []")
        yield box


def talk(box: Sandbox, history: History, steps: int) -> None:
    for _ in range(steps):
        box.run("log.append(f'step {len(log)}')")
        history.add(box)


def said(box: Sandbox, history: History, number: int) -> object:
    box.restore(history[number])
    return box.run("len(log), log[-1]").value


def expected(number: int) -> tuple[int, str]:
    return number + 1, f"step {number}"


@pytest.mark.parametrize("where", ["memory", "folder"])
def test_each_step_comes_back(box: Sandbox, where: str, tmp_path: Path) -> None:
    history = History() if where == "memory" else History(tmp_path / "talk")
    talk(box, history, STEPS)
    assert len(history) == STEPS
    for number in (0, 1, APART - 1, APART, APART + 1, STEPS - 1):
        assert said(box, history, number) == expected(number)
    assert said(box, history, -1) == expected(STEPS - 1)
    for number in (STEPS, -STEPS - 1):
        with pytest.raises(IndexError):
            history[number]
    if where == "folder":
        again = History(tmp_path / "talk")
        assert len(again) == STEPS
        assert again.size == history.size
        assert said(box, again, APART - 1) == expected(APART - 1)


def test_a_step_holds_what_has_changed(box: Sandbox) -> None:
    box.run("import os\nlarge = [os.urandom(1000) for _ in range(300)]")
    history, whole = History(), []
    for _ in range(6):
        talk(box, history, 1)
        whole.append(len(box.dumps()))
    assert history.size < sum(whole) / 3
    assert said(box, history, 5) == expected(5)


def test_it_goes_on_from_any_step(box: Sandbox, tmp_path: Path) -> None:
    history = History(tmp_path)
    talk(box, history, 5)
    box.restore(history[2])
    box.run("log.append('another way')")
    number = history.add(box)
    assert said(box, history, number) == (4, "another way")
    assert said(box, history, 4) == expected(4)
    again = History(tmp_path)
    box.restore(again[number])
    talk(box, again, 2)
    assert said(box, History(tmp_path), number + 2) == (6, "step 5")


def test_boxes_that_run_or_have_not_run(box: Sandbox) -> None:
    history = History()
    box.run("for n in range(10**9): pass", seconds=0.05)
    assert box.stopped
    stopped = history.add(box)
    with Sandbox.python() as fresh:
        first = history.add(fresh)
    box.restore(history[stopped])
    assert box.stopped
    assert box.go_on(seconds=0.01).limit == "time"
    chances = set()
    for _ in range(2):
        box.restore(history[first])
        chances.add(box.run("import random; random.random()").value)
    assert len(chances) == 2
    box.run("import os; os._exit(0)")
    with pytest.raises(Failure, match="dead"):
        history.add(box)
    assert len(history) == 2


def test_a_box_of_elsewhere_is_refused(box: Sandbox, tmp_path: Path) -> None:
    box.save(tmp_path / "box.arn")
    with Sandbox.open(tmp_path / "box.arn") as other, pytest.raises(SnapshotError, match="this one was not"):
        History().add(other)


def test_files_and_pools(box: Sandbox) -> None:
    history = History()
    box.files["a.txt"] = "one"
    first = history.add(box)
    box.files["a.txt"] = "two"
    second = history.add(box)
    for number, content in ((first, b"one"), (second, b"two")):
        with Sandbox.pool(1, begin=history[number]) as pool, pool.box() as made:
            assert made.files["a.txt"] == content


@pytest.mark.parametrize("harm", ["missing", "cut", "changed", "swapped", "empty"])
def test_what_is_not_as_it_was_is_noticed(box: Sandbox, harm: str, tmp_path: Path) -> None:
    history = History(tmp_path)
    talk(box, history, 4)
    step = tmp_path / f"000002{ENDING}"
    data = step.read_bytes()
    if harm == "missing":
        step.unlink()
    elif harm == "cut":
        step.write_bytes(data[:-5])
    elif harm == "empty":
        step.write_bytes(b"")
    elif harm == "changed":
        step.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    else:
        shutil.copy(tmp_path / f"000001{ENDING}", step)
    with pytest.raises((SnapshotError, OSError)):
        history[3]
    assert said(box, history, 1) == expected(1)


def test_a_key_says_who_has_written_it(box: Sandbox, tmp_path: Path) -> None:
    talk(box, History(tmp_path, key=KEY), 3)
    assert said(box, History(tmp_path, key=KEY), 2) == expected(2)
    with pytest.raises(SnapshotError, match="key"):
        History(tmp_path, key=b"x" * 32)[2]


@pytest.mark.parametrize("harm", ["moved", "fresh"])
def test_a_key_says_which_step_it_is(box: Sandbox, harm: str, tmp_path: Path) -> None:
    talk(box, History(tmp_path, key=KEY), 2)
    last = tmp_path / f"000001{ENDING}"
    if harm == "moved":
        shutil.copy(tmp_path / f"000000{ENDING}", last)
    else:
        data = last.read_bytes()
        last.write_bytes(bytes([data[0] ^ FRESH]) + data[1:])
    history = History(tmp_path, key=KEY)
    with pytest.raises(SnapshotError, match="key"):
        history[1]
    assert said(box, history, 0) == expected(0)


def test_steps_without_a_beginning_are_refused(box: Sandbox, tmp_path: Path) -> None:
    history = History(tmp_path)
    talk(box, history, 2)
    step = tmp_path / f"000000{ENDING}"
    step.write_bytes(b"\0" + step.read_bytes()[1:])
    with pytest.raises(SnapshotError, match="beside the image"):
        history[1]
