"""The compiled translator and the same files uncompiled make the same bytecode, byte for byte."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

import arenite.translate.translator
import testdata
from arenite.errors import AreniteError
from arenite.translate.module import translate
from unit.uncompiled import need_compiled, uncompiled

if TYPE_CHECKING:
    import pytest

FILETESTS = Path(__file__).parents[2] / "filetests"


def test_compiled_and_pure_make_the_same_bytecode() -> None:
    need_compiled(arenite.translate.translator)
    (plain_module,) = uncompiled("arenite.translate.module")
    compared = 0
    for path in testdata.files(FILETESTS, "*/*.wat"):
        data = bytes(wasmtime.wat2wasm(path.read_text()))
        try:
            compiled = translate(data)
        except AreniteError:
            continue
        plain = plain_module.translate(data)
        for part in ("bytecode", "returns", "functions", "safepoints", "locals"):
            assert getattr(compiled, part) == getattr(plain, part), (path, part)
        compared += 1
    assert compared > 15


def test_all_hot_modules_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(testdata.ROOT)
    build = runpy.run_path("tools/build.py")
    lacking = sorted(path.name for path in {build["LIBRARY"], *build["expected"]()} - set(build["compiled"]()))
    if lacking:
        testdata.absent(f"not compiled here: {', '.join(lacking)}: tools/build.py")


def test_hot_modules_ignore_no_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """mypyc has instructions of its own for `write_i32_le` and the like, if what is written is an i32; for all else a function is looked up by name."""
    monkeypatch.chdir(testdata.ROOT)
    ignored = [
        f"{path}:{number}"
        for path in runpy.run_path("setup.py", run_name="setup")["hot"]()
        for number, line in enumerate(Path(path).read_text("utf-8").splitlines(), 1)
        if "type: ignore" in line
    ]
    assert ignored == []
