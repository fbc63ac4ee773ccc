"""Rows for memories other than a first one with addresses of 32 bits and pages of 64 KiB, whose rows are in `memory`.

- A `memory` operand is the place, in the instance, of the offset of the memory's record.  Rows named `i64`, as the text format has such memories, are for memory 0.
- An address is an i64; that of a 32-bit memory, whose slot is zero above its 32 bits, is one as it stands.  If its upper half is zero, guard pages
  catch what lies outside, as they do for 32-bit memories; if not, which is seldom, it is compared with the length.
- A memory with pages of another size may end anywhere in a page of the host's, so `memory.address` compares exactly, before the access.

What is long, or seldom, is the machine's, which knows a memory by its number.  Spec: exec-load … exec-memory.init.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from arenite.bytecode import vector_memory
from arenite.bytecode.integers import trap_if
from arenite.bytecode.memory import (
    FIRST,
    LOADS,
    STORES,
    area_of,
    area_pages,
    first_memory,
    in_bytes,
    load,
    machine_does,
    memory_record,
    pay,
    store,
)
from arenite.bytecode.protocol import I8, I32, I64, Memory, Value, is_first
from arenite.bytecode.row import SLOTS, asking, placed, row, specialised
from arenite.bytecode.stops import Builtin
from arenite.layout.raw import RAW
from arenite.layout.records import MemoryRecord, StoreContext
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.protocol import Emit
    from arenite.bytecode.row import Meaning, Row


def _extended(e: Emit, n: Value) -> Value:
    return e.pure("extend_u", n, to=I64)


def _within(e: Emit, start: Value, count: Value, length: Value) -> None:
    """Trap unless `start`, and `count` bytes behind it, lie within the length; no sum of these is ever formed."""
    trap_if(e, e.pure("gt_u", start, length), Cause.MEMORY_OUT_OF_BOUNDS)
    trap_if(e, e.pure("gt_u", count, e.pure("sub", length, start)), Cause.MEMORY_OUT_OF_BOUNDS)


def _area(e: Emit, record: Value) -> Value:
    """The area of the memory with a record (i32).  As `memory.area_of`, but what the arena says wrongly is a trap, which takes a register less than a choice."""
    if RAW:
        return area_of(e, record)
    area = e.load(Space.ARENA, I32, record, MemoryRecord.area.offset)
    areas = e.load(Space.STORE, I32, e.const(I32, 0), StoreContext.areas.offset)
    trap_if(e, e.pure("ge_u", area, areas), Cause.CORRUPT)
    return area


def area_length(e: Emit, memory: Memory) -> Value:
    """Bytes of a memory's area (i64)."""
    if RAW:
        return byte_length(e, memory)
    area = memory.area or _area(e, memory_record(e, e.register("vmctx"), memory))
    return in_bytes(e, area_pages(e, area))


def _upper(e: Emit, at: Value) -> Value:
    """The upper half of an address."""
    return e.pure("shr_u", at, e.const(I64, 32))


def _reach(e: Emit, at: Value, disp: Value, size: int, memory: Memory) -> Value:
    """at + disp; trap if guard pages do not serve and it leads outside.

    Of the two only the sum lives on, for a stencil has four registers of its own: without an upper half it has passed 2**64.
    """
    end = e.pure("add", at, _extended(e, disp))
    with e.when(e.pure("ne", _upper(e, at), e.const(I64, 0)), cold=True):
        trap_if(e, e.pure("eq", _upper(e, end), e.const(I64, 0)), Cause.MEMORY_OUT_OF_BOUNDS)
        if e.guarded(Space.MEMORY):
            _within(e, end, e.const(I64, size), area_length(e, memory))
    return end


def checked(access: Meaning, size: int) -> Meaning:
    """An access whose address is an i64: looked at before.  `access`: a meaning that takes the address first, the displacement and the memory last."""

    def meaning(e: Emit, at: Value, *rest: Value | Memory) -> Value | None:
        *values, disp, memory = rest
        assert isinstance(disp, Value)
        assert isinstance(memory, Memory)
        if not is_first(memory):
            memory = Memory(memory.place, _area(e, memory_record(e, e.register("vmctx"), memory)))
        end = _reach(e, at, disp, size, memory)
        return access(e, end, *values, e.const(I32, 0), memory)

    return meaning


def byte_length(e: Emit, memory: Memory) -> Value:
    """Bytes of a memory, exactly: what its record says, which the arena holds, but no more than its area has."""
    record = memory_record(e, e.register("vmctx"), memory)
    said = e.load(Space.ARENA, I64, record, MemoryRecord.length.offset)
    if RAW:
        return said
    area = in_bytes(e, area_pages(e, _area(e, record)))
    return e.pure("select", e.pure("lt_u", said, area), said, area)


def address(e: Emit, at: Value, disp: Value, size: Value, memory: Memory) -> Value:
    """dst = at + disp, where so many bytes are memory."""
    end = e.pure("add", at, disp)
    trap_if(e, e.pure("lt_u", end, at), Cause.MEMORY_OUT_OF_BOUNDS)
    _within(e, end, _extended(e, size), byte_length(e, memory))
    return end


def size_any(e: Emit, shift: Value, memory: Memory) -> Value:
    """dst = length of the memory in pages of 2^shift bytes."""
    return e.pure("shr_u", byte_length(e, memory), e.pure("and", _extended(e, shift), e.const(I64, 63)))


def copy_i64(e: Emit, memory: Value, other: Value, to: Value, source: Value, count: Value) -> None:
    """memory0[to:][:count] = memory0[source:][:count], addresses of 64 bits; ranges may overlap."""
    machine_does(e, Builtin.MEMORY_COPY_ANY, memory, other, to, source, count)
    length = area_length(e, first_memory(e))
    for start in (to, source):
        _within(e, start, count, length)
    pay(e, count)
    e.copy(first_memory(e), to, source, count)


def fill_i64(e: Emit, memory: Value, to: Value, byte: Value, count: Value) -> None:
    """memory0[to:][:count] = byte, addresses of 64 bits."""
    machine_does(e, Builtin.MEMORY_FILL_ANY, memory, to, byte, count)
    _within(e, to, count, area_length(e, first_memory(e)))
    pay(e, count)
    e.fill(first_memory(e), to, e.pure("wrap", byte, to=I8), count)


def clamp(e: Emit, a: Value) -> Value:
    """dst = a, or the largest i32 if it is larger: as an index or a count for a table, too large either way."""
    large = e.pure("gt_u", a, e.const(I64, 0xFFFFFFFF))
    return e.pure("select", large, e.const(I32, 0xFFFFFFFF), e.pure("wrap", a, to=I32))


def both(name: str, before: str, behind: str, meaning: Meaning, doc: str) -> Iterator[Row]:
    """An access of any memory, and one of memory 0 with a near displacement.  `before`, `behind`: operands around `disp` and the memory, and the result."""
    signature = f"at:i64 {before}disp:u32:offset memory:memory:memory{behind}"
    yield row(f"{name} memory", signature, meaning, f"{doc}, of any memory")._replace(derivation=("any", name))
    near = row(f"{name} memory0 i64", f"at:i64 {before}disp:u16:offset memory:memory:memory{behind}", meaning, doc)
    yield specialised(near, near.name, memory=FIRST)._replace(derivation=("i64", name))


def any_memory(access: Row, size: int) -> Row:
    """An access of memory 0, of so many bytes, as one of any memory."""
    kinds = {"at": "i64", "disp": "u32"}
    operands = tuple(
        o._replace(kind=kinds.get(o.name, o.kind), role="memory" if o.name == "memory" else o.role) for o in access.operands
    )
    return placed(
        access._replace(
            name=f"{access.name} memory",
            operands=operands,
            meaning=checked(access.meaning, size),
            doc=f"{access.doc}, of any memory",
            derivation=("any", access.name),
        )
    )


def bytes_of(name: str) -> int:
    """How many bytes a vector's access touches: as many as its name says, or all 16."""
    found = re.fullmatch(r"v128\.(?:load|store)(\d*)(x\d+)?(?:_\w+)?", name)
    assert found is not None, name
    bits, lanes = found.groups()
    return 8 if lanes else int(bits) // 8 if bits else 16


def rows() -> Iterator[Row]:
    """Accesses, then what is about a memory as a whole."""
    for name, narrow, extend, slot in LOADS:
        meaning = checked(load(narrow, extend, SLOTS[slot]), narrow.size)
        yield from both(name, "", f" -> {slot}", meaning, f"dst = memory[at + disp], {narrow.bits} bits")
    for name, narrow, slot in STORES:
        meaning = checked(store(narrow), narrow.size)
        yield from both(name, f"value:{slot} ", "", meaning, f"memory[at + disp] = value, {narrow.bits} bits")
    for access in vector_memory.accesses():
        yield any_memory(access, bytes_of(access.name))
    yield row("i32.clamp_i64", "a:i64 -> i32", clamp)
    yield row("memory.address", "at:i64 disp:i64.imm64:offset size:u16:offset memory:memory:memory -> i64", address)
    copied = "memory:u32:memory_index other:u32:memory_index to:i64 source:i64 count:i64"
    filled = "memory:u32:memory_index to:i64 byte:i32 count:i64"
    initialised = "segment:u32:data memory:u32:memory_index to:i64 source:i32 count:i32"
    yield row("memory.size any", "shift:u16:page memory:memory:memory -> i64", size_any)._replace(
        derivation=("any", "memory.size")
    )
    for name, signature, builtin, doc in (
        (
            "memory.grow",
            "memory:u32:memory_index delta:i64 -> i64",
            Builtin.MEMORY_GROW_ANY,
            "dst = the old size of the memory in its pages, or -1",
        ),
        ("memory.copy", copied, Builtin.MEMORY_COPY_ANY, "memory[to:][:count] = other[source:][:count]; ranges may overlap"),
        ("memory.fill", filled, Builtin.MEMORY_FILL_ANY, "memory[to:][:count] = byte"),
        ("memory.init", initialised, Builtin.MEMORY_INIT_ANY, "memory[to:][:count] = data segment[source:][:count]"),
    ):
        yield asking(f"{name} any", signature, builtin, doc)._replace(derivation=("any", name))
    copy = row("memory.copy i64", copied, copy_i64)
    yield specialised(copy, copy.name, memory=0, other=0)._replace(derivation=("i64", "memory.copy"))
    fill = row("memory.fill i64", filled, fill_i64)
    yield specialised(fill, fill.name, memory=0)._replace(derivation=("i64", "memory.fill"))
