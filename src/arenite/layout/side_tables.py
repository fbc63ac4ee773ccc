"""The tables beside a window's bytecode: what a tier that compiles knows of each unit of it.

    counters | return addresses | entries | map of return points (`layout.frame`) | bytecode

They lie outside the arena, so no guest writes them and what they say is believed.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from arenite.layout.cage import UNIT
from arenite.layout.frame import RETURN_MAP_SIZE
from arenite.layout.spaces import Space

COMPILABLE_MAX: Final = 1 << 29  # bytes of bytecode that a window may have where functions are compiled


class SideTable(NamedTuple):
    """A table with an element for each unit of bytecode."""

    below: int
    """Bytes from its beginning to that of the bytecode."""
    letter: str
    """What an element is, as `struct` says it."""

    @property
    def element(self) -> int:
        """Bytes of an element."""
        return struct.calcsize(self.letter)

    def size(self, code: int) -> int:
        """Bytes for so many bytes of bytecode."""
        return code // UNIT * self.element


def _stacked(**letters: str) -> dict[Space, SideTable]:
    """Tables below each other, the first one right below the map of return points."""
    tables, below = {}, RETURN_MAP_SIZE
    for name, letter in letters.items():
        below += COMPILABLE_MAX // UNIT * struct.calcsize(letter)
        tables[Space[name]] = SideTable(below, letter)
    return tables


SIDE_TABLES: Final = _stacked(ENTRIES="Q", RETURN_ADDRESSES="Q", COUNTERS="I")
SIDE_TABLES_SIZE: Final = max(table.below for table in SIDE_TABLES.values()) - RETURN_MAP_SIZE
COUNT_ONE: Final = 1 << 16
"""One call, in a counter; below that it has the opcode in whose place the counting one stands."""
