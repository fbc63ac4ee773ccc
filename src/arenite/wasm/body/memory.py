"""Instructions on memories and data segments.  Spec: valid-instr-memory.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.features import missing
from arenite.layout.types import I32
from arenite.wasm import opcodes
from arenite.wasm.body.context import NOTHING, Context
from arenite.wasm.reader import MASK32

SECOND: Final[bytes] = opcodes.SECOND
RESULT: Final[bytes] = opcodes.RESULT
ALIGN: Final[bytes] = opcodes.ALIGN
ACCESSES: Final[bytes] = opcodes.ACCESSES

SIZE: Final[i64] = opcodes.code("memory.size")
GROW: Final[i64] = opcodes.code("memory.grow")
INIT: Final[i64] = opcodes.code("memory.init")
DROP: Final[i64] = opcodes.code("data.drop")
COPY: Final[i64] = opcodes.code("memory.copy")


@final
class Memory:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.s = context.s
        self.sink = context.sink
        self.long_offsets = "memory64" in context.features  # static offsets may be as long as 64 bits need, whatever the memory
        self.memory: i64 = 0
        self.index: i64 = I32

    def instruction(self, op: i64) -> None:
        """One of the chapter."""
        if ACCESSES[op] == 0:
            self.whole(op)
            return
        s = self.s
        offset = self.memarg(ALIGN[op])
        memory = self.memory
        stored: i64 = SECOND[op]
        if stored == 0:
            s.pop(self.index)
            s.push(RESULT[op])
            if s.live:
                self.sink.load(op, RESULT[op], offset, memory)
        else:
            s.pop(stored)
            s.pop(self.index)
            if s.live:
                self.sink.store(op, stored, offset, memory)

    def memarg(self, align: i64) -> i64:
        """The static offset of an access of natural alignment `align`, and in `memory` and `index` its memory and the type of addresses.  Spec: binary-memarg."""
        c = self.context
        r = c.r
        flags = r.u32()
        if flags >= 0x80:
            raise r.fail("malformed memop flags")
        memory: i64 = 0
        if flags & 0x40:
            if "multi-memory" not in c.features:
                raise r.fail("malformed memop flags" + missing("multi-memory"))
            flags -= 0x40
            memory = r.u32()
        start = r.pos
        offset = r.u64()
        if r.pos - start > 5 and not self.long_offsets:
            raise r.fail("integer representation too long" + missing("memory64"))
        c.known("memory", memory, c.memories)
        self.memory = memory
        self.index = c.memory_index[memory]
        if flags > align:
            raise self.s.fail("alignment must not be larger than natural")
        if offset > MASK32 and self.index == I32:
            raise self.s.fail("offset out of range")
        return offset

    def whole(self, op: i64) -> None:
        """What works on a whole memory or segment."""
        c = self.context
        if op in (SIZE, GROW):
            memory = c.memory()
            type_: i64 = c.memory_index[memory]
            c.bulk(op, memory, 0, (type_,) if op == GROW else NOTHING, type_)
        elif op == DROP:
            segment = self.segment()
            c.known("data segment", segment, c.data_count)
            c.bulk(op, segment, 0, NOTHING, 0)
        elif op == INIT:
            segment = self.segment()
            memory = c.memory()
            c.known("data segment", segment, c.data_count)
            c.bulk(op, segment, memory, (c.memory_index[memory], I32, I32), 0)
        else:
            memory = c.memory()
            type_ = c.memory_index[memory]
            if op == COPY:
                source = c.memory()
                other: i64 = c.memory_index[source]
                c.bulk(op, memory, source, (type_, other, type_ if type_ == other else I32), 0)
            else:
                c.bulk(op, memory, 0, (type_, I32, type_), 0)

    def segment(self) -> i64:
        """A dataidx, not yet checked."""
        if self.context.data_count < 0:
            raise self.context.r.fail("data count section required")
        return self.context.r.u32()
