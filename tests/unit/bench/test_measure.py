from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from bench import speed
from bench.measure import geometric_mean, per_call
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
    assert report.rows[-1] == ("geometric mean", None, 0.5)
    assert report.samples[OWN[0].name]["native"] == [0.001] * 3
    assert not report.problems


def test_results_that_differ_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [p.partition(":")[0] for p in compared(monkeypatch, Fake(0.001, 2)).problems] == [OWN[0].name, OWN[1].name]


def test_geometric_mean() -> None:
    assert geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)


def test_per_call_calls() -> None:
    calls: list[None] = []
    assert per_call(lambda: calls.append(None), rounds=1, seconds=0.0001) > 0
    assert len(calls) > 1


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
