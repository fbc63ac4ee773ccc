"""Suites `frontend` and `start`: CPython's module read by each engine, and `print(1 + 1)` from nothing, in fresh processes.

No cache is used but where a row says so: wasmtime has none, arenite's `ARENITE_CACHE_DIR` is an empty folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from bench.measure import median
from bench.report import Report
from bench.workloads import python_guest

from arenite.platform.cache import SHIPPED, entry
from arenite.tiers.threaded.objects import Variant
from arenite.translate import translator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
TIMEOUT: Final = 300.0
MIB: Final = 1 << 20


@dataclass(frozen=True)
class Child:
    """What a process did: seconds to its first byte of output and to its end, CPU seconds, peak memory in bytes."""

    output: bytes
    first: float
    wall: float
    cpu: float
    peak: int


def child(task: str, engine: str, path: Path, cache: Path) -> Child:
    """Run a task of `bench.child` to its end.  Raises: `RuntimeError` if it fails."""
    environment = os.environ | {"ARENITE_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    begin = perf_counter()
    command = [sys.executable, "-m", "bench.child", task, engine, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    output = process.stdout.read(1)
    first = perf_counter() - begin
    output += process.stdout.read()
    process.stdout.close()
    words = process.stderr.read().decode()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{task} with {engine} ended with {process.returncode}: {words}")
    return Child(output, first, perf_counter() - begin, usage.ru_utime + usage.ru_stime, int(words.split()[-1]))


@contextmanager
def empty_cache() -> Iterator[Path]:
    """A folder for the cache."""
    with tempfile.TemporaryDirectory(prefix="arenite-bench-") as folder:
        yield Path(folder)


def form() -> str:
    """How arenite's hot modules run here."""
    return "compiled by mypyc" if (translator.__file__ or "").endswith((".so", ".pyd")) else "plain Python, not compiled"


def interpreter() -> str:
    """Where the threaded tier's machine code comes from in the first start."""
    prebuilt = entry(SHIPPED, Variant().key).exists()
    return "was built with the package" if prebuilt else "is compiled in the first start"


def missing(report: Report) -> Report:
    """A report that says why it is empty."""
    report.notes.append("left out: no CPython guest; pip install 'arenite[python]'")
    return report


def frontend(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """Reading CPython: 26 MB of WebAssembly."""
    report = Report(
        "Reading CPython 3.12 (CPU seconds)", ("", "validate", "module", "of which verify", "module wall", "peak MiB")
    )
    path = python_guest()
    if path is None:
        return missing(report)
    with empty_cache() as cache:
        for engine in (name for name in ("threaded", "native", "pulley") if only in name):
            step(engine)
            children = [child("compile", engine, path, cache) for _ in range(rounds)]
            stages: list[dict[str, list[float]]] = [json.loads(c.output) for c in children]
            report.samples[engine] = {
                f"{s} {kind}": [t[s][i] for t in stages] for s in stages[0] for i, kind in enumerate(("cpu", "wall"))
            }
            medians = {name: median(samples) for name, samples in report.samples[engine].items()}
            peak = max(c.peak for c in children) / MIB
            times = (medians["validate cpu"], medians["module cpu"], medians.get("verify cpu"), medians["module wall"])
            report.rows.append((engine, *times, peak))
    report.notes = [
        "module: decode, validate, translate and verify (arenite), decode, validate and compile (wasmtime); all threads' CPU time.",
        f"arenite's hot modules here: {form()}.",
    ]
    return report


def start(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """From nothing to the first output of CPython."""
    report = Report("print(1 + 1) in CPython 3.12, fresh process (seconds)", ("", "first output", "end", "CPU", "peak MiB"))
    path = python_guest()
    if path is None:
        return missing(report)
    for row, engine, warm in (
        ("threaded, empty cache", "threaded", False),
        ("threaded, second start", "threaded", True),
        ("native", "native", False),
        ("pulley", "pulley", False),
    ):
        if only not in row:
            continue
        children = []
        for _ in range(rounds):
            with empty_cache() as cache:
                step(row)
                if warm:
                    child("start", engine, path, cache)
                children.append(child("start", engine, path, cache))
        if {c.output for c in children} != {b"2\n"}:
            report.problems.append(f"{row}: printed {children[0].output!r}")
        report.samples[row] = {name: [getattr(c, name) for c in children] for name in ("first", "wall", "cpu")}
        first, wall, cpu = (median(samples) for samples in report.samples[row].values())
        report.rows.append((row, first, wall, cpu, max(c.peak for c in children) / MIB))
    report.notes = [
        f"Nothing cached unless said.  arenite's hot modules here: {form()}.",
        f"The interpreter's object {interpreter()}.",
    ]
    return report
