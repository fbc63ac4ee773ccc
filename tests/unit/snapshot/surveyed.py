"""A small snapshot to look at: two linked instances, tables of both kinds, a call that waits in a host function; and ways to damage it."""

from __future__ import annotations

import copy
import hashlib
import zlib
from typing import TYPE_CHECKING, Any

from arenite import Config, Engine, Func, FuncType, Linker, Module, Paused, Store, ValType
from arenite.layout.cage import HOST_PAGE
from arenite.machine.window import Windows
from arenite.snapshot import file as files
from arenite.snapshot.container import CHECKSUM, HEADER, Reader, canonical
from arenite.snapshot.stack import survey_stack
from arenite.snapshot.survey import survey_of
from arenite.translate.module import structure, translate

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from arenite import Snapshot
    from arenite.snapshot.stack import Stand
    from arenite.snapshot.survey import Survey

LIBRARY = """(module $lib
  (table (export "t") 6 funcref) (memory (export "m") 1 4) (global (export "g") (mut i64) (i64.const 77))
  (func $helper (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $mix (export "mix") (param i32 f64) (result f64) (f64.add (local.get 1) (f64.convert_i32_s (local.get 0))))
  (elem (i32.const 1) $helper $mix))"""
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
    instance = linker.instantiate(store, Module(engine, program))
    deep = instance.exports(store)["deep"]
    assert isinstance(deep, Func)
    outcome = deep.start(store, DEPTH).run(pause_at=["env.ask"])
    assert isinstance(outcome, Paused)
    return store, store.snapshot()


def looked_at(path: Path, *, modules: bool = True) -> tuple[Survey, list[Stand]]:
    """The survey of a file."""
    opened = files.load(path)
    found = [files.module_of(opened, m, lambda _: None, translate, structure) if modules else None for m in opened.modules]
    survey = survey_of(opened, found)
    return survey, survey_stack(survey, Windows(portable=False))


def manifest_of(path: Path) -> dict[str, Any]:
    """What a file says of itself."""
    reader = Reader.open(path)
    found: dict[str, Any] = reader.manifest
    return found


def with_manifest(data: bytes, manifest: Any) -> bytes:
    """A file with another manifest, and right checksums."""
    text = canonical(manifest)
    magic, version, kind, *_ = HEADER.unpack_from(data)
    end = -(-len(data) // HOST_PAGE) * HOST_PAGE
    header = HEADER.pack(magic, version, kind, end, len(text), hashlib.sha256(text).digest())
    head = header + CHECKSUM.pack(zlib.crc32(header))
    return head + data[len(head) :] + bytes(end - len(data)) + text


def altered(value: object, rng: random.Random) -> object:
    """The same JSON with one thing changed."""
    root = copy.deepcopy(value)
    places: list[tuple[Any, Any]] = []

    def collect(node: object) -> None:
        if isinstance(node, dict):
            for key, item in node.items():
                places.append((node, key))
                collect(item)
        elif isinstance(node, list):
            for index, item in enumerate(node):
                places.append((node, index))
                collect(item)

    collect(root)
    holder, key = rng.choice(places)
    old = holder[key]
    choices: list[object] = [
        None,
        -1,
        0,
        1,
        7,
        16,
        4096,
        1 << 31,
        (1 << 32) - 8,
        1 << 40,
        1 << 70,
        "",
        "x",
        [],
        {},
        [0],
        1.5,
        True,
    ]
    if isinstance(old, int):
        choices += [old + 16, old - 16, old + 8, old + 1, old * 2] * 4
    if isinstance(old, list):
        choices += [old[:-1], old * 2, old[::-1]] * 4
    if rng.random() < 0.1:
        del holder[key]
    else:
        holder[key] = rng.choice(choices)
    return root


def with_damage(data: bytes, places: list[tuple[int, int]], rng: random.Random) -> bytes:
    """The same file with some words of the given ranges changed."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4, 16))):
        start, end = rng.choice(places)
        at = rng.randrange(start, end - 4) & ~3
        word = rng.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x1000, 0x801000, 0x801010, rng.getrandbits(32), rng.getrandbits(23)))
        out[at : at + 4] = word.to_bytes(4, "little")
    return bytes(out)
