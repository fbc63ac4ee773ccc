"""A plain model of stores: memories are bytes, tables and globals are values, and a fork is a copy.  Beside it the same done by arenite.

pair = Pair.new(engine)                   # a store and its model
pair.fill(0, at, byte, count)             # both do it
check(pair.snapshot().forks(1)[0])        # both have the same; looking at a store touches its pages, so a fork is looked at
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

from arenite import (
    Engine,
    Execution,
    Finished,
    Func,
    FuncType,
    Global,
    Limit,
    Linker,
    Memory,
    Module,
    Paused,
    Snapshot,
    Store,
    Table,
    ValType,
)
from tiers import Way, engine_of

PAGE = 65536
STRIDE = 20_000  # between what the rounds of `run` store
LONGEST_MEMORY = 26  # pages of 64 KiB
LONGEST_TABLE = 700_000  # elements: more than the arena has room for at first
I32 = ValType.i32()

WAT = f"""(module
  (import "host" "tick" (func $tick (param i32) (result i32)))
  (memory (export "m") $LEAST {LONGEST_MEMORY})
  (table $t (export "t") 3 {LONGEST_TABLE} funcref)
  (table $x (export "x") 1 100 externref)
  (global $g (export "g") (mut i64) (i64.const 5))
  (data $d "passive data")
  (elem declare func $one $two)
  (func $one (export "one") (result i32) (i32.const 1))
  (func $two (export "two") (result i32) (i32.const 2))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32) (memory.init $d (local.get 0) (i32.const 0) (i32.const 12)))
  (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "set") (param i32) (table.set $t (local.get 0) (ref.func $two)))
  (func (export "more") (param i32) (result i32) (table.grow $t (ref.func $one) (local.get 0)))
  (func (export "run") (param $at i32) (param $rounds i32) (result i32)
    (local $round i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $tick (local.get $round))))
      (i32.store (i32.add (local.get $at) (i32.mul (local.get $round) (i32.const {STRIDE}))) (i32.add (local.get $round) (i32.const 1)))
      (global.set $g (i64.add (global.get $g) (i64.const 1)))
      (br_if $again (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (local.get $rounds))))
    (local.get $sum)))"""
LEAST = (0, 1, 6, 17)  # pages of 64 KiB that an instance begins with

OPTIONS: tuple[tuple[Way, dict[str, Any]], ...] = (
    ("threaded", {"memories": 4}),
    ("safe", {"memories": 4}),
    ("threaded", {"addressing": "spaces"}),
    ("threaded", {"explicit_bounds": True}),
    ("baseline", {}),
    ("auto", {"memories": 4}),
    ("mixed", {"explicit_bounds": True}),
)


@functools.cache
def engine(index: int) -> Engine:
    """The engine of a configuration."""
    way, options = OPTIONS[index]
    return engine_of(way, max_wasm_stack=1 << 16, **options)


@functools.cache
def module(of: Engine, least: int) -> Module:
    """The guest with so many pages, translated once."""
    return Module(of, WAT.replace("$LEAST", str(least)))


@functools.cache
def linker(of: Engine) -> Linker:
    """The guest's one import."""
    found = Linker(of)
    found.define_func("host", "tick", FuncType([I32], [I32]), lambda n: 3 * n)
    return found


@dataclass(frozen=True)
class Instance:
    """What an instance should have.  `set`: the elements of its table that are `$two`; the rest is null below 3, then `$one`."""

    memory: bytes
    length: int = 3
    set: frozenset[int] = frozenset()
    value: int = 5


@dataclass(frozen=True)
class Running:
    """A call of `run` that waits in `tick`."""

    instance: int
    at: int
    rounds: int
    round: int = 0


@dataclass(frozen=True)
class Model:
    """What a store should have.  It is never changed: a fork has the same one until something is done to it."""

    instances: tuple[Instance, ...] = ()
    running: tuple[Running, ...] = ()


def memory_of(store: Store, instance: int) -> Memory:
    """The memory of an instance."""
    found = store.instances[instance].exports(store)["m"]
    assert isinstance(found, Memory)
    return found


@dataclass(eq=False)
class Moment:
    """A snapshot and its model."""

    snapshot: Snapshot
    model: Model
    saved: bool = False  # so that a delta can be of it

    def forks(self, count: int) -> list[Pair]:
        """So many forks."""
        return [Pair(store, self.model, self) for store in self.snapshot.fork(count)]


@dataclass(eq=False)
class Pair:
    """A store and its model.  `origin`: what it is a fork of."""

    store: Store
    model: Model = field(default_factory=Model)
    origin: Moment | None = None

    @classmethod
    def new(cls, of: Engine) -> Pair:
        """Nothing in it."""
        return cls(Store(of))

    # what is there
    def call(self, instance: int, name: str, *args: object) -> Any:
        """Call a function of an instance."""
        func = self.store.instances[instance].exports(self.store)[name]
        assert isinstance(func, Func)
        return func(self.store, *args)

    def change(self, instance: int, **fields: Any) -> None:
        """Change the model of an instance."""
        changed = replace(self.model.instances[instance], **fields)
        before, after = self.model.instances[:instance], self.model.instances[instance + 1 :]
        self.model = replace(self.model, instances=(*before, changed, *after))

    def put(self, instance: int, at: int, data: bytes) -> None:
        """Change the model of a memory."""
        memory = self.model.instances[instance].memory
        assert at + len(data) <= len(memory)
        self.change(instance, memory=memory[:at] + data + memory[at + len(data) :])

    # what is done
    def instantiate(self, least: int) -> None:
        """One more instance."""
        linker(self.store.engine).instantiate(self.store, module(self.store.engine, least))
        self.model = replace(self.model, instances=(*self.model.instances, Instance(bytes(least * PAGE))))

    def write(self, instance: int, at: int, data: bytes) -> None:
        """By the host."""
        memory_of(self.store, instance).write(self.store, data, at)
        self.put(instance, at, data)

    def fill(self, instance: int, at: int, byte: int, count: int) -> None:
        """By the guest."""
        self.call(instance, "fill", at, byte, count)
        self.put(instance, at, bytes([byte]) * count)

    def copy(self, instance: int, to: int, at: int, count: int) -> None:
        """By the guest."""
        self.call(instance, "copy", to, at, count)
        self.put(instance, to, self.model.instances[instance].memory[at : at + count])

    def put_data(self, instance: int, at: int) -> None:
        """A passive segment, and a store behind it."""
        self.call(instance, "init", at)
        self.call(instance, "store", at + 12, 0x0102030405060708)
        self.put(instance, at, b"passive data" + bytes(range(8, 0, -1)))

    def grow(self, instance: int, pages: int, *, guest: bool) -> None:
        """A memory, by guest or host; nobody looks at what is new."""
        memory = self.model.instances[instance].memory
        if len(memory) + pages * PAGE > LONGEST_MEMORY * PAGE:
            assert self.call(instance, "grow", pages) == -1
            return
        old = self.call(instance, "grow", pages) if guest else memory_of(self.store, instance).grow(self.store, pages)
        assert old == len(memory) // PAGE
        self.change(instance, memory=memory + bytes(pages * PAGE))

    def grow_table(self, instance: int, count: int) -> None:
        """A table, by the guest."""
        length = self.model.instances[instance].length
        fits = length + count <= LONGEST_TABLE
        assert self.call(instance, "more", count) == (length if fits else -1)
        self.change(instance, length=length + count * fits)

    def set_element(self, instance: int, at: int) -> None:
        """An element of a table, by the guest."""
        self.call(instance, "set", at)
        self.change(instance, set=self.model.instances[instance].set | {at})

    def set_global(self, instance: int, value: int) -> None:
        """A global, by the host."""
        found = self.store.instances[instance].exports(self.store)["g"]
        assert isinstance(found, Global)
        found.set_value(self.store, value)
        self.change(instance, value=value)

    def start(self, instance: int, at: int, rounds: int) -> None:
        """A call that stops before its first tick."""
        func = self.store.instances[instance].exports(self.store)["run"]
        assert isinstance(func, Func)
        execution = func.start(self.store, at, rounds)
        assert isinstance(execution.run(pause_at=["host.tick"]), Paused)
        self.model = replace(self.model, running=(*self.model.running, Running(instance, at, rounds)))

    def go_on(self) -> None:
        """The newest call, to the next tick or its end."""
        *others, call = self.model.running
        execution = self.store.execution
        assert isinstance(execution, Execution)
        outcome = execution.run(pause_at=["host.tick"])
        self.put(call.instance, call.at + call.round * STRIDE, (call.round + 1).to_bytes(4, "little"))
        self.change(call.instance, value=self.model.instances[call.instance].value + 1)
        call = replace(call, round=call.round + 1)
        if call.round < call.rounds:
            assert isinstance(outcome, Paused)
            others.append(call)
        else:
            assert outcome == Finished((3 * sum(range(call.rounds)),))
        self.model = replace(self.model, running=tuple(others))

    def cancel(self) -> None:
        """The newest call, which is not gone on with."""
        execution = self.store.execution
        assert isinstance(execution, Execution)
        execution.close()
        self.model = replace(self.model, running=self.model.running[:-1])

    # moments
    def snapshot(self) -> Moment:
        """Now."""
        return Moment(self.store.snapshot(), self.model)

    def reset(self, *, held: int | None) -> None:
        """Back to what it is a fork of; `held`: an instance whose memory somebody looks at meanwhile, which may refuse it."""
        assert self.origin is not None
        if held is None:
            self.store.reset()
        else:
            with memory_of(self.store, held).view(self.store):
                try:
                    self.store.reset()
                except Limit:
                    return
        self.model = self.origin.model


def check(pair: Pair) -> None:
    """All that a store has is what its model has."""
    store, model = pair.store, pair.model
    assert len(store.instances) == len(model.instances)
    for number, expected in enumerate(model.instances):
        exports = store.instances[number].exports(store)
        table, variable = exports["t"], exports["g"]
        assert isinstance(table, Table)
        assert isinstance(variable, Global)
        found = memory_of(store, number).read(store)
        assert len(found) == len(expected.memory)
        if found != expected.memory:
            wrong = [at for at in range(0, len(found), 4096) if found[at : at + 4096] != expected.memory[at : at + 4096]]
            raise AssertionError(f"memory {number}: {len(wrong)} pages differ, the first at {wrong[0]:#x}")
        assert variable.value(store) == expected.value
        assert table.size(store) == expected.length
        functions = {None: None} | {exports[name].addr.at: name for name in ("one", "two")}
        for at in {0, 2, 3, expected.length // 2, expected.length - 1, *expected.set} - {expected.length}:
            item: Any = table.get(store, at)
            name = "two" if at in expected.set else "one" if at >= 3 else None
            assert functions[None if item is None else item.addr.at] == name
    execution = store.execution
    assert (execution is None) == (not model.running)
    if execution is not None:
        assert isinstance(execution.paused, Paused)
        assert execution.paused.call is not None
        assert execution.paused.call.params == (model.running[-1].round,)


def finish(pair: Pair) -> None:
    """End all calls, and check again."""
    while pair.model.running:
        pair.go_on()
    check(pair)
