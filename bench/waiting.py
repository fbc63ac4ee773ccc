"""Suite `waiting`: guests in an event loop.  Many that wait for an `async def` host function; one that computes, and how late the loop is; what slices cost.

The wanted figures are those that the project has set out to reach.
"""

from __future__ import annotations

import gc
import threading
from time import perf_counter, process_time, thread_time
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
from bench.forks import private
from bench.measure import median
from bench.report import Report

from arenite import Config, Engine, Func, FuncType, Linker, Module, Snapshot, Store, ValType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from arenite.config import TierName

TIERS: Final[tuple[TierName, ...]] = ("threaded", "auto")
LOOPS: Final = ("asyncio", "trio")
GUESTS: Final = 10_000
ROUNDS: Final = 400_000_000  # of a loop: about half a second
GUEST: Final = """(module
  (import "host" "answer" (func $answer (param i32) (result i32)))
  (import "host" "now" (func $now (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "ask") (param i32) (result i32) (i32.add (i32.const 1) (call $answer (local.get 0))))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "busy") (param $n i32)
    (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "loops") (loop $l (br $l)))
  (func (export "fills") (loop $l (memory.fill (i32.const 0) (i32.const 7) (i32.const 131072)) (br $l)))
  (func (export "asks") (loop $l (drop (call $now (i32.const 1))) (br $l))))"""


class Gate:
    """A host function that waits until it is let go.  `waiting`: in how many calls."""

    def __init__(self) -> None:
        self.waiting = 0
        self.full, self.open = anyio.Event(), anyio.Event()

    async def answer(self, n: int) -> int:
        """What the guest asks for."""
        self.waiting += 1
        if self.waiting == GUESTS:
            self.full.set()
        await self.open.wait()
        return 2 * n


def guest(tier: TierName, answer: Callable[[int], Awaitable[int]]) -> tuple[Store, Mapping[str, Func]]:
    """A store with the guest, and its functions."""
    engine = Engine(Config(tier=tier))
    linker, store, i32 = Linker(engine), Store(engine), ValType.i32()
    linker.define_func("host", "answer", FuncType([i32], [i32]), answer)
    linker.define_func("host", "now", FuncType([i32], [i32]), lambda n: n)
    exports = linker.instantiate(store, Module(engine, GUEST)).exports(store)
    return store, {name: item for name, item in exports.items() if isinstance(item, Func)}


async def crowd(report: Report, backend: str) -> None:
    """Many guests that wait at once."""
    gate = Gate()
    store, functions = guest("threaded", gate.answer)
    snapshot: Snapshot = store.snapshot()
    found: dict[int, int] = {}

    async def one(index: int, fork: Store) -> None:
        found[index] = await functions["ask"].call_async(fork, index)

    await one_answer(functions, snapshot, gate)
    gc.collect()
    before, threads, begin = private(), beside_the_watch(), perf_counter()
    async with anyio.create_task_group() as tasks:
        for index, fork in enumerate(snapshot.fork(GUESTS)):
            tasks.start_soon(one, index, fork)
        await gate.full.wait()
        asked = perf_counter() - begin
        each, more = (private() - before) / GUESTS, beside_the_watch() - threads
        begin = perf_counter()
        gate.open.set()
    answered = perf_counter() - begin
    report.rows += [
        (f"{backend}: {GUESTS:,} guests wait: memory each", each / 1024, "KiB", "64"),
        ("… threads beside the watch", more, "", "0"),
        ("… a fork, its task, the guest to where it waits", asked / GUESTS * 1e6, "us", ""),
        ("… the answer and the end", answered / GUESTS * 1e6, "us", ""),
    ]
    if each > 64 * 1024 or more > 0:
        report.problems.append(f"{backend}: {each / 1024:.1f} KiB a guest, {more} threads")
    if found != {index: 2 * index + 1 for index in range(GUESTS)}:
        report.problems.append(f"{backend}: not every guest was answered")


def beside_the_watch() -> int:
    """Threads of this process; the watch ends when no guest runs."""
    return sum(thread.name != "arenite watch" for thread in threading.enumerate())


async def one_answer(functions: Mapping[str, Func], snapshot: Snapshot, gate: Gate) -> None:
    """Once before, for what is imported and made at first use; the watch, too."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(functions["ask"].call_async, snapshot.fork(), 1)
        await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    gate.waiting = 0


async def delays(function: Func, store: Store) -> tuple[list[float], list[float]]:
    """How long the loop takes to come round beside a busy guest: seconds elapsed, and seconds of the processor."""
    elapsed, own = [], []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(function.call_async, store)
        await anyio.sleep(0.02)
        begin = perf_counter()
        while perf_counter() - begin < 2:
            before, worked = perf_counter(), thread_time()
            await anyio.lowlevel.checkpoint()
            elapsed.append(perf_counter() - before)
            own.append(thread_time() - worked)
        tasks.cancel_scope.cancel()
    return sorted(elapsed), sorted(own)


async def price(function: Func, store: Store, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the processor for a long loop: as a call, and in slices when nobody else waits."""
    plain, sliced = [], []
    for _ in range(rounds):
        begin = process_time()
        function(store, ROUNDS)
        plain.append(process_time() - begin)
        begin = process_time()
        await function.call_async(store, ROUNDS)
        sliced.append(process_time() - begin)
    return plain, sliced


async def short(function: Func, store: Store) -> float:
    """Seconds of a short call."""
    count = 20_000
    begin = perf_counter()
    for _ in range(count):
        await function.call_async(store, 1, 2)
    return (perf_counter() - begin) / count


async def doubled(n: int) -> int:
    """An answer without waiting."""
    return 2 * n


def waiting(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """Guests in an event loop."""
    report = Report("Guests in an event loop", ("what", "measured", "unit", "wanted"))
    for backend in LOOPS:
        if only in backend:
            step(f"{GUESTS} guests: {backend}")
            anyio.run(crowd, report, backend, backend=backend)
    for tier in TIERS:
        if only not in tier:
            continue
        store, functions = guest(tier, doubled)
        for name in ("loops", "fills", "asks"):
            step(f"delays: {tier}, {name}")
            found = anyio.run(delays, functions[name], store)
            for samples, of in zip(found, ("", ", time of the processor"), strict=True):
                for what, share in (("50 %", 0.5), ("99 %", 0.99), ("longest", 1.0)):
                    at = min(int(share * len(samples)), len(samples) - 1)
                    report.rows.append(
                        (f"{tier}: the loop beside a guest that {name}, {what}{of}", samples[at] * 1e3, "ms", "10")
                    )
        step(f"slices: {tier}")
        plain, sliced = anyio.run(price, functions["busy"], store, rounds)
        report.samples[f"{tier}: a long loop"] = {"call": plain, "call_async": sliced}
        ratio = median([b / a for a, b in zip(plain, sliced, strict=True)])
        report.rows.append((f"{tier}: a long loop, call_async / call", ratio, "", "1.02"))
        report.rows.append((f"{tier}: a short call_async", anyio.run(short, functions["add"], store) * 1e6, "us", ""))
    report.notes = [
        "What has elapsed holds the time that other programs have had; the long loop is counted in time of the processor."
    ]
    return report
