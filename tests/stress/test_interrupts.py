"""An exception of a signal's handler may come at any line of our Python: afterwards a store works, or says clearly that it does not.

Each action is done again and again, interrupted at every place where CPython looks after signals; then everything is tried.
"""

from __future__ import annotations

import gc
import os
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Caller,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Linker,
    Memory,
    MemoryType,
    Snapshot,
    Store,
    Table,
    TableType,
    WasiConfig,
)
from arenite.layout.cage import STACK_AT
from interrupts import interrupted, places
from marks import EACH_TIER
from unit.machine.guests import EXTERNREF, F64, FUNCREF, I32, I64, engine, module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAT = """(module
  (import "host" "echo" (func $echo (param i32) (result i32)))
  (import "host" "keep" (func $keep (param externref i64) (result externref)))
  (memory (export "memory") 1 40)
  (table (export "table") 3 40 externref)
  (global (export "global") (mut i32) (i32.const 7))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "swap") (param externref i32) (result i32 externref) (local.get 1) (local.get 0))
  (func (export "through") (param i32) (result i32) (i32.add (call $echo (local.get 0)) (call $echo (i32.const 1))))
  (func (export "references") (param externref) (result externref) (call $keep (local.get 0) (i64.const 5)))
  (func (export "loop") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow table") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0)))
  (func (export "table size") (result i32) (table.size))
  (func (export "fill") (param i32) (memory.fill (i32.const 0) (local.get 0) (i32.const 65536)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"""
FUEL = 1_000_000
ALL = os.environ.get("ARENITE_STRESS") == "all"
SAMPLE = {
    "threaded": 10,
    "baseline": 6,
    "safe": 5,
}  # places of each action otherwise, by chance; `ARENITE_SEED` is for those of another run
SEED = os.environ.get("ARENITE_SEED") or str(random.randrange(1 << 32))


@dataclass
class Trial:
    """A store under test."""

    store: Store
    e: dict[str, Any]  # exports
    origin: Snapshot | None = None
    kept: list[Any] = field(default_factory=list)
    called: list[int] = field(default_factory=list)


def world(tier: str) -> Trial:
    """A store with the guest."""
    of = engine(tier=tier, consume_fuel=True)
    store = Store(of)
    store.set_fuel(FUEL)
    new = Trial(store, {})
    new.e = dict(Instance(store, module(of, WAT), hosts(new)).exports(store))
    store.set_fuel(FUEL)
    return new


def hosts(new: Trial) -> list[Func]:
    """Its host functions."""

    def echo(n: int) -> int:
        if n == 99:
            return int(new.e["add"](new.store, 40, 2))
        new.called.append(n)
        return n

    def keep(caller: Caller, thing: object, _n: int) -> object:
        assert caller["memory"] is not None
        return thing

    return [
        Func(new.store, FuncType([I32], [I32]), echo),
        Func(new.store, FuncType([EXTERNREF, I64], [EXTERNREF]), keep, access_caller=True),
    ]


def fork(tier: str) -> Trial:
    """A fork that has grown and changed, so that it can be reset."""
    old = world(tier)
    old.e["store"](old.store, 8, 1234)
    old.origin = old.store.snapshot()
    new = Trial(old.origin.fork(), old.e, old.origin, [old])
    new.e["grow"](new.store, 3)
    new.e["grow table"](new.store, 30)
    new.e["store"](new.store, 8, 5)
    new.e["store"](new.store, 3 * 65536, 5)
    Func(new.store, FuncType([F64, F64], []), lambda *_: None)
    new.store.set_fuel(FUEL)
    return new


ACTIONS: dict[str, tuple[Callable[[str], Trial], Callable[[Trial], Callable[[], object]]]] = {
    "call": (world, lambda w: lambda: w.e["add"](w.store, 1, 2)),
    "call with references": (world, lambda w: lambda: w.e["swap"](w.store, w, 3)),
    "call of the host": (world, lambda w: lambda: w.e["through"](w.store, 3)),
    "call of the host with references": (world, lambda w: lambda: w.e["references"](w.store, w)),
    "nested call": (world, lambda w: lambda: w.e["through"](w.store, 99)),
    "call of a host function by the host": (world, lambda w: lambda: Func(w.store, FuncType([I32], [I32]), int)(w.store, 3)),
    "bits": (world, lambda w: lambda: w.e["add"].call_bits(w.store, [1, 2])),
    "trap": (world, lambda w: lambda: _trap(w)),
    "fill": (world, lambda w: lambda: w.e["fill"](w.store, 7)),
    "execution": (world, lambda w: lambda: _execute(w)),
    "answer": (world, lambda w: lambda: _answer(w)),
    "close an execution": (world, lambda w: lambda: w.e["loop"].start(w.store, 9).close()),
    "snapshot": (world, lambda w: w.store.snapshot),
    "snapshot of a fork": (fork, lambda w: w.store.snapshot),
    "fork": (fork, lambda w: _origin(w).fork),
    "forks": (fork, lambda w: lambda: _origin(w).fork(3)),
    "reset": (fork, lambda w: w.store.reset),
    "close": (fork, lambda w: w.store.close),
    "grow": (world, lambda w: lambda: w.e["memory"].grow(w.store, 2)),
    "guest grows": (world, lambda w: lambda: w.e["grow"](w.store, 2)),
    "grow a table": (world, lambda w: lambda: w.e["table"].grow(w.store, 9, w)),
    "guest grows a table": (world, lambda w: lambda: w.e["grow table"](w.store, 9)),
    "table": (world, lambda w: lambda: Table(w.store, TableType(FUNCREF, Limits(300_000, None)), None)),
    "memory": (world, lambda w: lambda: Memory(w.store, MemoryType(Limits(2, 3)))),
    "memories": (world, lambda w: lambda: [Memory(w.store, MemoryType(Limits(1, None))) for _ in range(2)]),
    "global": (world, lambda w: lambda: Global(w.store, GlobalType(I64, True), 5).value(w.store)),
    "host function": (world, lambda w: lambda: Func(w.store, FuncType([F64, I64], [F64]), max)),
    "instance": (world, lambda w: lambda: Instance(w.store, module(w.store.engine, WAT), hosts(w))),
    "read and write": (world, lambda w: lambda: (w.e["memory"].write(w.store, b"abc", 5), w.e["memory"].read(w.store, 0, 9))),
    "table elements": (world, lambda w: lambda: (w.e["table"].set(w.store, 0, w), w.e["table"].get(w.store, 0))),
}


def _origin(w: Trial) -> Snapshot:
    assert w.origin is not None
    return w.origin


def _trap(w: Trial) -> None:
    try:
        w.e["load"](w.store, -1)
    except AreniteError as error:
        str(error)


def _execute(w: Trial) -> None:
    execution = w.e["loop"].start(w.store, 30)
    execution.run(fuel=20)
    execution.run(pause_at=["host.echo"])


def _answer(w: Trial) -> None:
    execution = w.e["through"].start(w.store, 30)
    execution.run(pause_at=["host.echo"])
    execution.resume(7, pause_at=["host.echo"])
    execution.run()


WASI = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $r (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $c (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\02\\00\\00\\00") (data (i32.const 16) "ab")
  (func (export "run") (result i32)
    (drop (call $r (i32.const 64) (i32.const 8)))
    (drop (call $c (i32.const 0) (i64.const 1) (i32.const 72)))
    (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))"""


def _wasi(tier: str) -> Trial:
    """A guest of WASI's."""
    of = engine(tier=tier, consume_fuel=True)
    store = Store(of)
    store.set_fuel(FUEL)
    store.set_wasi(WasiConfig(stdout=bytearray().extend))
    linker = Linker(of)
    linker.define_wasi()
    return Trial(store, dict(linker.instantiate(store, module(of, WASI)).exports(store)))


ACTIONS["wasi"] = _wasi, lambda w: lambda: w.e["run"](w.store)


def check(w: Trial, action: str) -> None:
    """The store works, or refuses."""
    machine = w.store.machine
    try:
        w.e["memory"].size(w.store)
    except AreniteError as error:
        text = str(error)
        if action == "close":
            assert text == "the store is closed"
            w.store.close()
            return
        assert text == "the store was interrupted while it was being reset: reset it again or close it"
        for use in (lambda: w.e["add"](w.store, 1, 2), w.store.snapshot, lambda: Memory(w.store, MemoryType(Limits(1)))):
            with pytest.raises(AreniteError, match="interrupted while it was being reset"):
                use()
        w.store.reset()
    for execution in machine.activations:
        assert execution.end == machine.top
    while (found := w.store.execution) is not None:
        found.close()
    assert (machine.fuel.reserve, machine.nested, machine.can_pause, machine.host_stack) == (0, False, False, [])
    assert machine.top == STACK_AT
    left = w.store.get_fuel()
    assert FUEL - 2000 <= left <= FUEL
    works(w)
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(outcome(w)))
    thread.start()
    thread.join()
    assert answers == [None]
    again = w.store.snapshot().fork()
    assert w.e["memory"].read(again) == w.e["memory"].read(w.store)
    works(Trial(again, w.e))
    if w.origin is not None:
        w.store.reset()
        assert w.e["memory"].read(w.store) == w.e["memory"].read(w.origin.fork())
        works(w)
    again.close()
    w.store.close()
    w.store.close()


def outcome(w: Trial) -> object:
    """What another thread sees."""
    try:
        works(w)
    except BaseException as error:  # noqa: BLE001  whatever it is
        return error
    return None


def works(w: Trial) -> None:
    """All of it."""
    store, e = w.store, w.e
    if "run" in e:
        assert e["run"](store) == 0
        assert len(e["memory"].read(store)) == 65536
        return
    w.called.clear()
    assert e["add"](store, 3, 4) == 7
    assert e["through"](store, 5) == 6
    assert e["references"](store, w) is w
    assert e["global"].value(store) == 7
    pages = e["size"](store)
    assert e["memory"].size(store) == pages
    assert len(e["memory"].read(store)) == pages * 65536
    e["memory"].write(store, b"\1\2\3\4", pages * 65536 - 4)
    assert e["load"](store, pages * 65536 - 4) == 0x04030201
    with pytest.raises(AreniteError, match="out of bounds"):
        e["load"](store, pages * 65536)
    assert e["memory"].grow(store, 1) == pages
    e["store"](store, pages * 65536 + 65532, 9)
    length = e["table size"](store)
    assert e["table"].size(store) == length
    assert {type(e["table"].get(store, i)) for i in range(length)} <= {type(None), Trial}
    assert e["table"].grow(store, 1, w) == length
    assert e["table"].get(store, length) is w
    execution = e["through"].start(store, 8)
    assert execution.run(fuel=1).reason == "fuel"
    assert execution.run(pause_at=["host.echo"]).reason == "call"
    assert execution.resume(7).values == (8,)
    again: Any = Instance(store, module(store.engine, WAT), hosts(w)).exports(store)["add"]
    assert again(store, 1, 2) == 3


@pytest.fixture
def without_gc() -> Iterator[None]:
    """What the collector would do would be counted too."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("without_gc")
@EACH_TIER
@pytest.mark.parametrize("action", ACTIONS)
def test_interrupted_everywhere(tier: str, action: str) -> None:
    make, act = ACTIONS[action]

    def prepare() -> tuple[Trial, Callable[[], object]]:
        trial = make(tier)
        return trial, act(trial)

    found = places(prepare)
    assert found
    came = 0
    failures: list[tuple[int, str]] = []
    few = found if ALL else sorted(random.Random(f"{SEED} {tier} {action}").sample(found, min(SAMPLE[tier], len(found))))
    print(f"ARENITE_SEED={SEED}")
    for place in few:
        trial, do = prepare()
        came += interrupted(do, place)
        try:
            check(trial, action)
        except BaseException as error:  # noqa: BLE001  all of them are shown
            failures.append((place, repr(error)[:150]))
        del trial, do
        gc.collect()  # a host function that closes over its store is a cycle, and each such store has megabytes
    assert came
    assert not failures, f"{len(failures)} of {len(few)} places, with ARENITE_SEED={SEED}"
