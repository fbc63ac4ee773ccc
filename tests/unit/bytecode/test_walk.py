"""The compiled walk and the same files uncompiled find the same: nothing, or the same rule broken by the same op."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wasmtime

import arenite.bytecode.verifier.code
import arenite.bytecode.verifier.frame
import arenite.bytecode.verifier.points
import arenite.bytecode.verifier.rules
import arenite.bytecode.verifier.states
import arenite.bytecode.verifier.walk
import arenite.bytecode.verify
from arenite.errors import InternalError, Limit
from arenite.translate.module import translate
from unit.bytecode.test_verify import LOOP, TABLES, WHOLE, with_table

if TYPE_CHECKING:
    from types import ModuleType

    from arenite.bytecode.module import ModuleCode

HOT = (
    *(arenite.bytecode.verifier.states, arenite.bytecode.verifier.code, arenite.bytecode.verifier.rules),
    *(arenite.bytecode.verifier.frame, arenite.bytecode.verifier.points, arenite.bytecode.verifier.walk, arenite.bytecode.verify),
)
ALTERATIONS = 300


def pure() -> ModuleType:
    """`verify`, loaded anew from its source with the hot modules that it uses."""
    kept = {module.__name__: module for module in HOT}
    try:
        for name, module in kept.items():
            source = Path(module.__file__ or "").with_name(name.rpartition(".")[2] + ".py")
            spec = importlib.util.spec_from_file_location(name, source)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
        return sys.modules["arenite.bytecode.verify"]
    finally:
        sys.modules.update(kept)


PURE = pure()


def said(verify: ModuleType, module: ModuleCode) -> str:
    """What is wrong with a module."""
    try:
        verify.verify_module(module)
    except (InternalError, Limit) as error:
        return f"{type(error).__name__} {error}"
    return "nothing"


DEEP = f"(module (func $f (result funcref) (ref.null func)) (func {'(call $f) (i32.clz (i32.const 1)) ' * 40} unreachable))"


@pytest.mark.parametrize(
    "module", [WHOLE, *(translate(bytes(wasmtime.wat2wasm(text))) for text in (LOOP, DEEP))], ids=["everything", "a loop", "deep"]
)
def test_nothing_is_wrong(module: ModuleCode) -> None:
    assert said(PURE, module) == said(arenite.bytecode.verify, module) == "nothing"


@pytest.mark.parametrize("table", TABLES)
def test_the_same_is_wrong(table: str) -> None:
    choose, found = random.Random(table), set[str]()
    for _ in range(ALTERATIONS):
        data = bytearray(getattr(WHOLE, table))
        data[choose.randrange(len(data))] = choose.randrange(256)
        altered = with_table(WHOLE, table, bytes(data))
        found.add(said(arenite.bytecode.verify, altered))
        assert said(PURE, altered) in found
    assert len(found) > 1
