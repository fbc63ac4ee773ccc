"""Rows that touch memory 0 with addresses of 32 bits, which `memories` has for all others: the address space is part of an op's name.  Spec: exec-load … exec-memory.init.

Loads leave a slot's upper half zero, so `load32` serves i32, f32 and `i64.load32_u`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.integers import trap_if
from arenite.bytecode.protocol import I8, I16, I32, I64, REF, Emit, Memory, Type, Value, Values
from arenite.bytecode.row import SLOTS, Meaning, Row, asking, far, row, specialised
from arenite.bytecode.stops import BULK_MAX, Builtin
from arenite.layout.raw import RAW
from arenite.layout.records import InstanceRecord, MemoryRecord, StoreContext
from arenite.layout.spaces import Space
from arenite.layout.types import PAGE_SIZE
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADS: Final[tuple[tuple[str, Type, str, str], ...]] = (
    # name, type in memory, extension, slot
    ("load8_u", I8, "extend_u", "i32"),
    ("load16_u", I16, "extend_u", "i32"),
    ("load32", I32, "", "i32"),
    ("load64", I64, "", "i64"),
    ("load8_s.i32", I8, "extend_s", "i32"),
    ("load16_s.i32", I16, "extend_s", "i32"),
    ("load8_s.i64", I8, "extend_s", "i64"),
    ("load16_s.i64", I16, "extend_s", "i64"),
    ("load32_s.i64", I32, "extend_s", "i64"),
)
STORES: Final[tuple[tuple[str, Type, str], ...]] = (
    ("store8", I8, "i32"),
    ("store16", I16, "i32"),
    ("store32", I32, "i32"),
    ("store64", I64, "i64"),
)
FIRST: Final = InstanceRecord.memory.offset  # the place of memory 0


def load(narrow: Type, extend: str, to: Type) -> Meaning:
    """A load, extended to its slot's type."""

    def meaning(e: Emit, at: Value, disp: Value, memory: Memory) -> Value:
        value = e.load(memory, narrow, at, disp)
        return e.pure(extend, value, to=to) if extend else value

    return meaning


def store(narrow: Type) -> Meaning:
    """A store of the low bits."""

    def meaning(e: Emit, at: Value, value: Value, disp: Value, memory: Memory) -> None:
        e.store(memory, at, value if value.type is narrow else e.pure("wrap", value, to=narrow), disp)

    return meaning


def first_memory(e: Values) -> Memory:
    """Memory 0, whose base the machine keeps."""
    return Memory(e.const(I32, FIRST))


def memory_length(e: Emit, memory: Memory) -> Value:
    """Bytes of a memory of the instance (i64)."""
    return in_bytes(e, memory_size(e, memory))


def memory_size(e: Emit, memory: Memory) -> Value:
    """dst = length of memory 0 in pages."""
    if RAW:
        return e.pure(
            "wrap",
            e.pure("shr_u", recorded_length(e, e.register("vmctx"), memory), e.const(I64, PAGE_SIZE.bit_length() - 1)),
            to=I32,
        )
    return area_pages(e, memory_area(e, e.register("vmctx"), memory))


def memory_record(e: Values, vmctx: Value, memory: Memory) -> Value:
    """Where an instance's memory has its record."""
    return e.load(Space.ARENA, REF, vmctx, memory.place)


def memory_area(e: Values, vmctx: Value, memory: Memory) -> Value:
    """The area of an instance's memory (i32)."""
    return area_of(e, memory_record(e, vmctx, memory))


def area_of(e: Values, record: Value) -> Value:
    """The area of the memory with a record (i32).  Which one it is comes from the arena, so it is bounded: area 0 if the cage has no such area.

    `layout.cage.memory_area` says the same in Python.
    """
    if RAW:
        return e.load(Space.ARENA, I64, record, MemoryRecord.area.offset)
    area = e.load(Space.ARENA, I32, record, MemoryRecord.area.offset)
    areas = e.load(Space.STORE, I32, e.const(I32, 0), StoreContext.areas.offset)
    return e.pure("select", e.pure("lt_u", area, areas), area, e.const(I32, 0))


def recorded_length(e: Values, vmctx: Value, memory: Memory) -> Value:
    """Bytes of a memory as its record has them (i64), where the raw layout looks."""
    return e.load(Space.ARENA, I64, memory_record(e, vmctx, memory), MemoryRecord.length.offset)


def area_pages(e: Values, area: Value) -> Value:
    """Pages of a memory area that the cage has (i32), from the store context."""
    shift = StoreContext.lengths.size.bit_length() - 1
    return e.load(Space.STORE, I32, e.pure("shl", area, e.const(I32, shift)), StoreContext.lengths.offset)


def in_bytes(e: Values, pages: Value) -> Value:
    """So many pages in bytes (i64)."""
    return e.pure("shl", e.pure("extend_u", pages, to=I64), e.const(I64, PAGE_SIZE.bit_length() - 1))


def machine_does(e: Emit, builtin: Builtin, *args: Value) -> None:
    """What is long, cannot be paid from this slice, or comes when the run is to pause, is the machine's; otherwise it is paid here."""
    count, fuel = args[-1], e.register("fuel")
    for condition in (e.pure("ge_u", count, e.const(count.type, BULK_MAX)), e.pure("le_u", fuel, e.register("floor"))):
        with e.when(condition, cold=True):
            e.builtin(builtin, *args)


def pay(e: Emit, count: Value) -> None:
    """One unit, unless there is nothing to do."""
    units = e.pure("extend_u", e.pure("ne", count, e.const(count.type, 0)), to=I64)
    e.set_register("fuel", e.pure("sub", e.register("fuel"), units))


def memory_copy(e: Emit, to: Value, source: Value, count: Value, memory: Memory) -> None:
    """memory0[to:][:count] = memory0[source:][:count]; ranges may overlap."""
    machine_does(e, Builtin.MEMORY_COPY, to, source, count)
    length = memory_length(e, memory)
    wide_to, wide_source, wide_count = (e.pure("extend_u", x, to=I64) for x in (to, source, count))
    for start in (wide_to, wide_source):
        trap_if(e, e.pure("gt_u", e.pure("add", start, wide_count), length), Cause.MEMORY_OUT_OF_BOUNDS)
    pay(e, count)
    e.copy(memory, wide_to, wide_source, wide_count)


def memory_fill(e: Emit, to: Value, byte: Value, count: Value, memory: Memory) -> None:
    """memory0[to:][:count] = byte."""
    machine_does(e, Builtin.MEMORY_FILL, to, byte, count)
    length = memory_length(e, memory)
    wide_to, wide_count = (e.pure("extend_u", x, to=I64) for x in (to, count))
    trap_if(e, e.pure("gt_u", e.pure("add", wide_to, wide_count), length), Cause.MEMORY_OUT_OF_BOUNDS)
    pay(e, count)
    e.fill(memory, wide_to, e.pure("wrap", byte, to=I8), wide_count)


def first(access: Row, name: str) -> Row:
    """An op of any memory as one of memory 0, which is a constant of it."""
    return specialised(access, name, memory=FIRST)._replace(derivation=("memory0", access.name))


def _accesses() -> Iterator[Row]:
    """Loads and stores of any memory, with near and far static offsets."""
    for name, narrow, extend, slot in LOADS:
        doc = f"dst = memory0[at + disp], {narrow.bits} bits"
        yield row(name, f"at:i32 disp:u16:offset memory:memory -> {slot}", load(narrow, extend, SLOTS[slot]), doc)
    for name, narrow, slot in STORES:
        doc = f"memory0[at + disp] = value, {narrow.bits} bits"
        yield row(name, f"at:i32 value:{slot} disp:u16:offset memory:memory", store(narrow), doc)


def _whole() -> Iterator[Row]:
    """What is about a memory as a whole."""
    yield row("memory.size", "memory:memory -> i32", memory_size)
    yield row("memory.copy", "to:i32 source:i32 count:i32 memory:memory", memory_copy)
    yield row("memory.fill", "to:i32 byte:i32 count:i32 memory:memory", memory_fill)


def rows() -> Iterator[Row]:
    """The ops for memory 0, which is a constant of them."""
    for access in _accesses():
        near = first(access, f"{access.name} memory0")
        yield from (near, far(near))
    for whole in _whole():
        yield first(whole, whole.name)
    yield asking("memory.grow", "delta:i32 -> i32", Builtin.MEMORY_GROW, "dst = the old size in pages, or -1")
    init = "memory0[to:][:count] = data segment[source:][:count]"
    yield asking("memory.init", "segment:u32:data to:i32 source:i32 count:i32", Builtin.MEMORY_INIT, init)
    yield asking("data.drop", "segment:u32:data", Builtin.DATA_DROP, "the data segment is empty from now on")
