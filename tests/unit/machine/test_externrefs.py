"""The host's objects go when no guest holds them: at `gc`, and by themselves when many have gathered; what is held stays."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from arenite import (
    Failure,
    Finished,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Linker,
    Paused,
    Snapshot,
    Store,
    Table,
    TableType,
    Val,
    ValType,
)
from arenite.machine.records.references import FEWEST
from arenite.machine.run import collect
from marks import EACH_TIER
from tiers import TIERS
from unit.machine.guests import EXTERNREF, FUNCREF, I32, World, engine, module

WAT = """(module
  (import "h" "make" (func $make (param i32) (result externref)))
  (import "h" "ask" (func $ask (param externref externref) (result externref externref)))
  (table $t (export "table") 4 externref)
  (table $f (export "functions") 2 funcref)
  (global $g (export "global") (mut externref) (ref.null extern))
  (global $own (mut externref) (ref.null extern))
  (elem declare func $take)
  (func $take (export "take") (param externref))
  (func (export "set own") (param externref) (global.set $own (local.get 0)))
  (func (export "get own") (result externref) (global.get $own))
  (func (export "put") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result externref) (table.get $t (local.get 0)))
  (func (export "both") (param externref externref) (result externref externref) (local.get 1) (local.get 0))
  (func (export "grow") (result i32) (table.grow $t (call $make (i32.const 5)) (i32.const 100000)))
  (func $churn (export "churn") (param $n i32)
    (loop $next
      (drop (call $make (local.get $n)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  ;; holds its argument in a parameter, one object in a local, one in an operand, one beside the arguments of a call
  (func $hold (export "hold") (param $p externref) (param $depth i32) (param $n i32) (result externref externref externref)
    (local $l externref) (local $a externref) (local $b externref) (local $c externref)
    (local.set $l (call $make (i32.const -1)))
    (call $make (i32.const -2))
    (if (local.get $depth)
      (then
        (call $hold (local.get $p) (i32.sub (local.get $depth) (i32.const 1)) (local.get $n))
        (local.set $c) (local.set $b) (local.set $a))
      (else (call $churn (local.get $n))))
    (call $ask (local.get $p) (local.get $l))))"""


class Thing:
    """An object whose end shows."""

    def __init__(self, number: int = 0) -> None:
        self.number = number


class Maker(World):
    """A guest that makes things by `make`, and passes them to `ask`, which gives back both in the other order."""

    def __init__(self, tier: Any, **options: Any) -> None:
        self.made: list[weakref.ref[Thing]] = []
        self.asked: Any = lambda a, b: (b, a)
        make, ask = ([I32], [EXTERNREF], self.make), ([EXTERNREF] * 2, [EXTERNREF] * 2, self.ask)
        super().__init__(WAT, make, ask, tier=tier, **options)

    def make(self, number: int) -> Thing:
        """A thing that only the guest holds."""
        thing = Thing(number)
        self.made.append(weakref.ref(thing))
        return thing

    def ask(self, a: Any, b: Any) -> Any:
        """What the test of now wants."""
        return self.asked(a, b)

    @property
    def alive(self) -> int:
        return sum(reference() is not None for reference in self.made)


@pytest.fixture(params=TIERS)
def world(request: Any) -> Maker:
    return Maker(request.param)


def test_what_nobody_holds_goes(world: Maker) -> None:
    things = [Thing(n) for n in range(10)]
    gone = [weakref.ref(thing) for thing in things]
    for thing in things:
        world.call("take", thing)
    del things, thing
    assert all(reference() is not None for reference in gone)
    world.store.gc()
    assert [reference() for reference in gone] == [None] * 10


def test_tables_and_globals_hold(world: Maker) -> None:
    store = world.store
    table = Table(store, TableType(EXTERNREF, Limits(2, None)), None)
    alone = Global(store, GlobalType(EXTERNREF, mutable=True), None)
    things = [Thing(n) for n in range(6)]
    places = [weakref.ref(thing) for thing in things]
    world.call("put", 3, things[0])
    world.exports["global"].set_value(store, things[1])
    world.call("set own", things[2])
    table.set(store, 1, things[3])
    alone.set_value(store, Val.externref(things[4]))
    assert table.grow(store, 1, things[5]) == 2
    del things
    store.gc()
    assert [reference().number for reference in places if reference()] == list(range(6))  # type: ignore[union-attr]  # none is gone
    assert [
        world.call("get", 3).number,
        world.exports["global"].value(store).number,
        world.call("get own").number,
        table.get(store, 1).number,
        alone.value(store).number,
        table.get(store, 2).number,
    ] == list(range(6))
    world.call("put", 3, None)
    table.set(store, 1, None)
    store.gc()
    assert [reference() is None for reference in places] == [True, False, False, True, False, False]


def test_a_number_that_is_free_is_given_out_again(world: Maker) -> None:
    for _ in range(50):
        for n in range(20):
            world.call("take", Thing(n))
        world.store.gc()
    references = world.store.machine.registry.references
    assert len(references) == 0
    assert len(references.objects) <= 20
    thing = Thing(7)
    assert world.call("both", thing, None) == [None, thing]


def test_it_happens_by_itself(world: Maker) -> None:
    kept = [Thing(n) for n in range(4)]
    for n, thing in enumerate(kept):
        world.call("put", n, thing)
    for n in range(3 * FEWEST):
        world.call("take", world.make(n))
    assert world.alive <= FEWEST
    assert [world.call("get", n) for n in range(4)] == kept


def test_it_happens_while_a_guest_runs(world: Maker) -> None:
    world.call("churn", 5 * FEWEST)
    assert world.alive <= FEWEST + 1


@pytest.mark.parametrize("depth", [0, 3])
def test_frames_hold_while_a_guest_runs(world: Maker, depth: int) -> None:
    seen = []

    def ask(a: Any, b: Any) -> Any:
        seen.append((a.number, b.number))
        return b, a

    world.asked = ask
    thing = Thing(77)
    world.call("hold", thing, depth, 2 * FEWEST)
    assert seen == [(77, -1)] * (depth + 1)
    assert world.alive <= FEWEST + 3 * (depth + 1)


def test_frames_below_a_host_function_hold(world: Maker) -> None:
    """The host calls the guest again, and collects; what the frames below hold is there afterwards."""

    def ask(a: Any, b: Any) -> Any:
        for n in range(20):
            world.call("take", world.make(n))
        inner = world.call("both", world.make(500), world.make(501))
        world.store.gc()
        assert [thing.number for thing in inner] == [501, 500]
        assert world.alive == 4  # those two, which Python holds, and the two in the frame below
        return b, a

    world.asked = ask
    first, second, third = world.call("hold", Thing(77), 0, 1)
    assert [first.number, second.number, third.number] == [-2, -1, 77]


def test_paused_frames_hold(world: Maker) -> None:
    thing = Thing(77)
    execution = world.exports["hold"].start(world.store, thing, 2, 5)
    gone = weakref.ref(thing)
    del thing
    assert isinstance(execution.run(pause_at=["h.ask"]), Paused)
    world.store.gc()
    assert gone() is not None
    assert world.alive == 6
    finished = execution.run()
    assert isinstance(finished, Finished)
    assert [value.number for value in finished.values] == [-2, -1, 77]
    del finished, execution
    world.store.gc()
    assert world.alive == 0


def test_every_paused_execution_holds(world: Maker) -> None:
    """Not only the newest, or the oldest."""
    begun = []
    for number in range(3):
        begun.append(world.exports["hold"].start(world.store, Thing(number), 0, 1))
        assert isinstance(begun[-1].run(pause_at=["h.ask"]), Paused)
    world.store.gc()
    for number in (2, 1, 0):
        finished = begun[number].run()
        assert isinstance(finished, Finished)
        assert [value.number for value in finished.values] == [-2, -1, number]


def test_work_that_is_half_done_holds(world: Maker) -> None:
    """What a table is to be filled with, when all has not been paid for: it lies in no slot and in no element yet."""
    execution = world.exports["grow"].start(world.store)
    assert isinstance(execution.run(fuel=3), Paused)
    assert world.exports["table"].size(world.store) == 4
    world.store.gc()
    assert world.alive == 1
    assert execution.run() == Finished((4,))
    world.store.gc()
    assert world.alive == 1
    assert world.exports["table"].get(world.store, 100_003) is world.made[0]()


def test_of_work_that_is_half_done_only_what_is_a_reference_holds() -> None:
    of = engine(consume_fuel=True)
    store, linker = Store(of), Linker(of)
    things: list[weakref.ref[Thing]] = []

    def make() -> Thing:
        thing = Thing(len(things))
        things.append(weakref.ref(thing))
        return thing

    linker.define_func("h", "make", FuncType([], [EXTERNREF]), make)
    wat = """(module (import "h" "make" (func $make (result externref))) (table 1 externref) (table $t 100000 externref)
      (func (export "fill") (drop (call $make)) (table.fill $t (i32.const 0) (call $make) (i32.const 100000))))"""
    exports: Any = linker.instantiate(store, module(of, wat)).exports(store)
    store.set_fuel(1000)
    execution = exports["fill"].start(store)
    assert isinstance(execution.run(fuel=3), Paused)
    store.gc()
    gc.collect()
    assert [thing() is None for thing in things] == [True, False], "the table's index, 1, is the reference of the first"
    assert execution.run() == Finished(())


def test_a_fork_and_its_snapshot_do_not_share_what_goes(world: Maker) -> None:
    world.call("put", 0, Thing(1))
    world.call("take", Thing(2))
    snapshot = world.store.snapshot()
    fork, other = snapshot.fork(2)
    world.call("put", 0, None)
    world.store.gc()
    assert len(world.store.machine.registry.references.objects) == 0
    exports: Any = world.instance.exports(fork)
    fork.gc()
    exports["put"](fork, 1, Thing(3))  # at the number that was free there
    assert [exports["get"](fork, n).number for n in (0, 1)] == [1, 3]
    exports = world.instance.exports(other)
    assert exports["get"](other, 0).number == 1
    fork.reset()
    assert exports["get"](fork, 0).number == 1


def test_a_collection_that_cannot_be_is_put_off_in_its_own_store_alone(world: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    image = world.store.snapshot()
    before, fork = world.store.machine.registry.references.due, image.fork()

    def refused(*_: object) -> None:
        raise Failure("not now")

    monkeypatch.setattr(collect, "crowded", lambda _machine: True)
    monkeypatch.setattr(collect, "collect", refused)
    collect.tidy(fork.machine)
    assert fork.machine.registry.references.due == 2 * before
    assert world.store.machine.registry.references.due == before
    with image.fork() as other:
        assert other.machine.registry.references.due == before
    fork.close()


def test_free_numbers_travel(world: Maker) -> None:
    for n in range(4):
        world.call("put", n, Thing(n))
    world.call("put", 1, None)
    world.store.gc()
    data = world.store.snapshot().dumps(dump=lambda thing: b"%d" % thing.number)  # type: ignore[attr-defined]  # a Thing
    snapshot = Snapshot.loads(data, world.engine, load=lambda text: Thing(int(text)))
    linker = Linker(world.engine)
    linker.define_func("h", "make", FuncType([I32], [EXTERNREF]), world.make)
    linker.define_func("h", "ask", FuncType([EXTERNREF] * 2, [EXTERNREF] * 2), lambda a, b: (b, a))
    fork = snapshot.link(linker).fork()
    exports: Any = fork.instances[0].exports(fork)
    assert [thing and thing.number for thing in (exports["get"](fork, n) for n in range(4))] == [0, None, 2, 3]
    exports["put"](fork, 1, Thing(9))
    assert [exports["get"](fork, n).number for n in range(4)] == [0, 9, 2, 3]
    assert len(fork.machine.registry.references.objects) == 4


def test_a_large_table_is_not_looked_at_too_often(world: Maker) -> None:
    Table(world.store, TableType(ValType.externref(), Limits(1_000_000, None)), None)
    world.store.gc()
    world.call("take", Thing())
    world.store.gc()
    assert world.store.machine.registry.references.due > 50_000
    Table(world.store, TableType(FUNCREF, Limits(1_000_000, None)), None)


@EACH_TIER
@pytest.mark.parametrize("value", [(1, 2), [3]], ids=["tuple", "list"])
def test_an_object_may_be_a_list(tier: str, value: object) -> None:
    """A host function with one result returns that, whatever it is; so does an answer."""
    store = Store(engine(tier=tier))
    for access_caller in (False, True):
        make = Func(store, FuncType([], [EXTERNREF]), lambda *_: value, access_caller=access_caller)
        text = """(module
  (import "h" "f" (func $f (result externref)))
  (func (export "go") (result externref) (call $f)))"""
        exports: Any = Instance(store, module(store.engine, text), [make]).exports(store)
        assert exports["go"](store) is value
    execution = exports["go"].start(store)
    assert isinstance(execution.run(pause_at=["h.f"]), Paused)
    finished = execution.resume(value)
    assert isinstance(finished, Finished)
    assert finished.values[0] is value
