"""What guests throw and catch: equal on every tier, to what wasmtime does, and when a run stops in the middle of the search for a handler."""

from __future__ import annotations

import functools
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime

from arenite import Finished, Func, FuncType, Instance, Linker, Module, Snapshot, Store, Tag, TagType, Trap, WasmException
from arenite.bytecode.encode import ops
from arenite.bytecode.stops import PAUSE_OWED, SEARCHING
from arenite.errors import AreniteError, SnapshotError
from arenite.features import SUPPORTED
from arenite.layout.handlers import SearchRecord
from arenite.layout.records import FrameHeader, StoreContext, TagRecord
from arenite.machine.run.frames import check_place
from arenite.translate.module import translate
from arenite.traps import TrapCode
from marks import EACH_TIER, EACH_WAY
from property.travellers import content
from tiers import WAYS, Way, engine_of
from unit.machine.guests import I32

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS: list[tuple[Way, dict[str, Any]]] = [
    *((way, {}) for way in WAYS),
    *((way, {"addressing": "spaces"}) for way in ("threaded", "baseline")),
    *((way, {"explicit_bounds": True}) for way in ("threaded", "baseline")),
]
EACH_VARIANT = pytest.mark.parametrize(("way", "options"), VARIANTS, ids=str)


FEATURES = SUPPORTED | {"exceptions"}


@functools.cache
def engine(way: Way, **options: Any) -> Any:
    """An engine that has exceptions."""
    return engine_of(way, features=FEATURES, **options)


@functools.cache
def theirs() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_exceptions = config.wasm_gc = config.wasm_function_references = config.wasm_tail_call = True
    return wasmtime.Engine(config)


WHY = {  # words of either engine, and what they mean
    "thrown Wasm exception": "uncaught",
    "null exception": "null reference",
} | {
    word: word
    for word in ("uncaught", "unreachable", "null reference", "uninitialized", "damaged", "out of bounds", "out of fuel")
}


def answers(call: Any, *args: object) -> object:
    """What a call gives, or why it does not."""
    try:
        return call(*args)
    except (AreniteError, wasmtime.WasmtimeError, wasmtime.Trap) as error:
        text = str(getattr(error, "message", error))
        return next(meaning for word, meaning in WHY.items() if word in text)


GUEST = """(module
  (tag $t (export "t") (param i32)) (tag $other (param i32)) (tag $none) (tag $many (param i64 f32 v128 f64 i32))
  (type $f (func (param i32) (result i32)))
  (table 8 funcref) (elem (i32.const 0) $throws $deep $twice $tail)
  (global $g (mut i32) (i32.const 0)) (global $kept (mut exnref) (ref.null exn))
  (func $throws (type $f) (throw $t (i32.add (local.get 0) (i32.const 1))))
  (func $deep (type $f) (local i64 f64)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 7) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (call $throws (i32.const 40)))))
  (func $twice (type $f)  ;; caught, and thrown again as another
    (block $h (result i32) (try_table (result i32) (catch $t $h) (return (call $throws (local.get 0)))))
    (throw $other))
  (func $tail (type $f) (block $h (result i32) (try_table (catch $t $h) (return_call $throws (local.get 0))) (i32.const -9)))
  (func (export "here") (param i32) (result i32)
    (block $h (result i32) (try_table (result i32) (catch $t $h) (throw $t (local.get 0))))
    (i32.add (i32.const 100)))
  (func (export "below") (param i32) (result i32)  ;; operands below, one of them a constant
    (local.get 0) (i32.const 3)
    (i32.mul (local.get 0) (local.get 0))
    (block $h (result i32) (try_table (result i32) (catch $t $h) (call $deep (local.get 0))))
    (i32.sub) (i32.mul) (i32.add))
  (func (export "order") (param i32) (result i32)  ;; the innermost that fits, in order
    (block $c (block $b (result i32) (block $a (result i32)
      (try_table (catch $t $a) (catch $t $b) (catch_all $c)
        (try_table (catch $other $b) (catch_all $c)
          (try_table (catch $none $c) (catch $t $a)
            (drop (call_indirect (type $f) (i32.const 5) (local.get 0))))))
      (return (i32.const 1)))
      (return (i32.add (i32.const 10))))
      (return (i32.add (i32.const 20))))
    (i32.const 30))
  (func (export "again") (param i32) (result i32)  ;; kept, let go, thrown again, and a handler in a loop
    (local $n i32) (local $e exnref)
    (loop $l (result i32)
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (block $h (result i32 exnref)
        (try_table (result i32 exnref) (catch_ref $t $h)
          (if (local.get $e) (ref.is_null) (i32.eqz) (then (throw_ref (local.get $e))))
          (call $throws (local.get $n)) (ref.null exn)))
      (local.set $e)
      (br_if $l (i32.lt_s (local.get $n) (local.get 0)))))
  (func (export "to_loop") (param i32) (result i32) (local $n i32)
    (i32.const 5)
    (loop $l (param i32) (result i32)
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (if (param i32) (result i32) (i32.gt_s (local.get $n) (local.get 0)) (then (return)) (else))
      (i32.const 1) (i32.add)
      (try_table (param i32) (catch $t $l) (call $throws) (drop))
      (i32.const 0)))
  (func (export "to_function") (param i32) (result i32)
    (try_table (result i32) (catch $t 0) (i32.add (i32.const 1000) (call $deep (local.get 0)))))
  (func (export "all") (param i32) (result i32)
    (block $h (result exnref) (try_table (catch_all_ref $h) (drop (call_indirect (type $f) (i32.const 4) (local.get 0)))) (return (i32.const 1)))
    (global.set $kept)
    (block $h (result i32) (try_table (result i32) (catch $t $h) (throw_ref (global.get $kept)))))
  (func (export "null") (param i32) (result i32)
    (block $h (try_table (catch_all $h) (throw_ref (ref.null exn)))) (i32.const 1))
  (func (export "trap") (param i32) (result i32)
    (block $h (try_table (catch_all $h) (unreachable))) (i32.const 1))
  (func $thrown (param i64) (throw $many (local.get 0) (f32.const 1.5) (i64x2.splat (local.get 0)) (f64.const -2) (i32.const 9)))
  (func (export "values") (param i32) (result i32) (local i32 f64 v128 f32 i64)
    (block $h (result i64 f32 v128 f64 i32)
      (try_table (catch $many $h) (call $thrown (i64.extend_i32_s (local.get 0)))) (return (i32.const 0)))
    (local.set 1) (local.set 2) (local.set 3) (local.set 4) (local.set 5)
    (i32.add (local.get 1) (i32.add (i32.trunc_f64_s (local.get 2)) (i32.add (i32x4.extract_lane 2 (local.get 3))
      (i32.add (i32.trunc_f32_s (local.get 4)) (i32.wrap_i64 (local.get 5)))))))
  (func (export "uncaught") (param i32) (result i32) (block $h (result i32) (try_table (result i32) (catch $other $h) (call $deep (local.get 0)))))
  (func (export "deep") (param i32) (result i32) (call $deep (local.get 0)))
  (func (export "tail") (param i32) (result i32) (call $tail (local.get 0)))
  (func (export "caught_tail") (param i32) (result i32)
    (block $h (result i32) (try_table (result i32) (catch $t $h) (call $tail (local.get 0)))))
  (func (export "ended") (param i32) (result i32) (local $n i32)  ;; the block that caught once is left by every way there is
    (block $out
      (loop $l
        (block $h (result i32)
          (try_table (result i32) (catch $t $h)
            (br_if $out (i32.gt_u (local.get $n) (i32.const 3)))
            (if (i32.and (local.get $n) (i32.const 1)) (then (br $out)))
            (call $throws (local.get $n))))
        (local.set $n (i32.add (i32.add (local.get $n) (i32.const 1))))
        (br $l)))
    (local.get $n)))
"""
NAMES = (
    *("here", "below", "order", "again", "to_loop", "to_function", "all", "null", "trap", "values", "uncaught", "tail"),
    *("caught_tail", "ended"),
)


@functools.cache
def compiled(of: Any, text: str) -> Module:
    return Module(of, text)


def exports(way: Way, text: str = GUEST, **options: Any) -> tuple[Store, Any]:
    of = engine(way, **options)
    store = Store(of)
    return store, Instance(store, compiled(of, text), []).exports(store)


@EACH_VARIANT
@pytest.mark.parametrize("name", NAMES)
def test_each_does_what_wasmtime_does(way: Way, options: dict[str, Any], name: str) -> None:
    their_store = wasmtime.Store(theirs())
    they: Any = wasmtime.Instance(their_store, wasmtime.Module(theirs(), GUEST), []).exports(their_store)
    store, guest = exports(way, **options)
    for n in (0, 1, 2, 3, 7):
        assert answers(guest[name], store, n) == answers(they[name], their_store, n), n


@EACH_WAY
def test_through_frames_of_other_instances(tier: Way) -> None:
    """One has a tag of the same type, one has nothing to do with exceptions, and each has a memory of its own."""
    of = engine(tier)
    store = Store(of)
    linker = Linker(of)
    thrower = """(module (tag (export "t") (param i32)) (func (export "f") (param i32) (throw 0 (local.get 0))))"""
    quiet = """(module (import "thrower" "f" (func $f (param i32))) (memory 1)
      (func (export "f") (param i32) (local i64 i64) (call $f (local.get 0)) (call $f (i32.const -1))))"""
    similar = """(module (import "quiet" "f" (func $f (param i32))) (tag (export "mine") (param i32)) (memory 3)
      (func (export "f") (param i32) (block $h (result i32) (try_table (catch 0 $h) (call $f (local.get 0))) (return)) (unreachable)))"""
    catcher = """(module (import "similar" "f" (func $f (param i32))) (import "thrower" "t" (tag $t (param i32)))
      (import "similar" "mine" (tag $mine (param i32))) (memory 2)
      (func (export "f") (param i32) (result i32)
        (block $h (result i32) (block $m (result i32)
          (try_table (catch $mine $m) (catch $t $h) (call $f (local.get 0))) (return (i32.const 0)))
          (return (i32.const 1)))
        (i32.add (i32.mul (i32.const 100) (memory.size)))))"""
    for name, text in (("thrower", thrower), ("quiet", quiet), ("similar", similar)):
        linker.define_instance(store, name, linker.instantiate(store, Module(of, text)))
    guest: Any = linker.instantiate(store, Module(of, catcher)).exports(store)
    assert guest["f"](store, 34) == 234


@EACH_WAY
def test_a_call_of_the_hosts_ends_the_search(tier: Way) -> None:
    """A host function that calls a guest gets what that throws; whether its own caller does is its decision."""
    of = engine(tier)
    store = Store(of)
    seen: list[object] = []

    def middle(n: int) -> int:
        try:
            inner(store, n)
        except WasmException as error:
            seen.append(error.values)
            if n > 5:
                raise
        return 5

    text = """(module (import "h" "middle" (func $middle (param i32) (result i32))) (tag $t (param i32))
      (func (export "inner") (param i32) (throw $t (local.get 0)))
      (func (export "outer") (param i32) (result i32)
        (block $h (result i32) (try_table (result i32) (catch $t $h) (return (call $middle (local.get 0)))))
        (i32.mul (i32.const 10))))"""
    guest: Any = Instance(store, Module(of, text), [Func(store, FuncType([I32], [I32]), middle)]).exports(store)
    inner = guest["inner"]
    assert (guest["outer"](store, 3), guest["outer"](store, 7)) == (5, 70)
    assert seen == [(3,), (7,)]
    with pytest.raises(WasmException):
        guest["inner"](store, 1)
    assert guest["outer"](store, 8) == 80


@EACH_TIER
def test_what_a_host_function_lets_out_that_the_host_has_called(tier: Way) -> None:
    """It has the tag's name, whether some module of the store has handlers or none."""
    said = []
    for more in ("", "(func (block $h (try_table (catch_all $h) (call $f))))"):
        of = engine(tier)
        store, linker = Store(of), Linker(of)
        tag = Tag(store, TagType(FuncType([], [])))

        def throw(tag: Tag = tag) -> None:
            raise WasmException(tag, [])

        linker.define(store, "h", "tag", tag)
        linker.define_func("h", "f", FuncType([], []), throw)
        text = f"""(module (import "h" "tag" (tag)) (import "h" "f" (func $f)) (export "f" (func $f)) {more})"""
        guest: Any = linker.instantiate(store, Module(of, text)).exports(store)
        with pytest.raises(WasmException) as error:
            guest["f"](store)
        said.append((error.value.message, len(error.value.frames)))
    assert said[0] == said[1]


@EACH_TIER
def test_who_threw_what_nobody_catches(tier: Way) -> None:
    store, guest = exports(tier)
    with pytest.raises(WasmException) as error:
        guest["uncaught"](store, 2)
    assert error.value.values == (41,)
    assert [frame.func_name for frame in error.value.frames] == ["throws", "deep", "deep", "deep", "uncaught"]
    with pytest.raises(Trap) as trap:
        guest["null"](store, 2)
    assert trap.value.trap_code is TrapCode.NULL_REFERENCE


def test_blocks_that_catch_write_no_op() -> None:
    """The same code, byte by byte, with handlers and without."""
    text = """(module (tag $t (param i32)) (func $f (param i32) (result i32) (local.get 0))
      (func (export "run") (param $n i32) (result i32) (local $x i32)
        (loop $next
          (block $after (block $caught (result i32) {begin}
              (local.set $x (i32.add (local.get $x) (call $f (i32.shl (local.get $n) (i32.const 1))))) (br $after) end
            (unreachable))
            (local.set $x))
          (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $x)))"""
    with_, without = (
        translate(bytes(wasmtime.wat2wasm(text.format(begin=begin))), features=FEATURES)
        for begin in ("try_table (catch $t $caught) (catch_all $after)", "block")
    )
    assert with_.handlers
    assert not without.handlers
    code, other = ([op.row.name for op in ops(m.bytecode, 0, len(m.bytecode))] for m in (with_, without))
    assert code == other


@EACH_TIER
def test_many_blocks_that_catch_in_one_function(tier: Way) -> None:
    """What they take grows as they do, also where each keeps what it catches."""
    many = 10_000
    one = """(block $h (result i32 exnref) (try_table (catch_ref $t $h) (call $f (i32.const 1))) (unreachable))
      (local.set $e) (local.set $x (i32.add (local.get $x)))"""
    text = f"""(module (tag $t (param i32)) (func $f (param i32) (throw $t (local.get 0)))
      (func (export "run") (result i32) (local $x i32) (local $e exnref) {one * many} (local.get $x)))"""
    store, guest = exports(tier, text)
    assert guest["run"](store) == many


# in the middle of a search

CHAIN = """(module (tag $t (param i32)) (tag $u (param i32)) (tag $v (param i64))
  (func $down (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 9))))
    (block $b (result i64) (block $h (result i32)
      (try_table (result i32) (catch $u $h) (catch $v $b) (catch $u $h) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (return))
    (drop) (i32.const 0))
  (func (export "f") (param i32) (result i32)
    (i32.const 2) (local.get 0)
    (block $h (result i32 exnref) (try_table (result i32 exnref) (catch_ref $t $h) (call $down (local.get 0)) (ref.null exn)))
    (ref.is_null) (i32.add) (i32.add) (i32.add))
  (func (export "never") (param i32) (result i32) (call $down (local.get 0))))"""


def stepped(way: Way, name: str, step: int) -> tuple[object, list[str], int, int]:
    """How a call ends that is frozen again and again and goes on in a fork, what the store holds at each stop, the fuel left, stops in searches."""
    of = engine(way, consume_fuel=True)
    store = Store(of)
    store.set_fuel(10_000)
    guest: Any = Instance(store, compiled(of, CHAIN), []).exports(store)
    execution, contents, searches = guest[name].start(store, 4), list[str](), 0
    while True:
        try:
            outcome = execution.run(fuel=step)
        except WasmException as error:
            return [f.func_name for f in error.frames], contents, store.get_fuel(), searches
        if isinstance(outcome, Finished):
            return outcome.values, contents, store.get_fuel(), searches
        searches += store.machine.activations[-1].status == SEARCHING
        contents.append(content(store))
        store = store.snapshot().fork()
        assert store.execution is not None
        execution = store.execution


@pytest.mark.parametrize(("name", "end"), [("f", (2 + 4 + 9 + 0,)), ("never", ["down"] * 5 + ["never"])])
@pytest.mark.parametrize("step", [1, 3])
def test_frozen_at_every_stop_and_gone_on_with_in_forks(name: str, end: object, step: int) -> None:
    first = stepped("threaded", name, step)
    assert first[0] == end
    assert first[3] > 10 // step
    for way in WAYS[1:]:
        assert stepped(way, name, step) == first


HOST = """(module (import "h" "t" (tag $t (param i32))) (import "h" "f" (func $f (param i32)))
  (func $down (param i32)
    (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (call $f (i32.const 5)))))
  (func (export "g") (param i32) (result i32)
    (block $h (result i32) (try_table (catch $t $h) (call $down (local.get 0))) (i32.const 0))))"""


@EACH_WAY
def test_frozen_in_a_search_that_a_host_function_has_begun(tier: Way) -> None:
    of = engine(tier, consume_fuel=True)
    linker, store = Linker(of), Store(of)
    store.set_fuel(1000)
    tag = Tag(store, TagType(FuncType([I32], [])))

    def throw(n: int) -> None:
        raise WasmException(tag, [n + 37])

    linker.define(store, "h", "t", tag)
    linker.define_func("h", "f", FuncType([I32], []), throw)
    guest: Any = linker.instantiate(store, Module(of, HOST)).exports(store)
    execution, searches = guest["g"].start(store, 6), 0
    while not isinstance(outcome := execution.run(fuel=1), Finished):
        searches += store.machine.activations[-1].status == SEARCHING
        store = store.snapshot().fork()
        assert store.execution is not None
        execution = store.execution
    assert (outcome.values, searches, store.get_fuel()) == ((42,), 9, 982)


def paused(way: Way, fuel: int) -> Store:
    """A store whose guest has stopped in a search."""
    of = engine(way, consume_fuel=True)
    store = Store(of)
    store.set_fuel(1000)
    guest: Any = Instance(store, compiled(of, CHAIN), []).exports(store)
    guest["f"].start(store, 4).run(fuel=fuel)
    assert store.machine.activations[-1].status == SEARCHING
    return store


@EACH_TIER
def test_in_a_file(tier: Way, tmp_path: Path) -> None:
    """In the middle of a search, also while the object that it makes is paid for."""
    paid = set()
    for fuel in (10, 28, 29, 30, 31):
        store = paused(tier, fuel)
        paid.add(store.machine.activations[-1].rest[FIELDS.index("left")])
        store.snapshot().save(tmp_path / "here.arn")
        for way in WAYS:
            fork = Snapshot.open(tmp_path / "here.arn", engine(way, consume_fuel=True)).fork()
            assert fork.execution is not None
            assert fork.execution.run() == Finished((15,))
    assert paid == {0, 1, 2}


@EACH_TIER
def test_what_is_paid_for_in_a_file_is_an_object_that_a_handler_wants(tier: Way) -> None:
    store = paused(tier, 29)
    window, activation = store.machine.window, store.machine.activations[-1]
    check_place(window, activation)
    for field, wrong in (("reference", 1 << 20), ("clause", 0)):
        index = FIELDS.index(field)
        changed = (*activation.rest[:index], wrong, *activation.rest[index + 1 :])
        with pytest.raises(SnapshotError):
            check_place(window, replace(activation, rest=changed))


@EACH_WAY
def test_a_frozen_guest_has_no_room_left_given_out(tier: Way) -> None:
    """A fork and what it was made of make objects in the same places, apart from each other; nothing that is left over travels."""
    store, guest = exports(tier, PAIR)
    assert guest["both"](store, 5) == 5
    machine = store.machine
    assert StoreContext.room.read(machine.cage.store_page, 0)
    fork = store.snapshot().fork()
    for one in (store, fork):
        page = one.machine.cage.store_page
        assert StoreContext.room.read(page, 0) == StoreContext.room_end.read(page, 0) == 0
    assert [guest["both"](one, n) for one, n in ((store, 6), (fork, 7), (store, 8), (fork, 9))] == [6, 7, 8, 9]
    assert [guest["first"](one) for one in (store, fork)] == [8, 9]
    assert machine.registry.exceptions is not fork.machine.registry.exceptions


@EACH_TIER
def test_a_tag_whose_record_is_damaged(tier: Way) -> None:
    """However many slots it says that exceptions have, a handler that wants a reference gets one to what the tag is, or there is a trap."""
    for slots in (0, 2, 2000, 2001, 1 << 16, (1 << 29) - 1, 1 << 29, (1 << 32) - 1):
        store, guest = exports(tier, PAIR, consume_fuel=True)
        store.set_fuel(100_000)
        arena, (tag,) = store.machine.cage.arena, store.machine.registry.tags
        guest["both"](store, 1)
        TagRecord.slots.write(arena, tag, slots)
        try:
            assert guest["both"](store, 5) == (5 if slots else 0)
        except Trap as trap:
            assert trap.trap_code in {TrapCode.CORRUPT, TrapCode.OUT_OF_FUEL}  # noqa: PT017
            assert slots > 2000


PAIR = """(module (tag $t (param i32)) (global $kept (mut exnref) (ref.null exn))
  (func $make (param i32) (result exnref)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t (local.get 0))) (unreachable)))
  (func (export "both") (param i32) (result i32)
    (global.set $kept (call $make (local.get 0))) (drop (call $make (i32.const -1))) (call $first))
  (func $first (export "first") (result i32)
    (block $h (result i32) (try_table (result i32) (catch $t $h) (throw_ref (global.get $kept))))))"""


FIELDS = [field.name for field in SearchRecord.fields]
GROUPS = """(module (tag $t) (tag $u)
  (func $deep (param i32)
    (if (local.get 0) (then (block $a (try_table (catch $u $a) (call $deep (i32.sub (local.get 0) (i32.const 1)))))) (else (throw $t))))
  (func $other (block $b (try_table (catch_all $b) (call $deep (i32.const 1)))))
  (func (export "f") (param i32) (call $deep (local.get 0))))"""


@EACH_TIER
def test_a_search_in_a_file_is_one_that_can_be(tier: Way) -> None:
    """It stands at an op that throws, and looks at a clause that is active where the frame stands."""
    of = engine(tier, consume_fuel=True)
    store = Store(of)
    store.set_fuel(1000)
    guest: Any = Instance(store, Module(of, GROUPS), []).exports(store)
    execution = guest["f"].start(store, 5)
    window, activation, seen = store.machine.window, store.machine.activations[-1], set[int]()
    while not isinstance(answers(lambda: execution.run(fuel=1)), str):
        if activation.status == SEARCHING:
            check_place(window, activation)
            seen.add(activation.rest[FIELDS.index("clause")])
            for field, wrong in (
                ("clause", 3),
                ("clause", 1 << 20),
                ("pc", activation.pc + 1),
                ("pc", (1 << 32) - 8),
                ("left", 1),
            ):
                index = FIELDS.index(field)
                changed = (*activation.rest[:index], wrong, *activation.rest[index + 1 :])
                with pytest.raises(SnapshotError):
                    check_place(window, replace(activation, rest=changed))
        elif activation.status == PAUSE_OWED:
            with pytest.raises(SnapshotError):
                check_place(window, replace(activation, status=SEARCHING, rest=(0,) * len(FIELDS)))
    assert seen == {0, 1, 2}


@EACH_TIER
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [0, 1, 8, 1 << 16, (1 << 31) - 8, (1 << 32) - 8, (1 << 32) - 1])
def test_a_search_that_no_run_has_left(tier: Way, field: str, value: int) -> None:
    """It finds something, or a trap; nothing worse."""
    store = paused(tier, 12)
    activation = store.machine.activations[-1]
    index = FIELDS.index(field)
    activation.rest = (*activation.rest[:index], value, *activation.rest[index + 1 :])
    assert store.execution is not None
    said = answers(store.execution.run)
    assert isinstance(said, Finished) or said in {"damaged", "out of bounds", "uncaught", "out of fuel"}


@EACH_TIER
@pytest.mark.parametrize("field", ["caller_sp", "return_pc", "caller_vmctx"])
@pytest.mark.parametrize("value", [0, 7, 1 << 20, (1 << 32) - 8])
def test_damaged_frames_end_a_search(tier: Way, field: str, value: int) -> None:
    store = paused(tier, 8)
    machine = store.machine
    sp = machine.activations[-1].rest[FIELDS.index("sp")]
    place = getattr(FrameHeader, field)
    struct.pack_into("<I", machine.cage.arena, sp + 8 + place.offset, value)  # `down` has one parameter
    assert store.execution is not None
    try:
        store.execution.run(fuel=500)
    except Trap as trap:
        assert trap.trap_code in {TrapCode.CORRUPT, TrapCode.MEMORY_OUT_OF_BOUNDS, TrapCode.UNCAUGHT_EXCEPTION}  # noqa: PT017
