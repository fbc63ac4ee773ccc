"""A module's first instance in a store of its own is mapped from the second time on, and nobody can tell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Memory,
    MemoryType,
    Module,
    Store,
    Table,
    TableType,
    Trap,
    Val,
)
from arenite import Limits as SizeLimits
from arenite.machine.frozen import births
from arenite.machine.space.absent import Unborn
from marks import EACH_TIER
from released import OPEN, open_files
from unit.machine.guests import FUNCREF, I32, I64, Stores

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 1 << 16
WAT = """(module
  (import "h" "twice" (func $twice (param i32) (result i32)))
  (import "h" "seen" (func $seen (param i64)))
  (memory (export "memory") 3)
  (data (i32.const 10) "ten")
  (data (i32.const 131072) "far")
  (data "passive")
  (table (export "table") 6 funcref)
  (table 3 externref)
  (elem (i32.const 1) $twice $own $seen)
  (global (export "g") (mut i64) (i64.const -7))
  (func $own (export "own") (param $a i32) (result i32)
    (i32.add (call $twice (local.get $a)) (i32.const 1)))
  (func (export "bump") (result i64)
    (global.set 0 (i64.add (global.get 0) (i64.const 1)))
    (global.get 0))
  (func (export "init")
    (memory.init 2 (i32.const 0) (i32.const 0) (i32.const 7))
    (data.drop 2))
  (func (export "by table") (param $a i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get $a) (i32.const 2)))
  (func $start (call $seen (global.get 0)))
  (start $start))"""


class Noting(Stores):
    """The module, whose host functions note what they have seen."""

    def __init__(self, tier: Any = "threaded", **options: Any) -> None:
        self.seen: list[int] = []
        super().__init__(WAT, ([I32], [I32], lambda n: 2 * n), ([I64], [], self.seen.append), tier=tier, **options)


def born(module: Module) -> int:
    """How many kinds of stores of a module are mapped."""
    return len(module.births._found)


@EACH_TIER
def test_every_store_is_the_same(tier: Any, tmp_path: Path) -> None:
    world = Noting(tier)
    files = []
    for number in range(5):
        store, exports = world.store()
        assert world.seen == [-7] * (number + 1)  # the start function has run in each
        assert exports["memory"].read(store, 8, 15) == b"\0\0ten\0\0"
        assert exports["memory"].read(store, 2 * PAGE, 2 * PAGE + 3) == b"far"
        assert [exports["table"].get(store, n) is None for n in range(6)] == [True, False, False, False, True, True]
        data = [store.snapshot().dumps()]
        assert exports["own"](store, 20) == 41
        assert exports["by table"](store, 20) == 41
        assert [exports["bump"](store), exports["bump"](store)] == [-6, -5]
        exports["init"](store)
        assert exports["memory"].read(store, 0, 8) == b"passive\0"
        with pytest.raises(Trap):
            exports["init"](store)
        assert exports["memory"].grow(store, 2) == 3
        exports["memory"].write(store, bytes(3), 10)  # zeros where the image has something
        data.append(store.snapshot().dumps())
        fork = store.snapshot().fork()
        assert exports["bump"](fork) == -4
        data.append(fork.snapshot().dumps())
        store.snapshot().save(tmp_path / "store.arn")
        files.append([*data, (tmp_path / "store.arn").read_bytes()])
    assert files == files[:1] * 5
    assert born(world.module) == (tier != "safe")


def test_stores_do_not_see_each_other() -> None:
    world = Noting()
    stores = [world.store() for _ in range(6)]
    for number, (store, exports) in enumerate(stores):
        exports["memory"].write(store, b"%d" % number, 10)
        exports["g"].set_value(store, number)
        exports["table"].set(store, number, exports["own"])
    for number, (store, exports) in enumerate(stores):
        assert exports["memory"].read(store, 10, 13) == b"%den" % number
        assert exports["bump"](store) == number + 1
        assert sum(exports["table"].get(store, n) is not None for n in range(6)) == (3 if 0 < number < 4 else 4)
    store, exports = world.store()
    assert exports["memory"].read(store, 10, 13) == b"ten"


def test_a_born_store_goes_on_as_any() -> None:
    """More of everything: host functions, instances, memories, tables, globals."""
    world = Noting()
    for _ in range(4):
        store, exports = world.store()
        late = Func(store, FuncType([I32], [I32]), lambda n: n + 5)
        other = Instance(store, world.module, [late, Func(store, FuncType([I64], []), world.seen.append)]).exports(store)
        assert (exports["own"](store, 1), other["own"](store, 1)) == (3, 7)  # type: ignore[operator]  # a Func
        memory = Memory(store, MemoryType(SizeLimits(1, None)))
        memory.write(store, b"more", 0)
        table = Table(store, TableType(FUNCREF, SizeLimits(2, None)), late)
        number = Global(store, GlobalType(I32, mutable=True), Val.i32(9))
        assert exports["memory"].read(store, 10, 13) + memory.read(store, 0, 4) == b"tenmore"
        assert table.get(store, 1)(store, 1) + number.value(store) == 15
        assert len(store.instances) == 2
        assert len(store.machine.registry.tables) == 5


def test_other_imports_are_another_kind() -> None:
    world = Stores(
        """(module
  (import "h" "f" (func $f (param i32) (result i32)))
  (func (export "f") (result i32) (call $f (i32.const 1))))"""
    )
    i32 = FuncType([I32], [I32])

    def result(before: int, number: int) -> object:
        store = Store(world.engine)
        functions = [Func(store, i32, lambda n, k=k: n + k) for k in range(before)]
        function = Func(store, i32, lambda n: 100 * n + number)
        return Instance(store, world.module, [[*functions, function][number % (before + 1)]]).call(store, "f")

    for _ in range(3):
        assert [result(0, 0), result(1, 0), result(1, 1), result(2, 1)] == [100, 1, 101, 2]
    assert born(world.module) == 4


@pytest.mark.parametrize(
    "wat",
    [
        '(module (memory 1) (data (i32.const 65535) "two"))',
        "(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))",
        "(module (func unreachable) (start 0))",
    ],
)
def test_what_traps_traps_every_time(wat: str) -> None:
    world = Stores(wat)
    for _ in range(4):
        with pytest.raises(Trap):
            world.store()


def test_things_of_a_store_are_imported_as_ever() -> None:
    world = Stores('(module (import "h" "m" (memory 1)) (func (export "f") (result i32) (i32.load8_u (i32.const 0))))')
    for number in range(4):
        store = Store(world.engine)
        memory = Memory(store, MemoryType(SizeLimits(1, None)))
        memory.write(store, bytes([number]), 0)
        assert Instance(store, world.module, [memory]).call(store, "f") == number
    assert born(world.module) == 0


@pytest.mark.skipif(not OPEN.exists(), reason="needs Linux's /proc")
def test_images_go_with_their_module() -> None:
    def use() -> None:
        world = Noting()
        for _ in range(3):
            world.store()
        assert born(world.module) == 1

    use()
    before = open_files()
    for _ in range(5):
        use()
    assert open_files() <= before


@pytest.mark.parametrize(("most", "kept"), [(0, [0, 0, 0]), (2, [0, 1, 1]), (3, [1, 1, 1])])
def test_there_are_only_so_many_images_and_the_newest_stay(most: int, kept: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has seen many modules maps the stores of those it uses now."""
    monkeypatch.setattr(births, "MOST", most)
    worlds = [Noting() for _ in range(3)]
    for world in worlds:
        early, early_exports = world.store()
        for _ in range(3):
            store, exports = world.store()
            assert exports["own"](store, 1) == 3
        assert early_exports["own"](early, 2) == 5
    assert [born(world.module) for world in worlds] == kept
    worlds[0].store()
    assert born(worlds[0].module) == (most > 0), "and one that was given up comes again"


@EACH_TIER
def test_a_store_takes_nothing_before_it_is_used(tier: Any) -> None:
    world = Noting(tier)
    store = Store(world.engine)
    assert isinstance(store.machine.cage, Unborn)
    snapshot = store.snapshot()
    fork = snapshot.fork()
    assert fork.instances == []
    idle = Store(world.engine)
    function = Func(idle, FuncType([I32], [I32]), lambda n: n + 1)
    assert isinstance(idle.machine.cage, Unborn)
    assert function(idle, 4) == 5
    Store(world.engine).close()


def test_an_exception_behind_every_call_leaves_a_store_that_can_be_used() -> None:
    """What a signal's handler may raise, wherever it comes."""
    world = Noting()
    for _ in range(3):
        world.store()
    expected = world.store()[0].snapshot().dumps()
    for at in range(1, 2000):
        store, left = Store(world.engine), at

        def trace(_frame: object, event: str, _argument: object) -> Any:
            nonlocal left
            if event in ("call", "line", "return"):
                left -= 1
                if not left:
                    raise KeyboardInterrupt
            return trace

        imports = [world.linker.get(store, "h", name) for name in ("twice", "seen")]
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            world.module.births.prepare(store.machine, world.module.code, [item.addr for item in imports])
            done = True
        except KeyboardInterrupt:
            done = False
        finally:
            sys.settrace(before)
        if not store.machine.registry.instances:
            Instance(store, world.module, imports)
        assert len(store.instances) == 1
        assert store.snapshot().dumps() == expected
        if done:
            return
    raise AssertionError("it never came to its end")
