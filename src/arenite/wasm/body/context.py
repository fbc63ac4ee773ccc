"""What the walk over bodies knows of the module, and the operands that instructions have in the file: indexes, types, static offsets.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.layout.types import EXTERNREF, FUNCREF, NUMERIC, REFERENCES
from arenite.wasm.body.stacks import Stacks
from arenite.wasm.features import DEFAULT, malformed, missing
from arenite.wasm.module import Kind, Module
from arenite.wasm.opcodes import BY_CODE
from arenite.wasm.reader import MASK32, Reader
from arenite.wasm.sink import Sink  # noqa: TC001 (compiled code checks its arguments at run time)

VALUE: Final[list[tuple[int, ...]]] = [(t,) if t in NUMERIC + REFERENCES else () for t in range(128)]
NOTHING: Final[tuple[int, ...]] = ()


def is_reference(type_: i64) -> bool:
    """Whether values of a type are references."""
    return EXTERNREF <= type_ <= FUNCREF


@final
class Context:
    """Index spaces of the module; `r` reads the body at hand, `s` are its stacks, `sink` is told.  Spec: contexts."""

    def __init__(self, module: Module, sink: Sink) -> None:
        self.sink = sink
        self.params = [type_.params for type_ in module.types]
        self.results = [type_.results for type_ in module.types]
        self.funcs = module.funcs
        self.tables = [table.element for table in module.tables]
        self.memories: i64 = len(module.memories)
        self.globals = [type_.content for type_ in module.globals]
        self.mutable = [type_.mutable for type_ in module.globals]
        self.elements = [element.type for element in module.elements]
        self.data_count: i64 = -1 if module.data_count is None else module.data_count
        self.declared = module.declared()
        self.imported: i64 = module.imported(Kind.FUNC)
        self.features = module.features
        self.restricted = module.features != DEFAULT  # some of what arenite has must not be used
        self.r = Reader(module.data, 0, 0)
        self.s = Stacks(module.budget)

    def valtype(self) -> i64:
        """A value type."""
        byte = self.r.type_byte()
        if byte >= 0x80 or not VALUE[byte]:
            raise DecodeError(malformed("value", byte), int(self.r.pos - 1))
        if self.restricted and is_reference(byte):
            self.need("reference-types")
        return byte

    def need(self, feature: str) -> None:
        """See that the module may use a feature.  Raises: `ValidationError`."""
        if feature not in self.features:
            raise self.s.fail("the instruction cannot be used" + missing(feature))

    def instruction(self, op: i64) -> None:
        """The same for an instruction, of a module that may not use all.  Raises: as that."""
        row = BY_CODE.get(int(op))
        if row is not None:
            self.need(row.feature)

    def index(self, what: str, count: i64) -> i64:
        """An index below `count`."""
        index = self.r.u32()
        self.known(what, index, count)
        return index

    def known(self, what: str, index: i64, count: i64) -> None:
        """Check that an index is below `count`."""
        if index >= count:
            raise self.s.fail(f"unknown {what} {index}")

    def segment(self) -> i64:
        """A dataidx, not yet checked."""
        if self.data_count < 0:
            raise self.r.fail("data count section required")
        return self.r.u32()

    def memarg(self, align: i64) -> i64:
        """The static offset of a memory access of natural alignment `align`.  Spec: binary-memarg."""
        s = self.s
        flags = self.r.u32()
        if flags >= 0x80:
            raise self.r.fail("malformed memop flags")
        if flags & 0x40:
            raise self.r.fail("malformed memop flags" + missing("multi-memory"))
        offset = self.r.narrow()
        self.known("memory", 0, self.memories)
        if flags > align:
            raise s.fail("alignment must not be larger than natural")
        if offset > MASK32:
            raise s.fail("offset out of range")
        return offset
