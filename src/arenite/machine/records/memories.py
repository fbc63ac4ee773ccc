"""Memories: their records, and the areas of the cage that their bytes lie in.  Spec: exec-memory.grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import Limit
from arenite.layout.cage import memory_area
from arenite.layout.records import InstanceRecord, MemoryRecord
from arenite.layout.types import MAX_PAGES, PAGE_SIZE
from arenite.machine.records.objects import REFUSED, MemoryAddr
from arenite.machine.records.quota import check_count
from arenite.machine.turn import alone

if TYPE_CHECKING:
    from arenite.layout.types import MemoryType
    from arenite.machine.machine import Machine


@alone
def new_memory(machine: Machine, type_: MemoryType) -> MemoryAddr:
    """A memory of zeros.  Raises: `Limit`."""
    size, maximum = type_.limits.minimum * PAGE_SIZE, type_.limits.maximum
    if size > machine.quota.memory:
        raise Limit(f"a memory of {size} bytes; {machine.quota.memory} are allowed ({machine.quota.source('memory')})")
    check_count(machine.quota, "areas", len(machine.cage.sizes) - 1, 1)
    if size + sum(machine.cage.sizes[1:]) > machine.quota.memories:
        raise Limit(
            f"one more memory of {size} bytes; those of a store may have {machine.quota.memories} together (max_store_memory)"
        )
    at = machine.allocate(MemoryRecord.size)
    area = machine.cage.new_area(size)
    arena = machine.cage.arena
    for field, n in (
        (MemoryRecord.area, area),
        (MemoryRecord.length, size),
        (MemoryRecord.maximum, maximum or 0),
        (MemoryRecord.has_maximum, maximum is not None),
    ):
        field.write(arena, at, n)
    return MemoryAddr(at, type_, area)


def memory_bytes(machine: Machine, vmctx: int) -> memoryview:
    """The instance's memory 0, as far as the store context lets it reach."""
    record = InstanceRecord.memory.read(machine.cage.arena, vmctx)
    return machine.cage.memory(memory_area(machine.cage.arena, machine.cage.store_page, record))


@alone
def grow_memory(machine: Machine, record: int, delta: int) -> int:
    """Grow a memory by pages; the old size in pages or `REFUSED`."""
    arena, page = machine.cage.arena, machine.cage.store_page
    area = memory_area(arena, page, record)
    old = len(machine.cage.memory(area)) // PAGE_SIZE
    maximum = MemoryRecord.maximum.read(arena, record) if MemoryRecord.has_maximum.read(arena, record) else MAX_PAGES
    if old + delta > min(maximum, MAX_PAGES, max(old, machine.quota.memory // PAGE_SIZE)):
        return REFUSED
    if delta and sum(machine.cage.sizes[1:]) + delta * PAGE_SIZE > machine.quota.memories:
        return REFUSED
    try:
        machine.cage.resize(area, (old + delta) * PAGE_SIZE)
        MemoryRecord.length.write(arena, record, (old + delta) * PAGE_SIZE)
    except (Limit, OSError):
        return REFUSED
    except BaseException:  # of a signal's handler: it has grown or it has not
        MemoryRecord.length.write(arena, record, len(machine.cage.memory(area)))
        raise
    return old
