"""Modules that are executed when something of them is asked for: they are what they are elsewhere, whoever asks first, and however often."""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Final

import pytest

from arenite.cli import later

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "a_module_for_later"
SOURCE: Final = """
import builtins, time
builtins.begun.append(__name__)
if len(builtins.begun) <= builtins.interrupted:
    raise KeyboardInterrupt
time.sleep(0.05)
value = 42
"""


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A module that can be imported, and how often that was executed."""
    found: list[str] = []
    (tmp_path / f"{NAME}.py").write_text(SOURCE, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    monkeypatch.setattr("builtins.begun", found, raising=False)
    monkeypatch.setattr("builtins.interrupted", 0, raising=False)
    return found


def value(name: str = "value") -> object:
    return getattr(import_module(NAME), name)


def test_it_is_executed_once_when_it_is_asked(begun: list[str]) -> None:
    later(NAME)
    assert import_module(NAME) is sys.modules[NAME]
    assert begun == []
    assert [value(), value()] == [42, 42]
    assert begun == [NAME]
    with pytest.raises(AttributeError, match=rf"^module '{NAME}' has no attribute 'nothing'$"):
        value("nothing")
    assert begun == [NAME]


def test_one_that_is_there_or_that_there_is_not_stays(begun: list[str]) -> None:
    module = import_module(NAME)
    later(NAME)
    assert sys.modules[NAME] is module
    later(f"{NAME}_or_not")
    assert f"{NAME}_or_not" not in sys.modules
    assert begun == [NAME]


def test_an_interrupted_one_is_begun_again(begun: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.interrupted", 1, raising=False)
    later(NAME)
    with pytest.raises(KeyboardInterrupt):
        value()
    assert value() == 42
    assert begun == [NAME, NAME]


def test_threads_that_ask_at_the_same_time_all_get_it(begun: list[str]) -> None:
    later(NAME)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(value())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, begun) == ([42] * 4, [NAME])


def test_inspect_of_the_command_is_all_of_it() -> None:
    program = (
        "import arenite.cli, inspect; print(inspect.cleandoc('  a\\n  b'), inspect.signature(lambda a: a), inspect.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.split() == ["a", "b", "(a)", "inspect"]
