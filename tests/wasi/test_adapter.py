"""The adapter's command lines, run: the official runner is not at hand everywhere, what it would run is."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import testdata
from wasi import adapter

if TYPE_CHECKING:
    from pathlib import Path

SUITE = testdata.find("wasi-testsuite")


@pytest.fixture(autouse=True)
def this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "COMMAND", [sys.executable, "-m", "arenite"])
    monkeypatch.setenv("PYTHONPATH", str(testdata.ROOT / "src"))


def exit_code(program: str, arguments: list[str], environment: dict[str, str], directories: list[tuple[Path, str]]) -> int:
    path = str(SUITE / program)
    argv = adapter.compute_argv(path, (arguments, environment, directories), [], "wasm32-wasip1")
    return subprocess.run(argv, check=False, timeout=60, capture_output=True).returncode


def test_exit_codes() -> None:
    assert exit_code("assemblyscript/wasm32-wasip1/proc_exit-failure.wasm", [], {}, []) == 33


def test_arguments() -> None:
    program = "assemblyscript/wasm32-wasip1/args_get-multiple-arguments.wasm"
    assert exit_code(program, ["first", 'the "second" arg', "3"], {}, []) == 0
    assert exit_code(program, ["first"], {}, []) != 0


def test_environment() -> None:
    program = "assemblyscript/wasm32-wasip1/environ_get-multiple-variables.wasm"
    assert exit_code(program, [], {"a": "text", "b": 'escap " ing', "c": "new\nline"}, []) == 0
    assert exit_code(program, [], {"a": "text"}, []) != 0


def test_directories() -> None:
    folder = SUITE / "c" / "wasm32-wasip1"
    assert exit_code("c/wasm32-wasip1/lseek.wasm", [], {}, [(folder / "fs-tests.dir", "/")]) == 0
    assert exit_code("c/wasm32-wasip1/lseek.wasm", [], {}, []) != 0
