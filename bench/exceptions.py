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
PLACES: Final = 8  # of the code of what differs by so little: where it lies can take more than what is measured
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
  (memory 1)
  (func (export "pad") (param i32) (result i32) (local.get 0) {pad})
  (func $step (param i32) (result i32) (i32.xor (i32.mul (local.get 0) (i32.const 16777619)) (i32.const 97)))
  (func $throws (throw $t (i32.const 1)))
  (func (export "run") (param $n i32) (result i32) (local $x i32) (local $i i32) (local $f f64)
    (loop $next
      {body}
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (local.get $x) (i32.trunc_sat_f64_s (local.get $f)))))
"""
# a branch to the label, which is never taken, so that the code behind it is there without handlers, too
AROUND: Final = """
      (block $after (block $caught (result i32)
        {{begin}} {inside} (drop (br_if $caught (i32.const 0) (i32.eqz (local.get $n)))) (br $after) end
        (unreachable)) (local.set $x))"""
NEVER: Final = "(if (i32.eqz (local.get $n)) (then (call $throws)))"  # so handlers are wanted
INSIDE: Final = {
    "a call": "(local.set $x (i32.add (local.get $x) (call $step (local.get $n))))",
    "loads and stores": f"""(local.set $i (i32.const 64))
        (loop $l (i32.store (local.get $i) (i32.add (i32.load (local.get $i)) (local.get $n)))
          (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 4))))) {NEVER}""",
    "f64": f"(local.set $f (f64.sqrt (f64.add (f64.mul (local.get $f) (f64.const 0.5)) (f64.convert_i32_s (local.get $n))))) {NEVER}",
    "br_table": f"""(block $c (block $b (block $a (br_table $a $b $c (i32.and (local.get $n) (i32.const 3))))
          (local.set $x (i32.add (local.get $x) (i32.const 3))) (br $c)) (local.set $x (i32.mul (local.get $x) (i32.const 5)))) {NEVER}""",
    "calls in three blocks": f"""(local.set $x (i32.add (local.get $x) (call $step (local.get $n)))) {{begin}}
        (local.set $x (i32.add (local.get $x) (call $step (local.get $x)))) {{begin}}
        (local.set $x (i32.xor (local.get $x) (call $step (local.get $n)))) end end {NEVER}""",
}
"""What is done in a block with handlers, which nothing reaches, and in one without."""
BEGIN: Final = {"with": "try_table (catch $t $caught)", "without": "block"}


def quiet(inside: str, way: str, place: int) -> str:
    """A module whose `run` goes so often through a block with handlers, or without; `place`: how much code lies before it."""
    return QUIET.format(body=AROUND.format(inside=inside).format(begin=BEGIN[way]), pad="(i32.mul (i32.const 3))" * place)


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
    products = dict.fromkeys(known, 1.0)
    for name, inside in INSIDE.items():
        what = f"{name}, with handlers / without"
        if only in what:
            step(what)
            calls = {
                f"{way}, {how}, {place}": call_of(*engine, quiet(inside, how, place), "run", MANY * ROUNDS)
                for place in range(PLACES)
                for way, engine in known.items()
                for how in BEGIN
            }
            taken = measured(report, what, calls, MANY * ROUNDS, rounds, min)
            best = {(way, how): min(taken[f"{way}, {how}, {place}"] for place in range(PLACES)) for way in known for how in BEGIN}
            ratios = {way: best[way, "with"] / best[way, "without"] for way in known}
            products = {way: products[way] * ratio for way, ratio in ratios.items()}
            report.rows.append((what, *ratios.values(), None))
    if not only:
        report.rows.append(("geometric mean of these", *(product ** (1 / len(INSIDE)) for product in products.values()), None))
    report.notes = [
        f"Medians of {rounds}, taken in turns, of {ROUNDS} throws a call.  Ratios: of the best of {PLACES * rounds}, code in {PLACES} places."
    ]
    return report


def measured(
    report: Report,
    what: str,
    calls: Mapping[str, Callable[[], object]],
    count: int,
    rounds: int,
    of: Callable[[list[float]], float] = median,
) -> dict[str, float]:
    """Nanoseconds of each of the `count` turns that a call makes, by engine."""
    often = {name: repetitions(call) for name, call in calls.items()}
    samples = report.samples[what] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            samples[name].append(loop(call, often[name]) / often[name] / count)
    return {name: 1e9 * of(found) for name, found in samples.items()}
