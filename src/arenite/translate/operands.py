"""The operand stack of the function at hand: where each operand is, and the ops that bring it where it must be.

- An operand of height h is in its *own* temporary (`temporary(h)`), in a local it still equals (an alias), or a constant not written yet.
- `aliases` counts the second kind.
- A vector is two operands, its second slot of type UPPER: both in their own temporaries or both aliases, never constants.
- An operand's temporary is written by nobody else while the operand is on the stack.

Compiled by mypyc; see `writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.vecs import append, vec
from mypy_extensions import i64

from arenite.layout.types import F32, I32, UPPER, V128
from arenite.translate.tables import CONST32, CONST64, MOVE, MOVE_VECTOR
from arenite.translate.writer import NEAR, UNIT, OpWriter, WideFrame, signed32

CONSTANT: Final = -1  # the place of an operand that lies nowhere yet
NO_CONSTANT: Final = 1 << 32


@final
class Operands:
    """Operands by height.  `where`: slot, or CONSTANT; `bits`: of a constant; `types`: value types; `peak`: the greatest height."""

    def __init__(self, writer: OpWriter) -> None:
        self.writer = writer
        self.where: vec[i64] = vec[i64]()
        self.bits: vec[i64] = vec[i64]()
        self.types: vec[i64] = vec[i64]()
        self.height: i64 = 0
        self.peak: i64 = 0
        self.aliases: i64 = 0
        self.first: i64 = 0

    def begin(self, first: i64) -> None:
        """A function begins whose temporaries begin at slot `first`."""
        self.first = first
        self.writer.first_temp = first
        self.height = 0
        self.peak = 0
        self.aliases = 0

    def temporary(self, h: i64) -> i64:
        """The temporary of the operand of height h."""
        return self.first + UNIT * h

    def push(self, where: i64, bits: i64, type_: i64) -> None:
        """Push an operand that lies at `where`."""
        h = self.height
        if h >= self.peak:
            self.reserve(h)
        self.where[h] = where
        self.bits[h] = bits
        self.types[h] = type_
        self.height = h + 1

    def push_temporary(self, type_: i64) -> None:
        """Push an operand that lies in its own temporary."""
        self.push(self.first + UNIT * self.height, 0, type_)

    def push_vector(self) -> None:
        """The same of a vector."""
        self.push_temporary(V128)
        self.push_temporary(UPPER)

    def reserve(self, h: i64) -> None:
        """The stack reaches height h for the first time."""
        self.peak = h + 1
        if h >= len(self.where):
            self.where = append(self.where, 0)
            self.bits = append(self.bits, 0)
            self.types = append(self.types, 0)
        if self.temporary(h) > NEAR and not self.writer.wide:
            raise WideFrame

    def drop(self, count: i64) -> None:
        """Pop so many operands."""
        while count > 0:
            count -= 1
            h = self.height - 1
            assert h >= 0
            self.height = h
            where = self.where[h]
            if 0 <= where < self.first:
                self.aliases -= 1

    def cut(self, height: i64) -> None:
        """Back to a height below which nothing is an alias."""
        self.height = height
        self.aliases = 0

    # reading

    def source(self, h: i64, which: i64) -> i64:
        """A slot that an op can read the operand from; `which`: 1, 2 or 3, another one for each operand of the op."""
        assert h >= 0
        slot = self.where[h]
        if slot < 0:
            slot = self.temporary(h)
            self.constant(h, slot)
            self.where[h] = slot
        return slot if slot <= NEAR else self.writer.near(slot, which)

    def pair(self, h: i64, which: i64) -> i64:
        """The first of two slots that an op can read a vector from; `which`: as of `source`."""
        slot = self.where[h]
        return slot if slot <= NEAR else self.writer.near_pair(slot, which)

    def width(self) -> i64:
        """How many slots the topmost value has."""
        return 2 if self.types[self.top(1)] == UPPER else 1

    def unalias(self, h: i64) -> None:
        """The operand lies in its own temporary from now on: whoever says so writes it there."""
        if 0 <= self.where[h] < self.first:
            self.aliases -= 1
        self.where[h] = self.temporary(h)

    def small(self, h: i64) -> bool:
        """Whether the operand is a constant that fits in 16 bits, signed."""
        if self.where[h] >= 0:
            return False
        return -0x8000 <= self.signed(h) < 0x8000

    def signed(self, h: i64) -> i64:
        """A constant's value."""
        bits = self.bits[h]
        type_ = self.types[h]
        if type_ in (I32, F32) and bits >= 0x80000000:
            return bits - 0x100000000
        return bits

    def stored(self, h: i64, whole: bool) -> i64:  # noqa: FBT001 (compiled, by position)
        """The constant that a store writes, signed, 64 bits of it if `whole`, else 32; NO_CONSTANT if the operand is none."""
        if self.where[h] >= 0:
            return NO_CONSTANT
        return self.bits[h] if whole else signed32(self.bits[h])

    def constant(self, h: i64, dst: i64) -> None:
        """Write a constant operand to a slot."""
        bits = self.bits[h]
        if 0 <= bits <= 0xFFFFFFFF:
            self.writer.value32(CONST32, dst, bits)
        else:
            self.writer.value128(CONST64, dst, 0, 0, bits)

    # moving

    def top(self, count: i64) -> i64:
        """The height of the lowest of the topmost operands."""
        h = self.height - count
        assert h >= 0  # an index below 0 would be taken from the end, and a slot below the temporaries be written
        return h

    def move(self, dst: i64, slot: i64) -> None:
        """Copy a slot."""
        self.writer.value(MOVE, dst, self.writer.near(slot, 1), 0)

    def move_value(self, dst: i64, slot: i64, type_: i64) -> None:
        """Copy a slot, or both of a vector."""
        if type_ == V128:
            self.writer.vector8(MOVE_VECTOR, dst, slot if slot <= NEAR else self.writer.near_pair(slot, 1), 0)
        else:
            self.move(dst, slot)

    def assign(self, h: i64, dst: i64) -> None:
        """The operand's value to the slot `dst`; the operand is not needed any more, or the op written next is on another path."""
        slot = self.where[h]
        if slot < 0:
            self.constant(h, dst)
        elif slot != dst and not self.writer.retarget(slot, dst):
            self.move_value(dst, slot, self.types[h])

    def settle(self, h: i64) -> None:
        """Bring the operand to its own temporary, a vector by either half."""
        slot = self.where[h]
        dst = self.temporary(h)
        if slot == dst:
            return
        type_ = self.types[h]
        if type_ == UPPER:
            self.settle(h - 1)
            return
        if slot < 0:
            self.constant(h, dst)
        else:
            self.move_value(dst, slot, type_)
            self.aliases -= 1
        self.where[h] = dst
        if type_ == V128:
            self.where[h + 1] = dst + UNIT
            self.aliases -= 1

    def settle_top(self, count: i64) -> None:
        """Bring the topmost operands to their own temporaries."""
        h = self.top(count)
        while h < self.height:
            self.settle(h)
            h += 1

    def raise_top(self, count: i64) -> None:
        """Bring the topmost operands, which are to be dropped, to the temporaries one above their own."""
        if self.height >= self.peak:
            self.reserve(self.height)
        first = self.top(count)
        h = self.height
        while h > first:
            h -= 1
            dst = self.temporary(h + 1)
            if self.types[h] != UPPER:
                self.assign(h, dst)
            if 0 <= self.where[h] < self.first:
                self.aliases -= 1
            self.where[h] = dst

    def settle_locals(self) -> None:
        """No operand is an alias any more."""
        h = self.height
        while self.aliases > 0:
            h -= 1
            if 0 <= self.where[h] < self.first:
                self.settle(h)

    def release(self, local: i64) -> None:
        """The slot of a local is about to change: operands that are its value get their own copies."""
        h = self.height
        left = self.aliases
        while left > 0:
            h -= 1
            slot = self.where[h]
            if 0 <= slot < self.first:
                left -= 1
                if slot == local:
                    self.settle(h)
        self.writer.budget.look(self.height - h)

    def in_place(self, count: i64, height: i64) -> bool:
        """Whether the topmost operands lie in the temporaries from `height` on."""
        h = self.top(count)
        if count > 0 and h != height:
            return False
        while h < self.height:
            if self.where[h] != self.temporary(h):
                return False
            h += 1
        return True

    def carry(self, count: i64, height: i64) -> None:
        """The topmost operands to the temporaries from `height` on, which is not above them."""
        start = self.top(count)
        i: i64 = 0
        while i < count:
            if self.types[start + i] != UPPER:
                self.assign(start + i, self.temporary(height + i))
            i += 1

    def untangle(self, count: i64) -> None:
        """The topmost operands are about to go to slots 0, 1, …: none may be read from a slot that has been overwritten by then."""
        start = self.top(count)
        i: i64 = 1
        while i < count:
            slot = self.where[start + i]
            if 0 <= slot < UNIT * i:
                self.settle(start + i)
            i += 1

    def deliver(self, count: i64) -> None:
        """The topmost operands to slots 0, 1, …; `untangle` has been asked."""
        start = self.top(count)
        i: i64 = 0
        while i < count:
            if self.types[start + i] != UPPER:
                self.assign(start + i, UNIT * i)
            i += 1
