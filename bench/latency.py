"""Suite `latency`: how long after its moment a deadline, an epoch or Ctrl-C ends a guest, over many kinds of guest work.

Each sample is a fresh store whose guest never ends by itself.  It is stopped after a random time, so that no rhythm of ours meets it.
"""

from __future__ import annotations

import os
import random
import signal
import struct
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from bench.measure import percentile
from bench.report import Report

from arenite import Config, Engine, FuncType, Linker, Module, Paused, Store, Trap, WasiConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.report import Cell

WAYS: Final = ("deadline", "epoch", "Ctrl-C")
TIERS: Final = ("threaded", "baseline", "auto", "safe")
ALLOWED: Final = 0.05  # seconds, at the 99th percentile
AGAIN: Final = 1.0  # seconds
SLEEP: Final = struct.pack("<QB7xI4xQQHxxxxxx", 1, 0, 1, 3600 * 10**9, 0, 0)
BIG: Final = 16 << 20
KINDS: Final[dict[str, str]] = {  # what the guest does -> the body of its loop
    "nothing": "",
    "arithmetic": "(global.set $n (i32.add (i32.mul (global.get $n) (i32.const 31)) (i32.const 7)))",
    "division": "(global.set $x (f64.div (f64.const 1) (f64.add (global.get $x) (f64.const 1.5))))",
    "loads and stores": "(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))",
    "calls": "(call $nothing)",
    "recursion": "(call $deep (i32.const 1000))",
    "indirect calls": "(call_indirect (i32.const 0))",
    "10,000 ops in a line": "(global.set $n (i32.add (global.get $n) (i32.const 7)))" * 2500,
    "fill, 60,000 bytes": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 60000))",
    "1,000 fills in a line": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 60000))" * 1000,
    "fill, 16 MiB": f"(memory.fill (i32.const 0) (i32.const 1) (i32.const {BIG}))",
    "copy forward, 16 MiB": f"(memory.copy (i32.const 0) (i32.const 9) (i32.const {BIG}))",
    "copy backward, 16 MiB": f"(memory.copy (i32.const 9) (i32.const 0) (i32.const {BIG}))",
    "memory.init, 1 MiB": "(memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 1048576))",
    "memory.grow by 0": "(drop (memory.grow (i32.const 0)))",
    "table.fill, 900,000": "(table.fill (i32.const 0) (ref.null func) (i32.const 900000))",
    "table.copy, 900,000": "(table.copy (i32.const 9) (i32.const 0) (i32.const 900000))",
    "table.init, 100,000": "(table.init $items (i32.const 0) (i32.const 0) (i32.const 100000))",
    "table.grow by 0": "(drop (table.grow (ref.null func) (i32.const 0)))",
    "host function": "(call $quick)",
    "host function, 1 ms": "(call $slow)",
    "random bytes, 16 MiB": f"(drop (call $random (i32.const 0) (i32.const {BIG})))",
    "sleep of an hour": "(drop (call $poll (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 0)))",
}
GUEST: Final = """(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "host" "quick" (func $quick)) (import "host" "slow" (func $slow))
  (memory (export "memory") 300) (table 1000000 funcref)
  (global $n (mut i32) (i32.const 0)) (global $x (mut f64) (f64.const 0))
  (data (i32.const 1024) "%s") (data $bytes "%s") (elem (i32.const 0) $nothing) (elem $items func %s)
  (func $nothing)
  (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "run") (loop $next %s (br $next))))
"""


def guest(engine: Engine, body: str) -> Module:
    """A module that does it for ever."""
    subscription = "".join(f"\\{byte:02x}" for byte in SLEEP)
    more = "$bytes" in body, "$items" in body
    return Module(engine, GUEST % (subscription, "abcdefgh" * (131072 * more[0]), "$nothing " * (100_000 * more[1]), body))


def linker_of(engine: Engine) -> Linker:
    """What the guests import."""
    linker = Linker(engine)
    linker.define_wasi()
    linker.define_func("host", "quick", FuncType([], []), lambda: None)
    linker.define_func("host", "slow", FuncType([], []), lambda: time.sleep(0.001))
    return linker


def sample(linker: Linker, module: Module, way: str) -> float:
    """Seconds from the moment at which a guest ought to stop until it has stopped."""
    engine = module.engine
    store = Store(engine)
    store.set_wasi(WasiConfig())
    store.set_epoch_deadline(1)
    exports: Any = linker.instantiate(store, module).exports(store)
    after, moment = random.uniform(0.01, 0.04), 0.0  # noqa: S311 (no secret)

    def interrupt() -> None:
        nonlocal moment
        moment = time.perf_counter()
        if way == "epoch":
            engine.increment_epoch()
            return
        os.kill(os.getpid(), signal.SIGINT)
        while not ended.wait(AGAIN):  # it came in a destructor, where Python ignores it
            os.kill(os.getpid(), signal.SIGINT)

    if way == "deadline":
        execution = exports["run"].start(store)
        moment = time.perf_counter() + after
        assert isinstance(execution.run(deadline=after), Paused)
        return time.perf_counter() - moment
    ended, timer = threading.Event(), threading.Timer(after, interrupt)
    try:
        timer.start()
        exports["run"](store)
    except (Trap, KeyboardInterrupt):
        taken = time.perf_counter() - moment
    ended.set()
    timer.join()
    return taken


def latency(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """Milliseconds, of each kind of work over all three ways."""
    columns = [f"{tier} {what}" for tier in TIERS for what in ("50 %", "99 %")]
    report = Report("From the moment to the stop (milliseconds)", ("", *columns))
    engines = {tier: Engine(Config(tier=tier, epoch_interruption=True)) for tier in TIERS}
    linkers = {tier: linker_of(engine) for tier, engine in engines.items()}
    everything: dict[tuple[str, str], list[float]] = {(tier, way): [] for tier in TIERS for way in WAYS}
    for name, body in KINDS.items():
        if only not in name:
            continue
        row: list[Cell] = [name]
        for tier in TIERS:
            module = guest(engines[tier], body)
            sample(linkers[tier], module, "deadline")  # on `safe`, code is compiled when it is first met
            taken: list[float] = []
            for way in WAYS:
                step(f"{name}: {tier}, {way}")
                found = [sample(linkers[tier], module, way) for _ in range(rounds)]
                everything[tier, way] += found
                taken += found
            report.samples.setdefault(name, {})[tier] = taken
            row += [1e3 * percentile(taken, share) for share in (0.5, 0.99)]
        report.rows.append(tuple(row))
    for way in WAYS if report.rows else ():
        row = [f"all, {way}"]
        for tier in TIERS:
            row += [1e3 * percentile(everything[tier, way], share) for share in (0.5, 0.99)]
            if percentile(everything[tier, way], 0.99) > ALLOWED:
                report.problems.append(f"{tier}: {way} comes too late: more than {ALLOWED} s at the 99th percentile")
        report.rows.append(tuple(row))
    report.summary = len(WAYS) if report.rows else 0
    report.notes = [f"{rounds} samples of each kind of work and each of: {', '.join(WAYS)}."]
    return report
