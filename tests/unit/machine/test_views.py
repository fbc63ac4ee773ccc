"""Views of a store's bytes: whoever holds one keeps the store, and arenite itself holds none when an error leaves it."""

from __future__ import annotations

from typing import Any

import pytest

from arenite import (
    AreniteError,
    Func,
    FuncType,
    Instance,
    Limit,
    Limits,
    Memory,
    MemoryType,
    Store,
    Table,
    TableType,
    Trap,
)
from arenite.machine.space import room
from arenite.traps import TrapCode
from marks import EACH_TIER
from unit.machine.guests import EXTERNREF, FUNCREF, I32, engine, fresh, module

WAT = """(module
  (memory (export "memory") 1 4)
  (table (export "table") 4 8 funcref)
  (elem $elem func 0)
  (data $data "abc")
  (func (export "fill") (memory.fill (i32.const 1) (i32.const 0) (i32.const 0x10000)))
  (func (export "copy") (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x10000)))
  (func (export "init") (memory.init $data (i32.const 0xfffe) (i32.const 0) (i32.const 3)))
  (func (export "table.fill") (table.fill (i32.const 3) (ref.null func) (i32.const 2)))
  (func (export "table.init") (table.init $elem (i32.const 0) (i32.const 0) (i32.const 2)))
  (func (export "table.copy") (table.copy (i32.const 0) (i32.const 3) (i32.const 2)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"""


@EACH_TIER
@pytest.mark.parametrize("name", ["fill", "copy", "init", "table.fill", "table.init", "table.copy"])
def test_a_trap_holds_no_view(tier: str, name: str) -> None:
    store, exports = fresh(WAT, tier=tier)
    with pytest.raises(Trap) as caught, store:
        exports[name](store)
    assert caught.value.code in {TrapCode.MEMORY_OUT_OF_BOUNDS, TrapCode.TABLE_OUT_OF_BOUNDS}
    assert caught.value.__context__ is None


@EACH_TIER
def test_a_trap_from_before_a_reset_holds_no_view(tier: str) -> None:
    """Whoever keeps the errors of guests, as a log does, closes and shrinks their stores all the same."""
    store, _ = fresh(WAT, tier=tier)
    kept = []
    with store.snapshot().fork() as fork:
        for _ in range(2):
            exports: Any = fork.instances[0].exports(fork)
            assert exports["grow"](fork, 1) == 1
            with pytest.raises(Trap) as caught:
                exports["table.fill"](fork)
            kept.append(caught.value)
            fork.reset()


@EACH_TIER
@pytest.mark.parametrize(
    "text", ['(memory 1) (data (i32.const 65535) "ab")', "(table 1 funcref) (elem (i32.const 1) func 0) (func)"]
)
def test_a_failed_instance_holds_no_view(tier: str, text: str) -> None:
    store = Store(engine(tier=tier))
    with pytest.raises(Trap), store:
        Instance(store, module(store.engine, f"(module {text})"), [])


@EACH_TIER
def test_wrong_use_holds_no_view(tier: str) -> None:
    uses: list[Any] = [
        lambda store, e: e["table"].set(store, 0, "no function"),
        lambda store, e: e["table"].set(store, 99, None),
        lambda store, e: e["memory"].write(store, b"abc", 65534),
        lambda store, e: e["memory"].write(store, "text", 0),
        lambda store, e: e["memory"].read(store, "text"),
        lambda store, e: e["memory"].grow(store, 99),
        lambda store, e: e["table"].grow(store, 99, None),
    ]
    for use in uses:
        store, exports = fresh(WAT, tier=tier)
        with pytest.raises((TypeError, AreniteError, IndexError)), store:
            use(store, exports)


@pytest.mark.parametrize("held", [False, True])
@EACH_TIER
def test_a_memory_grows_under_a_view(tier: str, *, held: bool) -> None:
    """Guard pages let it; where a memory is an ordinary buffer, a held one refuses to move."""
    store, exports = fresh(WAT, tier=tier)
    view = exports["memory"].view(store)
    view[0] = 7
    if not held:
        view.release()
    assert exports["grow"](store, 1) == (-1 if held and tier == "safe" else 1)
    if held:
        assert len(view) == 65536
        view[1] = 8
        assert exports["memory"].read(store, 0, 2) == b"\x07\x08"
        view.release()
    assert exports["grow"](store, 1) > 0
    assert exports["memory"].read(store, 0, 1) == b"\x07"
    store.close()


PUT = """(module
  (memory (export "m") 1)
  (func (export "put") (param $a i32)
    (i32.store (i32.const 0) (local.get $a))))"""


def test_more_memories_than_areas_move_the_store() -> None:
    of = engine(memories=1)
    with Store(of) as store:
        instances = []
        for number in range(20):
            instances.append(Instance(store, module(of, PUT), []))
            instances[-1].call(store, "put", number)
        for number, instance in enumerate(instances):
            memory: Any = instance.exports(store)["m"]
            assert memory.read(store, 0, 4) == number.to_bytes(4, "little")
            memory.grow(store, 2)
            instance.call(store, "put", 1000 + number)


def test_a_held_view_keeps_a_store_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LADDER", ())  # as if so many stores lived that none has room for more than it asks for
    of = engine(memories=1)
    with Store(of) as store:
        first = Memory(store, MemoryType(Limits(1, None)))
        func = Instance(store, module(of, '(module (func (export "f") (result i32) (i32.const 5)))'), [])
        with first.view(store) as view:
            view[0] = 1
            for _ in range(3):
                with pytest.raises(Limit, match="a view of one is held"):
                    Memory(store, MemoryType(Limits(1, None)))
            assert func.call(store, "f") == 5
            view[0] = 2
        second = Memory(store, MemoryType(Limits(1, None)))
        assert first.read(store, 0, 1) + second.read(store, 0, 1) == b"\2\0"
        assert func.call(store, "f") == 5


GO = """(module (import "h" "f" (func $f (result i32))) (memory (export "m") 1)
  (func (export "go") (result i32)
    (i32.store (i32.const 8) (i32.const 7))
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (call $f)))
    (i32.load (i32.const 8))))"""


def test_a_store_moves_under_its_running_guest() -> None:
    """A host function makes memories until the cage must move; the guest goes on in the new one."""
    memories: list[Memory] = []

    def more(caller: Any) -> int:
        memories.extend(Memory(caller, MemoryType(Limits(1, None))) for _ in range(5))
        return len(memories)

    of = engine(memories=1)
    with Store(of) as store:
        host = Func(store, FuncType([], [I32]), more, access_caller=True)
        instance = Instance(store, module(of, GO), [host])
        memory: Any = instance.exports(store)["m"]
        assert [instance.call(store, "go") for _ in range(2)] == [12, 17]
        assert memory.read(store, 8, 9) == b"\x11"


@EACH_TIER
def test_no_more_than_1000_memories(tier: str) -> None:
    with Store(engine(tier=tier)) as store:
        for _ in range(1000):
            Memory(store, MemoryType(Limits(0, None)))
        with pytest.raises(Limit, match="1000"):
            Memory(store, MemoryType(Limits(0, None)))


@EACH_TIER
def test_tables_have_a_limit(tier: str) -> None:
    with Store(engine(tier=tier, max_table_elements=100)) as store:
        with pytest.raises(Limit):
            Table(store, TableType(FUNCREF, Limits(101, None)), None)
        table = Table(store, TableType(EXTERNREF, Limits(1, None)), "x")
        assert table.grow(store, 99, "y") == 1
        with pytest.raises(AreniteError):
            table.grow(store, 1, None)
        assert [table.get(store, i) for i in (0, 1, 99, 100)] == ["x", "y", "y", None]
