"""Where an instance keeps what it refers to: behind the fixed fields of its record, one word for each thing of its module.

    InstanceRecord | u32 per imported function | u32 per table | u32 per imported global | 8 bytes per defined global

A word is the arena offset of a function reference, a table record or a global record.  Bytecode names such a place by its distance
from the instance (`disp`).
"""

from __future__ import annotations

from typing import NamedTuple

from arenite.layout import raw
from arenite.layout.records import GlobalRecord, InstanceRecord

WORD = raw.SIZE


class InstanceLayout(NamedTuple):
    """The layout for a module with so many imported functions, tables (imported ones too), imported globals and defined globals."""

    imported_functions: int
    tables: int
    imported_globals: int
    defined_globals: int

    def function(self, index: int) -> int:
        """Place of the reference to imported function `index`."""
        return InstanceRecord.size + WORD * index

    def table(self, index: int) -> int:
        """Place of the offset of table `index`."""
        return self.function(self.imported_functions) + WORD * index

    def imported_global(self, index: int) -> int:
        """Place of the offset of imported global `index`."""
        return self.table(self.tables) + WORD * index

    def defined_global(self, index: int) -> int:
        """Place of the value of defined global `index` (0 is the first that is not imported)."""
        start = -(-self.imported_global(self.imported_globals) // GlobalRecord.size) * GlobalRecord.size
        return start + GlobalRecord.size * index

    @property
    def size(self) -> int:
        """Bytes of the whole instance."""
        return self.defined_global(self.defined_globals)
