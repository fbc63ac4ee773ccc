"""Suites `kernels` and `safe`: the same workloads on all engines, in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.measure import geometric_mean, median
from bench.report import Report
from bench.subjects import KERNELS_ONLY, SUBJECTS, RefusedError, Subject, Timed, subject
from bench.workloads import OWN, Workload, missing, workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.report import Cell

FAST: Final = ("threaded", "baseline", "auto", "fresh", "spaces", "epoch", "no fuel", "pulley", "wasm3", "native")
BASES: Final = ("native", "baseline")  # what the summary also compares with
SLOW: Final = ("safe", "pywasm", "threaded")


def run_all(
    engines: dict[str, Subject], work: Workload, size: int, rounds: int, step: Callable[[str], None]
) -> tuple[dict[str, list[Timed]], list[str]]:
    """The runs of each engine that can run a workload, taken in turns; and why others cannot."""
    runs: dict[str, list[Timed]] = {name: [] for name in engines if not (work.argv and name in KERNELS_ONLY)}
    refused = []
    for _ in range(rounds):
        for name, done in list(runs.items()):
            step(f"{work.name}: {name}")
            try:
                done.append(engines[name].run(work, size))
            except RefusedError as error:
                refused.append(f"{name} does not run {work.name}: {error}")
                del runs[name]
    return runs, refused


def disagreement(work: Workload, runs: dict[str, list[Timed]]) -> str | None:
    """What to say if engines gave different results."""
    results = {name: done[0].result for name, done in runs.items() if done}
    return None if len(set(results.values())) <= 1 else f"{work.name}: results differ: {results}"


def summary(seconds: dict[str, dict[str, float]], first: str, others: Sequence[str]) -> list[tuple[Cell, ...]]:
    """Of each of the others: the geometric mean and the largest of its time / the first's, and means beside `BASES` that take part."""

    def over(name: str, base: str) -> list[float]:
        return [found[name] / found[base] for found in seconds.values() if name in found and base in found]

    def line(what: str, of: Callable[[list[float]], float], base: str) -> tuple[Cell, ...]:
        return (what, None, *(of(ratios) if (ratios := over(name, base)) else None for name in others))

    lines = [line("geometric mean", geometric_mean, first), line("largest", max, first)]
    return lines + [line(f"geometric mean of time / {base}'s", geometric_mean, base) for base in BASES if base in others]


def compare(
    title: str, names: Sequence[str], works: Sequence[tuple[Workload, int]], rounds: int, step: Callable[[str], None]
) -> Report:
    """Milliseconds of the first engine; of the others time / its time."""
    found = {name: subject(name) for name in names}
    engines = {name: engine for name, engine in found.items() if engine is not None}
    first, *others = engines
    report = Report(title, ("", f"{first} ms", *others))
    seconds: dict[str, dict[str, float]] = {}
    refused: list[str] = []
    for work, size in works:
        runs, without = run_all(engines, work, size, rounds, step)
        refused += without
        wrong = disagreement(work, runs)
        if wrong:
            report.problems.append(wrong)
        report.samples[work.name] = {name: [run.seconds for run in done] for name, done in runs.items()}
        medians = seconds[work.name] = {name: median([run.seconds for run in done]) for name, done in runs.items()}
        ratios = (medians[name] / medians[first] if name in medians else None for name in others)
        report.rows.append((work.name, medians[first] * 1000, *ratios))
    if report.rows:
        means = summary(seconds, first, others)
        report.rows += means
        report.summary = len(means)
    report.notes = [f"{name}: {SUBJECTS[name][0]}" for name in engines]
    report.notes.append(f"Numbers of other columns: their time / {first}'s; above 1 they are slower.  Medians of {rounds}.")
    report.notes += refused
    return report


def kernels(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The threaded tier beside the others, other engines and its own variants."""
    report = compare("Run time", FAST, [(work, work.size) for work in workloads(only)], rounds, step)
    report.notes += [f"left out, not installed: {what}" for what in missing()]
    return report


def safe(only: str, rounds: int, step: Callable[[str], None]) -> Report:
    """The safe tier beside an engine in plain Python."""
    works = [(work, work.small) for work in OWN if only in work.name]
    return compare("Engines in plain Python", SLOW, works, rounds, step)
