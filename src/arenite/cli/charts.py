"""What `arenite inspect` shows of a module: what it is made of, and where its size goes.

Example:  show_module(Path("hello.wasm"), console(), shown=15)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from arenite.cli.loading import read, refusing
from arenite.cli.look import columns, listing
from arenite.inspect.module import inspect_module
from arenite.inspect.words import plural
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from arenite.inspect.module import ModuleFacts

BAR: Final = 24  # columns of a full bar


def chart(title: str, sizes: Sequence[tuple[str, int]], shown: int) -> Table:
    """The largest of `sizes`, each with its share of all of them as a number and as a bar."""
    table = columns(title)
    whole = sum(size for _, size in sizes) or 1
    for label, size in sizes[:shown]:
        table.add_row(
            Text(visible(label)), Text(f"{size:,}", justify="right"), f"{size / whole:.1%}", Bar(whole, 0, size, width=BAR)
        )
    return table


def summary(path: Path, facts: ModuleFacts) -> Table:
    """The first lines: name, size, how many of everything, features."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row(Text("file"), Text(f"{path}, {facts.size:,} bytes" + (f", module {facts.name!r}" if facts.name else "")))
    table.add_row("holds", ", ".join(plural(count, what) for what, count in facts.counts if count) or "nothing")
    table.add_row("memory", ", ".join(facts.memories) or "none")
    table.add_row("needs", ", ".join(facts.features) or "WebAssembly 1.0")
    return table


def show_module(file: Path, console: Console, shown: int) -> None:
    """Show what is in a module.  Raises: Refused."""
    code = read(file)
    with refusing(file):
        facts = inspect_module(code)
    console.print(summary(file, facts))
    for part in (
        listing("imports", facts.imports, shown),
        listing("exports", facts.exports, shown),
        listing("custom sections", facts.customs, shown),
        chart("bytes by section", facts.sections, shown),
        chart("largest functions", facts.functions, shown),
    ):
        if part.row_count:
            console.print()
            console.print(part)
