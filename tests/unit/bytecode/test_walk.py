"""The compiled walk and the same files uncompiled find the same: nothing, or the same rule broken by the same op."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import wasmtime

import arenite.bytecode.verify
from arenite.errors import InternalError, Limit
from arenite.translate.module import translate
from unit.bytecode.test_verify import LOOP, TABLES, WHOLE, with_table
from unit.uncompiled import uncompiled

if TYPE_CHECKING:
    from types import ModuleType

    from arenite.bytecode.module import ModuleCode

ALTERATIONS = 300
(PURE,) = uncompiled("arenite.bytecode.verify")


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
