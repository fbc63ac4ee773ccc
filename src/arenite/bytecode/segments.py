"""A module's data segments, as a table: compilers of today's C write tens of thousands, and most are never asked for one by one."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ConstExpr = tuple[tuple[str | int, ...], ...]
"""A constant expression in postfix: `(("i32.const", 5), ("global.get", 0), ("i32.add",))`; floats as bit patterns, null as
`("ref.null",)`, functions as `("ref.func", index)`.  Spec: valid-constant."""

RECORD: Final = struct.Struct("<QQQ")  # start, end; an offset that is one `i32.const`, or one of these:
PASSIVE: Final = 1 << 32
COMPUTED: Final = PASSIVE + 1  # and which of the expressions
DENSE: Final = 2  # bytes of an image for each byte of data, at most


class DataSegment(NamedTuple):
    """Bytes `start` .. `end` of the module's file; `offset` is None for a passive segment."""

    start: int
    end: int
    offset: ConstExpr | None


class DataSegments:
    """Segments in order.  `records`: one for each; `computed`: offsets that are more than a constant."""

    def __init__(self, records: bytes = b"", computed: tuple[ConstExpr, ...] = ()) -> None:
        self.records = records
        self.computed = computed

    @classmethod
    def of(cls, segments: Iterable[DataSegment]) -> DataSegments:
        """A table of these."""
        records, computed = bytearray(), list[ConstExpr]()
        for start, end, offset in segments:
            if offset is None:
                word = PASSIVE
            elif len(offset) == 1 and offset[0][0] == "i32.const":
                word = int(offset[0][1]) & 0xFFFFFFFF
            else:
                word = COMPUTED + len(computed)
                computed.append(offset)
            records += RECORD.pack(start, end, word)
        return cls(bytes(records), tuple(computed))

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
        start, end, word = RECORD.unpack_from(self.records, index * RECORD.size)
        if word == PASSIVE:
            return DataSegment(start, end, None)
        return DataSegment(start, end, self.computed[word - COMPUTED] if word > PASSIVE else (("i32.const", word),))

    @property
    def any_passive(self) -> bool:
        """Whether a guest may ask for the bytes of one after its instance was made."""
        return any(word == PASSIVE for _, _, word in RECORD.iter_unpack(self.records))

    def image(self, file: bytes) -> tuple[int, bytes] | None:
        """What they make of a memory of zeros: (offset, bytes); None unless all are active, at constant offsets, and dense."""
        starts, ends, places = zip(*RECORD.iter_unpack(self.records), strict=True) if self.records else ((), (), ())
        if max(places, default=0) >= PASSIVE:
            return None
        low = min(places, default=0)
        high = max((to + end - start for start, end, to in zip(starts, ends, places, strict=True)), default=0)
        if high - low > DENSE * (sum(ends) - sum(starts)):
            return None
        image, view = bytearray(high - low), memoryview(file)
        for start, end, to in zip(starts, ends, places, strict=True):
            image[to - low : to - low + end - start] = view[start:end]
        return low, bytes(image)
