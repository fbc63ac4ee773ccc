"""A small snapshot to look at: two linked instances, tables of both kinds, a call that waits in a host function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arenite import Config, Engine, Func, FuncType, Linker, Module, Paused, Store, Tag, TagType, ValType, WasmException
from arenite.api.resolver import GivenModules
from arenite.inspect.stack import survey_stack
from arenite.inspect.survey import survey_of
from arenite.machine.space.window import Windows
from arenite.snapshot import opening
from fuzz.frozen import Document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite import Snapshot
    from arenite.inspect.records import Survey
    from arenite.inspect.stack import Stand

LIBRARY = """(module $lib
  (table (export "t") 6 funcref) (memory (export "m") 1 4) (global (export "g") (mut i64) (i64.const 77))
  (func $helper (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $mix (export "mix") (param i32 f64) (result f64) (f64.add (local.get 1) (f64.convert_i32_s (local.get 0))))
  (elem (i32.const 1) $helper $mix))"""
THROWING = f"""{LIBRARY[:-1]}
  (global (export "kept") (mut exnref) (ref.null exn)) (tag (export "error") (param i64 exnref)))"""
PROGRAM = """(module $app
  (import "lib" "t" (table 6 funcref)) (import "lib" "m" (memory 1)) (import "lib" "g" (global (mut i64)))
  (import "env" "ask" (func $ask (param i32 f32) (result i32)))
  (table $own 3 externref) (global $pi f64 (f64.const 3.25)) (global $ref funcref (ref.func $deep))
  (elem (i32.const 4) func $deep)
  (data (i32.const 70) "hello")
  (func $deep (export "deep") (param $n i32) (result i32) (local $acc i64) (local $f f32)
    (local.set $acc (i64.const -5)) (local.set $f (f32.const 1.5))
    (if (result i32) (i32.eqz (local.get $n))
      (then (i32.add (local.get $n) (call $ask (i32.const 42) (f32.const 0.5))))
      (else (i32.add (i32.mul (local.get $n) (i32.const 7)) (call $deep (i32.sub (local.get $n) (i32.const 1))))))))"""
DEPTH = 3


def paused(library: str = LIBRARY, program: str = PROGRAM) -> tuple[Store, Snapshot]:
    """A store whose guest waits in `env.ask`, below `DEPTH` calls of itself."""
    engine = Engine(Config(consume_fuel=True))
    store = Store(engine)
    store.set_fuel(1000)
    linker = Linker(engine)
    linker.define_func("env", "ask", FuncType([ValType.i32(), ValType.f32()], [ValType.i32()]), lambda *_: 1)
    linker.define_module(store, "lib", Module(engine, library))
    if library == THROWING:
        inner = WasmException(Tag(store, TagType(FuncType([ValType.i32()], []))), [7])
        kept: Any = linker.get(store, "lib", "kept")
        kept.set_value(store, WasmException(linker.get(store, "lib", "error"), [-9, inner]))
    instance = linker.instantiate(store, Module(engine, program))
    deep = instance.exports(store)["deep"]
    assert isinstance(deep, Func)
    outcome = deep.start(store, DEPTH).run(pause_at=["env.ask"])
    assert isinstance(outcome, Paused)
    return store, store.snapshot()


def looked_at(path: Path, *, modules: bool = True) -> tuple[Survey, list[Stand]]:
    """The survey of a file."""
    opened = opening.load(path)
    found = [opening.module_of(opened, m, GivenModules({})) if modules else None for m in opened.modules]
    survey = survey_of(opened, found)
    return survey, survey_stack(survey, Windows(portable=False))


def altered(path: Path, change: Callable[[Any], object]) -> Path:
    """Another file beside it with another manifest, its checksums right."""
    document = Document(path.read_bytes())
    change(document.manifest)
    other = path.with_name(f"altered-{path.name}")
    other.write_bytes(document.whole())
    return other
