"""Exceptions of the older form: what a catch keeps, and where what is thrown lies.  `tests/differential/test_exceptions.py` asks another engine."""

from __future__ import annotations

from typing import Any

import pytest

from arenite import Instance, Module, Store, WasmException, wat2wasm
from arenite.bytecode.text import function_lines
from arenite.translate.module import translate
from tiers import TIERS, engine_of

GUEST = """(module (tag $e (export "e") (param i64 i64)) (tag $n)
    (func $throw (param i64) (throw $e (local.get 0) (i64.const 5)))
    (func (export "caught") (param i64) (result i64)
        try (result i64)
            (call $throw (local.get 0))
            (i64.const 0)
        catch $e
            i64.sub
        end)
    (func (export "again") (param i64) (result i64)
        try (result i64)
            (call $throw (local.get 0))
            (i64.const 0)
        catch $e
            i64.sub
            (if (i64.eqz (local.get 0)) (then (rethrow 1)))
        end)
    (func (export "here") (param i64) (result i64)
        try (result i64)
            (throw $e (local.get 0) (i64.const 3))
        catch $e
            i64.sub
        end)
    (func (export "nested") (param i64) (result i64)
        try (result i64)
            try (result i64)
                try (result i64)
                    (throw $e (local.get 0) (i64.const 3))
                delegate 1
            catch_all
                (i64.const -1)
            end
        catch $n
            (i64.const -2)
        catch $e
            i64.sub
        end))"""


def calls(tier: str) -> tuple[Store, Any]:
    store = Store(engine_of(tier))  # type: ignore[arg-type]  # one of TIERS
    return store, Instance(store, Module(store.engine, GUEST), []).exports(store)


def kept(store: Store) -> int:
    """Bytes that are set apart for exceptions which guests keep."""
    return sum(end - begin for begin, end in store.machine.registry.exceptions.regions)


@pytest.mark.parametrize("tier", TIERS)
def test_only_what_may_be_thrown_again_is_kept(tier: str) -> None:
    store, exports = calls(tier)
    assert [exports["caught"](store, n) for n in (8, 0)] == [3, -5]
    assert kept(store) == 0
    assert exports["again"](store, 8) == 3
    assert kept(store) > 0
    with pytest.raises(WasmException) as caught:
        exports["again"](store, 0)
    assert caught.value.tag == exports["e"]
    assert caught.value.values == (0, 5)


def test_a_block_that_is_passed_by_has_no_handlers() -> None:
    """Only what is in a `delegate` throws there, and that leads past its catch: no clause is left that nothing leads to."""
    inner = "try try (call 0) delegate 1 catch_all (call 0) end"
    module = translate(wat2wasm(f"(module (tag) (func) (func try {inner} catch 0 end))"))
    assert [line.strip() for line in function_lines(module, 1) if "handlers:" in line] == ["handlers: tag 0 .56 null r2"]


@pytest.mark.parametrize("tier", TIERS)
def test_what_is_thrown_where_it_is_caught_arrives_whole(tier: str) -> None:
    """The catch wants its values one slot above where the block's first operands lie."""
    store, exports = calls(tier)
    assert [exports[name](store, 10) for name in ("here", "nested")] == [7, 7]
