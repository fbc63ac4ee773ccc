"""Rows about globals, tables and references.  Spec: exec-global.get … exec-table.init.

An instance holds one u32 per imported global and per table (where its record lies); globals that the module defines lie in the instance itself.
`disp` is a place in the instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.integers import trap_if
from arenite.bytecode.protocol import I32, I64, REF, Emit, Value
from arenite.bytecode.row import Row, asking, row
from arenite.bytecode.stops import Builtin
from arenite.layout import raw
from arenite.layout.records import FuncRefRecord, InstanceRecord, TableRecord
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator


def global_get(e: Emit, disp: Value) -> Value:
    """dst = arena[vmctx + disp], a global of this instance."""
    return e.load(Space.ARENA, I64, e.register("vmctx"), disp)


def global_set(e: Emit, value: Value, disp: Value) -> None:
    """arena[vmctx + disp] = value, a global of this instance."""
    e.store(Space.ARENA, e.register("vmctx"), value, disp)


def global_get_imported(e: Emit, disp: Value) -> Value:
    """dst = arena[arena[vmctx + disp]], a global of another instance."""
    return e.load(Space.ARENA, I64, e.load(Space.ARENA, REF, e.register("vmctx"), disp))


def global_set_imported(e: Emit, value: Value, disp: Value) -> None:
    """arena[arena[vmctx + disp]] = value, a global of another instance."""
    e.store(Space.ARENA, e.load(Space.ARENA, REF, e.register("vmctx"), disp), value)


def element_at(e: Emit, table_disp: Value, index: Value, code: Cause) -> Value:
    """Where the element lies in the arena; traps with `code` beyond the table's length."""
    table = e.load(Space.ARENA, REF, e.register("vmctx"), table_disp)
    trap_if(e, e.pure("ge_u", index, e.load(Space.ARENA, I32, table, TableRecord.length.offset)), code)
    elements = e.load(Space.ARENA, REF, table, TableRecord.elements.offset)
    distance = e.pure("shl", e.pure("extend_u", index, to=REF), e.const(REF, raw.SIZE.bit_length() - 1))
    return e.pure("add", elements, distance)


def table_get(e: Emit, index: Value, disp: Value) -> Value:
    """dst = the table's element at index."""
    return e.load(Space.ARENA, REF, element_at(e, disp, index, Cause.TABLE_OUT_OF_BOUNDS))


def table_set(e: Emit, index: Value, value: Value, disp: Value) -> None:
    """The table's element at index = value."""
    e.store(Space.ARENA, element_at(e, disp, index, Cause.TABLE_OUT_OF_BOUNDS), value)


def table_size(e: Emit, disp: Value) -> Value:
    """dst = the table's length."""
    table = e.load(Space.ARENA, REF, e.register("vmctx"), disp)
    return e.load(Space.ARENA, I32, table, TableRecord.length.offset)


def ref_func(e: Emit, function: Value) -> Value:
    """dst = the reference to the module's function number `function` (its place in the instance's array)."""
    array = e.load(Space.ARENA, REF, e.register("vmctx"), InstanceRecord.funcrefs.offset)
    return e.pure("add", array, e.pure("mul", e.pure("extend_u", function, to=REF), e.const(REF, FuncRefRecord.size)))


def ref_func_imported(e: Emit, disp: Value) -> Value:
    """dst = the reference to an imported function, which the instance holds at `disp`."""
    return e.load(Space.ARENA, REF, e.register("vmctx"), disp)


def rows() -> Iterator[Row]:
    """Globals, references, tables."""
    yield row("global.get", "disp:u32:defined_global.get -> i64:any", global_get)
    yield row("global.set", "value:i64:any disp:u32:defined_global.set", global_set)
    yield row("global.get imported", "disp:u32:imported_global.get -> i64:any", global_get_imported)
    yield row("global.set imported", "value:i64:any disp:u32:imported_global.set", global_set_imported)
    yield row("ref.func", f"function:u32:defined_func.get -> {REF.llvm}:any", ref_func)
    yield row("ref.func imported", f"disp:u32:imported_func.get -> {REF.llvm}:any", ref_func_imported)
    yield row("table.get", f"index:i32 disp:u32:table.get -> {REF.llvm}:any", table_get)
    yield row("table.set", f"index:i32 value:{REF.llvm}:any disp:u32:table.set", table_set)
    yield row("table.size", "disp:u32:table -> i32", table_size)
    yield asking(
        "table.grow",
        f"table:u32:table_index.set value:{REF.llvm}:any delta:i32 -> i32",
        Builtin.TABLE_GROW,
        "dst = the old length, or -1",
    )
    yield asking(
        "table.fill",
        f"table:u32:table_index.set to:i32 value:{REF.llvm}:any count:i32",
        Builtin.TABLE_FILL,
        "elements[to:][:count] = value",
    )
    yield asking(
        "table.copy",
        "table:u16:table_index.set source_table:u16:table_index.get to:i32 source:i32 count:i32",
        Builtin.TABLE_COPY,
        "elements[to:][:count] = those of the other table",
    )
    yield asking(
        "table.init",
        "table:u16:table_index.set segment:u32:elem.get to:i32 source:i32 count:i32",
        Builtin.TABLE_INIT,
        "elements[to:][:count] = segment[source:][:count]",
    )
    yield asking("elem.drop", "segment:u32:elem", Builtin.ELEM_DROP, "the element segment is empty from now on")
