"""Suite `cold`: the command as whole processes, with an empty cache and with one that an earlier process filled, beside wasmtime.

`ARENITE_BENCH_BEFORE` names another tree's `src`: its processes take turns with ours, and stand beside them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.frontend import ROOT, TIMEOUT, missing
from bench.measure import median
from bench.report import Report
from bench.workloads import python_guest

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.report import Cell

COMMAND: Final = "import sys; from arenite_command import main; sys.exit(main())"
PROGRAM: Final = ("-c", "print(1 + 1)")
LOOP: Final = ("-c", "import sys; [print(eval(line)) for line in sys.stdin]")
QUESTION: Final = b"6 * 7\n"
ROWS: Final = ("run, empty cache", "run", "resume, empty cache", "resume")


class Tree:
    """A tree's command, with a cache of its own and a snapshot made by it."""

    def __init__(self, source: Path, folder: Path, guest: Path) -> None:
        self.source, self.guest, self.folder = source, guest, folder
        folder.mkdir(mode=0o700)
        self.snapshot = folder / "python.arn"
        self.command(["freeze", "--at", "stdin", "-o", self.snapshot, guest, *LOOP], folder / "warm", b"")
        self.row("run")

    def row(self, name: str) -> Taken:
        """What one process of a row takes."""
        what, _, empty = name.partition(", ")
        with tempfile.TemporaryDirectory(dir=self.folder) as new:
            cache = Path(new) if empty else self.folder / "warm"
            if what == "run":
                return self.command(["run", self.guest, *PROGRAM], cache, b"2\n")
            return self.command(["resume", self.snapshot], cache, b"42\n")

    def command(self, words: list[str | Path], cache: Path, expected: bytes) -> Taken:
        """What the command takes.  Raises: `RuntimeError` if it fails or prints something else."""
        environment = os.environ | {"ARENITE_CACHE_DIR": str(cache), "PYTHONPATH": str(self.source)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users' modules are compiled once, and so are ours
        return process([sys.executable, "-c", COMMAND, *map(str, words)], environment, expected)


class Taken(NamedTuple):
    """Seconds of a process: CPU time of all its threads, and from its start to its end."""

    cpu: float
    elapsed: float


def process(command: list[str], environment: dict[str, str], expected: bytes) -> Taken:
    """What a process takes.  Raises: `RuntimeError` if it fails or prints something else."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, input=QUESTION, capture_output=True, timeout=TIMEOUT, check=False)
    elapsed, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or done.stdout != expected:
        raise RuntimeError(f"{command[3:]} ended with {done.returncode}: {done.stdout!r} {done.stderr.decode()}")
    return Taken(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, elapsed)


def cold(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """CPU seconds of whole processes."""
    before = os.environ.get("ARENITE_BENCH_BEFORE")
    report = Report(
        "CPython 3.12 by the command (CPU seconds of the process)",
        ("", "here", "before", "ratio", "wasmtime", "ratio to it", "elapsed"),
    )
    guest = python_guest()
    if guest is None:
        return missing(report)
    with tempfile.TemporaryDirectory(prefix="arenite-bench-") as folder:
        trees = {"here": Tree(ROOT / "src", Path(folder) / "here", guest)}
        if before:
            trees["before"] = Tree(Path(before), Path(folder) / "before", guest)
        step("wasmtime")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        beside = process([sys.executable, "-m", "bench.child", "start", "native", str(guest)], environment, b"2\n").cpu
        elapsed: dict[str, list[float]] = {name: [] for name in ROWS if only in name}
        samples: dict[str, dict[str, list[float]]] = {name: {tree: [] for tree in trees} for name in ROWS if only in name}
        for _ in range(rounds):
            for name, found in samples.items():
                for tree, times in found.items():
                    step(f"{name}: {tree}")
                    taken = trees[tree].row(name)
                    times.append(taken.cpu)
                    if tree == "here":
                        elapsed[name].append(taken.elapsed)
    report.samples = samples | {"wasmtime": {"run": [beside]}, "elapsed": elapsed}
    for name, found in samples.items():
        here = median(found["here"])
        then: Cell = median(found["before"]) if before else None
        other = beside if name.startswith("run") else None
        report.rows.append(
            (
                name,
                here,
                then,
                here / then if isinstance(then, float) else None,
                other,
                here / other if other else None,
                median(elapsed[name]),
            )
        )
    report.notes = [
        "run: print(1 + 1), from python.wasm; resume: 6 * 7, in a snapshot that waits for input.  All threads' CPU time; elapsed: seconds from start to end, here.",
        f"before: {before or 'ARENITE_BENCH_BEFORE names no tree'}.",
    ]
    return report
