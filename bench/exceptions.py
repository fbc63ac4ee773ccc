"""Suite `exceptions`: what throwing and catching takes, beside wasmtime, and what handlers take that nothing reaches."""

from __future__ import annotations

import importlib
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from bench.measure import loop, median, repetitions
from bench.report import Report

import arenite
from arenite.api.text import wat2wasm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from arenite.config import TierName

TIERS: Final[tuple[TierName, ...]] = ("threaded", "baseline")
ROUNDS: Final = 1000  # of one guest call, so that entering the guest does not count
MANY: Final = 100  # times as many where nothing is thrown
DEPTHS: Final = (1, 10, 100)
THROWING: Final = """
(module
  (tag $t (param i32))
  (func $down (param $frames i32) (param $value i32) (result i32)
    (if (i32.eqz (local.tee $frames (i32.sub (local.get $frames) (i32.const 1)))) (then (throw $t (local.get $value))))
    (i32.add (i32.const 1) (call $down (local.get $frames) (local.get $value))))
  (func (export "thrown") (param $n i32) (param $frames i32) (result i32) (local $sum i32)
    (loop $next
      (block $caught (result i32)
        (try_table (result i32) (catch $t $caught) (call $down (local.get $frames) (local.get $n))))
      (local.set $sum (i32.add (local.get $sum)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "kept") (param $n i32) (param $frames i32) (result i32) (local $sum i32) (local $e exnref)
    (loop $next
      (block $caught (result i32 exnref)
        (try_table (result i32 exnref) (catch_ref $t $caught)
          (call $down (local.get $frames) (local.get $n)) (ref.null exn)))
      (local.set $e)
      (local.set $sum (i32.add (local.get $sum)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
"""
QUIET: Final = """
(module
  (tag $t (param i32))
  (func $step (param i32) (result i32) (i32.xor (i32.mul (local.get 0) (i32.const 16777619)) (i32.const 97)))
  (func (export "run") (param $n i32) (result i32) (local $x i32)
    (loop $next
      (block $after
        (block $caught (result i32)
          {begin} (local.set $x (i32.add (local.get $x) (call $step (local.get $n)))) (br $after) end
          (unreachable))
        (local.set $x))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x)))
"""
WITH: Final = QUIET.format(begin="try_table (catch $t $caught)")
WITHOUT: Final = QUIET.format(begin="block")


def engines() -> dict[str, tuple[ModuleType, object]]:
    """Engines that have exceptions."""
    found: dict[str, tuple[ModuleType, object]] = {}
    for tier in TIERS:
        config = arenite.Config(tier=tier)
        config.wasm_exceptions = True
        found[tier] = arenite, arenite.Engine(config)
    if find_spec("wasmtime"):
        api = importlib.import_module("wasmtime")
        options = api.Config()
        options.wasm_exceptions = options.wasm_gc = options.wasm_function_references = True
        found["wasmtime"] = api, api.Engine(options)
    return found


def call_of(api: ModuleType, engine: object, text: str, name: str, *args: int) -> Callable[[], object]:
    """A call of a function of a module in a store of its own."""
    store = api.Store(engine)
    export = api.Instance(store, api.Module(engine, bytes(wat2wasm(text))), []).exports(store)[name]
    return partial(export, store, *args)


def exceptions(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """Thrown and caught through so many frames; and calls in a block with handlers beside those in one without."""
    known = engines()
    report = Report("Exceptions (nanoseconds)", ("", *known, "wasmtime / baseline"))
    for name, word in (("thrown", "caught"), ("kept", "caught and kept")):
        for depth in DEPTHS:
            what = f"{word} through {depth} frames"
            if only in what:
                step(what)
                calls = {way: call_of(*engine, THROWING, name, ROUNDS, depth) for way, engine in known.items()}
                taken = measured(report, what, calls, ROUNDS, rounds)
                report.rows.append(
                    (what, *taken.values(), taken["wasmtime"] / taken["baseline"] if "wasmtime" in taken else None)
                )
    what = "a call that throws nothing, with a handler / without"
    if only in what:
        step(what)
        count = MANY * ROUNDS
        pairs = {(way, text): call_of(*engine, text, "run", count) for text in (WITH, WITHOUT) for way, engine in known.items()}
        named = {f"{way}, {'with' if text is WITH else 'without'}": call for (way, text), call in pairs.items()}
        taken = measured(report, what, named, count, rounds)
        report.rows.append((what, *(taken[f"{way}, with"] / taken[f"{way}, without"] for way in known), None))
    report.notes = [f"Medians of {rounds}, taken in turns, of {ROUNDS} throws a call.  The last row: ratios."]
    return report


def measured(report: Report, what: str, calls: Mapping[str, Callable[[], object]], count: int, rounds: int) -> dict[str, float]:
    """Nanoseconds of each of the `count` turns that a call makes, by engine."""
    often = {name: repetitions(call) for name, call in calls.items()}
    samples = report.samples[what] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            samples[name].append(loop(call, often[name]) / often[name] / count)
    return {name: 1e9 * median(found) for name, found in samples.items()}
