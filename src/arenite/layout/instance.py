"""Where an instance keeps what it refers to: behind the fixed fields of its record, one word for each thing of its module.

    InstanceRecord | u32 per imported function | u32 per table | u32 per imported global | u32 per memory | u32 per tag
                   | 8 bytes per defined global, 16 for a v128

There are words for memories where ops name some: not for a module with one memory of 32 bits and pages of 64 KiB, or none.  A word is the
arena offset of a function reference, or of the record of a table, a global, a memory or a tag.  Bytecode names such a place by its
distance from the instance (`disp`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from arenite.layout import raw
from arenite.layout.records import GlobalRecord, InstanceRecord
from arenite.layout.types import V128, slots
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from arenite.layout.types import GlobalType, MemoryType

WORD = raw.SIZE


def global_size(type_: GlobalType) -> int:
    """Bytes of a global's value."""
    return GlobalRecord.size * len(slots((type_.content,)))


def vector_globals(types: Iterable[GlobalType]) -> tuple[int, ...]:
    """Which of the globals that a module defines are vectors, ascending."""
    return tuple([i for i, type_ in enumerate(types) if type_.content == V128])


def named_memories(types: Sequence[MemoryType]) -> int:
    """How many words for memories an instance has whose memories have these types."""
    return len(types) if len(types) > 1 or not all(type_.plain for type_ in types) else 0


class InstanceLayout(NamedTuple):
    """The layout for a module with so many imported functions, tables (imported ones too), imported globals and defined globals.

    `vectors`: which of these are v128s; `memories`: words for memories; `tags`: all tags, imported ones too.
    """

    imported_functions: int
    tables: int
    imported_globals: int
    defined_globals: int
    vectors: tuple[int, ...] = ()
    memories: int = 0
    tags: int = 0

    def function(self, index: int) -> int:
        """Place of the reference to imported function `index`."""
        return InstanceRecord.size + WORD * index

    def table(self, index: int) -> int:
        """Place of the offset of table `index`."""
        return self.function(self.imported_functions) + WORD * index

    def imported_global(self, index: int) -> int:
        """Place of the offset of imported global `index`."""
        return self.table(self.tables) + WORD * index

    def memory(self, index: int) -> int:
        """Place of the offset of memory `index`, where memories have words."""
        return self.imported_global(self.imported_globals) + WORD * index

    def tag(self, index: int) -> int:
        """Place of the offset of tag `index`."""
        return self.memory(self.memories) + WORD * index

    def defined_global(self, index: int) -> int:
        """Place of the value of defined global `index` (0 is the first that is not imported)."""
        start = -(-self.tag(self.tags) // GlobalRecord.size) * GlobalRecord.size
        return start + GlobalRecord.size * (index + bisect_left(self.vectors, index))

    @property
    def size(self) -> int:
        """Bytes of the whole instance."""
        return self.defined_global(self.defined_globals)
