"""Instructions on one thing that an instance has under an index: a global, an element of a table, a reference to a function.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-instr-variable, exec-instr-ref, exec-instr-table.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64  # noqa: TC002 (compiled code checks its arguments at run time)

from arenite.layout.types import FUNCREF, V128
from arenite.translate.bulk import Bulk  # noqa: TC001 (as above)
from arenite.translate.operands import Operands  # noqa: TC001 (as above)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import (
    GLOBAL_GET,
    GLOBAL_GET_IMPORTED,
    GLOBAL_SET,
    GLOBAL_SET_IMPORTED,
    REF_FUNC,
    REF_FUNC_IMPORTED,
    TABLE_GET,
    TABLE_SET,
)
from arenite.translate.vectors import Vectors  # noqa: TC001 (as above)
from arenite.translate.writer import OpWriter  # noqa: TC001 (as above)


@final
class Entities:
    """Writes them."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, vectors: Vectors, whole: Bulk) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.v = vectors
        self.whole = whole

    def global_get(self, index: i64, type_: i64) -> None:
        """Of this instance, or imported."""
        s = self.s
        defined = index >= self.shape.imported_globals
        if type_ == V128:
            self.v.global_get(self.shape.globals[index], defined)
            return
        self.writer.value32(GLOBAL_GET if defined else GLOBAL_GET_IMPORTED, s.temporary(s.height), self.shape.globals[index])
        s.push_temporary(type_)

    def global_set(self, index: i64, type_: i64) -> None:
        """Of this instance, or imported."""
        s = self.s
        defined = index >= self.shape.imported_globals
        if type_ == V128:
            self.v.global_set(self.shape.globals[index], defined)
            return
        a = s.source(s.height - 1, 1)
        s.drop(1)
        self.writer.global_set(GLOBAL_SET if defined else GLOBAL_SET_IMPORTED, a, self.shape.globals[index])

    def ref_func(self, func: i64) -> None:
        """Functions that the module defines are counted without the imported ones."""
        s = self.s
        imported = self.shape.imported_functions
        if func < imported:
            self.writer.value32(REF_FUNC_IMPORTED, s.temporary(s.height), self.shape.functions[func])
        else:
            self.writer.value32(REF_FUNC, s.temporary(s.height), func - imported)
        s.push_temporary(FUNCREF)

    def table_get(self, table: i64, type_: i64) -> None:
        """The table is named by its place in the instance."""
        s = self.s
        if self.shape.tables64[table]:
            self.whole.cut(s.top(1))
        a = s.source(s.height - 1, 1)
        s.drop(1)
        self.writer.value128(TABLE_GET, s.temporary(s.height), a, 0, self.shape.tables[table])
        s.push_temporary(type_)

    def table_set(self, table: i64) -> None:
        """The table is named by its place in the instance."""
        s = self.s
        if self.shape.tables64[table]:
            self.whole.cut(s.top(2))
        a, b = s.source(s.height - 2, 1), s.source(s.height - 1, 2)
        self.writer.effect128(TABLE_SET, a, b, 0, self.shape.tables[table])
        s.drop(2)
