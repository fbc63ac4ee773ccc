"""Suites `calls` and `sizes`: crossing the border between Python and guest, and the bytes that structures take."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from bench.measure import loop, median, repetitions
from bench.report import Report

import arenite
from arenite.api.text import wat2wasm
from arenite.layout.instance import WORD
from arenite.layout.records import FrameHeader, FuncRefRecord, GlobalRecord, MemoryRecord, TableRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from arenite.config import TierName

TIERS: Final[tuple[TierName, ...]] = ("threaded", "auto")
HOST_CALLS: Final = 1000  # of one guest call, so that entering the guest does not count
GUEST: Final = f"""
(module
  (import "host" "nothing" (func $nothing))
  (import "host" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "nothing"))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "host nothing") (local $n i32)
    (loop $next
      (call $nothing)
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {HOST_CALLS})))))
  (func (export "host add") (local $n i32)
    (loop $next
      (drop (call $add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {HOST_CALLS}))))))
"""
SMALLEST: Final = '(module (func (export "nothing")))'
SIXTEEN: Final = b"sixteen bytes..."


def actions(api: ModuleType, engine: object) -> dict[str, tuple[int, Callable[[], object]]]:
    """What is done -> (how often it is done in one call, the call)."""
    module, linker, store = api.Module(engine, bytes(wat2wasm(GUEST))), api.Linker(engine), api.Store(engine)
    smallest, i32 = api.Module(engine, bytes(wat2wasm(SMALLEST))), api.ValType.i32()
    linker.define_func("host", "nothing", api.FuncType([], []), lambda: None)
    linker.define_func("host", "add", api.FuncType([i32, i32], [i32]), lambda a, b: a + b)
    exports = linker.instantiate(store, module).exports(store)
    nothing, add, memory = exports["nothing"], exports["add"], exports["memory"]
    host_nothing, host_add = exports["host nothing"], exports["host add"]
    return {
        "call, no arguments": (1, lambda: nothing(store)),
        "call, i32 i32 -> i32": (1, lambda: add(store, 1, 2)),
        "host function, no arguments": (HOST_CALLS, lambda: host_nothing(store)),
        "host function, i32 i32 -> i32": (HOST_CALLS, lambda: host_add(store)),
        "memory.read, 16 bytes": (1, lambda: memory.read(store, 0, 16)),
        "memory.write, 16 bytes": (1, lambda: memory.write(store, SIXTEEN, 0)),
        "store and instance, made and dropped": (1, lambda: linker.instantiate(api.Store(engine), module)),
        "store and instance, no imports": (1, lambda: api.Instance(api.Store(engine), smallest, [])),
    }


def calls(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """Across the border, beside wasmtime."""
    engines: dict[str, tuple[ModuleType, object]] = {name: (arenite, arenite.Engine(arenite.Config(tier=name))) for name in TIERS}
    if find_spec("wasmtime"):
        api = importlib.import_module("wasmtime")
        engines["wasmtime"] = (api, api.Engine())
    report = Report("Between Python and guest (microseconds)", ("", *engines, "auto / threaded", "wasmtime / threaded"))
    known = {name: actions(*engine) for name, engine in engines.items()}
    for what in known["threaded"]:
        if only not in what:
            continue
        step(what)
        counts = {name: repetitions(known[name][what][1]) for name in engines}
        samples = report.samples[what] = {name: [] for name in engines}
        for _ in range(rounds):
            for name, count in counts.items():
                often, call = known[name][what]
                samples[name].append(loop(call, count) / count / often)
        taken = {name: median(found) for name, found in samples.items()}
        ratios = (taken[name] / taken["threaded"] if name in taken else None for name in ("auto", "wasmtime"))
        report.rows.append((what, *(1e6 * seconds for seconds in taken.values()), *ratios))
    report.notes = [
        f"Medians of {rounds}, taken in turns.  auto: what is called has been compiled in the calls before those that count."
    ]
    return report


# structure -> (bytes in arenite, bytes in wasmtime on a 64-bit machine: crates/environ/src/vmoffsets.rs, in pointers of 8)
SIZES: Final[dict[str, tuple[int, int]]] = {
    "function reference (VMFuncRef)": (FuncRefRecord.size, 4 * 8),
    "element of a table of functions": (WORD, 8),
    "imported function, in the instance (VMFunctionImport)": (WORD, 3 * 8),
    "imported memory, in the instance (VMMemoryImport)": (WORD, 3 * 8),
    "table, without its elements (VMTableDefinition)": (TableRecord.size, 2 * 8),
    "memory (VMMemoryDefinition)": (MemoryRecord.size, 2 * 8),
    "global (VMGlobalDefinition)": (GlobalRecord.size, 2 * 8),
    "frame, without its values": (FrameHeader.size, 2 * 8),
}


def sizes(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """Bytes of structures: counted, not measured."""
    del rounds, step
    report = Report("Structures (bytes)", ("", "arenite", "wasmtime", "ratio"))
    report.rows = [(what, ours, theirs, theirs / ours) for what, (ours, theirs) in SIZES.items() if only in what]
    report.notes = [
        "arenite: what layout/records.py declares; tables and memories hold their types and limits too, which wasmtime keeps elsewhere.",
        "wasmtime: what its sources lay out for generated code on 64-bit machines; host-side structures are not counted.",
    ]
    return report
