"""Tail calls: in the space of one frame, whatever is called; equal on every tier, also when a run stops in the middle; what traps say.

Results are compared with what `wasmtime` gives, which has tail calls of its own.
"""

from __future__ import annotations

import functools
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from arenite import Finished, Func, FuncType, Instance, Linker, Snapshot, Store, Trap
from marks import EACH_TIER, EACH_WAY
from property.travellers import content
from tiers import WAYS, Way, engine_of
from unit.api.packages import Package
from unit.machine.guests import I32, I64, World, engine, module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOPS = """(module
  (import "h" "last" (func $last (param i64) (result i64)))
  (type $two (func (param i64 i64) (result i64)))
  (type $many (func (param i64 i32 i64 i64 f64 i64) (result i64)))
  (table (export "table") 5 funcref)
  (elem (i32.const 0) $sum $by_table $narrow $wide)
  (func $sum (export "sum") (type $two)
    (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $sum (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (local.get 0))))
  (func $by_table (export "by_table") (type $two)
    (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call_indirect (type $two)
      (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (local.get 0)) (i32.const 1)))
  (func $narrow (export "narrow") (param $n i64) (result i64) (local $three i64)
    (if (i64.eqz (local.get $n)) (then (return_call $last (i64.const 5))))
    (local.set $three (i64.const 3))
    (return_call $wide
      (i64.sub (local.get $n) (i64.const 1)) (i32.const -1) (local.get $three) (local.get $n) (f64.const 0.5) (i64.const 4)))
  (func $wide (type $many) (local i64 i64 i64 f64)
    (if (i64.ne (i64.add (local.get 0) (i64.const 1)) (local.get 3)) (then (unreachable)))
    (if (f64.ne (f64.const 0.5) (local.get 4)) (then (unreachable)))
    (if (i32.ne (i32.const -1) (local.get 1)) (then (unreachable)))
    (if (i64.ne (i64.const 7) (i64.add (local.get 2) (local.get 5))) (then (unreachable)))
    (return_call_indirect (param i64) (result i64) (local.get 0) (i32.const 2)))
  (func (export "start_wide") (param $n i64) (result i64)
    (return_call_indirect (type $many)
      (local.get $n) (i32.const -1) (i64.const 3) (i64.add (local.get $n) (i64.const 1)) (f64.const 0.5) (i64.const 4) (i32.const 3))))
"""
ADDRESSED = [(way, addressing) for way in WAYS for addressing in ("single", "spaces") if way != "safe" or addressing == "single"]


def turns(tier: str) -> int:
    """So many as a frame for each would not fit; in Python fewer, and a smaller stack."""
    return 100_000 if tier == "safe" else 10_000_000


@functools.cache
def small(way: Way, addressing: Any) -> Any:
    """An engine whose stack has room for some hundred frames."""
    return engine_of(way, addressing=addressing, max_wasm_stack=1 << 16)


def loops(way: Way, addressing: str) -> tuple[Store, Any]:
    store = Store(small(way, addressing))
    last = Func(store, FuncType([I64], [I64]), lambda n: n + 2)
    return store, Instance(store, module(small(way, addressing), LOOPS), [last]).exports(store)


@pytest.mark.parametrize(("way", "addressing"), ADDRESSED)
def test_any_number_in_the_space_of_one_frame(way: Way, addressing: str) -> None:
    store, guest = loops(way, addressing)
    n = turns(way)
    assert guest["sum"](store, n, 0) == n * (n + 1) // 2
    assert guest["by_table"](store, n, 1) == n * (n + 1) // 2 + 1
    assert guest["narrow"](store, n // 2) == 7
    assert guest["start_wide"](store, 3000) == 7


@EACH_WAY
def test_across_instances(tier: Way) -> None:
    """Each calls the other by an import or a table, and finds its own memory and globals."""
    of = small(tier, "single")
    store = Store(of)
    first = """(module (memory (export "m") 1) (global $g (mut i64) (i64.const 0)) (table (export "t") 1 funcref)
      (func (export "f") (param $n i64) (result i64)
        (if (i64.eqz (local.get $n)) (then (return (i64.add (i64.mul (global.get $g) (i64.const 1000)) (i64.load (i32.const 8))))))
        (global.set $g (i64.add (global.get $g) (i64.const 1)))
        (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 2)))
        (return_call_indirect (param i64) (result i64) (i64.sub (local.get $n) (i64.const 1)) (i32.const 0))))"""
    second = """(module (import "1" "f" (func $f (param i64) (result i64))) (import "1" "t" (table 1 funcref)) (memory 2)
      (elem (i32.const 0) $g)
      (func $g (export "g") (param $n i64) (result i64)
        (if (i32.ne (memory.size) (i32.const 2)) (then (unreachable)))
        (i64.store (i32.const 8) (i64.const 9))
        (return_call $f (local.get $n)))
      (func (export "then") (param i64) (result i64) (i64.mul (call $g (local.get 0)) (i64.load (i32.const 8)))))"""
    linker = Linker(of)
    linker.define_instance(store, "1", Instance(store, module(of, first), []))
    guest: Any = linker.instantiate(store, module(of, second)).exports(store)
    n = turns(tier) // 10
    assert guest["g"](store, n) == n * 1000 + 2 * n
    assert guest["then"](store, 0) == (n * 1000 + 2 * n) * 9


SHUFFLES = 4


def shuffled(order: tuple[int, ...], extra: int) -> str:
    """A function that calls itself, or one of more parameters, with its arguments in another order."""
    count = len(order)
    params = "(param i32) " + "(param i64) " * count
    arguments = " ".join(f"(local.get {1 + n})" for n in order)
    more = " ".join(f"(i64.const {100 + n})" for n in range(extra))
    folded = "(i64.const 0)"
    for n in range(count + extra):
        folded = f"(i64.add (i64.mul {folded} (i64.const 7)) (local.get {1 + n}))"
    return f"""(module
      (func $f (export "f") {params} (result i64) (local i64)
        (if (i32.eqz (local.get 0)) (then (return_call $g (i32.const 1) {arguments} {more})))
        (return_call $f (i32.sub (local.get 0) (i32.const 1)) {arguments}))
      (func $g (param i32) {"(param i64) " * (count + extra)} (result i64) {folded}))"""


@EACH_TIER
@pytest.mark.parametrize("extra", [0, 1, 2, 3, 5, 40])
def test_arguments_from_the_frame_that_is_replaced(tier: str, extra: int) -> None:
    theirs, ours = Package("wasmtime"), World(shuffled((0,), 0), tier=tier)
    for order in (*permutations(range(SHUFFLES)), (0, 0, 0, 1), (3, 3, 1, 1)):
        text = shuffled(order, extra)
        exports: Any = Instance(ours.store, ours.module(text), []).exports(ours.store)
        for n in (0, 1, 2, 5):
            args = (n, 11, 22, 33, 44)
            assert exports["f"](ours.store, *args) == theirs.call(text, "f", *args)


WIDE = 8200  # locals: temporaries lie beyond what operands reach


def from_wide(count: int) -> str:
    """A function with very many locals that calls one of `count` parameters in its place, directly and by table, also with an index that a local holds."""
    numbers = " ".join(f"(i64.const {n + 3})" for n in range(count))
    folded = "(i64.const 5)"
    for n in range(count):
        folded = f"(i64.add (i64.mul {folded} (i64.const 7)) (local.get {n}))"
    locals_ = (
        f"(local $n i32) (local {'i64 ' * WIDE}) (local $last i32) (local.set $n (i32.const 1)) (local.set $last (i32.const 1))"
    )
    ways = {
        "direct": f"(return_call $g {numbers})",
        "by table": f"(return_call_indirect (type $t) {numbers} (i32.const 1))",
        "by a local": f"(return_call_indirect (type $t) {numbers} (local.get $n))",
        "by the last local": f"(return_call_indirect (type $t) {numbers} (local.get $last))",
        "by a sum": f"(return_call_indirect (type $t) {numbers} (i32.sub (i32.add (local.get $n) (local.get $last)) (i32.const 1)))",
        "no function": f"(return_call_indirect (type $t) {numbers} (i32.const 0))",
        "another function": f"(return_call_indirect (type $t) {numbers} (i32.const 2))",
    }
    functions = " ".join(f'(func (export "{name}") (result i64) {locals_} {way})' for name, way in ways.items())
    return f"""(module (type $t (func {"(param i64)" * count} (result i64))) (table 3 funcref) (elem (i32.const 1) $g $other)
      (func $other (param f32)) (func $g (type $t) {folded}) {functions})"""


@EACH_TIER
@pytest.mark.parametrize("count", [0, 1, 3, 5, 8, 9, 40])
def test_from_a_frame_with_very_many_locals(tier: str, count: int) -> None:
    theirs, ours = Package("wasmtime"), World(from_wide(count), tier=tier)
    for name in ours.exports:
        expected = outcome(functools.partial(theirs.call, from_wide(count), name))
        assert outcome(functools.partial(ours.call, name)) == expected, name


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or the words of its trap."""
    try:
        return call()
    except (Trap, wasmtime.Trap) as trap:
        return next(
            words for words in ("undefined element", "uninitialized element", "indirect call type mismatch") if words in str(trap)
        )


RESULTS = """(module
  (func $one (param i32) (result i32 i64 f64 i32) (i32.const 1) (i64.const 2) (f64.const 3.5) (local.get 0))
  (func (export "none") (result i32 i64 f64 i32) (return_call $one (i32.const 9)))
  (func (export "called") (result i32) (local i32)
    (call $by) (local.set 0) (drop) (drop) (drop) (local.get 0))
  (func $by (result i32 i64 f64 i32) (return_call $one (i32.const 8))))"""


@EACH_TIER
def test_more_results_than_parameters(tier: str) -> None:
    world = World(RESULTS, tier=tier)
    assert world.call("none") == [1, 2, 3.5, 9]
    assert world.call("called") == 8


TRAPS = """(module
  (type $t (func (param i64) (result i64)))
  (table 4 funcref) (elem (i32.const 1) $other $t)
  (func $other (param i32))
  (func $t (type $t) (unreachable))
  (func $by (param $i i32) (result i64) (return_call_indirect (type $t) (i64.const 1) (local.get $i)))
  (func $middle (param i32) (result i64) (return_call $by (local.get 0)))
  (func $first (export "first") (param i32) (result i64) (i64.add (i64.const 1) (call $middle (local.get 0)))))"""


@EACH_TIER
@pytest.mark.parametrize(
    ("index", "frames"), [(0, "by first"), (1, "by first"), (2, "t first"), (4, "by first"), (-1, "by first")]
)
def test_traps_and_the_frames_that_there_are(tier: str, index: int, frames: str) -> None:
    p = Package("wasmtime")
    with pytest.raises(p.Trap) as theirs:
        p.call(TRAPS, "first", index)
    with pytest.raises(Trap) as ours:
        World(TRAPS, tier=tier).call("first", index)
    assert ours.value.trap_code is not None
    assert ours.value.trap_code.name == theirs.value.trap_code.name
    found = [frame.func_name for frame in ours.value.frames]
    assert found == frames.split() == [frame.func_name for frame in theirs.value.frames]
    assert [f.module_offset for f in ours.value.frames][:1] == [f.module_offset for f in theirs.value.frames][:1]


@EACH_TIER
def test_a_callee_whose_frame_finds_no_room(tier: str) -> None:
    locals_ = "(local i64) " * 5000
    wat = f"""(module
      (func (export "f") (param i32) (result i32) (return_call $large (local.get 0)))
      (func $large (param i32) (result i32) {locals_} (local.get 0)))"""
    assert World(wat, tier=tier, max_wasm_stack=1 << 17).call("f", 3) == 3
    with pytest.raises(Trap, match="call stack exhausted") as trap:
        World(wat, tier=tier, max_wasm_stack=1 << 14).call("f", 3)
    assert [frame.func_name for frame in trap.value.frames] == ["large"]


HOST = """(module
  (import "h" "f" (func $h (param i32 i32 i32) (result i32)))
  (memory (export "m") {pages}) (table (export "t") 1 funcref) (elem (i32.const 0) $h)
  (func (export "direct") (result i32) (return_call $h (i32.const 1) (i32.const 2) (i32.const 3)))
  (func $once (param i32) (result i32) (return_call $h (local.get 0) (local.get 0) (local.get 0)))
  (func (export "twice") (result i32) (return_call $once (i32.const 4)))
  (func (export "indirect") (result i32)
    (return_call_indirect (param i32 i32 i32) (result i32) (i32.const 1) (i32.const 2) (i32.const 4) (i32.const 0))))"""
CALLER = """(module
  (import "g" "direct" (func $direct (result i32))) (import "g" "twice" (func $twice (result i32)))
  (import "g" "indirect" (func $indirect (result i32))) (memory (export "m") 9)
  (func (export "called") (result i32) (i32.add (call $direct) (i32.add (call $twice) (call $indirect))))
  (func (export "tail") (result i32) (return_call $twice)))"""


@EACH_TIER
def test_whose_exports_a_host_function_finds(tier: str) -> None:
    """Those of the instance that called it, though its frame is gone."""
    of = engine(tier=tier)
    store, sizes = Store(of), list[int]()

    def look(caller: Any, *args: int) -> int:
        sizes.append(caller["m"].size(caller))
        return sum(args)

    host = Func(store, FuncType([I32, I32, I32], [I32]), look, access_caller=True)
    guest = Instance(store, module(of, HOST.format(pages=2)), [host])
    exports: Any = guest.exports(store)
    assert [exports[name](store) for name in ("direct", "twice", "indirect")] == [6, 12, 7]
    outer: Any = Instance(store, module(of, CALLER), [exports["direct"], exports["twice"], exports["indirect"]]).exports(store)
    assert (outer["called"](store), outer["tail"](store)) == (25, 12)
    assert sizes == [2] * 7


def stepped(tier: Way, name: str, args: tuple[int, ...], step: int) -> tuple[object, list[str], int]:
    """The result, what the store holds at each stop, and the fuel that is left, when a call is frozen again and again and goes on in a fork."""
    of = engine_of(tier, consume_fuel=True)
    store = Store(of)
    store.set_fuel(10_000)
    last = Func(store, FuncType([I64], [I64]), lambda n: n + 2)
    exports: Any = Instance(store, module(of, LOOPS), [last]).exports(store)
    execution, contents = exports[name].start(store, *args), list[str]()
    while True:
        outcome = execution.run(fuel=step)
        if isinstance(outcome, Finished):
            return outcome.values, contents, store.get_fuel()
        contents.append(content(store))
        store = store.snapshot().fork()
        assert store.execution is not None
        execution = store.execution


@pytest.mark.parametrize(("name", "args"), [("sum", (20, 0)), ("by_table", (20, 0)), ("narrow", (15,)), ("start_wide", (9,))])
@pytest.mark.parametrize("step", [1, 3])
def test_frozen_at_every_stop_and_gone_on_with_in_forks(name: str, args: tuple[int, ...], step: int) -> None:
    first = stepped("threaded", name, args, step)
    assert len(first[1]) > 3
    for way in WAYS[1:]:
        assert stepped(way, name, args, step) == first


@EACH_TIER
def test_frozen_in_a_frame_smaller_than_that_of_the_call_from_outside(tier: str, tmp_path: Path) -> None:
    """All of the first function's parameters are gone, and so is the room that they and its header took."""
    wat = f"""(module
      (func (export "f") (param {"i64 " * 60}) (result i32) (return_call $loop))
      (func $loop (result i32) (local i32)
        (loop $again (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50))))
        (local.get 0)))"""
    world = World(wat, tier=tier, fuel=1000)
    world.start("f", *range(60)).run(fuel=20)
    world.store.snapshot().save(tmp_path / "here.arn")
    fork = Snapshot.open(tmp_path / "here.arn", world.engine).fork()
    assert fork.execution is not None
    assert fork.execution.run() == Finished((50,))
