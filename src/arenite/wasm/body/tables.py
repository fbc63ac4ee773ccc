"""Instructions on tables, element segments and references.  Spec: valid-instr-table, valid-instr-ref.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.types import BOTTOM, FUNCREF, I32, match, type_name
from arenite.wasm import opcodes
from arenite.wasm.body.context import NOTHING, Context
from arenite.wasm.reader import is_reference

TABLE_GET: Final[i64] = opcodes.code("table.get")
TABLE_SET: Final[i64] = opcodes.code("table.set")
INIT: Final[i64] = opcodes.code("table.init")
DROP: Final[i64] = opcodes.code("elem.drop")
COPY: Final[i64] = opcodes.code("table.copy")
GROW: Final[i64] = opcodes.code("table.grow")
SIZE: Final[i64] = opcodes.code("table.size")
REF_NULL: Final[i64] = opcodes.code("ref.null")
REF_IS_NULL: Final[i64] = opcodes.code("ref.is_null")


@final
class Tables:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def instruction(self, op: i64) -> None:
        """One of the chapter of tables."""
        if op in (TABLE_GET, TABLE_SET):
            self.element(op)
        elif op == INIT:
            self.init()
        elif op == DROP:
            c = self.context
            c.bulk(op, c.index("elem segment", len(c.elements)), 0, NOTHING, 0)
        elif op == COPY:
            self.copy()
        else:
            self.whole(op)

    def element(self, op: i64) -> None:
        """`table.get`, `table.set`."""
        c = self.context
        s = c.s
        table = c.index("table", len(c.tables))
        type_: i64 = c.tables[table]
        index: i64 = c.table_index[table]
        if op == TABLE_GET:
            s.pop(index)
            s.push(type_)
            if s.live:
                c.sink.table_get(table, type_)
            return
        s.pop(type_)
        s.pop(index)
        if s.live:
            c.sink.table_set(table)

    def init(self) -> None:
        """`table.init`."""
        c = self.context
        segment = c.r.u32()
        table = c.index("table", len(c.tables))
        c.known("elem segment", segment, len(c.elements))
        if not match(c.elements[segment], c.tables[table]):
            raise c.s.fail("type mismatch: the segment and the table hold different types")
        c.bulk(INIT, table, segment, (c.table_index[table], I32, I32), 0)

    def copy(self) -> None:
        """`table.copy`."""
        c = self.context
        table = c.index("table", len(c.tables))
        source = c.index("table", len(c.tables))
        if not match(c.tables[source], c.tables[table]):
            raise c.s.fail("type mismatch: the tables hold different types")
        to, other = c.table_index[table], c.table_index[source]
        c.bulk(COPY, table, source, (to, other, to if to == other else I32), 0)

    def whole(self, op: i64) -> None:
        """`table.grow`, `table.size`, `table.fill`."""
        c = self.context
        table = c.index("table", len(c.tables))
        type_, index = c.tables[table], c.table_index[table]
        if op == GROW:
            c.bulk(op, table, 0, (type_, index), index)
        elif op == SIZE:
            c.bulk(op, table, 0, NOTHING, index)
        else:
            c.bulk(op, table, 0, (index, type_, index), 0)

    def reference(self, op: i64) -> None:
        """`ref.null`, `ref.is_null`, `ref.func`."""
        c = self.context
        s = c.s
        if op == REF_NULL:
            type_ = c.r.heap_type()
            if c.restricted:
                c.type_(type_)
            s.push(type_)
            if s.live:
                c.sink.ref_null(type_)
        elif op == REF_IS_NULL:
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
