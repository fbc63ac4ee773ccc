"""How `arenite inspect` shows things: lists, and kinds of records by a colour that can be read on black and on white, or a letter.

Names come from files that nobody vouches for: `visible` shows what a terminal would obey.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from arenite.inspect import kinds
from arenite.light import NamedTuple
from arenite.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.inspect.kinds import RecordKind


WIDE: Final = 200  # columns where there is no terminal: nothing is cut short in a pipe
SHOWN: Final = 15  # lines of a list, unless all are asked for


def console() -> Console:
    """Where to print."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


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


class Look(NamedTuple):
    """`letter`: stands for the kind where there are no colours."""

    letter: str
    colour: str


LOOKS: Final[dict[RecordKind, Look]] = {
    kinds.CONTEXT: Look("X", "#64748b"),
    kinds.NULL: Look("N", "#94a3b8"),
    kinds.FRAMES: Look("F", "#e4572e"),
    kinds.UNUSED: Look("U", "#b08968"),
    kinds.INSTANCES: Look("I", "#2f7ed8"),
    kinds.FUNCTIONS: Look("R", "#0f9d8a"),
    kinds.FUNCTION: Look("R", "#0f9d8a"),
    kinds.HOSTS: Look("H", "#6ba32d"),
    kinds.TABLES: Look("T", "#7c3aed"),
    kinds.ELEMENTS: Look("E", "#b57bee"),
    kinds.MEMORIES: Look("M", "#d6409f"),
    kinds.GLOBALS: Look("G", "#d99a00"),
    kinds.TAGS: Look("A", "#c2410c"),
    kinds.ROOM: Look("V", "#be185d"),
    kinds.EXCEPTIONS: Look("W", "#e11d48"),
    kinds.DROPPED: Look("D", "#9a6b4f"),
    kinds.LOST: Look("L", "#737f8f"),
    kinds.FREE: Look("O", "#94a3b8"),
    kinds.BYTES: Look("B", "#3f8fc0"),
}
