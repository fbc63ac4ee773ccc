"""The machine's side of `bytecode.stops`: one function per builtin, the same for every tier.

Each gets the machine, the instance's record and the op's arguments as u32s, and gives the result (an unsigned 32-bit pattern) or 0.
Everything from the arena is bounded by the Python views through which it is read.

Bulk work is done a piece at a time: a builtin pays for a piece, does it, and gives the arguments for the rest, with which it is called
again; between two pieces the machine looks up, and an execution may pause.  All bounds are looked at before the first piece, and again
before each: arguments may have travelled.

Spec: exec-memory.grow … exec-elem.drop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from arenite.bytecode.stops import BULK_MAX, Builtin
from arenite.layout.records import InstanceRecord, TableRecord
from arenite.layout.types import MAX_TABLE, MAX_U64
from arenite.machine.records.memories import grow, grow_memory, memory_bytes, memory_view
from arenite.machine.records.objects import REFUSED
from arenite.machine.records.segments import drop, elements_of, segment_bytes, segment_length
from arenite.machine.records.tables import PIECE, elements, fill, grow_table, table_record
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import MemoryAddr

UNIT_BYTES: Final = BULK_MAX  # of a memory that a unit of fuel pays for
UNIT_ELEMENTS: Final = PIECE  # of a table
UNIT_ITEMS: Final = 1 << 10  # of an element segment, each of which may be an expression
LONGEST: Final = 64  # units of work between two looks at the time: a few milliseconds
Rest: TypeAlias = "tuple[int, ...]"  # a builtin's arguments for what is left to do


class GuestTrap(Exception):  # noqa: N818 (never seen outside: the loop makes a Trap of it)
    """The guest must trap."""

    def __init__(self, code: Cause) -> None:
        super().__init__(code)
        self.code = code


def paid(machine: Machine, count: int, per: int, longest: int = LONGEST) -> int:
    """How many of `count` things may be done now: a unit of fuel has been taken for every `per` of them, begun ones too.

    Raises: `GuestTrap` when there is something to do and no fuel.
    """
    wanted = min(-(-count // per), longest)
    units = machine.fuel.take(wanted)
    if wanted and not units:
        raise GuestTrap(Cause.OUT_OF_FUEL)
    return min(count, units * per)


# ---- memories


def memory_grow(machine: Machine, vmctx: int, delta: int) -> int:
    """memory.grow."""
    return grow_memory(machine, InstanceRecord.memory.read(machine.cage.arena, vmctx), delta)


def _range(view: memoryview, start: int, count: int, cause: Cause = Cause.MEMORY_OUT_OF_BOUNDS) -> None:
    if start + count > len(view):
        raise GuestTrap(cause)


def _copy(
    machine: Machine, views: tuple[memoryview, memoryview], to: int, source: int, count: int, unit: int, cause: Cause
) -> int:
    """Copy to the first from the second as much as is paid for, forward where that overwrites nothing still to be read, else backward: how much."""
    target, origin = views
    _range(target, to, count, cause)
    _range(origin, source, count, cause)
    size = paid(machine, count, unit)
    at = 0 if to <= source else count - size
    target[to + at : to + at + size] = origin[source + at : source + at + size]
    return size


def _fill(machine: Machine, memory: memoryview, to: int, byte: int, count: int) -> int:
    """Fill as much as is paid for: how much."""
    _range(memory, to, count)
    size = paid(machine, count, UNIT_BYTES)
    memory[to : to + size] = bytes((byte & 0xFF,)) * size
    return size


def _init(machine: Machine, memory: memoryview, content: memoryview, to: int, source: int, count: int) -> int:
    """Write as much of a segment as is paid for: how much."""
    _range(memory, to, count)
    _range(content, source, count)
    size = paid(machine, count, UNIT_BYTES)
    memory[to : to + size] = content[source : source + size]
    return size


def memory_copy(machine: Machine, vmctx: int, to: int, source: int, count: int) -> int | Rest:
    """memory.copy."""
    with memory_bytes(machine, vmctx) as memory:
        size = _copy(machine, (memory, memory), to, source, count, UNIT_BYTES, Cause.MEMORY_OUT_OF_BOUNDS)
    return _left(to, source, count, size)


def _left(to: int, source: int, count: int, done: int, *, before: Rest = ()) -> int | Rest:
    """What is left of a copy."""
    if done == count:
        return 0
    step = done if to <= source else 0
    return (*before, to + step, source + step, count - done)


def memory_fill(machine: Machine, vmctx: int, to: int, byte: int, count: int) -> int | Rest:
    """memory.fill."""
    with memory_bytes(machine, vmctx) as memory:
        size = _fill(machine, memory, to, byte, count)
    return 0 if size == count else (to + size, byte, count - size)


def memory_init(machine: Machine, vmctx: int, segment: int, to: int, source: int, count: int) -> int | Rest:
    """memory.init."""
    content = segment_bytes(machine, vmctx, segment)
    with memory_bytes(machine, vmctx) as memory:
        size = _init(machine, memory, content, to, source, count)
    return 0 if size == count else (segment, to + size, source + size, count - size)


def _memory(machine: Machine, vmctx: int, memory: int) -> MemoryAddr:
    return machine.instance_at(vmctx).memories[memory]


def memory_grow_any(machine: Machine, vmctx: int, memory: int, delta: int) -> int:
    """memory.grow of any memory."""
    old = grow(machine, _memory(machine, vmctx, memory), delta)
    return MAX_U64 if old is None else old


def memory_copy_any(machine: Machine, vmctx: int, memory: int, other: int, to: int, source: int, count: int) -> int | Rest:
    """memory.copy between any memories."""
    with (
        memory_view(machine, _memory(machine, vmctx, memory)) as target,
        memory_view(machine, _memory(machine, vmctx, other)) as origin,
    ):
        size = _copy(machine, (target, origin), to, source, count, UNIT_BYTES, Cause.MEMORY_OUT_OF_BOUNDS)
    return _left(to, source, count, size, before=(memory, other))


def memory_fill_any(machine: Machine, vmctx: int, memory: int, to: int, byte: int, count: int) -> int | Rest:
    """memory.fill of any memory."""
    with memory_view(machine, _memory(machine, vmctx, memory)) as view:
        size = _fill(machine, view, to, byte, count)
    return 0 if size == count else (memory, to + size, byte, count - size)


def memory_init_any(machine: Machine, vmctx: int, segment: int, memory: int, to: int, source: int, count: int) -> int | Rest:
    """memory.init of any memory."""
    content = segment_bytes(machine, vmctx, segment)
    with memory_view(machine, _memory(machine, vmctx, memory)) as view:
        size = _init(machine, view, content, to, source, count)
    return 0 if size == count else (segment, memory, to + size, source + size, count - size)


def data_drop(machine: Machine, vmctx: int, segment: int) -> int:
    """data.drop."""
    drop(machine, vmctx, segment)
    return 0


# ---- tables


def table_grow(machine: Machine, vmctx: int, table: int, value: int, delta: int, settled: int = 0) -> int | Rest:
    """table.grow: done at once when all of it has been paid for, which may take several goes.  `settled`: elements paid for."""
    record = table_record(machine, vmctx, table)
    old, capacity = len(elements(machine, record)), TableRecord.capacity.read(machine.cage.arena, record)
    if old + delta > MAX_TABLE:
        return REFUSED
    price = delta + (old if old + delta > capacity else 0)
    if settled < price:
        settled += paid(machine, price - settled, UNIT_ELEMENTS, MAX_TABLE)
        if settled < price:
            return table, value, delta, settled
    return grow_table(machine, record, value, delta)


def table_fill(machine: Machine, vmctx: int, table: int, to: int, value: int, count: int) -> int | Rest:
    """table.fill."""
    view = elements(machine, table_record(machine, vmctx, table))
    _range(view, to, count, Cause.TABLE_OUT_OF_BOUNDS)
    size = paid(machine, count, UNIT_ELEMENTS)
    fill(view, to, value, size)
    return 0 if size == count else (table, to + size, value, count - size)


def table_copy(machine: Machine, vmctx: int, table: int, source_table: int, to: int, source: int, count: int) -> int | Rest:
    """table.copy."""
    views = elements(machine, table_record(machine, vmctx, table)), elements(machine, table_record(machine, vmctx, source_table))
    size = _copy(machine, views, to, source, count, UNIT_ELEMENTS, Cause.TABLE_OUT_OF_BOUNDS)
    return _left(to, source, count, size, before=(table, source_table))


def table_init(machine: Machine, vmctx: int, table: int, segment: int, to: int, source: int, count: int) -> int | Rest:
    """table.init: of the segment only what is asked for is made."""
    length = segment_length(machine, vmctx, segment)
    view = elements(machine, table_record(machine, vmctx, table))
    _range(view, to, count, Cause.TABLE_OUT_OF_BOUNDS)
    if source + count > length:
        raise GuestTrap(Cause.TABLE_OUT_OF_BOUNDS)
    size = paid(machine, count, UNIT_ITEMS, LONGEST // 16)
    view[to : to + size] = elements_of(machine, vmctx, segment, source, size)
    return 0 if size == count else (table, segment, to + size, source + size, count - size)


def elem_drop(machine: Machine, vmctx: int, segment: int) -> int:
    """elem.drop."""
    drop(machine, vmctx, len(machine.instance_at(vmctx).code.data) + segment)
    return 0


BUILTINS: Final[dict[int, Callable[..., int | Rest]]] = {
    Builtin.MEMORY_GROW: memory_grow,
    Builtin.MEMORY_COPY: memory_copy,
    Builtin.MEMORY_FILL: memory_fill,
    Builtin.MEMORY_INIT: memory_init,
    Builtin.MEMORY_GROW_ANY: memory_grow_any,
    Builtin.MEMORY_COPY_ANY: memory_copy_any,
    Builtin.MEMORY_FILL_ANY: memory_fill_any,
    Builtin.MEMORY_INIT_ANY: memory_init_any,
    Builtin.DATA_DROP: data_drop,
    Builtin.TABLE_GROW: table_grow,
    Builtin.TABLE_FILL: table_fill,
    Builtin.TABLE_COPY: table_copy,
    Builtin.TABLE_INIT: table_init,
    Builtin.ELEM_DROP: elem_drop,
}
"""Every builtin but `HOST_CALL`, which is the loop's own."""
