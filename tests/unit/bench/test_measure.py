from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from bench import speed
from bench.calls import calls
from bench.exceptions import INSIDE, PLACES, exceptions
from bench.measure import geometric_mean, repetitions
from bench.report import Report, cell_text, save, table
from bench.subjects import Timed
from bench.workloads import OWN
from rich.console import Console

if TYPE_CHECKING:
    from pathlib import Path

    from bench.workloads import Workload


class Fake:
    def __init__(self, seconds: float, result: int) -> None:
        self.seconds = seconds
        self.result = result

    def run(self, work: Workload, size: int) -> Timed:
        return Timed(self.seconds, len(work.name) + self.result + size)


def compared(monkeypatch: pytest.MonkeyPatch, other: Fake) -> Report:
    engines = {"threaded": Fake(0.002, 1), "native": other, "pywasm": None}
    monkeypatch.setattr(speed, "subject", engines.__getitem__)
    return speed.compare("title", tuple(engines), [(OWN[0], 5), (OWN[1], 6)], 3, lambda _step: None)


def test_ratios_and_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    report = compared(monkeypatch, Fake(0.001, 1))
    assert report.columns == ("", "threaded ms", "native")  # an engine that is missing has no column
    assert report.rows[0] == (OWN[0].name, 2.0, 0.5)
    assert report.rows[2:] == [
        ("geometric mean", None, 0.5),
        ("largest", None, 0.5),
        ("geometric mean of time / native's", None, 1.0),
    ]
    assert report.summary == 3
    assert report.samples[OWN[0].name]["native"] == [0.001] * 3
    assert not report.problems


def test_a_summary_compares_with_each_base_what_ran_on_both() -> None:
    seconds = {"a": {"threaded": 1.0, "baseline": 0.5, "native": 0.25}, "b": {"threaded": 1.0, "baseline": 0.125}}
    assert speed.summary(seconds, "threaded", ["baseline", "native", "wasm3"]) == [
        ("geometric mean", None, pytest.approx(0.25), 0.25, None),
        ("largest", None, 0.5, 0.25, None),
        ("geometric mean of time / native's", None, 2.0, 1.0, None),
        ("geometric mean of time / baseline's", None, 1.0, 0.5, None),
    ]


def test_calls_are_measured_on_both_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.calls.repetitions", lambda _call: 3)
    report = calls("memory.read", 2, lambda _step: None)
    assert report.columns[:3] == ("", "threaded", "auto")
    (samples,) = report.samples.values()
    assert {name: len(found) for name, found in samples.items()} == {"threaded": 2, "auto": 2, "wasmtime": 2}
    ((_, *cells),) = report.rows
    threaded, auto, wasmtime, *ratios = [cell for cell in cells if isinstance(cell, float)]
    assert ratios == pytest.approx([auto / threaded, wasmtime / threaded])


def test_exceptions_are_thrown_as_often_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.exceptions.repetitions", lambda _call: 1)
    monkeypatch.setattr("bench.exceptions.ROUNDS", 2)
    report = exceptions("1", 3, lambda _step: None)
    assert [row[0] for row in report.rows] == [
        f"{word} through {n} frames" for word in ("caught", "caught and kept") for n in (1, 10, 100)
    ]
    assert {len(found) for samples in report.samples.values() for found in samples.values()} == {3}
    quiet = exceptions("handlers", 1, lambda _step: None)
    assert [len(samples) for samples in quiet.samples.values()] == [6 * PLACES] * len(INSIDE)


def test_results_that_differ_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [p.partition(":")[0] for p in compared(monkeypatch, Fake(0.001, 2)).problems] == [OWN[0].name, OWN[1].name]


def test_geometric_mean() -> None:
    assert geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)


def test_calls_are_repeated_as_often_as_fills_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.measure.loop", lambda _call, count: count * 0.001)
    assert repetitions(lambda: None, seconds=0.05) == 50
    assert repetitions(lambda: None, seconds=0.0001) == 1


@pytest.mark.parametrize(
    ("cell", "text"),
    [(None, "-"), ("fib", "fib"), (12345, "12,345"), (0.0412, "0.0412"), (2.5, "2.50"), (37.25, "37.2"), (1234.5, "1,234")],
)
def test_cells(cell: str | float | None, text: str) -> None:
    assert cell_text(cell) == text


def test_a_report_is_shown_and_kept(tmp_path: Path) -> None:
    report = Report("title", ("", "ms"), [("fib", 1.5)], ["a note"], {"fib": {"threaded": [0.0015]}})
    console = Console(width=80, file=io.StringIO())
    console.print(table(report))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert all(text in shown for text in ("title", "fib", "1.50", "a note"))
    save(tmp_path / "new" / "results.json", {"cores": 2}, [report])
    kept = json.loads((tmp_path / "new" / "results.json").read_text())
    assert kept["machine"] == {"cores": 2}
    assert kept["reports"][0]["samples"] == {"fib": {"threaded": [0.0015]}}
