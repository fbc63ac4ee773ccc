"""Memories beside the first, with addresses of 64 bits or in pages of one byte: held, grown, shared, frozen, forked; never past their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Config,
    Engine,
    Failure,
    Instance,
    Limit,
    Limits,
    Linker,
    LinkError,
    Memory,
    MemoryType,
    Module,
    Paused,
    Snapshot,
    Store,
    Table,
    TableType,
    Trap,
    ValType,
)
from marks import EACH_TIER

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

WAT = """(module
  (memory (export "a") 1 2) (memory $b (export "b") i64 1 5) (memory $c (export "c") 10 30 (pagesize 1))
  (table (export "t") i64 2 4 externref)
  (func (export "put") (param i64 i64) (i64.store $b (local.get 0) (local.get 1)))
  (func (export "get") (param i64) (result i64) (i64.load $b (local.get 0)))
  (func (export "small") (param i32) (result i32) (i32.load8_u $c (local.get 0)))
  (func (export "grow") (param i64) (result i64) (memory.grow $b (local.get 0)))
  (func (export "longer") (param i32) (result i32) (memory.grow $c (local.get 0)))
  (func (export "count") (result i64) (local $n i64)
    (loop $again
      (i64.store $b (i64.const 8) (local.tee $n (i64.add (local.get $n) (i64.const 1))))
      (memory.copy $c $b (i32.const 0) (i64.const 8) (i32.const 8))
      (br_if $again (i64.lt_u (local.get $n) (i64.const 100))))
    (i64.load $c (i32.const 0))))"""


def world(tier: TierName, **options: Any) -> tuple[Store, Any]:
    store = Store(Engine(Config(tier=tier, cache=False, max_wasm_stack=1 << 16, **options)))
    return store, Instance(store, Module(store.engine, WAT), []).exports(store)


@EACH_TIER
def test_types_and_sizes(tier: TierName) -> None:
    store, e = world(tier)
    types = [e[name].type(store) for name in "abc"]
    assert [(t.is_64, t.page_size, t.limits) for t in types] == [
        (False, 65536, Limits(1, 2)),
        (True, 65536, Limits(1, 5)),
        (False, 1, Limits(10, 30)),
    ]
    assert e["t"].type(store).is_64
    assert [e[name].size(store) for name in "abc"] == [1, 1, 10]
    assert [e[name].data_len(store) for name in "abc"] == [65536, 65536, 10]
    assert [e[name].page_size_log2(store) for name in "abc"] == [16, 16, 0]


@EACH_TIER
def test_growing_from_both_sides(tier: TierName) -> None:
    store, e = world(tier)
    assert e["grow"](store, 1) == 1
    assert e["b"].grow(store, 2) == 2
    assert e["grow"](store, 2) == -1
    assert e["c"].grow(store, 5) == 10
    assert e["longer"](store, 10) == 15
    assert e["longer"](store, 6) == -1
    assert (e["b"].size(store), e["c"].data_len(store)) == (4, 25)
    with pytest.raises(Failure, match="failed to grow"):
        e["c"].grow(store, 6)
    e["c"].write(store, b"\x07", 24)
    assert e["small"](store, 24) == 7
    with pytest.raises(Trap, match="out of bounds"):
        e["small"](store, 25)
    with pytest.raises(IndexError):
        e["c"].write(store, b"\x07", 25)


@pytest.mark.parametrize("tier", ["threaded", "baseline"])  # elsewhere so much ordinary memory would have to be there
def test_beyond_4_gib(tier: TierName) -> None:
    """Where the upper half of an address is not zero, the length decides."""
    store = Store(Engine(Config(tier=tier, cache=False, max_memory=1 << 33)))
    pages = (1 << 16) + 2
    memory = Memory(store, MemoryType(Limits(pages), is_64=True))
    wat = """(module (import "" "m" (memory i64 1))
      (func (export "put") (param i64 i64) (i64.store offset=8 (local.get 0) (local.get 1)))
      (func (export "get") (param i64) (result i64) (i64.load offset=8 (local.get 0))))"""
    e: Any = Instance(store, Module(store.engine, wat), [memory]).exports(store)
    last = pages * 65536 - 16
    for at in (0, 65536 - 8, (1 << 32) - 12, (1 << 32) + 3, last):
        e["put"](store, at, at + 1)
        assert e["get"](store, at) == at + 1
    for at in (last + 1, last + 8, 1 << 33, 1 << 40, -1, -8, -16):
        with pytest.raises(Trap, match="out of bounds"):
            e["get"](store, at)
    with pytest.raises(Limit, match="there is room for 8589934592: a memory lies in one area"):
        Memory(Store(Engine(Config(tier=tier, max_memory=1 << 36))), MemoryType(Limits(1 << 20), is_64=True))


@EACH_TIER
def test_frozen_and_forked(tier: TierName, tmp_path: Path) -> None:
    store, e = world(tier, consume_fuel=True)
    store.set_fuel(1000)
    e["put"](store, 16, 4711)
    e["grow"](store, 2)
    e["longer"](store, 7)
    e["c"].write(store, b"\x2a", 16)
    path = tmp_path / "s.arn"
    store.snapshot().save(path, embed=True)
    for snapshot in (store.snapshot(), Snapshot.open(path, Engine(Config(tier=tier, cache=False, consume_fuel=True)))):
        fork = snapshot.fork()
        fork.set_fuel(1000)
        exports: Any = fork.instances[0].exports(fork)
        assert exports["get"](fork, 16) == 4711
        assert exports["small"](fork, 16) == 42
        assert [exports[name].data_len(fork) for name in "abc"] == [65536, 3 * 65536, 17]
        assert exports["b"].type(fork).is_64
        assert exports["c"].type(fork).page_size == 1
        assert exports["grow"](fork, 2) == 3
        with pytest.raises(Trap, match="out of bounds"):
            exports["small"](fork, 17)
    assert e["b"].size(store) == 3


@EACH_TIER
def test_imports_must_be_of_the_kind(tier: TierName) -> None:
    store = Store(Engine(Config(tier=tier)))
    memories: dict[str, Memory | Table] = {
        "(memory 1)": Memory(store, MemoryType(Limits(1))),
        "(memory i64 1)": Memory(store, MemoryType(Limits(1), is_64=True)),
        "(memory 1 (pagesize 1))": Memory(store, MemoryType(Limits(1), page_size_log2=0)),
        "(memory i64 1 (pagesize 1))": Memory(store, MemoryType(Limits(1), is_64=True, page_size_log2=0)),
        "(table 1 externref)": Table(store, TableType(ValType.externref(), Limits(1)), None),
        "(table i64 1 externref)": Table(store, TableType(ValType.externref(), Limits(1), is_64=True), None),
    }
    for wanted in memories:
        module = Module(store.engine, f'(module (import "" "x" {wanted}))')
        for name, memory in memories.items():
            linker = Linker(store.engine)
            linker.define(store, "", "x", memory)
            if name == wanted:
                linker.instantiate(store, module)
            else:
                with pytest.raises(LinkError, match="incompatible import type"):
                    linker.instantiate(store, module)


@EACH_TIER
@pytest.mark.parametrize("most", [2**63 - 1, 2**63, 2**64 - 1])
def test_maxima_are_as_they_are_declared(tier: TierName, most: int) -> None:
    store = Store(Engine(Config(tier=tier)))
    objects: dict[str, Memory | Table] = {
        f"(memory i64 0 {most} (pagesize 1))": Memory(store, MemoryType(Limits(0, most), is_64=True, page_size_log2=0)),
        f"(table i64 0 {most} externref)": Table(store, TableType(ValType.externref(), Limits(0, most), is_64=True), None),
    }
    for wanted, item in objects.items():
        module = Module(store.engine, f'(module (import "" "x" {wanted}) (export "x" ({wanted[1:].split()[0]} 0)))')
        exported: Any = Instance(store, module, [item]).exports(store)["x"]
        assert exported.type(store).limits == getattr(module.imports[0].type, "limits", None) == Limits(0, most)
        smaller = Module(store.engine, f'(module (import "" "x" {wanted.replace(str(most), str(most - 1))}))')
        with pytest.raises(LinkError, match="incompatible import type"):
            Instance(store, smaller, [item])


@EACH_TIER
def test_paused_in_the_middle(tier: TierName) -> None:
    """Slices of fuel of any length change nothing."""
    for slice_ in (1, 2, 7, 50):
        store, e = world(tier)
        execution = e["count"].start(store)
        pauses = 0
        while isinstance(found := execution.run(fuel=slice_), Paused):
            pauses += 1
        assert found.values == (100,)
        assert pauses > 100 // slice_ // 2


VECTORS = """(module (memory 1) (memory $b (export "b") i64 1) (memory $c 40 (pagesize 1))
  (func (export "mixed") (param i64 i64) (result i64)
    (i64.store $b (local.get 0) (local.get 1))
    (v128.store $b offset=32 (local.get 0)
      (i8x16.add (v128.load $b (local.get 0)) (v128.load8_splat $b offset=1 (local.get 0))))
    (v128.store16_lane $b offset=100 3 (local.get 0)
      (v128.load32_lane $b 2 (local.get 0) (v128.load8x8_s $b (local.get 0))))
    (v128.store $c (i32.const 24) (v128.load64_zero $b (local.get 0)))
    (i64.xor (i64.load $b offset=32 (local.get 0))
      (i64.xor (i64.load $b offset=98 (local.get 0)) (i64.load $c (i32.const 24)))))
  (func (export "load") (param i64) (drop (v128.load $b (local.get 0))))
  (func (export "splat") (param i32) (drop (v128.load16_splat $c (local.get 0)))))"""


@EACH_TIER
@pytest.mark.parametrize("explicit", [False, True])
def test_vectors(tier: TierName, *, explicit: bool) -> None:
    store = Store(Engine(Config(tier=tier, cache=False, explicit_bounds=explicit)))
    e: Any = Instance(store, Module(store.engine, VECTORS), []).exports(store)
    word = 0x0102030405060708
    splatted = int.from_bytes(bytes((n + 7) & 0xFF for n in word.to_bytes(8, "little")), "little")
    stored = 0x0005 << 16  # lane 3 of 8 bytes extended, two bytes behind 98
    assert e["mixed"](store, 77, word) == splatted ^ stored ^ word
    for name, last in (("load", 65520), ("splat", 38)):
        e[name](store, last)
        for at in (last + 1, -1):
            with pytest.raises(Trap, match="out of bounds"):
                e[name](store, at)
