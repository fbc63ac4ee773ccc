"""`Store.set_limits`, on the `wasmtime` package and on each tier alike where both count the same."""

from __future__ import annotations

from typing import Any

import pytest

from arenite import Config, Engine, Instance, Limit, Module, Store
from marks import EACH_TIER
from unit.api.packages import PACKAGES, Package

PAGE = 65536


@pytest.fixture(params=PACKAGES)
def p(request: Any) -> Package:
    return Package(request.param)


def memory(p: Package, pages: int, store: Any = None) -> Any:
    return p.Memory(store or p.store, p.MemoryType(p.Limits(pages, None)))


def table(p: Package, elements: int) -> Any:
    return p.Table(p.store, p.TableType(p.ValType.funcref(), p.Limits(elements, None)), None)


def test_bytes_of_each_memory(p: Package) -> None:
    p.store.set_limits(memory_size=3 * PAGE)
    first, second = memory(p, 3), memory(p, 2)
    with pytest.raises(p.WasmtimeError):
        memory(p, 4)
    with pytest.raises(p.WasmtimeError):
        p.exports("(module (memory 4))")
    with pytest.raises(p.WasmtimeError):
        first.grow(p.store, 1)
    assert (second.grow(p.store, 1), second.size(p.store)) == (2, 3)


def test_a_guest_that_grows(p: Package) -> None:
    text = """(module
  (memory 1)
  (table 4 funcref)
  (func (export "m") (param $a i32) (result i32)
    (memory.grow (local.get $a)))
  (func (export "t") (param $a i32) (result i32)
    (table.grow (ref.null func) (local.get $a))))"""
    p.store.set_limits(memory_size=2 * PAGE, table_elements=5)
    exports = p.exports(text)
    assert [exports["m"](p.store, n) for n in (2, 1, 1, 0)] == [-1, 1, -1, 2]
    assert [exports["t"](p.store, n) for n in (2, 1, 1, 0)] == [-1, 4, -1, 5]


def test_what_there_is_stays(p: Package) -> None:
    large, elements = memory(p, 5), table(p, 8)
    p.store.set_limits(memory_size=PAGE, table_elements=2, instances=0)
    assert (large.size(p.store), large.grow(p.store, 0)) == (5, 5)
    assert (elements.size(p.store), elements.grow(p.store, 0, None)) == (8, 8)
    with pytest.raises(p.WasmtimeError):
        large.grow(p.store, 1)
    with pytest.raises(p.WasmtimeError):
        elements.grow(p.store, 1, None)
    with pytest.raises(p.WasmtimeError):
        p.exports("(module)")


def test_each_call_says_all(p: Package) -> None:
    p.store.set_limits(memory_size=PAGE)
    p.store.set_limits(tables=100)
    assert memory(p, 2).size(p.store) == 2
    p.store.set_limits(table_elements=3)
    assert [table(p, 3).size(p.store) for _ in range(2)] == [3, 3]
    with pytest.raises(p.WasmtimeError):
        table(p, 4)


def test_how_many_instances(p: Package) -> None:
    p.store.set_limits(instances=2)
    for _ in range(2):
        p.exports("(module)")
    with pytest.raises(p.WasmtimeError):
        p.exports("(module)")


@pytest.mark.parametrize(("what", "text"), [("memories", "(module (memory 1))"), ("tables", "(module (table 1 funcref))")])
def test_how_many_of_instances(p: Package, what: str, text: str) -> None:
    p.store.set_limits(**{what: 2})
    for _ in range(2):
        p.exports(text)
    with pytest.raises(p.WasmtimeError):
        p.exports(text)
    p.exports("(module)")
    if p.ours:  # what there is counts against nobody else
        p.store.set_limits(**{what: 0})
        p.exports("(module)")


ONE_MORE = {  # a module, the engine's option if there is one for the same, the limit, and how often the module fits
    "memory_size": ("(module (memory 4))", "max_memory", 3 * PAGE, 0),
    "table_elements": ("(module (table 4 funcref))", "", 3, 0),
    "instances": ("(module)", "max_instances", 1, 1),
    "tables": ("(module (table 1 funcref))", "max_tables", 1, 1),
    "memories": ("(module (memory 1))", "", 1, 1),
}


@EACH_TIER
@pytest.mark.parametrize("what", ONE_MORE)
def test_who_set_it_is_named(tier: str, what: str) -> None:
    """The engine's option where that is as low, and so has the last word."""
    text, option, least, fits = ONE_MORE[what]
    loose = Engine(Config(tier=tier))  # type: ignore[arg-type]  # one of the tiers
    asked = [(loose, least, r"Store\.set_limits")]
    if option:
        strict = Engine(Config(tier=tier, **{option: least}))  # type: ignore[arg-type]  # one of the tiers
        asked += [(strict, limit, option) for limit in (-1, least, least + 1)]
    for engine, limit, name in asked:
        store, module = Store(engine), Module(engine, text)
        store.set_limits(**{what: limit})
        for _ in range(fits):
            Instance(store, module, [])
        with pytest.raises(Limit, match=rf"; {least} are allowed \({name}\)$"):
            Instance(store, module, [])


@pytest.mark.parametrize("value", [1.5, "x", None])
def test_what_is_no_limit(p: Package, value: Any) -> None:
    with pytest.raises(Exception, match=r"."):
        p.store.set_limits(memory_size=value)
    assert memory(p, 2).size(p.store) == 2


@EACH_TIER
def test_the_engine_has_the_last_word(tier: str) -> None:
    store = Store(Engine(Config(tier=tier, max_memory=2 * PAGE)))  # type: ignore[arg-type]  # one of the tiers
    p = Package(tier)
    store.set_limits(memory_size=9 * PAGE)
    with pytest.raises(Limit, match="131072 are allowed"):
        memory(p, 3, store)


@EACH_TIER
def test_forks_and_resets_keep_them(tier: str) -> None:
    p = Package(tier)
    p.store.set_limits(memory_size=2 * PAGE)
    first = p.store.snapshot().fork()
    for fork in (first, first.snapshot().fork()):
        for _ in range(2):
            with pytest.raises(Limit):
                memory(p, 3, fork)
            fork.reset()
        fork.set_limits(memory_size=3 * PAGE)
        fork.reset()
        assert memory(p, 3, fork).size(fork) == 3
    with pytest.raises(Limit):
        memory(p, 3)


@EACH_TIER
def test_templates_of_other_stores_keep_them(tier: str) -> None:
    """The first instance of a store is mapped from a template, which stores without limits have made."""
    p = Package(tier)
    module = p.module("(module (memory 3))")
    for limit in (-1, -1, -1, 2 * PAGE):
        store = p.Store(p.engine)
        store.set_limits(memory_size=limit)
        if limit < 0:
            p.Instance(store, module, [])
            continue
        with pytest.raises(Limit):
            p.Instance(store, module, [])
