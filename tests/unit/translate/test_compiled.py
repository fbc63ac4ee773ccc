"""The compiled translator and the same files uncompiled make the same bytecode, byte for byte."""

from __future__ import annotations

import importlib
import importlib.util
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

import testdata
from arenite.errors import AreniteError
from arenite.translate.module import translate

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from arenite.bytecode.module import ModuleCode

HOT = (
    *(f"arenite.wasm.{name}" for name in ("reader", "stacks", "sink", "context", "control", "entities", "body", "validate")),
    *(
        f"arenite.translate.{name}"
        for name in (
            *("tables", "writer", "operands", "records", "shape"),
            *("arithmetic", "accesses", "branches", "blocks", "calls", "translator", "module"),
        )
    ),
)
FILETESTS = Path(__file__).parents[2] / "filetests"


def pure() -> Callable[[bytes], ModuleCode]:
    """`translate` of modules that are loaded anew from their sources and use each other."""
    kept = {name: importlib.import_module(name) for name in HOT}
    try:
        for name, module in kept.items():
            source = Path(module.__file__ or "").with_name(name.rpartition(".")[2] + ".py")
            spec = importlib.util.spec_from_file_location(name, source)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        translate_purely: Callable[[bytes], ModuleCode] = sys.modules["arenite.translate.module"].translate
        return translate_purely
    finally:
        sys.modules.update(kept)


def test_compiled_and_pure_make_the_same_bytecode() -> None:
    if (importlib.import_module("arenite.translate.translator").__file__ or "").endswith(".py"):
        testdata.absent("the hot modules are not compiled here: tools/build.py")
    translate_purely = pure()
    assert Path(translate_purely.__code__.co_filename).suffix == ".py"
    compared = 0
    for path in testdata.files(FILETESTS, "*/*.wat"):
        data = bytes(wasmtime.wat2wasm(path.read_text()))
        try:
            compiled = translate(data)
        except AreniteError:
            continue
        plain = translate_purely(data)
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
