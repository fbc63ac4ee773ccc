"""Loads and stores: near or far, with constants in them, and loads that are free.

Right behind a store, memory and slots are as it left them.  So until an op is written or a label bound, a load of what was stored
gives the slot that was stored, if

- it asks for the same address, by the same base and offset, and as many bits: the store has trapped if the load would;
- the base is a local: the operand stack holds no other name for the same address twice;
- all of the slot was stored: not the lower half of an i64;
- the operand can be that slot: it is a local, of which the operand becomes an alias, or the operand's own temporary.

The last is why a value is made in its address's temporary rather than in its own: the result of the load will belong there.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-load, exec-store.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.bytecode.encode import encode
from arenite.layout.types import F32, I32
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.shape import EXACT, FIRST64, PLAIN, Shape
from arenite.translate.tables import ANY, FAR, IMMEDIATE, LOAD32, LOAD64, STORE32, STORE64, WIDTHS, entry
from arenite.translate.tables import FIRST64 as TO_FIRST64
from arenite.translate.writer import NEAR, NONE, OpWriter

MASK32: Final = 0xFFFFFFFF


@final
class Accesses:
    """Accesses to memory.  What was stored at `writer.stored`: `base` and `offset`, the slot `value`, the `load` that reads all of it."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.base: i64 = NONE
        self.offset: i64 = 0
        self.value: i64 = NONE
        self.reads: i64 = 0

    def load(self, code: i64, type_: i64, offset: i64, memory: i64) -> None:
        """Near or far, as the offset wants it, or nothing at all."""
        s = self.s
        kind: i64 = self.shape.memory_kinds[memory]
        if kind != PLAIN:
            self.load_any(code, type_, offset, memory, kind)
            return
        if self.writer.stored == self.writer.pc() and self.known(code, type_, offset):
            return
        a = s.source(s.height - 1, 1)
        s.drop(1)
        dst = s.temporary(s.height)
        if offset <= NEAR:
            self.writer.value(code, dst, a, offset)
        else:
            self.writer.value128(entry(FAR, code), dst, a, 0, offset)
        s.push_temporary(type_)

    def known(self, code: i64, type_: i64, offset: i64) -> bool:
        """Push the slot that holds what the load would give, if there is one; a store stands right before."""
        s = self.s
        h = s.height - 1
        if self.reads != code or self.base != s.where[h] or self.offset != offset:
            return False
        local = self.value < s.first
        if not local and self.value != s.temporary(h):
            return False
        s.drop(1)
        s.push(self.value, 0, type_)
        if local:
            s.aliases += 1
        return True

    def load_any(self, code: i64, type_: i64, offset: i64, memory: i64, kind: i64) -> None:
        """Of a memory that is not memory 0 with addresses of 32 bits."""
        s = self.s
        h = s.top(1)
        if kind == EXACT or offset > MASK32:
            self.address(h, offset, WIDTHS[code], memory)
            offset = 0
        a = s.source(h, 1)
        s.drop(1)
        if kind == FIRST64 and offset <= NEAR:
            self.writer.value(entry(TO_FIRST64, code), s.temporary(h), a, offset)
        else:
            self.writer.value128(entry(ANY, code), s.temporary(h), a, 0, offset | self.shape.memories[memory] << 32)
        s.push_temporary(type_)

    def store_any(self, code: i64, offset: i64, memory: i64, kind: i64) -> None:
        """The same."""
        s = self.s
        h = s.top(2)
        if kind == EXACT or offset > MASK32:
            self.address(h, offset, WIDTHS[code], memory)
            offset = 0
        near = kind == FIRST64 and offset <= NEAR
        n: i64 = s.stored(h + 1, code == STORE64)
        a = s.source(h, 1)
        if near and -0x8000 <= n < 0x8000:
            self.writer.effect(entry(IMMEDIATE, entry(TO_FIRST64, code)), a, n & 0xFFFF, offset)
        elif near:
            self.writer.effect(entry(TO_FIRST64, code), a, s.source(h + 1, 2), offset)
        else:
            b = s.source(h + 1, 2)
            self.writer.effect128(entry(ANY, code), a, b, 0, offset | self.shape.memories[memory] << 32)
        s.drop(2)

    def address(self, h: i64, offset: i64, width: i64, memory: i64) -> None:
        """The address of an access, compared with the memory's length, in its own temporary."""
        s = self.s
        writer = self.writer
        a = s.source(h, 1)
        dst = s.temporary(h)
        s.unalias(h)
        to, place = writer.reachable(dst), self.shape.memories[memory]
        op = encode("memory.address", 0, (), dst=int(to), at=int(a), disp=int(offset), size=int(width), memory=int(place))
        writer.raw(op, dst)

    def store(self, code: i64, offset: i64, memory: i64) -> None:
        """Near or far; a constant is stored by the op itself where it fits."""
        s = self.s
        kind: i64 = self.shape.memory_kinds[memory]
        if kind != PLAIN:
            self.store_any(code, offset, memory, kind)
            return
        h = s.height - 2
        n = s.stored(h + 1, code == STORE64)
        a = s.source(h, 1)
        if offset > NEAR:
            b = s.source(h + 1, 2)
            self.writer.effect128(entry(FAR, code), a, b, 0, offset)
        elif -0x8000 <= n < 0x8000:
            self.writer.effect(entry(IMMEDIATE, code), a, n & 0xFFFF, offset)
        elif a < s.first and not self.writer.wide:
            self.store_local(code, a, offset)
        else:
            b = s.source(h + 1, 2)
            self.writer.store(code, a, b, offset)
        s.drop(2)

    def store_local(self, code: i64, a: i64, offset: i64) -> None:
        """Store where a local points: a load of the same may follow."""
        s = self.s
        writer = self.writer
        h = s.height - 2
        b = s.source(h + 1, 2)
        if b == s.temporary(h + 1) and writer.retarget(b, s.temporary(h)):
            b = s.temporary(h)
        writer.store(code, a, b, offset)
        if code == STORE64 or (code == STORE32 and s.types[h + 1] in (I32, F32)):
            writer.stored = writer.pc()
            self.base = a
            self.offset = offset
            self.value = b
            self.reads = LOAD64 if code == STORE64 else LOAD32
