"""A module's data segments, as a table: compilers of today's C write tens of thousands, and most are never asked for one by one."""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Final

from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ConstExpr = tuple[tuple[str | int, ...], ...]
"""A constant expression in postfix: `(("i32.const", 5), ("global.get", 0), ("i32.add",))`; floats as bit patterns, null as
`("ref.null",)`, functions as `("ref.func", index)`.  Spec: valid-constant."""

RECORD: Final = struct.Struct("=QQQ")  # start, end; an offset that is one `i32.const`, or one of these:
PASSIVE: Final = 1 << 32
COMPUTED: Final = PASSIVE + 1  # and which of the expressions


class DataSegment(NamedTuple):
    """Bytes `start` .. `end` of the module's file; `offset`, in `memory`, is None for a passive segment."""

    start: int
    end: int
    offset: ConstExpr | None
    memory: int = 0


class DataSegments:
    """Segments in order.  `records`: one for each; `computed`: offsets that are more than a constant.

    `others`: (number of a segment, its memory) of those that go to a memory but the first.
    """

    def __init__(
        self, records: bytes = b"", computed: tuple[ConstExpr, ...] = (), others: tuple[tuple[int, int], ...] = ()
    ) -> None:
        self.records = records
        self.computed = computed
        self.others = others
        self.memories = dict(others)

    @classmethod
    def of(cls, segments: Iterable[DataSegment]) -> DataSegments:
        """A table of these."""
        records, computed, others = bytearray(), list[ConstExpr](), list[tuple[int, int]]()
        for number, (start, end, offset, memory) in enumerate(segments):
            if offset is None:
                word = PASSIVE
            elif len(offset) == 1 and offset[0][0] == "i32.const":
                word = int(offset[0][1]) & 0xFFFFFFFF
            else:
                word = COMPUTED + len(computed)
                computed.append(offset)
            if memory:
                others.append((number, memory))
            records += RECORD.pack(start, end, word)
        return cls(bytes(records), tuple(computed), tuple(others))

    def __len__(self) -> int:
        return len(self.records) // RECORD.size

    def __getitem__(self, index: int) -> DataSegment:
        """The segment with an index."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._at(index)

    def __iter__(self) -> Iterator[DataSegment]:
        return map(self._at, range(len(self)))

    def _at(self, index: int) -> DataSegment:
        start, end, offset = RECORD.unpack_from(self.records, index * RECORD.size)
        memory = self.memories.get(index, 0) if self.memories else 0
        return DataSegment(start, end, None if offset == PASSIVE else self.expression(offset), memory)

    def expression(self, offset: int) -> ConstExpr:
        """The expression that an offset other than `PASSIVE` stands for."""
        return self.computed[offset - COMPUTED] if offset > PASSIVE else (("i32.const", offset),)

    def words(self) -> Iterator[tuple[int, int, int]]:
        """(start, end, offset) of each: an address, `PASSIVE`, or what `expression` knows."""
        return RECORD.iter_unpack(self.records)

    @property
    def any_passive(self) -> bool:
        """Whether a guest may ask for the bytes of one after its instance was made."""
        return PASSIVE in array("Q", self.records)[2::3]
