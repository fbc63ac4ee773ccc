"""Making an instance: allocate, link, initialise; whoever asks for it runs the start function.  Spec: exec-instantiation."""

from __future__ import annotations

import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from arenite.bytecode.segments import PASSIVE
from arenite.errors import LinkError, Trap
from arenite.layout import raw
from arenite.layout.records import InstanceRecord, TableRecord
from arenite.layout.types import ExternType, FuncType, MemoryType, TableType, TagType, match_extern
from arenite.machine.records.functions import function_reference, name_host_function
from arenite.machine.records.globals import write_bits
from arenite.machine.records.memories import memory_view, new_memory
from arenite.machine.records.objects import WORD, Addr, FuncAddr, GlobalAddr, InstanceAddr, MemoryAddr, TableAddr, TagAddr
from arenite.machine.records.quota import check_count
from arenite.machine.records.segments import drop, evaluate, references
from arenite.machine.records.tables import elements, new_table, table_record
from arenite.machine.records.tags import new_tag
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ElementSegment, ModuleCode
    from arenite.machine.machine import Machine

STAYS: Final = WORD.pack(0)
DROPPED: Final = WORD.pack(1)


def size_now(machine: Machine, addr: Addr) -> int | None:
    """Elements of a table, pages of a memory; None of what has no size."""
    if isinstance(addr, TableAddr):
        return TableRecord.length.read(machine.cage.arena, addr.at)
    if isinstance(addr, MemoryAddr):
        with memory_view(machine, addr) as view:
            return len(view) >> addr.type.page_bits
    return None


def named_type(type_: ExternType) -> str:
    """The type of an import, for people."""
    return f"func {type_}" if isinstance(type_, FuncType) else str(type_)


def check_imports(machine: Machine, code: ModuleCode, imports: Sequence[Addr]) -> None:
    """Raises: `LinkError` naming the first import that does not fit."""
    if len(imports) != len(code.imports):
        raise LinkError(f"expected {len(code.imports)} imports, found {len(imports)}")
    for wanted, found in zip(code.imports, imports, strict=True):
        size = size_now(machine, found)
        if not match_extern(found.type, wanted.type, 0 if size is None else size):
            now = "" if size is None else f", now of size {size}"
            raise LinkError(
                f"incompatible import type for {wanted.module!r} {wanted.name!r}: expected {named_type(wanted.type)}, found {named_type(found.type)}{now}"
            )


def _of(kind: type, imports: Sequence[Addr]) -> list[int]:
    return [a.at for a in imports if isinstance(a, kind)]


def prepare(machine: Machine, code: ModuleCode, imports: Sequence[Addr]) -> InstanceAddr:
    """An instance of the module, its start function not yet run.

    Raises: `LinkError`, `Limit`, `Trap`; what was initialised before a trap stays so.
    """
    check_count(machine.quota, "instances", len(machine.registry.instances), 1)
    check_count(machine.quota, "tables", len(machine.registry.tables), len(code.tables))
    check_count(machine.quota, "areas", len(machine.cage.sizes) - 1, len(code.memories))
    check_imports(machine, code, imports)
    index = machine.add_module(code)
    layout, vmctx = code.layout, machine.allocate(code.layout.size)
    own_functions = machine.window.modules[index].references(vmctx)
    funcrefs, dropped = machine.allocate(len(own_functions)), machine.allocate(4 * (len(code.data) + len(code.elements)))
    tables = [a for a in imports if isinstance(a, TableAddr)] + [new_table(machine, t) for t in code.tables]
    memories = [a for a in imports if isinstance(a, MemoryAddr)] + [new_memory(machine, t) for t in code.memories]
    globals_ = [a for a in imports if isinstance(a, GlobalAddr)]
    globals_ += [GlobalAddr(vmctx + layout.defined_global(i), t) for i, (t, _) in enumerate(code.globals)]
    tags = [a for a in imports if isinstance(a, TagAddr)] + [new_tag(machine, t) for t in code.tags]
    arena = machine.cage.arena
    arena[funcrefs : funcrefs + len(own_functions)] = own_functions
    for field, n in (
        (InstanceRecord.module_index, index),
        (InstanceRecord.memory, memories[0].at if memories else raw.NOTHING),
        (InstanceRecord.index, len(machine.registry.instances)),
        (InstanceRecord.funcrefs, funcrefs),
        (InstanceRecord.dropped, dropped),
    ):
        field.write(arena, vmctx, n)
    for wanted, found in zip(code.imports, imports, strict=True):
        if isinstance(found, FuncAddr):
            name_host_function(machine, found.at, wanted.module, wanted.name)
    words = _of(FuncAddr, imports) + [t.at for t in tables] + _of(GlobalAddr, imports)
    words += [memory.at for memory in memories[: layout.memories]] + [tag.at for tag in tags]
    if layout.memories:
        raw.refuse("memories beside a first one with addresses of 32 bits")
    if code.handlers:
        raw.refuse("exceptions, whose search notes offsets")
    if raw.RAW:
        words, machine.runner = [raw.pointer(machine.cage.base, n) for n in words], None
    struct.pack_into(f"<{len(words)}{raw.LETTER}", arena, vmctx + InstanceRecord.size, *words)
    instance = InstanceAddr(vmctx, code, index, tuple(tables), tuple(memories), tuple(globals_), tuple(tags))
    machine.registry_to_change().add_instance(instance)
    for i, (type_, value) in enumerate(code.globals):
        write_bits(machine, vmctx + layout.defined_global(i), type_, evaluate(machine, vmctx, code, value))
    _initialise(machine, instance)
    return instance


def _initialise(machine: Machine, instance: InstanceAddr) -> None:
    """Active segments, in order."""
    code, vmctx = instance.code, instance.at
    for number, element in enumerate(code.elements):
        if element.offset is not None:
            _put_elements(machine, instance, element)
        if element.offset is not None or element.declarative:
            drop(machine, vmctx, len(code.data) + number)
    if code.data and instance.memories:
        _put_data(machine, instance)


def _put_elements(machine: Machine, instance: InstanceAddr, element: ElementSegment) -> None:
    assert element.offset is not None
    to = evaluate(machine, instance.at, instance.code, element.offset)
    with elements(machine, table_record(machine, instance.at, element.table)) as view:
        if to + len(element.items) > len(view):
            raise Trap(Cause.TABLE_OUT_OF_BOUNDS.message, Cause.TABLE_OUT_OF_BOUNDS.code)
        items = references(machine, instance.at, instance.code, element.items)
        view[to : to + len(items)] = memoryview(struct.pack(f"<{len(items)}{raw.LETTER}", *items)).cast(raw.LETTER)


def _put_data(machine: Machine, instance: InstanceAddr) -> None:
    """Active data segments, each of which is dropped then: as one loop, since compilers of today's C write tens of thousands."""
    data, file = instance.code.data, memoryview(instance.code.file)
    dropped = bytearray()
    try:
        with ExitStack() as views:
            memories = [views.enter_context(memory_view(machine, memory)) for memory in instance.memories]
            memory, others = memories[0], data.memories
            for number, (start, end, offset) in enumerate(data.words()):
                if offset != PASSIVE:
                    if others:
                        memory = memories[others.get(number, 0)]
                    to = offset if offset < PASSIVE else evaluate(machine, instance.at, instance.code, data.expression(offset))
                    if to + end - start > len(memory):
                        raise Trap(Cause.MEMORY_OUT_OF_BOUNDS.message, Cause.MEMORY_OUT_OF_BOUNDS.code)
                    memory[to : to + end - start] = file[start:end]
                dropped += STAYS if offset == PASSIVE else DROPPED
    finally:
        at = InstanceRecord.dropped.read(machine.cage.arena, instance.at)
        machine.cage.arena[at : at + len(dropped)] = dropped


def export(machine: Machine, instance: InstanceAddr, type_: ExternType, index: int) -> Addr:
    """The thing an export names."""
    if isinstance(type_, FuncType):
        return FuncAddr(function_reference(machine, instance.at, instance.code, index), type_)
    if isinstance(type_, TableType):
        return instance.tables[index]
    if isinstance(type_, MemoryType):
        return instance.memories[index]
    if isinstance(type_, TagType):
        return instance.tags[index]
    return instance.globals[index]
