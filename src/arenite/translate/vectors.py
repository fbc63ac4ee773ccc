"""Instructions on vectors.  A vector is two operands, which stay together (`operands`); half a vector is a slot like others.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-instr-vec.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64

from arenite.layout.types import F64, I64, V128
from arenite.translate.accesses import MASK32, Accesses
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.shape import EXACT, PLAIN, Shape
from arenite.translate.tables import ANY, FAR, INSTRUCTIONS, MOVE, WRAP, entry
from arenite.translate.tables import VECTOR_CONST as CONST
from arenite.translate.tables import VECTOR_GLOBAL_GET as GLOBAL_GET
from arenite.translate.tables import VECTOR_GLOBAL_GET_IMPORTED as GLOBAL_GET_IMPORTED
from arenite.translate.tables import VECTOR_GLOBAL_SET as GLOBAL_SET
from arenite.translate.tables import VECTOR_GLOBAL_SET_IMPORTED as GLOBAL_SET_IMPORTED
from arenite.translate.tables import VECTOR_SELECT as SELECT
from arenite.translate.tables import VECTOR_SHUFFLE as SHUFFLE
from arenite.translate.writer import NEAR, OpWriter
from arenite.wasm import opcodes

FIRST: Final[bytes] = opcodes.FIRST
SECOND: Final[bytes] = opcodes.SECOND
THIRD: Final[bytes] = opcodes.THIRD
RESULT: Final[bytes] = opcodes.RESULT
LANES: Final[bytes] = opcodes.LANES
WIDTHS: Final[bytes] = bytes(opcodes.lookup(lambda opcode: opcode.width))
VECTOR_BITS: Final = 128


@final
class Vectors:
    """Writes them."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, accesses: Accesses) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.accesses = accesses

    def width(self, type_: i64) -> i64:
        """Slots of a value; 0 for no type."""
        return 2 if type_ == V128 else 1 if type_ != 0 else 0

    def slot(self, h: i64, type_: i64, which: i64) -> i64:
        """The slot, or the first of two, to read an operand from."""
        return self.s.pair(h, which) if type_ == V128 else self.s.source(h, which)

    def op(self, op: i64) -> None:
        """One that only computes, of up to three operands."""
        s, writer = self.s, self.writer
        first, second, third = i64(FIRST[op]), i64(SECOND[op]), i64(THIRD[op])
        result, code = i64(RESULT[op]), entry(INSTRUCTIONS, op)
        width = self.width(first)
        both = width + self.width(second)
        size = both + self.width(third)
        h = s.top(size)
        a = self.slot(h, first, 1)
        b = self.slot(h + width, second, 2) if second != 0 else 0
        c = self.slot(h + both, third, 3) if third != 0 else 0
        s.drop(size)
        dst = s.temporary(h)
        if result != V128:
            writer.value(code, dst, a, b)
            s.push_temporary(result)
            return
        if third != 0:
            writer.vector16(code, dst, a, b, c, 0)
        else:
            writer.vector8(code, dst, a, b)
        s.push_vector()

    def const(self, low: i64, high: i64) -> None:
        """A constant is written at once."""
        s = self.s
        self.writer.vector24(CONST, s.temporary(s.height), 0, 0, low, high)
        s.push_vector()

    def shuffle(self, low: i64, high: i64) -> None:
        """The lanes are a constant in the op."""
        s = self.s
        h = s.top(4)
        a, b = s.pair(h, 1), s.pair(h + 2, 2)
        s.drop(4)
        self.writer.vector24(SHUFFLE, s.temporary(h), a, b, low, high)
        s.push_vector()

    def select(self) -> None:
        """One of two vectors."""
        s = self.s
        h = s.top(5)
        a, b, c = s.pair(h, 1), s.pair(h + 2, 2), s.source(h + 4, 3)
        s.drop(5)
        self.writer.vector16(SELECT, s.temporary(h), c, a, b, 0)
        s.push_vector()

    # lanes

    def lane(self, op: i64, lane: i64) -> None:
        """Take a lane out, or replace it."""
        s = self.s
        result = i64(RESULT[op])
        if result != V128:
            self.extract(op, lane, result)
            return
        h = s.top(3)
        a, b = s.pair(h, 1), s.source(h + 2, 2)
        s.drop(3)
        self.writer.vector16(entry(INSTRUCTIONS, op), s.temporary(h), a, b, lane, 0)
        s.push_vector()

    def extract(self, op: i64, lane: i64, result: i64) -> None:
        """A lane, out of the half that it is in."""
        s, writer = self.s, self.writer
        bits = VECTOR_BITS // i64(LANES[op])
        shift = lane * bits
        h = s.top(2)
        half = s.source(h + (shift >> 6), 1)
        s.drop(2)
        dst = s.temporary(h)
        if result in (I64, F64):
            if half != dst:
                writer.value(MOVE, dst, half, 0)
            else:
                writer.barrier()  # what made the vector is not to write a number's slot instead
        elif bits == 32 and shift & 63 == 0:
            writer.value(WRAP, dst, half, 0)
        else:
            writer.value(entry(INSTRUCTIONS, op), dst, half, shift & 63)
        s.push_temporary(result)

    # memory

    def reach(self, h: i64, op: i64, offset: i64, memory: i64) -> i64:
        """The displacement for an access whose address has the height h, in a memory that is not plain."""
        if self.shape.memory_kinds[memory] == EXACT or offset > MASK32:
            self.accesses.address(h, offset, WIDTHS[op], memory)
            return 0
        return offset

    def load(self, op: i64, offset: i64, memory: i64) -> None:
        """A load that makes a vector; most have no form for near offsets."""
        s, writer = self.s, self.writer
        code = entry(INSTRUCTIONS, op)
        plain = self.shape.memory_kinds[memory] == PLAIN
        if not plain:
            offset = self.reach(s.top(1), op, offset, memory)
        a = s.source(s.height - 1, 1)
        s.drop(1)
        if not plain:
            writer.vector16(entry(ANY, code), s.temporary(s.height), a, 0, offset, self.shape.memories[memory])
            s.push_vector()
            return
        far, dst = entry(FAR, code), s.temporary(s.height)
        if far != 0 and offset <= NEAR:
            writer.vector8(code, dst, a, offset)
        else:
            writer.vector16(far if far != 0 else code, dst, a, 0, offset, 0)
        s.push_vector()

    def store(self, op: i64, offset: i64, memory: i64) -> None:
        """Store a vector."""
        s, writer = self.s, self.writer
        code = entry(INSTRUCTIONS, op)
        h = s.top(3)
        plain = self.shape.memory_kinds[memory] == PLAIN
        if not plain:
            offset = self.reach(h, op, offset, memory)
        a, b = s.source(h, 1), s.pair(h + 1, 2)
        s.drop(3)
        if not plain:
            writer.effect128(entry(ANY, code), a, b, 0, offset | self.shape.memories[memory] << 32)
        elif offset <= NEAR:
            writer.effect(code, a, b, offset)
        else:
            writer.effect128(entry(FAR, code), a, b, 0, offset)

    def access_lane(self, op: i64, lane: i64, offset: i64, memory: i64) -> None:
        """Load or store a lane: this, out of the half that it is in."""
        s, writer = self.s, self.writer
        code = entry(INSTRUCTIONS, op)
        h = s.top(3)
        plain = self.shape.memory_kinds[memory] == PLAIN
        place = self.shape.memories[memory]
        if not plain:
            offset = self.reach(h, op, offset, memory)
        a = s.source(h, 1)
        if RESULT[op] != 0:
            b = s.pair(h + 1, 2)
            s.drop(3)
            if plain:
                writer.vector16(code, s.temporary(h), a, b, lane, offset)
            else:
                writer.vector24(entry(ANY, code), s.temporary(h), a, b, lane | offset << 32, place)
            s.push_vector()
            return
        shift = lane * (VECTOR_BITS // i64(LANES[op]))
        half = s.source(h + 1 + (shift >> 6), 2)
        s.drop(3)
        if plain:
            writer.effect128(code, a, half, shift & 63, offset)
        else:
            writer.effect128(entry(ANY, code), a, half, shift & 63, offset | place << 32)

    # globals

    def global_get(self, place: i64, defined: bool) -> None:  # noqa: FBT001 (compiled, by position)
        """Of this instance, or imported."""
        s = self.s
        self.writer.vector32(GLOBAL_GET if defined else GLOBAL_GET_IMPORTED, s.temporary(s.height), place)
        s.push_vector()

    def global_set(self, place: i64, defined: bool) -> None:  # noqa: FBT001 (as above)
        """Of this instance, or imported."""
        s = self.s
        h = s.top(2)
        a = s.pair(h, 1)
        s.drop(2)
        self.writer.effect32(GLOBAL_SET if defined else GLOBAL_SET_IMPORTED, a, place)
