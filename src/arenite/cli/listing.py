"""Lists as `arenite inspect` shows them.

Names come from files that nobody vouches for: `visible` shows what a terminal would obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN: Final = 15  # lines of a list, unless all are asked for


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
