"""Memories: their records, and the areas of the cage that their bytes lie in.  Spec: exec-memory.grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import Limit
from arenite.layout.cage import AREA_MEMORY_MAX, MEMORY_MAX, memory_area
from arenite.layout.records import InstanceRecord, MemoryRecord
from arenite.layout.types import MAX_PAGES, MAX_U64, PAGE_BITS, PAGE_SIZE
from arenite.machine.records.objects import REFUSED, MemoryAddr
from arenite.machine.records.quota import check_count
from arenite.machine.turn import alone

if TYPE_CHECKING:
    from arenite.layout.types import MemoryType
    from arenite.machine.machine import Machine


@alone
def new_memory(machine: Machine, type_: MemoryType) -> MemoryAddr:
    """A memory of zeros.  Raises: `Limit`."""
    size, maximum = type_.limits.minimum * type_.page_size, type_.limits.maximum
    if size > machine.quota.memory:
        raise Limit(f"a memory of {size} bytes; {machine.quota.memory} are allowed ({machine.quota.source('memory')})")
    if size > largest(type_):
        raise Limit(
            f"a memory of {size} bytes; there is room for {largest(type_)}: a memory lies in one area of its store's address space"
        )
    check_count(machine.quota, "areas", len(machine.cage.sizes) - 1, 1)
    space = whole_pages(size)
    if space + sum(machine.cage.sizes[1:]) > machine.quota.memories:
        raise Limit(
            f"one more memory of {space} bytes; those of a store may have {machine.quota.memories} together (max_store_memory)"
        )
    at = machine.allocate(MemoryRecord.size)
    area = machine.cage.new_area(space)
    arena = machine.cage.arena
    for field, n in (
        (MemoryRecord.area, area),
        (MemoryRecord.length, size),
        (MemoryRecord.maximum, min(maximum or 0, MAX_U64)),
        (MemoryRecord.has_maximum, maximum is not None),
    ):
        field.write(arena, at, n)
    return MemoryAddr(at, type_, area)


def largest(type_: MemoryType) -> int:
    """Bytes that a memory may have: what its addresses reach, or its area has room for."""
    return AREA_MEMORY_MAX if type_.is_64 else MEMORY_MAX


def whole_pages(size: int) -> int:
    """Bytes of the area that holds so many: areas have whole pages of 64 KiB."""
    return -(-size // PAGE_SIZE) * PAGE_SIZE


def memory_bytes(machine: Machine, vmctx: int) -> memoryview:
    """The instance's memory 0, as far as the store context lets it reach."""
    record = InstanceRecord.memory.read(machine.cage.arena, vmctx)
    return machine.cage.memory(memory_area(machine.cage.arena, machine.cage.store_page, record))


def memory_view(machine: Machine, memory: MemoryAddr) -> memoryview:
    """A memory's bytes: its area's, or where its pages are smaller as many of these as its record says."""
    view = machine.cage.memory(memory.area)
    if memory.type.page_bits == PAGE_BITS:
        return view
    with view:
        return view[: MemoryRecord.length.read(machine.cage.arena, memory.at)]


@alone
def grow_memory(machine: Machine, record: int, delta: int) -> int:
    """Grow a memory of an instance, of 32 bits and pages of 64 KiB, by pages; the old size in pages or `REFUSED`."""
    arena, page = machine.cage.arena, machine.cage.store_page
    area = memory_area(arena, page, record)
    old = len(machine.cage.memory(area)) // PAGE_SIZE
    maximum = MemoryRecord.maximum.read(arena, record) if MemoryRecord.has_maximum.read(arena, record) else MAX_PAGES
    if old + delta > min(maximum, MAX_PAGES, max(old, machine.quota.memory // PAGE_SIZE)):
        return REFUSED
    if not _resize(machine, record, area, old * PAGE_SIZE, (old + delta) * PAGE_SIZE):
        return REFUSED
    return old


@alone
def grow(machine: Machine, memory: MemoryAddr, delta: int) -> int | None:
    """Grow any memory by its pages; the old size in these, or None."""
    type_ = memory.type
    with memory_view(machine, memory) as view:
        size = len(view)
    new = size + delta * type_.page_size
    if type_.limits.maximum is not None and new > type_.limits.maximum * type_.page_size:
        return None
    if new > min(largest(type_), type_.most_pages * type_.page_size, max(size, machine.quota.memory)):
        return None
    if not _resize(machine, memory.at, memory.area, size, new):
        return None
    return size >> type_.page_bits


def _resize(machine: Machine, record: int, area: int, size: int, new: int) -> bool:
    """Whether a memory has the new size now."""
    before, space = whole_pages(size), whole_pages(new)
    if new > size and sum(machine.cage.sizes[1:]) + space - before > machine.quota.memories:
        return False
    try:
        machine.cage.resize(area, max(before, space))
        MemoryRecord.length.write(machine.cage.arena, record, new)
    except (Limit, OSError):
        return False
    except BaseException:  # of a signal's handler: it has grown or it has not
        has_grown = len(machine.cage.memory(area)) >= space
        MemoryRecord.length.write(machine.cage.arena, record, new if has_grown else size)
        raise
    return True
