"""Lists as `arenite inspect` shows them, and types and counts in words.

Names come from files that nobody vouches for: `visible` shows what a terminal would obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from arenite.bytecode.text import visible
from arenite.layout.types import FuncType, GlobalType, MemoryType, TableType, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.layout.types import ExternType, Limits

SHOWN: Final = 15  # lines of a list, unless all are asked for


def reach(limits: Limits, what: str) -> str:
    """`1 page or more`, `1 to 2 pages`: the sizes that limits allow."""
    if limits.maximum is None:
        return f"{plural(limits.minimum, what)} or more"
    return (
        plural(limits.maximum, what)
        if limits.minimum == limits.maximum
        else f"{limits.minimum:,} to {plural(limits.maximum, what)}"
    )


def plural(count: int, what: str) -> str:
    """`1 page`, `2 pages`, `2 memories`."""
    several = what[:-1] + "ies" if what.endswith("y") else what + "s"
    return f"{count:,} {what if count == 1 else several}"


def describe(type_: ExternType) -> str:
    """A type in one line: `func (i32) -> ()`, `memory of 1 to 2 pages`."""
    match type_:
        case FuncType():
            return f"func {type_}"
        case TableType():
            return f"table of {reach(type_.limits, type_name(type_.element))}"
        case MemoryType():
            return f"memory of {reach(type_.limits, 'page')}"
        case GlobalType():
            return f"global {'mut ' if type_.mutable else ''}{type_name(type_.content)}"


def columns(title: str) -> Table:
    """A table without lines under a title."""
    return Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, padding=(0, 2, 0, 2))


def listing(title: str, rows: Sequence[tuple[str, ...]], shown: int) -> Table:
    """Columns under a title that counts the rows; how many are left out, if any."""
    table = columns(f"{title} ({len(rows)})")
    for row in rows[:shown]:
        table.add_row(*(Text(visible(text)) for text in row))
    if len(rows) > shown:
        table.add_row(Text(f"and {len(rows) - shown} more: --all"))
    return table
