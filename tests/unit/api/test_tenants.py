"""Many tenants in one process: engines and stores cost little, go without the collector, and hold what their quota says."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path
from typing import Any

import pytest

from arenite import (
    AreniteError,
    Config,
    Engine,
    Func,
    FuncType,
    Instance,
    Limit,
    Limits,
    Memory,
    MemoryType,
    Module,
    Snapshot,
    Store,
    Table,
    TableType,
    ValType,
)
from marks import EACH_TIER
from released import unwatched

PAGE = 1 << 16


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def table_of(store: Store, elements: int, init: Func | None = None) -> Table:
    return Table(store, TableType(ValType.funcref(), Limits(elements, None)), init)


def memory_of(store: Store, pages: int) -> Memory:
    return Memory(store, MemoryType(Limits(pages, None)))


@EACH_TIER
def test_an_engine_and_its_store_go_without_the_collector(tier: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        engine = Engine(Config(tier=tier))
        store = Store(engine)
        exports: Any = Instance(
            store, Module(engine, '(module (memory 1) (func (export "f") (result i32) (i32.const 7)))'), []
        ).exports(store)
        function: Any = exports["f"]
        assert function(store) == 7
        gone: list[weakref.ref[Any]] = [
            weakref.ref(engine.windows),
            weakref.ref(store.machine),
            weakref.ref(store.machine.window),
        ]
        with unwatched():
            del engine, store, exports, function
            assert [reference() for reference in gone] == [None] * 3
    finally:
        gc.enable()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@EACH_TIER
def test_a_table_of_null_takes_memory_when_it_is_used(tier: Any) -> None:
    engine = Engine(Config(tier=tier))
    small, large = (Module(engine, f'(module (table (export "t") {n} funcref))') for n in (10, 10_000_000))
    kept = [Store(engine)]
    Instance(kept[0], small, [])
    before = resident()
    kept.append(Store(engine))
    table: Any = Instance(kept[1], large, []).exports(kept[1])["t"]
    assert resident() - before < 30 << 20
    assert table.get(kept[1], 9_999_999) is None


@EACH_TIER
def test_a_filled_table(tier: Any) -> None:
    store = Store(Engine(Config(tier=tier)))
    func = Func(store, FuncType([], []), lambda: None)
    table = table_of(store, 40_000, func)
    assert {table.get(store, i) for i in (0, 1, 16_383, 16_384, 39_999)} == {func}
    assert table.grow(store, 50_000, func) == 40_000
    assert {table.get(store, i) for i in (0, 39_999, 40_000, 89_999)} == {func}
    assert table.grow(store, 3, None) == 90_000
    assert [table.get(store, i) for i in range(89_999, 90_004)] == [func, None, None, None, None]


@EACH_TIER
def test_elements_are_counted_over_the_store(tier: Any) -> None:
    engine = Engine(Config(tier=tier, max_table_elements=100))
    store = Store(engine)
    first, second = table_of(store, 40), table_of(store, 50)
    with pytest.raises(
        Limit, match=r"one more table, of 11 elements; those of a store may have \d+ together \(max_table_elements\)"
    ):
        table_of(store, 11)
    assert first.grow(store, 7, None) == 40
    with pytest.raises(AreniteError, match="failed to grow"):
        second.grow(store, 4, None)
    snapshot = store.snapshot()
    with pytest.raises(Limit):
        Instance(store, Module(engine, "(module (table 2 funcref) (table 2 funcref))"), [])
    fork = snapshot.fork()  # knows what it has
    assert second.grow(fork, 3, None) == 50
    with pytest.raises(AreniteError, match="failed to grow"):
        first.grow(fork, 1, None)


@EACH_TIER
def test_a_saved_store_counts_its_elements(tier: Any, tmp_path: Path) -> None:
    engine = Engine(Config(tier=tier, max_table_elements=100))
    store = Store(engine)
    Instance(store, Module(engine, '(module (table (export "t") 60 funcref))'), [])
    store.snapshot().save(tmp_path / "store.arn")
    other = Snapshot.open(tmp_path / "store.arn", engine).fork()
    table: Any = other.instances[0].exports(other)["t"]
    assert table.grow(other, 30, None) == 60
    with pytest.raises(AreniteError, match="failed to grow"):
        table.grow(other, 11, None)


@EACH_TIER
def test_a_guest_cannot_grow_tables_beyond_the_stores_quota(tier: Any) -> None:
    engine = Engine(Config(tier=tier, max_table_elements=100))
    store = Store(engine)
    wat = """(module (table $a 0 funcref) (table $b 0 externref)
      (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
      (func (export "b") (param i32) (result i32) (table.grow $b (ref.null extern) (local.get 0))))"""
    exports: Any = Instance(store, Module(engine, wat), []).exports(store)
    assert [exports["a"](store, 60), exports["b"](store, 41), exports["b"](store, 40), exports["a"](store, 1)] == [0, -1, 0, -1]


@EACH_TIER
def test_bytes_are_counted_over_the_store(tier: Any) -> None:
    engine = Engine(Config(tier=tier, max_store_memory=5 * PAGE))
    store = Store(engine)
    first, second = memory_of(store, 2), memory_of(store, 2)
    with pytest.raises(Limit, match=r"one more memory of \d+ bytes; those of a store may have \d+ together \(max_store_memory\)"):
        memory_of(store, 2)
    assert first.grow(store, 1) == 2
    with pytest.raises(AreniteError, match="failed to grow"):
        second.grow(store, 1)


@EACH_TIER
def test_tables_and_instances_are_counted(tier: Any) -> None:
    engine = Engine(Config(tier=tier, max_tables=3, max_instances=2))
    store = Store(engine)
    module, empty = (Module(engine, wat) for wat in ("(module (table 1 funcref) (table 1 funcref))", "(module)"))
    Instance(store, module, [])
    with pytest.raises(Limit, match=r"4 tables in one store; 3 are allowed \(max_tables\)"):
        Instance(store, module, [])
    table_of(store, 1)
    with pytest.raises(Limit, match="4 tables"):
        table_of(store, 1)
    Instance(store, empty, [])
    with pytest.raises(Limit, match=r"3 instances in one store; 2 are allowed \(max_instances\)"):
        Instance(store, empty, [])
    assert len(store.instances) == 2
