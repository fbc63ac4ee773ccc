"""Suite `compile`: what the baseline compiler costs, and how much it compiles where `auto` decides.

Functions are compiled one by one, as `auto` does it: code made, copied to where it can run, entries opened.
"""

from __future__ import annotations

import os
from contextlib import suppress
from time import process_time, thread_time_ns
from typing import TYPE_CHECKING, Final

from bench.measure import median, percentile
from bench.report import Report
from bench.subjects import forget
from bench.workloads import PYTHON, missing, python_guest, workloads

from arenite import Config, Engine, Exit, Func, Linker, Module, Store, WasiConfig
from arenite.bytecode.module import FUNCTION
from arenite.platform import llvm
from arenite.platform.architectures import HOST
from arenite.tiers.baseline import BaselineTier, table
from arenite.tiers.threaded.objects import USUAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite.tiers.baseline.code import CodeOfWindow

MB: Final = 1_000_000
COMPILED: Final = ("cpython", "coremark", "dhrystone1M")
SESSIONS: Final = {"print(1 + 1)": "print(1 + 1)", "json, re, dictionaries": PYTHON}


def placed(engine: Engine, module: Module, argv: tuple[str, ...]) -> tuple[Store, Func]:
    """A WASI program ready to begin, in a store of its own."""
    store, linker, wasi = Store(engine), Linker(engine), WasiConfig(argv=list(argv))
    wasi.stdout_file = wasi.stderr_file = os.devnull
    store.set_wasi(wasi)
    linker.define_wasi()
    start = linker.instantiate(store, module).exports(store)["_start"]
    assert isinstance(start, Func)
    return store, start


def code_of(store: Store) -> CodeOfWindow:
    """What is compiled for a store."""
    machine = store.machine
    assert isinstance(machine.tier, BaselineTier)
    return machine.tier.code_of(machine.window)


def functions(store: Store) -> tuple[list[int], int, int]:
    """Compile every function of the one module of a store: nanoseconds of each, ops and bytes of all, gaps among them."""
    window, code, taken = store.machine.window, code_of(store), list[int]()
    (module,) = window.modules
    opened = len(code.opened(window))
    for begin, *_ in FUNCTION.iter_unpack(module.code.functions):
        before = thread_time_ns()
        if code.compile_at(window, module.origin + begin):
            taken.append(thread_time_ns() - before)
    return taken, code.compiler(window, module).ops, len(code.opened(window)) - opened


class Suite:
    """The report being made."""

    def __init__(self, rounds: int, step: Callable[[str], None]) -> None:
        self.rounds = rounds
        self.step = step
        self.report = Report("Compiling, tier baseline", ("what", "measured", "unit", "wanted"))

    def row(self, what: str, measured: float, unit: str, wanted: str = "") -> None:
        """A line of the table."""
        self.report.rows.append((what, measured, unit, wanted))

    def module(self, name: str, wasm: bytes) -> None:
        """All functions of a module, each round in a window of its own."""
        self.step(name)
        engine = Engine(Config(tier="auto"))
        module, rounds, ops, size = Module(engine, wasm), list[list[int]](), 0, 0
        for _ in range(self.rounds):
            forget(module)
            taken, ops, size = functions(placed(engine, module, ())[0])
            rounds.append(taken)
        self.report.samples[name] = {"baseline": [sum(taken) / 1e9 for taken in rounds]}
        self.row(f"{name}: functions", len(rounds[0]), "")
        self.row(f"{name}: ops", ops, "")
        self.row(f"{name}: an op", median([sum(taken) / ops for taken in rounds]), "ns", "at most 300")
        self.row(f"{name}: machine code of an op", size / ops, "bytes", "at most 27")
        for share, wanted in ((0.5, "< 100"), (0.99, "")):
            found = median([percentile([ns / 1e3 for ns in taken], share) for taken in rounds])
            self.row(f"{name}: a function, {share:.0%} take no longer", found, "us", wanted)

    def session(self, what: str, path: Path, program: str) -> None:
        """What `auto` compiles of CPython while it runs a program."""
        self.step(what)
        engine = Engine(Config(tier="auto"))
        store, start = placed(engine, Module(engine, path.read_bytes()), ("python", "-c", program))
        with suppress(Exit):
            start(store)
        code = code_of(store)
        self.row(f"CPython on auto, {what}: functions compiled", len(code.function_offsets), "")
        self.row(f"CPython on auto, {what}: machine code", len(code.opened(store.machine.window)) / MB, "MB", "< 10")

    def stencils(self) -> None:
        """The table that all of it is copied from, made as at a first use where the package came without."""
        if HOST is None:
            return
        self.step("stencils")
        begin = process_time()
        stencils = table.table_of(USUAL, HOST, llvm.host_cpu())
        seconds = process_time() - begin
        self.report.samples["stencils"] = {"baseline": [seconds]}
        self.row("all stencils, made once", seconds, "s")
        self.row("their table", len(stencils.pack()) / 1000, "KB")
        self.row("… machine code in it", len(stencils.pieces[0]) / 1000, "KB")


def compiling(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The suite; `only`: modules, `session` or `stencils`."""
    suite = Suite(rounds, step)
    for work in workloads(only):
        if work.name in COMPILED:
            suite.module(work.name, work.wasm)
    guest = python_guest()
    if only in "session" and guest is not None:
        for what, program in SESSIONS.items():
            suite.session(what, guest, program)
    if only in "stencils":
        suite.stencils()
    suite.report.notes = [
        f"CPU time of the measuring thread; medians of {rounds}.  An op is one of bytecode.",
        *(f"left out, not installed: {what}" for what in missing()),
    ]
    return suite.report
