"""`python -m bench`: measure, print tables, keep the numbers.

python -m bench                      everything
python -m bench kernels --only fib   one suite, one workload
python -m bench --quick              a first impression
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from bench import (
    calls,
    cold,
    compiling,
    exceptions,
    forks,
    frontend,
    imports,
    latency,
    machines,
    sandbox,
    serving,
    speed,
    waiting,
)
from bench.measure import machine
from bench.report import Report, save, table
from rich.console import Console

RESULTS: Final = Path(__file__).with_name("results")
Suite = Callable[[str, int, Callable[[str], None]], Report]
SUITES: Final[dict[str, tuple[Suite, int]]] = {  # name -> (suite, rounds)
    "kernels": (speed.kernels, 5),
    "safe": (speed.safe, 3),
    "compile": (compiling.compiling, 5),
    "frontend": (frontend.frontend, 3),
    "start": (frontend.start, 3),
    "cold": (cold.cold, 5),
    "import": (imports.imports, 9),
    "calls": (calls.calls, 5),
    "exceptions": (exceptions.exceptions, 9),
    "sizes": (calls.sizes, 1),
    "forks": (forks.forks, 5),
    "latency": (latency.latency, 10),
    "waiting": (waiting.waiting, 9),
    "sandbox": (sandbox.sandbox, 3),
    "mcp": (serving.serving, 25),
    "ray": (machines.machines, 1),
}


def measure(
    suites: Annotated[list[str] | None, typer.Argument(help=f"Which to run: {', '.join(SUITES)}; all by default.")] = None,
    *,
    only: Annotated[str, typer.Option(metavar="TEXT", help="Only workloads whose names hold this.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="One round of everything.")] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often everything is measured; by default each suite decides.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where to keep all samples; by default in bench/results.")
    ] = None,
) -> None:
    """Measure arenite beside other engines: run time, translation, compiling, start, calls, sizes, forks, interrupts, guests in an event loop, boxes, calls over MCP, forks on a cluster."""
    for name in suites or ():
        if name not in SUITES:
            raise typer.BadParameter(f"{name!r} is no suite; there are {', '.join(SUITES)}")
    console, described, reports = Console(), machine(), list[Report]()
    console.print("  ".join(f"{key} {value}" for key, value in described.items()), highlight=False)
    for name in suites or SUITES:
        suite, usual = SUITES[name]
        with console.status(name) as status:
            report = suite(only, 1 if quick else rounds or usual, status.update)
        if report.rows or not only:
            reports.append(report)
            console.print(table(report))
    when = datetime.now(tz=UTC)
    path = json or RESULTS / f"{when:%Y%m%d-%H%M%S}.json"
    save(path, described | {"when": when.isoformat(timespec="seconds")}, reports)
    console.print(f"samples: {path}")
    problems = [problem for report in reports for problem in report.problems]
    for problem in problems:
        console.print(f"[bold red]{problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    typer.run(measure)
