"""Instructions on globals, tables, references and segments, and what works on a whole memory.  Spec: valid-instr-table and the others.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.layout.types import FUNCREF, match, type_name
from arenite.wasm.body.context import NOTHING, Context, is_reference
from arenite.wasm.body.stacks import BOTTOM
from arenite.wasm.features import heap_type, missing

I32: Final = 0x7F
THREE: Final[tuple[int, ...]] = (I32, I32, I32)


@final
class Entities:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def global_(self, op: i64) -> None:
        """`global.get`, `global.set`."""
        c = self.context
        s = c.s
        index = c.index("global", len(c.globals))
        type_: i64 = c.globals[index]
        if op == 0x23:
            s.push(type_)
            if s.live:
                c.sink.global_get(index, type_)
            return
        if not c.mutable[index]:
            raise s.fail("immutable global")
        s.pop(type_)
        if s.live:
            c.sink.global_set(index, type_)

    def table(self, op: i64) -> None:
        """`table.get`, `table.set`."""
        c = self.context
        s = c.s
        table = c.index("table", len(c.tables))
        type_: i64 = c.tables[table]
        if op == 0x25:
            s.pop(I32)
            s.push(type_)
            if s.live:
                c.sink.table_get(table, type_)
            return
        s.pop(type_)
        s.pop(I32)
        if s.live:
            c.sink.table_set(table)

    def reference(self, op: i64) -> None:
        """`ref.null`, `ref.is_null`, `ref.func`."""
        c = self.context
        s = c.s
        if op == 0xD0:
            start = c.r.pos
            index = c.r.signed(33)
            type_ = index & 0x7F
            if c.r.pos - start > 1 or not is_reference(type_):
                raise DecodeError(heap_type(index), int(start))
            s.push(type_)
            if s.live:
                c.sink.ref_null(type_)
        elif op == 0xD1:
            type_ = s.pop(BOTTOM)
            if type_ != BOTTOM and not is_reference(type_):
                raise s.fail(f"type mismatch: {type_name(type_)} found, a reference expected")
            s.push(I32)
            if s.live:
                c.sink.ref_is_null()
        else:
            func = c.index("function", len(c.funcs))
            if func not in c.declared:
                raise s.fail("undeclared function reference")
            s.push(FUNCREF)
            if s.live:
                c.sink.ref_func(func)

    def memory(self, op: i64) -> None:
        """`memory.size`, `memory.grow`."""
        c = self.context
        if c.r.byte() != 0:
            raise DecodeError("zero byte expected" + missing("multi-memory"), int(c.r.pos - 1))
        c.known("memory", 0, c.memories)
        self.report(op, 0, 0, (I32,) if op == 0x40 else NOTHING, I32)

    def bulk(self, op: i64) -> None:
        """What works on a whole memory, table or segment; `op`: behind the prefix."""
        c = self.context
        s = c.s
        code = 0xFC00 | op
        if op == 8:
            segment = c.segment()
            c.index("memory", c.memories)
            c.known("data segment", segment, c.data_count)
            self.report(code, segment, 0, THREE, 0)
        elif op == 9:
            segment = c.segment()
            c.known("data segment", segment, c.data_count)
            self.report(code, segment, 0, NOTHING, 0)
        elif 10 <= op <= 11:
            c.index("memory", c.memories)
            if op == 10:
                c.index("memory", c.memories)
            self.report(code, 0, 0, THREE, 0)
        elif op == 12:
            segment = c.r.u32()
            table = c.index("table", len(c.tables))
            c.known("elem segment", segment, len(c.elements))
            if not match(c.elements[segment], c.tables[table]):
                raise s.fail("type mismatch: the segment and the table hold different types")
            self.report(code, table, segment, THREE, 0)
        elif op == 13:
            self.report(code, c.index("elem segment", len(c.elements)), 0, NOTHING, 0)
        elif op == 14:
            table = c.index("table", len(c.tables))
            source = c.index("table", len(c.tables))
            if not match(c.tables[source], c.tables[table]):
                raise s.fail("type mismatch: the tables hold different types")
            self.report(code, table, source, THREE, 0)
        elif op <= 17:
            table = c.index("table", len(c.tables))
            type_ = c.tables[table]
            operands = (type_, I32) if op == 15 else (I32, type_, I32) if op == 17 else NOTHING
            self.report(code, table, 0, operands, 0 if op == 17 else I32)
        else:
            raise DecodeError(f"illegal opcode fc {op:02x}", int(s.at))

    def report(self, op: i64, x: i64, y: i64, operands: tuple[int, ...], result: i64) -> None:
        """Its operands and result."""
        c = self.context
        s = c.s
        s.pops(operands)
        if result != 0:
            s.push(result)
        if s.live:
            c.sink.bulk(op, x, y, len(operands), result)
