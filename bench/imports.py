"""Suite `import`: `import arenite`, and a first use of it, in fresh processes beside wasmtime and Python alone.

All bytecode of Python's, and what arenite keeps, is there from a process before, as for a user's second start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from bench.frontend import form
from bench.measure import median
from bench.report import Report

from arenite.api.text import wat2wasm

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL: Final = '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
FIRST_USE: Final = """\
import sys, time
begin = time.process_time()
import {package} as api
imported = time.process_time()
engine = api.Engine({config})
store = api.Store(engine)
instance = api.Instance(store, api.Module(engine, bytes.fromhex("{wasm}")), [])
assert instance.exports(store)["add"](store, 40, 2) == 42
used = time.process_time()
print("[", imported - begin, ",", used - imported, ",", used, "]")
"""
# name -> (package, how its engine is configured)
WAYS: Final = {
    "threaded": ("arenite", 'api.Config(tier="threaded")'),
    "auto": ("arenite", 'api.Config(tier="auto")'),
    "baseline": ("arenite", 'api.Config(tier="baseline")'),
    "safe": ("arenite", 'api.Config(tier="safe")'),
    "native": ("wasmtime", ""),
}
STAGES: Final = ("import", "first use", "process")


def once(program: str, cache: str) -> list[float]:
    """CPU seconds of the stages, as the program prints them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"ARENITE_CACHE_DIR": cache, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    stages: list[float] = json.loads(done.stdout)
    return stages


def imports(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The suite."""
    report = Report("import, engine, module, instance and a call, fresh process (CPU milliseconds)", ("", *STAGES))
    wasm = bytes(wat2wasm(SMALL)).hex()
    programs = {
        name: FIRST_USE.format(package=package, config=config, wasm=wasm)
        for name, (package, config) in WAYS.items()
        if only in name and find_spec(package)
    }
    with tempfile.TemporaryDirectory(prefix="arenite-bench-") as cache:
        for program in programs.values():
            once(program, cache)
        taken: dict[str, list[list[float]]] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, program in programs.items():
                step(name)
                taken[name].append(once(program, cache))
    for name, samples in taken.items():
        report.samples[name] = {stage: [sample[i] for sample in samples] for i, stage in enumerate(STAGES)}
        report.rows.append((name, *(1e3 * median(found) for found in report.samples[name].values())))
    report.notes = [
        f"process: all of it, Python's own start among it.  Medians of {rounds}, taken in turns.",
        f"arenite's hot modules here: {form()}.",
    ]
    return report
