"""The cage: what lies where around the base, in bytes.

    low    guard          no access
           window         one entry per function of the store's modules, read-only      WINDOW_AT  .. STORE_AT
           store page     the store context                                             STORE_AT   .. 0
    base ->arena          records, frames: u32 offsets                                  0          .. MEMORY_AT
           memory area 0  a memory and its guard                                        MEMORY_AT  .. + AREA_SIZE
           memory area 1  …
           guard

An arena offset is a u32 and is never negative, so nothing read from the arena reaches the window or the store page; the largest
one plus the largest displacement ends inside memory area 0 or its guard.  The arena is bounded at 1 GiB, so that
`base + area 0 + index` needs no more than one displacement of x86-64's 31 bits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from arenite.layout import raw
from arenite.layout.records import MemoryRecord, StoreContext, WindowEntry
from arenite.layout.types import PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST_PAGE: Final = 4096
GUARD: Final = 1 << 16
STORE_AT: Final = -HOST_PAGE
MAX_HANDLES: Final = 1 << 20
HANDLE_MASK: Final = MAX_HANDLES - 1
WINDOW_SIZE: Final = MAX_HANDLES * WindowEntry.size
WINDOW_AT: Final = STORE_AT - WINDOW_SIZE
LOW: Final = WINDOW_AT - GUARD
MEMORY_AT: Final = 1 << 30
ARENA_MAX: Final = MEMORY_AT
MEMORY_MAX: Final = 1 << 32
AREA_MEMORY_MAX: Final = 2 * MEMORY_MAX  # bytes of a memory whose addresses have 64 bits: what its area has room for
AREA_SIZE: Final = AREA_MEMORY_MAX + GUARD  # an index and a static offset, each below 2**32, and the widest access
MAX_AREAS: Final = StoreContext.lengths.count

ALIGNMENT: Final = 16  # of records and of the frames that the host begins

# the arena's first pages: null, then the stack
NULL_SIZE: Final = HOST_PAGE
STACK_AT: Final = NULL_SIZE

# a window's bytecode: the map of return points (one bit per unit) lies below `code`
UNIT: Final = 8
CODE_MAX: Final = 1 << 32
MODULE_GRAIN: Final = HOST_PAGE * UNIT * 8  # a page of the map of return points covers so much bytecode
THUNKS: Final = 4096  # handles of host functions' types, before those of modules


def area_at(area: int) -> int:
    """Offset of a memory area from the base."""
    return MEMORY_AT + area * AREA_SIZE


def region_at(region: int) -> int:
    """Offset from the base of what a snapshot keeps: region 0 is the store page and the arena, the others the memory areas."""
    return STORE_AT if region == 0 else area_at(region - 1)


def memory_area(arena: memoryview, page: memoryview, record: int) -> int:
    """The area of the memory whose record lies there; area 0 if the cage, whose store page this is, has no such area."""
    area = MemoryRecord.area.read(arena, record)
    return area if area < StoreContext.areas.read(page, 0) else 0


def write_length(page: memoryview, area: int, size: int) -> None:
    """Let a store page say that a memory area has so many bytes: whole pages of 64 KiB."""
    lengths = StoreContext.lengths
    lengths.packer.pack_into(page, lengths.offset + lengths.size * area, size // PAGE_SIZE)


def write_context(page: memoryview, stack_limit: int, sizes: Sequence[int]) -> None:
    """Let a store page say what that of a cage with these regions says before anything has run."""
    page[:] = bytes(len(page))
    StoreContext.stack_limit.write(page, 0, stack_limit)
    StoreContext.areas.write(page, 0, len(sizes) - 1)
    for area, size in enumerate(sizes[1:]):
        write_length(page, area, size)


@cache
def cage_size(areas: int) -> int:
    """Bytes to reserve for a cage with so many memory areas."""
    return area_at(areas) - LOW


if raw.RAW:
    raw.convert_area(MemoryRecord.area, MEMORY_AT, AREA_SIZE)
assert StoreContext.size <= HOST_PAGE
