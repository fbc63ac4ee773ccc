"""Instructions on memories and data segments.  Spec: valid-instr-memory.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.features import missing
from arenite.layout.types import I32
from arenite.wasm import opcodes
from arenite.wasm.body.context import NOTHING, THREE, Context
from arenite.wasm.reader import MASK32

SECOND: Final[bytes] = opcodes.SECOND
RESULT: Final[bytes] = opcodes.RESULT
ALIGN: Final[bytes] = opcodes.ALIGN

INIT: Final[i64] = opcodes.BY_NAME["memory.init"].code
DROP: Final[i64] = opcodes.BY_NAME["data.drop"].code
COPY: Final[i64] = opcodes.BY_NAME["memory.copy"].code


@final
class Memory:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.s = context.s
        self.sink = context.sink

    def instruction(self, op: i64) -> None:
        """One of the chapter."""
        if op > 0x3E:
            self.whole(op)
            return
        s = self.s
        offset = self.memarg(ALIGN[op])
        stored: i64 = SECOND[op]
        if stored == 0:
            s.pop(I32)
            s.push(RESULT[op])
            if s.live:
                self.sink.load(op, RESULT[op], offset)
        else:
            s.pop(stored)
            s.pop(I32)
            if s.live:
                self.sink.store(op, stored, offset)

    def memarg(self, align: i64) -> i64:
        """The static offset of a memory access of natural alignment `align`.  Spec: binary-memarg."""
        c = self.context
        r = c.r
        flags = r.u32()
        if flags >= 0x80:
            raise r.fail("malformed memop flags")
        if flags & 0x40:
            raise r.fail("malformed memop flags" + missing("multi-memory"))
        offset = r.narrow()
        c.known("memory", 0, c.memories)
        if flags > align:
            raise self.s.fail("alignment must not be larger than natural")
        if offset > MASK32:
            raise self.s.fail("offset out of range")
        return offset

    def whole(self, op: i64) -> None:
        """What works on a whole memory or segment."""
        c = self.context
        if op <= 0x40:
            if c.r.byte() != 0:
                raise DecodeError("zero byte expected" + missing("multi-memory"), int(c.r.pos - 1))
            c.known("memory", 0, c.memories)
            c.bulk(op, 0, 0, (I32,) if op == 0x40 else NOTHING, I32)
        elif op in (INIT, DROP):
            segment = self.segment()
            if op == INIT:
                c.index("memory", c.memories)
            c.known("data segment", segment, c.data_count)
            c.bulk(op, segment, 0, THREE if op == INIT else NOTHING, 0)
        else:
            c.index("memory", c.memories)
            if op == COPY:
                c.index("memory", c.memories)
            c.bulk(op, 0, 0, THREE, 0)

    def segment(self) -> i64:
        """A dataidx, not yet checked."""
        if self.context.data_count < 0:
            raise self.context.r.fail("data count section required")
        return self.context.r.u32()
