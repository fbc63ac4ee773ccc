"""Tables: their records and elements, which are references as u32s.  Spec: exec-table.grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.errors import Limit, Trap
from arenite.layout import raw
from arenite.layout.records import TableRecord
from arenite.layout.types import MAX_TABLE
from arenite.machine.records.objects import REFUSED, TableAddr, word
from arenite.machine.records.quota import check_count
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.layout.types import TableType
    from arenite.machine.machine import Machine

PIECE: Final = 1 << 14  # elements that are set at once


def new_table(machine: Machine, type_: TableType, value: int = 0) -> TableAddr:
    """A table filled with `value`.  Raises: `Limit`."""
    length, known = type_.limits.minimum, machine.count_elements()
    if machine.quota.table < min(length, MAX_TABLE):
        raise Limit(f"a table of {length} elements; {machine.quota.table} are allowed ({machine.quota.source('table')})")
    if length > MAX_TABLE or known + length > machine.quota.elements:
        raise Limit(
            f"one more table, of {length} elements; those of a store may have {machine.quota.elements} together (max_table_elements)"
        )
    check_count(machine.quota, "tables", len(machine.registry.tables), 1)
    machine.elements = None
    table = _new_table(machine, type_, value)
    machine.elements = known + length
    return table


def _new_table(machine: Machine, type_: TableType, value: int) -> TableAddr:
    """One that is allowed.  Null is what fresh bytes are: no page is touched for it."""
    length, maximum = type_.limits.minimum, type_.limits.maximum
    at, start = machine.allocate(TableRecord.size), machine.allocate(raw.SIZE * length)
    arena = machine.cage.arena
    for field, n in (
        (TableRecord.elements, start),
        (TableRecord.length, length),
        (TableRecord.maximum, min(0 if maximum is None else maximum, 0xFFFFFFFF)),
        (TableRecord.has_maximum, maximum is not None),
        (TableRecord.element_type, type_.element),
        (TableRecord.capacity, length),
    ):
        field.write(arena, at, n)
    if value:
        with elements(machine, at) as view:
            fill(view, 0, value, length)
    table = machine.registry_to_change().tables[at] = TableAddr(at, type_)
    return table


def table_record(machine: Machine, vmctx: int, table: int) -> int:
    """Where an instance's table has its record."""
    layout = machine.instance_at(vmctx).code.layout
    return word(machine, vmctx + layout.table(table))


def elements(machine: Machine, record: int) -> memoryview:
    """A table's elements as u32s.  Raises: `Trap` when the record is damaged."""
    return _first_elements(machine, record, TableRecord.length.read(machine.cage.arena, record))


def _first_elements(machine: Machine, record: int, count: int) -> memoryview:
    """So many elements from where a table has them.  Raises: `Trap` when the record is damaged."""
    arena = machine.cage.arena
    at = TableRecord.elements.read(arena, record)
    if at % raw.SIZE or at + raw.SIZE * count > len(arena):
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    return arena[at : at + raw.SIZE * count].cast(raw.LETTER)


def grow_table(machine: Machine, record: int, value: int, delta: int) -> int:
    """Grow a table by elements; the old length or `REFUSED`."""
    arena = machine.cage.arena
    old = len(elements(machine, record))
    new = old + delta
    maximum = TableRecord.maximum.read(arena, record) if TableRecord.has_maximum.read(arena, record) else MAX_TABLE
    known = machine.count_elements()
    if new > min(maximum, MAX_TABLE, max(old, machine.quota.table)) or (delta and known + delta > machine.quota.elements):
        return REFUSED
    machine.elements = None
    grown = _grow_table(machine, record, value, delta)
    machine.elements = known if grown == REFUSED else known + delta
    return grown


def _grow_table(machine: Machine, record: int, value: int, delta: int) -> int:
    """A table that may grow."""
    arena, old = machine.cage.arena, len(elements(machine, record))
    new = old + delta
    if new > TableRecord.capacity.read(arena, record):
        capacity = max(new, min(2 * old, MAX_TABLE))
        try:
            at = machine.allocate(raw.SIZE * capacity)
        except Limit:
            return REFUSED
        arena = machine.cage.arena
        arena[at : at + raw.SIZE * old].cast(raw.LETTER)[:] = elements(machine, record)
        TableRecord.elements.write(arena, record, at)
        TableRecord.capacity.write(arena, record, capacity)
    fill(_first_elements(machine, record, new), old, value, delta)
    TableRecord.length.write(arena, record, new)
    return old


def fill(view: memoryview, to: int, value: int, count: int) -> None:
    """Set elements, a piece at a time."""
    with memoryview(value.to_bytes(raw.SIZE, "little") * min(count, PIECE)).cast(raw.LETTER) as piece:
        for at in range(to, to + count, PIECE):
            size = min(PIECE, to + count - at)
            view[at : at + size] = piece[:size]
