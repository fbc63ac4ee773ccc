"""Misses of caches: of the CPU, where the system lets `perf` count, and of simulated caches, where `valgrind` is installed; neither is needed.

A kernel is run twice, in processes of its own, with few and with many rounds; the difference divided by that of the rounds is what one round costs, and
all that comes before cancels out.

Example:  counted("cachegrind", "single", "baseline", KERNELS[0])  # {"instructions": 91.6, "L1": 0.98, "last": 0.0}
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.relative.kernels import KERNELS, Kernel
from bench.relative.turns import ROOT, environment

from arenite.api.text import wat2wasm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future

EVENTS: Final = {"instructions": "instructions:u", "L1": "L1-dcache-load-misses:u", "last": "cache-misses:u"}
GEOMETRY: Final = {"D1": "32768,8,64", "I1": "32768,8,64", "LL": "33554432,16,64"}
"""Of the simulated caches, the same on each machine: bytes, ways, bytes of a line."""
LINES: Final = {"instructions": r"I +refs: +([\d,]+)", "L1": r"D1 +misses: +([\d,]+)", "last": r"LLd misses: +([\d,]+)"}
PREFIXES: Final[dict[str, list[str]]] = {
    "perf": ["perf", "stat", "-x", ";", "-e", ",".join(EVENTS.values()), "--"],
    "cachegrind": [
        "valgrind",
        "--tool=cachegrind",
        "--cachegrind-out-file=/dev/null",
        *(f"--{k}={v}" for k, v in GEOMETRY.items()),
    ],
}
ROUNDS: Final = {"perf": (100_000, 2_000_000), "cachegrind": (50_000, 250_000)}
COUNTED: Final = tuple(
    k
    for k in KERNELS
    if k.order == "random"
    and (k.elements, k.targets) in {(1 << 12, 4096), (1 << 20, 16), (10_000_000, 16)}
    and k.group == "call_indirect"
)
Counts = dict[str, float]


def figures(how: str, printed: str) -> Counts | None:
    """The counts in what a counter printed; None where one is missing."""
    if how == "perf":
        found = {name: re.search(rf"^(\d+);[^;]*;{event}", printed, re.MULTILINE) for name, event in EVENTS.items()}
    else:
        found = {name: re.search(line, printed) for name, line in LINES.items()}
    return {name: float(m[1].replace(",", "")) for name, m in found.items() if m} if all(found.values()) else None


def run(how: str, way: str, program: Sequence[str]) -> Counts | None:
    """Counts of a process."""
    done = subprocess.run([*PREFIXES[how], *program], cwd=ROOT, env=environment(way), capture_output=True, text=True, check=False)
    return figures(how, done.stderr) if done.returncode == 0 else None


def why_not(how: str) -> str | None:
    """Why that counter cannot be used here; None if it can."""
    name = PREFIXES[how][0]
    if shutil.which(name) is None:
        return f"{name} is not installed"
    return None if run(how, "single", [sys.executable, "-c", ""]) else f"{name} counts nothing on this system"


def write(kernel: Kernel, folder: Path) -> None:
    """A kernel's parts in binary form."""
    for part in kernel.parts:
        (folder / f"{part.name}.wasm").write_bytes(wat2wasm(part.text))


def counted(how: str, way: str, tier: str, kernel: Kernel) -> Counts | None:
    """What a round of a kernel costs; None where a process did not end well."""
    few, many = ROUNDS[how]
    with tempfile.TemporaryDirectory() as folder:
        write(kernel, Path(folder))
        command = [sys.executable, "-m", "bench.relative.running", way, tier, kernel.name, folder]
        subprocess.run(
            [*command, "1"], cwd=ROOT, env=environment(way), check=True
        )  # what is kept in caches of files is there by now
        before, after = (run(how, way, [*command, str(rounds)]) for rounds in (few, many))
    if before is None or after is None:
        return None
    return {what: round((after[what] - before[what]) / (many - few), 4) for what in before}


Jobs = dict[tuple[str, str], "Future[Counts | None]"]
"""Kernel and way -> what is being counted."""


def caches(ways: Sequence[str], tier: str, pool: Executor) -> dict[str, str | Jobs]:
    """For each counter why it cannot be used, or what it is going to count."""
    found: dict[str, str | Jobs] = {}
    for how in PREFIXES:
        missing = why_not(how)
        found[how] = missing or {
            (kernel.name, way): pool.submit(counted, how, way, tier, kernel) for kernel in COUNTED for way in ways
        }
    return found


def gathered(jobs: Jobs) -> dict[str, dict[str, Counts]]:
    """The counts of kernels, by way; without those that did not end well."""
    found: dict[str, dict[str, Counts]] = {}
    for (name, way), job in jobs.items():
        count = job.result()
        if count is not None:
            found.setdefault(name, {})[way] = count
    return found
