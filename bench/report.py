"""Results as tables to read and as JSON to keep."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Cell = str | int | float | None
DIGITS: Final = 3


@dataclass
class Report:
    """One table.  `rows`: a cell for each column.  `samples`: all that was measured, in seconds, for the JSON."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    summary: int = 0  # so many rows at the end are means
    problems: list[str] = field(default_factory=list)  # results that were wrong


def cell_text(cell: Cell) -> str:
    """A cell; numbers with three digits that count."""
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else cell
    if cell and abs(cell) < 10:
        return f"{cell:.2f}" if abs(cell) >= 0.1 else f"{cell:.{DIGITS}g}"
    return f"{cell:,.1f}" if abs(cell) < 100 else f"{cell:,.0f}"


def table(report: Report) -> Table:
    """For the terminal."""
    table = Table(title=report.title, title_justify="left", caption="\n".join(report.notes), caption_justify="left")
    for i, column in enumerate(report.columns):
        if i == 0:
            table.add_column(column, overflow="fold", ratio=1)
        else:
            table.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
    for i, row in enumerate(report.rows):
        if report.summary and i == len(report.rows) - report.summary:
            table.add_section()
        table.add_row(*map(cell_text, row))
    return table


def save(path: Path, machine: Mapping[str, str | int | float], reports: Sequence[Report]) -> None:
    """Write everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": dict(machine), "reports": [vars(report) for report in reports]}
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
