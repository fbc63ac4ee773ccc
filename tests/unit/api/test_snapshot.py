"""Snapshots in memory: forks see nothing of each other nor of their parent, whatever either does; what was had before works in all."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Engine,
    Finished,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limit,
    Limits,
    LinkError,
    Memory,
    MemoryType,
    Paused,
    PauseReason,
    Snapshot,
    SnapshotError,
    Store,
    Table,
    TableType,
    Trap,
    TrapCode,
)
from arenite.platform import HAS_OBJECTS
from marks import EACH_TIER
from released import open_files
from tiers import TIERS
from unit.machine.guests import EXTERNREF, FUNCREF, I32, World, engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Execution

PAGE = 65536
WAT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (import "host" "ref" (func $ref (param externref) (result externref)))
  (memory (export "memory") 2)
  (table $t (export "table") 4 funcref)
  (elem (table $t) (i32.const 0) func $one $f)
  (table $x (export "objects") 3 externref)
  (global $n (export "n") (mut i32) (i32.const 5))
  (func $one (param $a i32) (result i32)
    (i32.add (local.get $a) (i32.const 1)))
  (func $two (export "two") (param $a i32) (result i32)
    (i32.add (local.get $a) (i32.const 2)))
  (func (export "call") (param $a i32) (param $b i32) (result i32)
    (call_indirect $t (param i32) (result i32) (local.get $b) (local.get $a)))
  (func (export "bump") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.get $n))
  (func (export "poke") (param $a i32) (param $b i32)
    (i32.store (local.get $a) (local.get $b)))
  (func (export "peek") (param $a i32) (result i32)
    (i32.load (local.get $a)))
  (func (export "grow") (param $a i32) (result i32)
    (memory.grow (local.get $a)))
  (func (export "set") (param $a i32) (param $b externref)
    (table.set $x (local.get $a) (local.get $b)))
  (func (export "get") (param $a i32) (result externref)
    (call $ref (table.get $x (local.get $a))))
  (func $deep (export "deep") (param $a i32) (result i32)
    (if (result i32) (local.get $a)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $a) (i32.const 1)))))
      (else (call $f (global.get $n))))))"""


def world_of(tier: str, **options: Any) -> World:
    """The guest with two host functions, in a store that is then forked."""
    functions = ([I32], [I32], lambda n: n * 10), ([EXTERNREF], [EXTERNREF], lambda o: o)
    return World(WAT, *functions, tier=tier, **options)


@pytest.fixture(params=TIERS)
def world(request: pytest.FixtureRequest) -> World:
    """A world."""
    return world_of(request.param)


def execution_of(store: Store) -> Execution:
    """The execution that a store goes on with."""
    found = store.execution
    assert found is not None
    return found


# ---- independence


def test_memories_globals_and_tables_part(world: World) -> None:
    """Each of parent, forks and forks of forks changes the same places; each has its own."""
    world.call("poke", 70000, 1)
    first = world.store.snapshot()
    forks = [world.store, *first.fork(2)]
    forks.append(forks[1].snapshot().fork())
    for number, store in enumerate(forks):
        assert world.call("peek", 70000, store=store) == 1
        world.call("poke", 70000, number + 100, store=store)
        world.call("poke", 8 * number, 1, store=store)
        for _ in range(number):
            world.call("bump", store=store)
        world.exports["table"].set(store, 2, world.exports["two"] if number % 2 else None)
    for number, store in enumerate(forks):
        assert world.call("peek", 70000, store=store) == number + 100
        assert [world.call("peek", 8 * i, store=store) for i in range(4)] == [int(i == number) for i in range(4)]
        assert world.exports["n"].value(store) == 5 + number
        if number % 2:
            assert world.call("call", 2, 5, store=store) == 7
        else:
            with pytest.raises(Trap):
                world.call("call", 2, 5, store=store)
    last = first.fork()
    assert (world.call("peek", 70000, store=last), world.exports["n"].value(last)) == (1, 5)


def test_growth_parts(world: World) -> None:
    """A memory, a table and the arena grow in one fork; neither parent nor sibling has more; what is new reads as zero in each."""
    snapshot = world.store.snapshot()
    grown, other = snapshot.fork(2)
    assert world.call("grow", 3, store=grown) == 2
    world.call("poke", 4 * PAGE, 7, store=grown)
    world.exports["table"].grow(grown, 2_000_000, world.exports["two"])
    assert world.call("call", 1_999_999, 1, store=grown) == 3
    for store in (other, world.store, snapshot.fork()):
        assert world.exports["memory"].size(store) == 2
        assert world.exports["table"].size(store) == 4
        with pytest.raises(Trap):
            world.call("peek", 4 * PAGE, store=store)
    assert world.call("grow", 3, store=other) == 2
    assert world.call("peek", 4 * PAGE, store=other) == 0
    again = grown.snapshot().fork()
    assert world.call("peek", 4 * PAGE, store=again) == 7
    assert world.call("call", 1_999_999, 1, store=again) == 3
    assert len(again.machine.cage.arena) == len(grown.machine.cage.arena) > len(other.machine.cage.arena)


def test_new_instances_and_host_functions_part(world: World) -> None:
    """Forks make other things at the same places of their arenas."""
    forks = world.store.snapshot().fork(3)
    instances = []
    for number, store in enumerate(forks):
        wat = f"""(module (import "host" "g" (func (result i32))) (import "world" "memory" (memory 1))
          (func (export "go") (result i32) (i32.add (call 0) (i32.const {number}))))"""
        g = Func(store, FuncType([], [I32]), lambda number=number: 100 * number)
        instances.append(Instance(store, world.module(wat), [g, world.exports["memory"]]))
    assert len({instance.addr.at for instance in instances}) == 1
    for number, (store, instance) in enumerate(zip(forks, instances, strict=True)):
        assert instance.call(store, "go") == 101 * number
        assert len(store.instances) == 2
        again = store.snapshot().fork()
        assert instance.call(again, "go") == 101 * number
    assert len(world.store.instances) == 1
    assert len(world.store.machine.registry.host_functions) == 2


def test_what_the_parent_makes_later_is_not_in_the_snapshot(world: World) -> None:
    snapshot = world.store.snapshot()
    late = Instance(world.store, world.module('(module (func (export "go") (result i32) (i32.const 3)))'), [])
    Func(world.store, FuncType([I32, I32], []), lambda _a, _b: None)
    world.exports["objects"].set(world.store, 0, "late")
    fork = snapshot.fork()
    assert len(fork.instances) == 1
    assert world.exports["objects"].get(fork, 0) is None
    with pytest.raises(AreniteError, match="another store"):
        late.call(fork, "go")
    assert late.call(world.store, "go") == 3


def test_several_instances_share_in_each_fork_alone(world: World) -> None:
    """A memory, a table and a global exported by one instance, imported by another."""
    wat = """(module
  (import "w" "memory" (memory 1))
  (import "w" "table" (table 1 funcref))
  (import "w" "n" (global $n (mut i32)))
  (func $mine (export "mine") (param $a i32) (result i32)
    (i32.load (local.get $a)))
  (elem (i32.const 3) $mine)
  (func (export "both") (param $a i32) (param $b i32)
    (i32.store (local.get $a) (local.get $b))
    (global.set $n (local.get $b))))"""
    other = Instance(world.store, world.module(wat), [world.exports[name] for name in ("memory", "table", "n")])
    stores = [world.store, *world.store.snapshot().fork(2)]
    stores.append(stores[2].snapshot().fork())
    for number, store in enumerate(stores):
        other.call(store, "both", 64, number + 1)
    for number, store in enumerate(stores):
        assert world.call("peek", 64, store=store) == world.exports["n"].value(store) == number + 1
        assert world.call("call", 3, 64, store=store) == number + 1
        world.call("grow", number, store=store)
        assert world.exports["memory"].size(store) == 2 + number


def test_several_memories(world: World) -> None:
    """More areas than the cage had at first; one memory more in a fork."""
    store = world.store
    more = [Memory(store, MemoryType(Limits(i + 1, None))) for i in range(5)]
    for number, memory in enumerate(more):
        memory.write(store, bytes([number + 1]) * 5, 100)
    snapshot = store.snapshot()
    fork = snapshot.fork()
    extra = Memory(fork, MemoryType(Limits(1, None)))
    extra.write(fork, b"extra")
    for number, memory in enumerate(more):
        assert memory.size(fork) == number + 1
        memory.write(fork, b"changed", 100)
        assert memory.read(store, 100, 105) == bytes([number + 1]) * 5
    again = fork.snapshot().fork()
    assert extra.read(again, 0, 5) == b"extra"
    assert [bytes(memory.read(again, 100, 107)) for memory in more] == [b"changed"] * 5
    fork.reset()
    assert [bytes(memory.read(fork, 100, 101)) for memory in more] == [bytes([i + 1]) for i in range(5)]
    with pytest.raises(AreniteError, match="another store"):
        extra.size(fork)
    fresh = Memory(fork, MemoryType(Limits(1, None)))
    assert bytes(fresh.read(fork, 0, 5)) == bytes(5)


def test_a_store_without_anything(world: World) -> None:
    empty = Store(world.engine)
    fork = empty.snapshot().fork()
    instance = Instance(
        fork, world.module('(module (memory (export "m") 1) (func (export "go") (result i32) (memory.size)))'), []
    )
    assert instance.call(fork, "go") == 1
    assert empty.instances == []
    assert Store(world.engine).snapshot().fork().execution is None


def test_host_references(world: World) -> None:
    """Objects are the same ones in every fork; one given in later is that fork's alone."""
    thing, later = object(), object()
    world.call("set", 0, thing)
    snapshot = world.store.snapshot()
    fork, other = snapshot.fork(2)
    world.call("set", 1, later, store=fork)
    world.call("set", 1, "else", store=other)
    for store in (world.store, fork, other):
        assert world.call("get", 0, store=store) is thing
    assert world.call("get", 1, store=fork) is later
    assert world.call("get", 1, store=other) == "else"
    assert world.call("get", 1) is None
    assert world.call("get", 1, store=snapshot.fork()) is None


# ---- lineage


def test_objects_from_before_work_in_every_line(world: World) -> None:
    store = world.store
    counter = Global(store, GlobalType(I32, True), 1)
    table = Table(store, TableType(FUNCREF, Limits(2, None)), world.exports["two"])
    for _ in range(10):
        store = store.snapshot().fork()
        counter.set_value(store, counter.value(store) + 1)
        assert table.get(store, 1) == world.exports["two"]
        assert world.call("two", 1, store=store) == 3
    assert (counter.value(store), counter.value(world.store)) == (11, 1)


def test_objects_of_another_line_are_refused(world: World) -> None:
    """Made after the fork, on either side, at the same place of the arena."""
    fork, sibling = world.store.snapshot().fork(2)
    ours = Memory(world.store, MemoryType(Limits(1, None)))
    theirs = Memory(fork, MemoryType(Limits(1, None)))
    assert ours.addr == theirs.addr
    assert ours != theirs
    for item, store in ((ours, fork), (theirs, world.store), (ours, sibling), (theirs, sibling)):
        for method in (item.size, item.view, item.type):
            with pytest.raises(AreniteError, match="another store"):
                method(store)
        with pytest.raises(LinkError, match="another store"):
            Instance(store, world.module('(module (import "a" "b" (memory 1)))'), [item])
    func = Func(fork, FuncType([I32], [I32]), lambda n: n)
    uses: tuple[Callable[[], object], ...] = (
        lambda: func(sibling, 1),
        lambda: func.start(sibling, 1),
        lambda: world.exports["table"].set(sibling, 0, func),
        lambda: Global(sibling, GlobalType(FUNCREF, True), func),
    )
    for use in uses:
        with pytest.raises(AreniteError, match="another store"):
            use()
    below = fork.snapshot().fork()
    assert theirs.size(below) == 1
    assert func(below, 4) == 4


def test_what_was_made_before_a_reset_is_refused_after_it(world: World) -> None:
    fork = world.store.snapshot().fork()
    old = Memory(fork, MemoryType(Limits(3, None)))
    kept = fork.snapshot()
    fork.reset()
    new = Memory(fork, MemoryType(Limits(1, None)))
    assert old.addr.at == new.addr.at
    with pytest.raises(AreniteError, match="another store"):
        old.size(fork)
    assert new.size(fork) == 1
    assert old.size(kept.fork()) == 3
    with pytest.raises(AreniteError, match="another store"):
        new.size(kept.fork())
    assert world.call("two", 1, store=fork) == 3


def test_instances_of_a_fork(world: World) -> None:
    fork = world.store.snapshot().fork()
    (instance,) = fork.instances
    assert instance.call(fork, "two", 5) == 7
    assert instance.exports(fork)["n"] == world.exports["n"]
    assert instance.call(world.store, "two", 5) == 7


# ---- chains


def test_a_chain_of_forks(world: World) -> None:
    """Each goes on from the last; all live on; an image never refers to another."""
    store, stores = world.store, [world.store]
    for depth in range(10):
        world.call("poke", PAGE + 4096 * depth, depth + 1, store=store)
        store = store.snapshot().fork()
        stores.append(store)
    for number, each in enumerate(stores):
        found = [world.call("peek", PAGE + 4096 * i, store=each) for i in range(10)]
        assert found == [i + 1 if i <= number else 0 for i in range(10)]
    del stores
    gc.collect()
    assert world.call("peek", PAGE, store=store) == 1


def test_a_chain_that_drifts_gets_a_template_of_its_own(world: World) -> None:
    """When more has changed than the template is worth, the next snapshot begins anew, in parent and fork; nothing is lost."""
    store, memory = world.store, world.exports["memory"]
    memory.grow(store, 100)
    first = store.snapshot()
    fork = first.fork()
    templates = set()
    for depth in range(6):
        memory.write(fork, bytes([depth + 1]) * (2 << 20), depth << 19)
        snapshot = fork.snapshot()
        templates.add(id(snapshot.frozen().image.template))
        assert bytes(memory.read(fork, 0, None)) == bytes(memory.read(snapshot.fork(), 0, None))
        world.call("poke", 6 << 20, 9, store=fork)
        fork = snapshot.fork()
        assert world.call("peek", 6 << 20, store=fork) == 0
    assert len(templates) > 1
    assert bytes(memory.read(first.fork(), 0, 100)) == bytes(100)


def test_a_snapshot_when_nothing_changed(world: World) -> None:
    first = world.store.snapshot()
    second, third = world.store.snapshot(), first.fork().snapshot()
    pages = [list(s.frozen().image.pages(region)) for s in (first, second, third) for region in range(2)]
    assert pages[:2] == pages[2:4] == pages[4:]
    if not first.engine.tier.portable:
        assert second.frozen().image.template is first.frozen().image.template is third.frozen().image.template
        assert sum(map(len, third.frozen().image.changed)) == 1  # the store page
    assert world.call("two", 1, store=second.fork()) == 3
    assert world.call("two", 1, store=third.fork()) == 3


def test_a_snapshot_outlives_its_store(world: World) -> None:
    world.call("poke", 70000, 77)
    snapshot = world.store.snapshot()
    fork = snapshot.fork()
    world.store.close()
    assert world.call("peek", 70000, store=snapshot.fork()) == 77
    below = fork.snapshot().fork()
    world.call("poke", 70000, 1, store=fork)
    fork.close()
    del snapshot, fork
    gc.collect()
    assert world.call("peek", 70000, store=below) == 77
    below.reset()
    assert world.call("peek", 70000, store=below) == 77
    with pytest.raises(AreniteError, match="closed"):
        world.store.snapshot()


# ---- reset


def test_reset(world: World) -> None:
    world.call("poke", 70000, 5)
    snapshot = world.store.snapshot()
    fork = snapshot.fork()
    for times in range(3):
        world.call("poke", 70000, 9, store=fork)
        world.call("poke", 8, 9, store=fork)
        world.call("set", 1, "object", store=fork)
        assert world.call("bump", store=fork) == 6
        assert world.call("grow", 2, store=fork) == 2
        world.call("poke", 3 * PAGE, times + 1, store=fork)
        world.exports["table"].grow(fork, 3_000_000, world.exports["two"])
        Instance(fork, world.module('(module (memory 1) (func (export "go")))'), [])
        Func(fork, FuncType([], []), print)
        fork.reset()
        assert [world.call("peek", at, store=fork) for at in (70000, 8)] == [5, 0]
        assert world.call("get", 1, store=fork) is None
        assert (world.exports["memory"].size(fork), world.exports["table"].size(fork)) == (2, 4)
        assert len(fork.instances) == 1
        assert world.call("grow", 2, store=fork) == 2
        assert world.call("peek", 3 * PAGE, store=fork) == 0
        fork.reset()
        assert bytes(fork.machine.cage.arena) == bytes(snapshot.fork().machine.cage.arena)


def test_reset_clears_what_grew_after_the_template(world: World) -> None:
    """A memory that had grown between template and snapshot, written by the fork where the snapshot has zeros."""
    store, memory = world.store, world.exports["memory"]
    store.snapshot()
    memory.grow(store, 2)
    memory.write(store, b"kept", 3 * PAGE)
    fork = store.snapshot().fork()
    memory.write(fork, b"gone", 2 * PAGE + 5000)
    memory.write(fork, b"gone", 3 * PAGE)
    fork.reset()
    assert memory.read(fork, 2 * PAGE, 3 * PAGE) == bytes(PAGE)
    assert memory.read(fork, 3 * PAGE, 3 * PAGE + 4) == b"kept"


def test_reset_goes_back_behind_a_later_template(world: World) -> None:
    memory = world.exports["memory"]
    fork = world.store.snapshot().fork()
    memory.grow(fork, 100)
    memory.write(fork, b"x" * (4 << 20))
    later = fork.snapshot()
    fork.reset()
    assert memory.size(fork) == 2
    assert memory.read(fork, 0, None) == bytes(2 * PAGE)
    assert memory.read(later.fork(), 0, 4 << 20) == b"x" * (4 << 20)


def test_reset_of_a_store_made_from_nothing(world: World) -> None:
    with pytest.raises(AreniteError, match="not made from a snapshot"):
        world.store.reset()


def test_reset_inside_a_host_function(world: World) -> None:
    caught: list[object] = []

    def g() -> None:
        with pytest.raises(SnapshotError, match="while its guest runs") as error:
            fork.reset()
        caught.append(error)

    fork = world.store.snapshot().fork()
    instance = Instance(
        fork, world.module('(module (import "a" "b" (func)) (func (export "go") (call 0)))'), [Func(fork, FuncType([], []), g)]
    )
    instance.call(fork, "go")
    assert caught


@pytest.mark.parametrize("held", [0, 1])
def test_reset_and_close_with_a_held_view(world: World, held: int) -> None:
    """All or nothing: the store is of use afterwards as before."""
    memories = [world.exports["memory"], Memory(world.store, MemoryType(Limits(2, None)))]
    fork = world.store.snapshot().fork()
    for memory in memories:
        memory.grow(fork, 1)
        memory.write(fork, b"here")
    with memories[held].view(fork) as view:
        with pytest.raises(Limit):
            fork.reset()
        with pytest.raises(BufferError):
            fork.close()
        assert bytes(view[:4]) == b"here"
        for memory in memories:
            assert bytes(memory.read(fork, 0, 4)) == b"here"
        assert world.call("bump", store=fork) == 6
    fork.reset()
    assert [memory.size(fork) for memory in memories] == [2, 2]
    fork.close()


def test_reset_after_the_arena_has_grown(world: World) -> None:
    """What the machine itself held of the arena when it grew is no view of a memory."""
    fork = world.store.snapshot().fork()
    world.exports["table"].grow(fork, 3_000_000, None)
    world.call("grow", 1, store=fork)
    fork.reset()
    assert world.exports["memory"].size(fork) == 2


def test_a_view_from_before_the_arena_grew_is_still_held(world: World) -> None:
    if world.engine.tier.portable:
        pytest.skip("portable memories are not given back under a view")
    fork = world.store.snapshot().fork()
    world.call("grow", 1, store=fork)
    view = world.exports["memory"].view(fork)
    for _ in range(2):
        world.exports["table"].grow(fork, 5_000_000 // 2, None)
        with pytest.raises(Limit):
            fork.reset()
    view[2 * PAGE] = 1
    view.release()
    fork.reset()


# ---- executions


def test_forks_of_a_paused_execution(world: World) -> None:
    execution = world.exports["deep"].start(world.store, 50)
    assert isinstance(execution.run(fuel=30), Paused)
    snapshot = world.store.snapshot()
    forks = snapshot.fork(3)
    for number, fork in enumerate(forks):
        for _ in range(number):
            world.call("bump", store=fork)
        assert execution_of(fork).run() == Finished((50 + 10 * (5 + number),))
        assert fork.execution is None
    assert execution.run() == Finished((100,))
    assert execution_of(snapshot.fork()).run() == Finished((100,))
    forks[1].reset()
    assert execution_of(forks[1]).run() == Finished((100,))


def test_forks_answer_a_host_call_differently(world: World) -> None:
    execution = world.exports["deep"].start(world.store, 3)
    assert isinstance(execution.run(pause_at=["host.f"]), Paused)
    for answer, fork in enumerate(world.store.snapshot().fork(4)):
        waiting = execution_of(fork)
        assert waiting.paused is not None
        assert waiting.paused.reason is PauseReason.CALL
        assert waiting.paused.call is not None
        assert waiting.paused.call.params == (5,)
        assert waiting.resume(answer) == Finished((3 + answer,))
    assert execution.run() == Finished((53,))


def test_nested_executions_are_all_there(world: World) -> None:
    for depth in (10, 20, 30):
        assert isinstance(world.exports["deep"].start(world.store, depth).run(fuel=7), Paused)
    fork = world.store.snapshot().fork()
    for depth in (30, 20, 10):
        assert [frame.func_name for frame in execution_of(fork).backtrace()] == ["deep"] * 8
        assert execution_of(fork).run() == Finished((depth + 50,))
    assert fork.execution is None


def test_an_execution_belongs_to_its_store(world: World) -> None:
    execution = world.exports["deep"].start(world.store, 50)
    execution.run(fuel=10)
    fork = world.store.snapshot().fork()
    execution.close()
    assert execution_of(fork).run() == Finished((100,))
    fork.reset()
    old = execution_of(fork)
    fork.reset()
    with pytest.raises(AreniteError, match="is over"):
        old.run()


# ---- options


def test_hooks(world: World) -> None:
    seen: list[Store] = []

    def hook(store: Store) -> None:
        world.call("poke", 0, len(seen), store=store)
        seen.append(store)

    forks = world.store.snapshot().fork(3, hook=hook)
    assert forks == seen
    assert [world.call("peek", 0, store=fork) for fork in forks] == [0, 1, 2]
    assert world.store.snapshot().fork(0, hook=hook) == []


class Counter:
    """A host module that counts; `name`: of the options that it was opened or thawed with."""

    def __init__(self, name: str, count: int = 0) -> None:
        self.name, self.count = name, count

    def freeze(self) -> int:
        return self.count


class Options:
    """Options of a `Counter`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self) -> Counter:
        return Counter(self.name)

    def thaw(self, state: Any, *, reseed: bool) -> Counter:
        del reseed
        return Counter(self.name, state)


def counter(store: Store) -> tuple[str, int]:
    """The store's counter, which counts once more."""
    found = store.machine.hosts.get("counter")
    assert isinstance(found, Counter)
    found.count += 1
    return found.name, found.count


def test_host_modules_go_along(world: World) -> None:
    """State and options are those of the snapshot, whatever the parent is given later; each fork has its own."""
    world.store.set_host("counter", Options("first"))
    for _ in range(3):
        counter(world.store)
    snapshot = world.store.snapshot()
    world.store.set_host("counter", Options("second"))
    one, other = snapshot.fork(2)
    assert [counter(one), counter(one), counter(other)] == [("first", 4), ("first", 5), ("first", 4)]
    assert counter(world.store) == ("second", 1)
    one.rebind_host("counter", Options("third"))
    assert [counter(one), counter(one.snapshot().fork())] == [("third", 6), ("third", 7)]
    other.reset()
    world.store.close()
    assert [counter(other), counter(snapshot.fork())] == [("first", 4), ("first", 4)]


@EACH_TIER
def test_fuel_and_limits_go_along(tier: str) -> None:
    world = world_of(tier, consume_fuel=True, max_memory=4 * PAGE, max_table_elements=10)
    world.store.set_fuel(1000)
    fork = world.store.snapshot().fork()
    world.store.set_fuel(5)
    assert fork.get_fuel() == 1000
    world.call("bump", store=fork)
    assert fork.get_fuel() == 999
    assert world.call("grow", 3, store=fork) == -1
    with pytest.raises(AreniteError):
        world.exports["table"].grow(fork, 7, None)
    fork.reset()
    assert fork.get_fuel() == 1000


@EACH_TIER
def test_where_fuel_is_counted_the_engine_says(tier: str) -> None:
    """Also after a reset: a guest that was frozen without a limit does not get rid of it."""
    free = Store(engine(tier=tier)).snapshot().dumps()
    fork = Snapshot.loads(free, engine(tier=tier, consume_fuel=True)).fork()
    fork.set_fuel(7)
    fork.reset()
    assert fork.get_fuel() == 0
    counted = Store(engine(tier=tier, consume_fuel=True)).snapshot().dumps()
    fork = Snapshot.loads(counted, engine(tier=tier)).fork()
    for _ in range(2):
        with pytest.raises(AreniteError, match="fuel is not configured"):
            fork.get_fuel()
        fork.reset()


@EACH_TIER
def test_epochs_left_go_along(tier: str) -> None:
    """A fork has as many epochs left as the store had, counted from the fork."""
    world = world_of(tier, epoch_interruption=True)
    world.store.set_epoch_deadline(2)
    snapshot = world.store.snapshot()
    for _ in range(5):
        world.engine.increment_epoch()
    with pytest.raises(Trap) as caught:
        world.call("bump")
    assert caught.value.code is TrapCode.INTERRUPT
    fork = snapshot.fork()
    for _ in range(2):
        assert world.call("bump", store=fork) > 0
        world.engine.increment_epoch()
    with pytest.raises(Trap):
        world.call("bump", store=fork)
    fork.reset()
    assert world.call("bump", store=fork) == 6


# ---- what is in a snapshot


def regions(snapshot: Snapshot) -> list[list[tuple[int, bytes]]]:
    """The pages of each region."""
    image = snapshot.frozen().image
    return [list(image.pages(region)) for region in range(len(image.sizes))]


def test_nothing_left_over_travels(world: World) -> None:
    """A deep stack that has returned, and one that has trapped, leave no bytes in the image, whatever was frozen between."""
    clean = regions(world.store.snapshot())
    secret = 0x5EC2E7
    for depth in (10_000, 3):
        world.exports["n"].set_value(world.store, secret)
        world.call("deep", depth)
        world.exports["n"].set_value(world.store, 5)
        assert regions(world.store.snapshot()) == clean
    with pytest.raises(Trap):
        world.call("deep", 100_000_000)
    assert regions(world.store.snapshot()) == clean
    fork = world.store.snapshot().fork()
    world.call("deep", 2000, store=fork)
    assert regions(fork.snapshot()) == clean
    execution = world.exports["deep"].start(world.store, 10_000)
    execution.run(fuel=9000)
    world.store.snapshot()  # its template has the deep stack
    execution.close()
    assert regions(world.store.snapshot()) == clean


def test_pages_one_by_one(world: World) -> None:
    """`Image.page` and `Image.pages` agree with the cage, for changed pages, the template's, holes and zeros."""
    memory, store = world.exports["memory"], world.store
    memory.grow(store, 1)
    memory.write(store, b"template", 4096)
    memory.write(store, b"to be zero", 3 * 4096)
    store.snapshot()
    memory.write(store, b"changed", 2 * 4096)
    memory.write(store, bytes(10), 3 * 4096)
    memory.grow(store, 2)
    memory.write(store, b"grown", 4 * PAGE + 4096)
    image = store.snapshot().frozen().image
    for region in range(2):
        content = bytes(store.machine.cage.region(region))
        assert image.sizes[region] == len(content)
        pages = [content[at : at + 4096] for at in range(0, len(content), 4096)]
        assert list(image.pages(region)) == [(i, page) for i, page in enumerate(pages) if any(page)]
        assert all(image.page(region, i) == page for i, page in enumerate(pages) if region)


CRASH = """
import sys
sys.path[:0] = {path!r}
from arenite import Config, Engine, Limits, Memory, MemoryType, Store
store = Store(Engine(Config(tier={tier!r})))
memory = Memory(store, MemoryType(Limits(1, None)))
fork = store.snapshot().fork()
views = [memory.view(fork)]
memory.grow(fork, 1) if {tier!r} != "safe" else None
views.append(memory.view(fork))
store.close()
del store, memory
try:
    fork.close()
except BufferError:
    print("held")
del fork
views[1][len(views[1]) - 1] = 1
print("alive")
"""


@EACH_TIER
def test_a_view_keeps_a_fork_s_memory(tier: str) -> None:
    program = CRASH.format(path=sys.path, tier=tier)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["held", "alive"]), done.stderr


@pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")
def test_a_system_short_of_memory_takes_a_template_in_pieces_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    Store(Engine()).snapshot()  # opens what stays open
    store = Store(Engine())
    memory = Memory(store, MemoryType(Limits(2, None)))
    memory.write(store, bytes(range(256)) * 512)
    write = os.pwrite
    open_ = open_files()

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(OSError, match="no room"):
        store.snapshot()
    assert open_files() == open_
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, data[: min(len(data), 5000)], at))
    assert memory.read(store.snapshot().fork()) == bytes(range(256)) * 512
