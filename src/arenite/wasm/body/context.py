"""What the walk over bodies knows of the module, and the operands that instructions have in the file: indexes, types, static offsets.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.features import SUPPORTED, missing
from arenite.layout.types import NUMERIC, REFERENCES, VECTORS
from arenite.wasm.body.stacks import Stacks
from arenite.wasm.features import TYPES
from arenite.wasm.module import ExternKind, Module
from arenite.wasm.opcodes import BY_CODE
from arenite.wasm.reader import Reader
from arenite.wasm.sink import Sink  # noqa: TC001 (compiled code checks its arguments at run time)

VALUE: Final[list[tuple[int, ...]]] = [(t,) if t in NUMERIC + VECTORS + REFERENCES else () for t in range(128)]
NOTHING: Final[tuple[int, ...]] = ()


@final
class Context:
    """Index spaces of the module and types of the locals at hand; `r` reads bodies, `s` are their stacks, `sink` is told.  Spec: contexts."""

    def __init__(self, module: Module, sink: Sink) -> None:
        self.sink = sink
        self.params = [type_.params for type_ in module.types]
        self.results = [type_.results for type_ in module.types]
        self.funcs = module.funcs
        self.tables = [table.element for table in module.tables]
        self.table_index = [table.index_type for table in module.tables]
        self.memories: i64 = len(module.memories)
        self.memory_index = [memory.index_type for memory in module.memories]
        self.globals = [type_.content for type_ in module.globals]
        self.mutable = [type_.mutable for type_ in module.globals]
        self.tags = [module.types[type_].params for type_ in module.tags]
        self.elements = [element.type for element in module.elements]
        self.data_count: i64 = -1 if module.data_count is None else module.data_count
        self.declared = module.declared()
        self.imported: i64 = module.imported(ExternKind.FUNC)
        self.features = module.features
        self.restricted = module.features != SUPPORTED  # some of what arenite has must not be used
        self.locals: list[int] = []
        self.r = Reader(module.data, 0, len(module.data))
        self.s = Stacks(module.budget)

    def valtype(self) -> i64:
        """A value type."""
        byte = self.r.value_type()
        if self.restricted:
            self.type_(byte)
        return byte

    def type_(self, byte: i64) -> None:
        """See that a module that may not use all may use a value type.  Raises: as `need`."""
        feature = TYPES.get(int(byte))
        if feature is not None:
            self.need(feature)

    def need(self, feature: str) -> None:
        """See that the module may use a feature.  Raises: `ValidationError`."""
        if feature not in self.features:
            raise self.s.fail("the instruction cannot be used" + missing(feature))

    def instruction(self, op: i64) -> None:
        """See that a module that may not use all features may use an instruction.  Raises: as that."""
        row = BY_CODE.get(int(op))
        if row is not None:
            self.need(row.feature)

    def blocktype(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Parameters and results of a block.  Spec: binary-blocktype."""
        r = self.r
        byte = r.type_byte()
        if 0x40 <= byte < 0x80:
            if byte == 0x40:
                return NOTHING, NOTHING
            if self.restricted:
                self.type_(byte)
            return NOTHING, VALUE[r.value_of(byte)]
        r.pos -= 1
        index = r.signed(33)
        if index < 0 or index >= len(self.params):
            raise self.s.fail(f"unknown type {index}")
        params, results = self.params[index], self.results[index]
        if self.restricted and (len(params) > 0 or len(results) > 1):
            self.need("multi-value")
        return params, results

    def tag(self) -> i64:
        """A tagidx."""
        return self.index("tag", len(self.tags))

    def memory(self) -> i64:
        """A memidx; where there may be one memory, a byte that is zero."""
        if "multi-memory" not in self.features:
            if self.r.byte() != 0:
                raise DecodeError("zero byte expected" + missing("multi-memory"), int(self.r.pos - 1))
            self.known("memory", 0, self.memories)
            return 0
        return self.index("memory", self.memories)

    def index(self, what: str, count: i64) -> i64:
        """An index below `count`."""
        index = self.r.u32()
        self.known(what, index, count)
        return index

    def known(self, what: str, index: i64, count: i64) -> None:
        """Check that an index is below `count`."""
        if index >= count:
            raise self.s.fail(f"unknown {what} {index}")

    def bulk(self, op: i64, x: i64, y: i64, operands: tuple[int, ...], result: i64) -> None:
        """Check and report the operands and the result of what works on a whole memory, table or segment."""
        s = self.s
        s.pops(operands)
        if result != 0:
            s.push(result)
        if s.live:
            self.sink.bulk(op, x, y, len(operands), result)
