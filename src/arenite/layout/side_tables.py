"""The tables beside a window's bytecode: what a tier that compiles knows of each unit of it, and of each function.

    functions | counters | return addresses | entries | tables of handlers (`layout.handlers`) | map of return points (`layout.frame`) | bytecode

They lie outside the arena, so no guest writes them and what they say is believed.
"""

from __future__ import annotations

import struct
from typing import Final

from arenite.layout.cage import MAX_HANDLES, UNIT
from arenite.layout.frame import RETURN_MAP_SIZE
from arenite.layout.handlers import HANDLERS_SIZE
from arenite.layout.spaces import Space
from arenite.light import NamedTuple

COMPILABLE_MAX: Final = 1 << 29  # bytes of bytecode that a window may have where functions are compiled


class SideTable(NamedTuple):
    """A table with an element for each unit of bytecode, or for each code handle."""

    below: int
    """Bytes from its beginning to that of the bytecode."""
    letter: str
    """What an element is, as `struct` says it."""
    by_handle: bool
    """Whether it has elements for code handles: for all of them, so that any masked one has its own."""

    @property
    def element(self) -> int:
        """Bytes of an element."""
        return struct.calcsize(self.letter)

    def size(self, code: int) -> int:
        """Bytes for so many bytes of bytecode."""
        return (MAX_HANDLES if self.by_handle else code // UNIT) * self.element


def _stacked(**letters: str) -> dict[Space, SideTable]:
    """Tables below each other, the first one right below those of handlers."""
    tables, below = {}, RETURN_MAP_SIZE + HANDLERS_SIZE
    for name, letter in letters.items():
        table = SideTable(below, letter, by_handle=name == "FUNCTIONS")
        below += table.size(COMPILABLE_MAX)
        tables[Space[name]] = table._replace(below=below)
    return tables


SIDE_TABLES: Final = _stacked(ENTRIES="Q", RETURN_ADDRESSES="Q", COUNTERS="I", FUNCTIONS="Q")
SIDE_TABLES_SIZE: Final = max(table.below for table in SIDE_TABLES.values()) - RETURN_MAP_SIZE - HANDLERS_SIZE
COUNT_ONE: Final = 1 << 16
"""One call, in a counter; below that it has the opcode in whose place the counting one stands."""
