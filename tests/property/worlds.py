"""Small worlds to stop and fork: guests that have much going on when they are stopped, and what can be seen of them.

store, run = ready("recursion", engine)
execution = run.start(store)
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from arenite import Engine, Finished, Func, FuncType, Global, Linker, Memory, Module, Store, Table, Trap, ValType

if TYPE_CHECKING:
    from arenite import Execution, Snapshot

I32, I64, F64, EXTERNREF = ValType.i32(), ValType.i64(), ValType.f64(), ValType.externref()
FUEL = 1_000_000

RECURSION = """(module
  (type $unary (func (param i32) (result i32)))
  (table (export "table") 2 funcref) (elem (i32.const 0) $fib $deep)
  (memory (export "memory") 1)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (func $fib (param i32) (result i32) (local f64 i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set 1 (f64.convert_i32_s (local.get 0)))
    (local.set 2 (i64.extend_i32_s (i32.sub (i32.const 3) (local.get 0))))
    (i64.store (i32.shl (local.get 0) (i32.const 3)) (local.get 2))
    (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
    (i32.add (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                      (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0)))
             (i32.trunc_f64_s (f64.mul (f64.const 0.5) (local.get 1)))))
  (func $deep (param i32) (result i32) (local i64 i64 i64)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))))
      (else (i32.const 0))))
  (func (export "run") (result i32)
    (i32.add (call $fib (i32.const 7)) (call $deep (i32.const 60)))))"""

LOOPS = """(module
  (import "host" "twice" (func $twice (param i32) (result i32)))
  (memory (export "memory") 4)
  (global $sum (export "sum") (mut i64) (i64.const -5))
  (func $step (param i32 i64 f64) (result i64) (local f32)
    (local.set 3 (f32.demote_f64 (local.get 2)))
    (block $out (loop $again
      (br_if $out (f32.lt (local.get 3) (f32.const 1)))
      (local.set 3 (f32.mul (local.get 3) (f32.const 0.5)))
      (br $again)))
    (i64.add (local.get 1) (i64.extend_i32_u (i32.add (local.get 0) (i32.reinterpret_f32 (local.get 3))))))
  (func $operands (param i32) (result i32)
    (local.get 0) (i32.mul (local.get 0) (i32.const 3)) (f64.convert_i32_s (local.get 0))
    (call $twice (local.get 0)) (f64.convert_i32_s) (f64.sub) (i32.trunc_f64_s)
    (call $twice) (i32.sub) (i32.xor))
  (func (export "run") (result i64) (local $i i32) (local $x i64)
    (local.set $i (i32.const 25))
    (loop $again
      (local.set $x (i64.mul (i64.const 3) (call $step (call $operands (local.get $i)) (local.get $x) (f64.const 33.25))))
      (global.set $sum (i64.add (global.get $sum) (local.get $x)))
      (i64.store (i32.mul (local.get $i) (i32.const 9001)) (local.get $x))
      (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (local.get $x)))"""

MULTI = """(module
  (memory (export "memory") 1)
  (func $three (param i32 f64) (result i64 i32 f64)
    (i64.extend_i32_s (local.get 0)) (i32.add (local.get 0) (i32.const 1)) (f64.add (local.get 1) (f64.const 0.25)))
  (func $swap (param i64 i32 f64) (result f64 i32 i64) (local.get 2) (local.get 1) (local.get 0))
  (func $many (param i32 i64 f32 f64) (result f64 f32 i64 i32 f64 f32 i64 i32)
    (local.get 3) (local.get 2) (local.get 1) (local.get 0) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func $eat (param f64 f32 i64 i32 f64 f32 i64 i32) (result f64)
    (f64.add (local.get 0) (f64.add (f64.promote_f32 (local.get 5)) (f64.convert_i32_s (local.get 7)))))
  (func (export "run") (result f64 i32 i64) (local $i i32) (local $f f64) (local $n i64)
    (i32.const 0) (f64.const 0)
    (loop $again (param i32 f64) (result i32 f64)
      (call $three) (call $swap) (local.set $n) (local.set $i) (local.set $f)
      (f64.store (i32.shl (local.get $i) (i32.const 3))
        (call $eat (call $many (local.get $i) (local.get $n) (f32.const 1.5) (local.get $f))))
      (local.get $i) (local.get $f)
      (br_if $again (i32.lt_s (local.get $i) (i32.const 30))))
    (local.set $f) (local.set $i)
    (local.get $f) (local.get $i) (local.get $n)))"""

BULK = """(module
  (import "host" "object" (func $object (param externref i32) (result externref)))
  (memory (export "memory") 4 40)
  (table $t (export "table") 4 100 funcref)
  (table $x (export "objects") 2 50 externref)
  (data $d "some bytes that are copied around")
  (elem $e func $small $large)
  (elem declare func $small)
  (func $small (param i32) (result i32)
    (memory.fill (local.get 0) (i32.const 9) (i32.const 100))
    (memory.init $d (i32.add (local.get 0) (i32.const 40)) (i32.const 3) (i32.const 20))
    (memory.copy (i32.const 1000) (local.get 0) (i32.const 200))
    (i32.load (local.get 0)))
  (func $large (param i32) (result i32) (local i32)
    (memory.fill (local.get 0) (i32.const 7) (i32.const 150000))
    (memory.copy (i32.const 3) (i32.const 0) (i32.const 131072))
    (local.set 1 (memory.grow (i32.const 2)))
    (i32.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 8)) (local.get 1))
    (i32.add (local.get 1) (i32.load (local.get 0))))
  (func $nothing (param i32) (result i32) (local.get 0))
  (func (export "run") (result i32 externref) (local $i i32) (local $sum i32) (local $o externref)
    (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 2))
    (table.set $t (i32.const 0) (ref.func $small))
    (local.set $o (call $object (ref.null extern) (i32.const 0)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call_indirect $t (param i32) (result i32)
        (i32.mul (local.get $i) (i32.const 5000)) (i32.add (i32.const 1) (i32.and (local.get $i) (i32.const 1))))))
      (drop (table.grow $t (ref.func $small) (i32.const 3)))
      (drop (table.grow $x (local.get $o) (i32.const 2)))
      (table.copy $t $t (i32.const 3) (i32.const 0) (i32.const 3))
      (table.fill $x (local.get $i) (ref.null extern) (i32.const 2))
      (local.set $o (call $object (local.get $o) (local.get $i)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 12))))
    (data.drop $d) (elem.drop $e)
    (local.get $sum) (local.get $o)))"""

LIBRARY = """(module
  (memory (export "shared") 2)
  (table (export "functions") 4 funcref) (elem (i32.const 0) $note)
  (global (export "counter") (mut i32) (i32.const 100))
  (func $note (export "note") (param i32 i64) (result i64)
    (i64.store (i32.shl (local.get 0) (i32.const 3)) (local.get 1))
    (global.set 0 (i32.add (global.get 0) (local.get 0)))
    (i64.add (local.get 1) (i64.load (i32.const 8)))))"""
OWN_MEMORY = """(module
  (import "library" "note" (func $note (param i32 i64) (result i64)))
  (import "library" "functions" (table 4 funcref))
  (memory (export "own") 1)
  (func $through (export "through") (param i32 i64) (result i64)
    (i64.store (i32.const 16) (i64.add (i64.load (i32.const 16)) (local.get 1)))
    (i64.sub (call $note (local.get 0) (local.get 1)) (i64.load (i32.const 16))))
  (elem (i32.const 1) $through))"""
LINKED = """(module
  (import "library" "shared" (memory 1))
  (import "library" "functions" (table 4 funcref))
  (import "library" "counter" (global $counter (mut i32)))
  (import "middle" "through" (func $through (param i32 i64) (result i64)))
  (import "host" "twice" (func $twice (param i32) (result i32)))
  (func (export "run") (result i64) (local $i i32) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum)
        (i64.mul (call $through (local.get $i) (local.get $sum))
                 (call_indirect (param i32 i64) (result i64) (call $twice (local.get $i)) (i64.const 3)
                   (i32.and (local.get $i) (i32.const 1))))))
      (global.set $counter (i32.xor (global.get $counter) (i32.const 5)))
      (br_if $again (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
    (local.get $sum)))"""
TRAPPING = """(module
  (memory (export "memory") 1)
  (global $n (export "n") (mut i32) (i32.const 0))
  (func $down (param i32) (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.mul (global.get $n) (i32.const 2000)) (global.get $n))
    (i32.add (local.get 0) (call $down (i32.add (local.get 0) (i32.const 1)))))
  (func (export "run") (result i32) (call $down (i32.const 0))))"""

WORLDS: dict[str, tuple[tuple[str, str], ...]] = {
    "recursion": (("main", RECURSION),),
    "loops": (("main", LOOPS),),
    "multi": (("main", MULTI),),
    "bulk": (("main", BULK),),
    "linked": (("library", LIBRARY), ("middle", OWN_MEMORY), ("main", LINKED)),
    "trapping": (("main", TRAPPING),),
}
"""Name -> modules in the order of instantiation; the last has the export "run"."""


@functools.cache
def module(engine: Engine, wat: str) -> Module:
    """A module of an engine, translated once."""
    return Module(engine, wat)


def linker_of(engine: Engine) -> Linker:
    """Host functions, without a state of their own."""
    linker = Linker(engine)
    linker.define_func("host", "twice", FuncType([I32], [I32]), lambda n: 2 * n)
    linker.define_func(
        "host", "object", FuncType([EXTERNREF, I32], [EXTERNREF]), lambda o, n: (o or "") if n % 3 else f"object {n}"
    )
    return linker


def ready(name: str, engine: Engine) -> tuple[Store, Func]:
    """A store with the instances of a world, and what runs it."""
    store, linker = Store(engine), linker_of(engine)
    store.set_fuel(FUEL)
    for field, wat in WORLDS[name]:
        instance = linker.instantiate(store, module(engine, wat))
        linker.define_instance(store, field, instance)
    run = instance.exports(store)["run"]
    assert isinstance(run, Func)
    return store, run


class Seen(NamedTuple):
    """What can be told of a store that has finished."""

    result: object
    fuel: int
    state: tuple[str, ...]


def seen(store: Store, result: object) -> Seen:
    """What is told by everything that its instances export."""
    return Seen(result, store.get_fuel(), tuple(_state(store)))


def _state(store: Store) -> list[str]:
    lines = []
    for number, instance in enumerate(store.instances):
        for name, item in instance.exports(store).items():
            what: Any = None
            if isinstance(item, Memory):
                data = bytes(item.read(store, 0, None))
                what = len(data), hashlib.blake2b(data, digest_size=8).hexdigest()
            elif isinstance(item, Global):
                what = item.bits(store)
            elif isinstance(item, Table):
                what = [_element(item.get(store, i)) for i in range(item.size(store))]
            lines.append(f"{number} {name} {what}")
    return lines


def _element(item: object) -> object:
    return f"function at {item.addr.at:#x}" if isinstance(item, Func) else item


def image_of(snapshot: Snapshot) -> dict[object, object]:
    """All that is in a snapshot, but Python objects: each page that is not zero, sizes, and how its activations stand."""
    frozen = snapshot.frozen()
    pages: dict[object, object] = {
        (region, number): page for region in range(len(frozen.image.sizes)) for number, page in frozen.image.pages(region)
    }
    pages["sizes"] = frozen.image.sizes
    pages["fuel"] = frozen.fuel
    pages["heap"] = frozen.heap
    pages["activations"] = [(a.at, a.status, a.pc, a.sp, a.vmctx, a.end, a.rest) for a in frozen.activations]
    return pages


def differences(first: dict[object, object], second: dict[object, object]) -> list[str]:
    """Where two images differ, for people: pages by the offsets of their first words that do."""
    lines = []
    for key in sorted({*first, *second}, key=str):
        a, b = first.get(key), second.get(key)
        if a == b:
            continue
        if isinstance(key, tuple):
            a, b = a or bytes(4096), b or bytes(4096)
            assert isinstance(a, bytes)
            assert isinstance(b, bytes)
            words = [i for i in range(0, 4096, 4) if a[i : i + 4] != b[i : i + 4]]
            at = words[0]
            lines.append(
                f"region {key[0]} page {key[1]}: {len(words)} words from {at:#x}: {a[at : at + 8].hex()} / {b[at : at + 8].hex()}"
            )
        else:
            lines.append(f"{key}: {a!r} / {b!r}")
    return lines


def finish(execution: Execution) -> object:
    """Run to the end; the results, or how it trapped."""
    try:
        done = execution.run()
    except Trap as trap:
        return trap.code, [(frame.func_index, frame.module_offset) for frame in trap.frames]
    assert isinstance(done, Finished), done
    return done.values
