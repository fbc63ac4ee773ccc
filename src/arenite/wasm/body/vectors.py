"""Instructions on vectors, accesses to memory among them.  Spec: valid-instr-vec.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.types import V128
from arenite.wasm import opcodes
from arenite.wasm.body.context import Context  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.body.memory import Memory  # noqa: TC001 (as above)

FIRST: Final[bytes] = opcodes.FIRST
SECOND: Final[bytes] = opcodes.SECOND
THIRD: Final[bytes] = opcodes.THIRD
RESULT: Final[bytes] = opcodes.RESULT
ALIGN: Final[bytes] = opcodes.ALIGN
LANES: Final[bytes] = opcodes.LANES
ACCESSES: Final[bytes] = opcodes.ACCESSES

CONST: Final[i64] = opcodes.code("v128.const")
SHUFFLE: Final[i64] = opcodes.code("i8x16.shuffle")
BYTES: Final = 16
CHOICES: Final = 32  # bytes that a shuffle chooses from


@final
class Vectors:
    """Checks and reports them."""

    def __init__(self, context: Context, memory: Memory) -> None:
        self.context = context
        self.memory = memory
        self.r = context.r
        self.s = context.s
        self.sink = context.sink

    def instruction(self, op: i64) -> None:
        """One of the chapter."""
        if ACCESSES[op] != 0:
            self.access(op)
        elif op == CONST:
            self.constant()
        elif op == SHUFFLE:
            self.shuffle()
        else:
            lane: i64 = LANES[op]
            if lane != 0:
                lane = self.lane(lane)
                self.operands(op)
                if self.s.live:
                    self.sink.lane(op, lane)
            else:
                self.operands(op)
                if self.s.live:
                    self.sink.vector(op)

    def operands(self, op: i64) -> None:
        """What it pops and pushes, as the table says."""
        s = self.s
        third: i64 = THIRD[op]
        second: i64 = SECOND[op]
        result: i64 = RESULT[op]
        if third != 0:
            s.pop(third)
        if second != 0:
            s.pop(second)
        s.pop(FIRST[op])
        if result != 0:
            s.push(result)

    def lane(self, count: i64) -> i64:
        """A lane below `count`."""
        lane = self.r.byte()
        if lane >= count:
            raise self.s.fail(f"invalid lane index {lane}")
        return lane

    def access(self, op: i64) -> None:
        """A load or store, of a whole vector or a lane."""
        s = self.s
        offset = self.memory.memarg(ALIGN[op])
        memory = self.memory.memory
        lane: i64 = LANES[op]
        if lane != 0:
            lane = self.lane(lane)
        if SECOND[op] != 0:
            s.pop(SECOND[op])
        s.pop(self.memory.index)
        if RESULT[op] != 0:
            s.push(RESULT[op])
        if not s.live:
            return
        if LANES[op] != 0:
            self.sink.access_lane(op, lane, offset, memory)
        elif RESULT[op] != 0:
            self.sink.load(op, V128, offset, memory)
        else:
            self.sink.store(op, V128, offset, memory)

    def constant(self) -> None:
        """`v128.const`."""
        r = self.r
        low, high = r.f64(), r.f64()
        self.s.push(V128)
        if self.s.live:
            self.sink.const128(low, high)

    def shuffle(self) -> None:
        """`i8x16.shuffle`: 16 lanes, of both operands."""
        s, r = self.s, self.r
        at = r.pos
        low, high = r.f64(), r.f64()
        i: i64 = 0
        while i < BYTES:
            byte: i64 = r.data[at + i]
            if byte >= CHOICES:
                raise s.fail(f"invalid lane index {byte}")
            i += 1
        self.operands(SHUFFLE)
        if s.live:
            self.sink.shuffle(low, high)
