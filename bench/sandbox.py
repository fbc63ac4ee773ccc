"""Suite `sandbox`: boxes for Python, beside other packages that have such.  Each is in processes of its own (`boxes`), which take turns.

`ARENITE_BENCH_PEERS` names another interpreter, where the one that runs this cannot have a package; it is asked for those that are missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.measure import median
from bench.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.report import Cell

BOXES: Final = Path(__file__).with_name("boxes.py")
TIMEOUT: Final = 600
PEERS: Final = {"monty": "pydantic_monty", "eryx": "eryx", "wasmtime": "wasmtime"}
OURS: Final = "arenite"


class Row(NamedTuple):
    """A line of the table.  `scale`: of seconds; `wanted`: of ours, "CPU" or "elapsed"."""

    name: str
    task: str
    key: str
    scale: float
    wanted: str


ROWS: Final = (
    Row("cold process to the first answer, s", "first", "first", 1, "0.30 CPU"),
    Row("a fresh box and one line, ms", "lines", "fresh", 1e3, "0.6"),
    Row("the same box, the next line, ms", "lines", "next", 1e3, "0.3"),
    Row("a dumped call of a tool, from bytes to the end, ms", "lines", "resume", 1e3, "0.5"),
    Row("a loop of 1,000,000 rounds, ms", "lines", "loop", 1e3, ""),
    Row("a snapshot of a box as bytes, ms", "lines", "snapshot", 1e3, ""),
    Row("a step of a history of 300, KiB", "lines", "history", 1, ""),
    Row("private memory of a box that has answered, KiB", "memory", "each", 1, "256"),
    Row("1,000 boxes that live at a time, each made and asked, ms", "memory", "seconds", 1e3, ""),
)


class Asked(NamedTuple):
    """What a process printed, and seconds from its start to its first line."""

    found: dict[str, float | list[float]]
    first_line: float


def interpreters() -> dict[str, str | None]:
    """Who can run each peer."""
    known = [path for path in (sys.executable, os.environ.get("ARENITE_BENCH_PEERS")) if path]
    return {name: next((path for path in known if imports(path, package)), None) for name, package in PEERS.items()}


def imports(python: str, package: str) -> bool:
    """Whether an interpreter has a package."""
    return not subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode


def child(python: str, name: str, task: str, cache: str) -> Asked:
    """What a process says.  Raises: `RuntimeError` with what it printed when it fails."""
    environment = os.environ | {"ARENITE_CACHE_DIR": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [python, str(BOXES), name, task]
    begin = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        first_line = time.perf_counter() - begin
        text = line + process.stdout.read()
        if process.wait(TIMEOUT):
            errors.seek(0)
            raise RuntimeError(errors.read().strip().rpartition("\n")[2])
    return Asked(json.loads(text.splitlines()[-1]), first_line)


def sandbox(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The suite."""
    report = Report("Boxes for Python", ("elapsed", OURS, "CPU", "wanted", *PEERS))
    found = interpreters()
    names = {OURS: sys.executable} | {name: path for name, path in found.items() if path is not None}
    for name, path in found.items():
        if path is None:
            report.notes.append(f"{name}: no interpreter has it; ARENITE_BENCH_PEERS may name one.")
    tasks = {row.task for row in ROWS if only in row.name}
    samples: dict[str, dict[str, list[tuple[float, float]]]] = {row.key: {} for row in ROWS if only in row.name}
    with tempfile.TemporaryDirectory(prefix="arenite-bench-") as cache:
        for name, path in list(names.items()):
            step(f"{name}: once before")
            try:
                child(path, name, "first", cache)
            except RuntimeError as error:
                report.notes.append(f"{name}: {error}")
                del names[name]
        for _ in range(rounds):
            for task in sorted(tasks):
                for name, path in names.items():
                    step(f"{task}: {name}")
                    try:
                        asked = child(path, name, task, cache)
                    except RuntimeError as error:
                        report.notes.append(f"{name}, {task}: {error}")
                        continue
                    keep(samples, name, task, asked)
    for row in ROWS:
        if only in row.name:
            report.rows.append(line(row, samples[row.key]))
    report.samples = {
        row: {name: [elapsed for elapsed, _ in times] for name, times in by_name.items()} for row, by_name in samples.items()
    }
    report.notes += [
        f"Medians of {rounds} processes, taken in turns.  CPU: of ours, with all threads; peers that have workers show what has elapsed, as ours do.",
        "monty: a subset of Python in worker processes.  eryx: CPython 3.14.  wasmtime: the guest that we have; a box is a start of CPython in a thread.",
        "Fresh boxes, lines and answers: behind 200 of each, as in a process that serves; the first row is a process that does not.",
        "Private memory is of 1,000 boxes of ours, 40 of others.",
    ]
    if samples.get("first", {}).get(OURS) is None and not only:
        report.problems.append("ours did not run")
    return report


def keep(samples: dict[str, dict[str, list[tuple[float, float]]]], name: str, task: str, asked: Asked) -> None:
    """Add what a process has said: (elapsed, CPU) of each row."""
    for row in ROWS:
        if row.task != task or row.key not in samples:
            continue
        value = (asked.first_line, asked.found["cpu"]) if task == "first" else asked.found.get(row.key)
        if row.key == "seconds" and asked.found["count"] != 1000:
            value = None
        if value is not None:
            pair = (value, 0.0) if isinstance(value, float) else (value[0], value[1])
            samples[row.key].setdefault(name, []).append(pair)


def line(row: Row, taken: dict[str, list[tuple[float, float]]]) -> tuple[Cell, ...]:
    """A line of the table."""

    def cell(name: str, which: int) -> Cell:
        times = [pair[which] for pair in taken.get(name, ())]
        return row.scale * median(times) if any(times) else None

    return row.name, cell(OURS, 0), cell(OURS, 1), row.wanted, *(cell(name, 0) for name in PEERS)
