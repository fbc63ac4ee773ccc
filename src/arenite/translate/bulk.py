"""What works on whole memories, tables and segments, and what indexes of 64 bits need.

A table never has 2**32 elements, so an index or a count of 64 bits is cut to what is too large either way (`cut`), and all else is as for 32 bits.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-memory.size … exec-elem.drop.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.bytecode.encode import encode
from arenite.bytecode.ops import TABLE
from arenite.layout.types import I32, I64
from arenite.translate.arithmetic import Arithmetic  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.operands import CONSTANT, Operands
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.shape import FIRST64, OTHER, PLAIN, Shape
from arenite.translate.tables import (
    ANY,
    CLAMP,
    EXTEND,
    INSTRUCTIONS,
    MEMORY_COPY,
    MEMORY_FILL,
    MEMORY_GROW,
    MEMORY_INIT,
    MEMORY_SIZE,
    TABLE_SIZE,
    WRAP,
    entry,
)
from arenite.translate.tables import FIRST64 as TO_FIRST64
from arenite.translate.writer import NONE, OpWriter

LARGEST: Final = 0xFFFFFFFF

# what is seldom: op -> (what x is, what y is, operands from the stack)
BULK: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "memory.init": ("segment", "", ("to", "source", "count")),
    "memory.init any": ("segment", "memory", ("to", "source", "count")),
    "data.drop": ("segment", "", ()),
    "memory.copy": ("", "", ("to", "source", "count")),
    "memory.copy i64": ("", "", ("to", "source", "count")),
    "memory.copy any": ("memory", "other", ("to", "source", "count")),
    "memory.fill": ("", "", ("to", "byte", "count")),
    "memory.fill i64": ("", "", ("to", "byte", "count")),
    "memory.fill any": ("memory", "", ("to", "byte", "count")),
    "memory.grow any": ("memory", "", ("delta",)),
    "table.init": ("table", "segment", ("to", "source", "count")),
    "elem.drop": ("segment", "", ()),
    "table.copy": ("table", "source_table", ("to", "source", "count")),
    "table.grow": ("table", "", ("value", "delta")),
    "table.fill": ("table", "", ("to", "value", "count")),
}


@final
class Bulk:
    """Such instructions, on the operand stack.  `at`: offset of the instruction in the file."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, records: Records, arithmetic: Arithmetic) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.records = records
        self.arithmetic = arithmetic

    def instruction(self, op: i64, x: i64, y: i64, operands: i64, result: i64, at: i64) -> None:
        """One of them."""
        code = entry(INSTRUCTIONS, op)
        if code == MEMORY_SIZE:
            self.size(x, result)
        elif code == MEMORY_GROW:
            self.grow(x, result, at)
        elif code == TABLE_SIZE:
            self.writer.value32(TABLE_SIZE, self.s.temporary(self.s.height), self.shape.tables[x])
            self.s.push_temporary(result)
        else:
            form = TABLE[self.form(code, x, y)].name
            if BULK[form][0] == "table":
                self.cut_top(operands)
                self.rare(form, x, y, operands, I32 if result else 0, at)
                if result == I64:
                    self.arithmetic.unary(EXTEND, I64)
            else:
                self.rare(form, x, y, operands, result, at)

    def form(self, code: i64, x: i64, y: i64) -> i64:
        """Which form of an op it is, by the memories."""
        kinds = self.shape.memory_kinds
        kind: i64 = PLAIN
        if code == MEMORY_INIT:
            kind = kinds[y]
        elif code == MEMORY_COPY:
            kind = kinds[x] if x == y else OTHER
        elif code == MEMORY_FILL:
            kind = kinds[x]
        if kind == PLAIN:
            return code
        to_first = entry(TO_FIRST64, code)
        return to_first if kind == FIRST64 and to_first != 0 else entry(ANY, code)

    def size(self, memory: i64, result: i64) -> None:
        """`memory.size`."""
        s = self.s
        writer = self.writer
        if self.shape.memory_kinds[memory] == PLAIN:
            writer.value(MEMORY_SIZE, s.temporary(s.height), 0, 0)
            s.push_temporary(I32)
            return
        dst = s.temporary(s.height)
        place, bits = self.shape.memories[memory], self.shape.memory_bits[memory]
        s.push_temporary(I64)
        op = encode("memory.size any", 0, (), dst=int(writer.reachable(dst)), shift=int(bits), memory=int(place))
        writer.raw(op, dst)
        if result == I32:
            self.arithmetic.unary(WRAP, I32)

    def grow(self, memory: i64, result: i64, at: i64) -> None:
        """`memory.grow`."""
        if self.shape.memory_kinds[memory] == PLAIN:
            self.arithmetic.unary(MEMORY_GROW, I32)
            self.writer.barrier()
            self.records.safepoint(self.writer.pc(), at, self.s)
            return
        self.rare("memory.grow any", memory, 0, 1, I64, at)
        if result == I32:
            self.arithmetic.unary(WRAP, I32)

    def rare(self, name: str, x: i64, y: i64, operands: i64, result: i64, at: i64) -> None:
        """One of `BULK`."""
        s = self.s
        writer = self.writer
        of_x, of_y, names = BULK[name]
        values: dict[str, int] = {}
        if of_x:
            values[of_x] = int(x)
        if of_y:
            values[of_y] = int(y)
        h = s.height - operands
        i: i64 = 0
        while i < operands:
            values[names[i]] = int(s.source(h + i, i + 1))
            i += 1
        s.drop(operands)
        if result:
            values["dst"] = int(writer.reachable(s.temporary(h)))
        writer.raw(encode(name, 0, (), **values), s.temporary(h) if result else NONE)
        writer.barrier()
        if result:
            s.push_temporary(result)
        self.records.safepoint(writer.pc(), at, s)  # the machine divides its work, and may be stopped in the middle

    def cut_top(self, count: i64) -> None:
        """Of the topmost operands those of 64 bits."""
        s = self.s
        h = s.top(count)
        while h < s.height:
            if s.types[h] == I64:
                self.cut(h)
            h += 1

    def cut(self, h: i64) -> None:
        """An operand of 64 bits as one of 32."""
        s = self.s
        if s.where[h] == CONSTANT:
            if not 0 <= s.bits[h] <= LARGEST:
                s.bits[h] = LARGEST
        else:
            a = s.source(h, 1)
            s.unalias(h)
            self.writer.value(CLAMP, s.temporary(h), a, 0)
        s.types[h] = I32
