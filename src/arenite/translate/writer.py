"""Writes ops: the bytes of the bytecode, with the peepholes that need only see what was written last.

- Operands are byte offsets of frame slots.  Slots beyond 65535 exist in `wide` functions only; there operands pass through
  scratch slots, and no peephole applies.
- A peephole never looks across a place that may be branched to: `bind` and `barrier` forget what was written.
- What is written is paid for (`wasm.budget`).
- A temporary that an op reads is dead afterwards: its operand has been popped.  That is why two ops can become one.

Compiled by mypyc: no overflow, no literal shifted left by a variable; a word is made signed (`word`) and an i32 before it is written, or a function is
looked up by name for it.

Spec: none; `bytecode.row` says what the encodings are, and the tests that the shapes written here are those.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i32, i64, u8

from arenite.bytecode.words import patch
from arenite.errors import Limit
from arenite.translate.tables import (
    ADD_IMM,
    COUNT,
    END,
    FRAME_GET,
    FRAME_SET,
    INVERSE,
    JOINED,
    PAIRED_LEFT,
    PAIRED_RIGHT,
    SECOND,
    WIDTHS,
    entry,
)
from arenite.translate.trace import Trace  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.budget import LABEL, LABEL_USE, Budget

NEAR: Final = 0xFFFF  # the largest slot an operand names
NONE: Final = -1  # no op, no slot
UNIT: Final = 8
FIX: Final = 12
MAX_CODE: Final = 1 << 30
SCRATCH: Final = 4  # slots
VECTOR_SCRATCH: Final = 8


def signed32(n: i64) -> i64:
    """The low 32 bits as a signed number."""
    return (n & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def signed16(n: i64) -> i64:
    """The low 16 bits as a signed number."""
    return (n & 0xFFFF ^ 0x8000) - 0x8000


class WideFrame(Exception):  # noqa: N818 (not an error: the function is translated again)
    """The function at hand needs slots that operands do not reach, or, a wide one, more scratch slots."""


@final
class OpWriter:
    """The bytecode of one module, function after function.

    `last`: pc of the op written last if it has a destination that peepholes may change, with its code and destination; `before`:
    the same of the one before it.  `first_temp`: temporaries begin here.  `scratch`: four slots of a wide function, or eight.  `stored`: pc
    behind the last store, if no label is there (`accesses`).
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.room: i64 = 0  # so many bytes of `out` have been paid for
        self.out = BytesWriter()
        self.wide = False
        self.vectors = False  # of a wide function: there is room for vectors among the scratch slots
        self.scratch: i64 = 0
        self.first_temp: i64 = 0
        self.last: i64 = NONE
        self.last_code: i64 = 0
        self.last_dst: i64 = NONE
        self.before: i64 = NONE
        self.before_code: i64 = 0
        self.before_dst: i64 = NONE
        self.stored: i64 = NONE
        self.labels: vec[i64] = vec[i64]()  # of the function at hand: where each is bound
        self.label_count: i64 = 0
        self.fixes = BytesWriter()  # uses of labels: place of the displacement, pc it counts from, label, as i32
        self.fixes_room: i64 = 0
        self.trace: Trace | None = None  # only when somebody asks

    # places

    @property
    def scratch_size(self) -> i64:
        """Bytes of the scratch slots of a wide function."""
        return UNIT * (VECTOR_SCRATCH if self.vectors else SCRATCH)

    def pc(self) -> i64:
        """Where the next op will stand."""
        return len(self.out)

    def barrier(self) -> None:
        """What comes next may be reached by a branch, or must not be joined to what came before."""
        self.last = NONE
        self.before = NONE
        self.stored = NONE

    def label(self) -> i64:
        """A new label, to be bound further on."""
        n = self.label_count
        if n >= len(self.labels):
            self.budget.pay(LABEL)
            self.labels = append(self.labels, NONE)
        self.labels[n] = NONE
        self.label_count = n + 1
        return n

    def bind(self, label: i64) -> None:
        """The label is here."""
        self.labels[label] = len(self.out)
        self.barrier()

    def use(self, label: i64, pc: i64) -> None:
        """Write the displacement from the op at `pc` to a label, once it is known."""
        fixes = self.fixes
        if len(fixes) >= self.fixes_room:
            self.budget.pay(LABEL_USE)
            self.fixes_room += FIX
        write_i32_le(fixes, i32(len(self.out)))
        write_i32_le(fixes, i32(pc))
        write_i32_le(fixes, i32(label))
        write_i32_le(self.out, i32(0))

    def cancel(self, pc: i64) -> None:
        """Forget the function that began at `pc`."""
        self.out.truncate(pc)
        self.fixes.truncate(0)
        self.label_count = 0
        self.barrier()

    def resolve(self) -> None:
        """The function is complete: every label has its place."""
        fixes = self.fixes.getvalue()
        labels = self.labels
        size: i64 = len(fixes)
        at: i64 = 0
        while at < size:
            pc = i64(read_i32_le(fixes, at + 4))
            patch(self.out, i64(read_i32_le(fixes, at)), (labels[i64(read_i32_le(fixes, at + 8))] - pc) >> 3)
            at += FIX
        self.fixes.truncate(0)
        self.label_count = 0
        self.barrier()

    def half(self, at: i64) -> i64:
        """The two bytes at `at`."""
        out = self.out
        return i64(out[at]) | i64(out[at + 1]) << 8

    def set_half(self, at: i64, value: i64) -> None:
        """Overwrite two bytes."""
        out = self.out
        out[at] = u8(value & 0xFF)
        out[at + 1] = u8(value >> 8 & 0xFF)

    def buy(self, size: i64) -> None:
        """Pay for so many bytes of bytecode.  Raises: `Limit`."""
        if size > MAX_CODE:
            raise Limit("the module needs more than 1 GiB of bytecode")
        self.room = self.budget.room(self.room, size)

    # ops without a destination

    def word(self, code: i64, x: i64, y: i64, z: i64) -> None:
        """Begin an op: its code and three halves."""
        if self.trace is not None:
            self.trace.note(len(self.out))
        if len(self.out) >= self.room:
            self.buy(len(self.out) + 1)
        write_i64_le(self.out, code | x << 16 | y << 32 | signed16(z) << 48)

    def effect(self, code: i64, x: i64, y: i64, z: i64) -> None:
        """An op of 8 bytes without a destination."""
        self.word(code, x, y, z)
        self.barrier()

    def effect32(self, code: i64, x: i64, y: i64) -> None:
        """An op of 8 bytes: a half and a 32-bit operand."""
        self.word(code, x, y & 0xFFFF, y >> 16 & 0xFFFF)
        self.barrier()

    def tail(self, low: i64, high: i64) -> None:
        """Eight more bytes of the op that was begun: two 32-bit operands."""
        write_i32_le(self.out, i32(signed32(low)))
        write_i32_le(self.out, i32(signed32(high)))

    def effect128(self, code: i64, x: i64, y: i64, z: i64, tail: i64) -> None:
        """An op of 16 bytes: three halves, and whatever stands in the second eight."""
        self.word(code, x, y, z)
        write_i64_le(self.out, tail)
        self.barrier()

    def join(self, code: i64, slot: i64) -> bool:
        """Make one op of the last one, which wrote `slot`, and of `code`, which reads that and has no destination.

        It is written all the same, so it may be a local.  What is left of the second op, but the slot, is for the caller to write.
        """
        if self.last < 0 or self.last_dst != slot:
            return False
        fused = entry(JOINED, i64(END[code]) * COUNT + self.last_code)
        if fused == 0:
            return False
        self.set_half(self.last, fused)
        return True

    def store(self, code: i64, base: i64, value: i64, disp: i64) -> None:
        """A store with a near offset; joined to the last op if that made the value."""
        if base != value and self.join(code, value):
            if self.trace is not None:
                self.trace.note(self.last)
            write_i64_le(self.out, base | disp << 16)
            self.barrier()
        else:
            self.effect(code, base, value, disp)

    def global_set(self, code: i64, value: i64, disp: i64) -> None:
        """Set a global; joined to the last op if that made the value."""
        if not self.join(code, value):
            self.effect32(code, value, disp)
            return
        if len(self.out) - self.last == UNIT:
            self.tail(disp, 0)
        else:
            patch(self.out, self.last + 12, disp)
        self.barrier()

    def begin(self, size: i64) -> i64:
        """An op of so many bytes is about to be written: its pc."""
        pc: i64 = len(self.out)
        if self.trace is not None:
            self.trace.note(pc)
        self.buy(pc + size)
        return pc

    def raw(self, op: bytes, dst: i64) -> None:
        """An op that somebody else encoded, its destination `reachable(dst)`, if it has one."""
        pc = self.begin(len(op))
        self.out.write(op)
        self.barrier()
        if dst != NONE:
            self.landed(pc, 0, dst)

    # ops whose result is a vector

    def vector8(self, code: i64, dst: i64, a: i64, b: i64) -> None:
        """As `value`."""
        pc: i64 = len(self.out)
        self.word(code, self.reachable(dst), a, b)
        self.landed_pair(pc, code, dst)

    def vector32(self, code: i64, dst: i64, n: i64) -> None:
        """As `value32`."""
        self.vector8(code, dst, n & 0xFFFF, n >> 16 & 0xFFFF)

    def vector16(self, code: i64, dst: i64, a: i64, b: i64, low: i64, high: i64) -> None:
        """An op of 16 bytes: two halves, and two 32-bit operands in the second eight."""
        pc: i64 = len(self.out)
        self.word(code, self.reachable(dst), a, b)
        self.tail(low, high)
        self.landed_pair(pc, code, dst)

    def vector24(self, code: i64, dst: i64, a: i64, b: i64, low: i64, high: i64) -> None:
        """An op of 24 bytes: two halves, and a constant of 128 bits."""
        pc: i64 = len(self.out)
        self.word(code, self.reachable(dst), a, b)
        write_i64_le(self.out, low)
        write_i64_le(self.out, high)
        self.landed_pair(pc, code, dst)

    # slots that operands may not reach

    def near(self, slot: i64, which: i64) -> i64:
        """A slot to read `slot` from: itself, or a scratch slot (number `which`) that it was copied to."""
        if slot <= NEAR:
            return slot
        scratch = self.scratch + (2 * UNIT * which if self.vectors else UNIT * which)
        self.effect32(FRAME_GET, scratch, slot)
        return scratch

    def near_pair(self, slot: i64, which: i64) -> i64:
        """The same for the two slots of a vector."""
        if not self.vectors:
            raise WideFrame
        scratch = self.scratch + 2 * UNIT * which
        self.effect32(FRAME_GET, scratch, slot)
        self.effect32(FRAME_GET, scratch + UNIT, slot + UNIT)
        return scratch

    def landed_pair(self, pc: i64, code: i64, dst: i64) -> None:
        """As `landed`, of a vector, which may lie in two scratch slots."""
        if dst > NEAR and not self.vectors:
            raise WideFrame
        self.landed(pc, code, dst)
        if dst > NEAR:
            self.effect32(FRAME_SET, self.scratch + UNIT, dst + UNIT)

    def reachable(self, dst: i64) -> i64:
        """A slot to write to instead of `dst`: itself, or the first scratch slot; `landed` ends what this begins."""
        return dst if dst <= NEAR else self.scratch

    def landed(self, pc: i64, code: i64, dst: i64) -> None:
        """The op at `pc`, with a destination, is complete."""
        if self.wide:
            self.barrier()
            if dst > NEAR:
                self.effect32(FRAME_SET, self.scratch, dst)
            return
        self.before = self.last
        self.before_code = self.last_code
        self.before_dst = self.last_dst
        self.last = pc
        self.last_code = code
        self.last_dst = dst

    # ops with a destination

    def value(self, code: i64, dst: i64, a: i64, b: i64) -> None:
        """An op of 8 bytes with two operands, or a slot and a 16-bit constant; joined to the last op where there is such a pair."""
        if self.last >= 0 and SECOND[code] != 0 and self.pair(code, dst, a, b):
            return
        pc: i64 = len(self.out)
        self.word(code, self.reachable(dst), a, b)
        self.landed(pc, code, dst)

    def pair(self, code: i64, dst: i64, a: i64, b: i64) -> bool:
        """Make one op of the last one and this, if this uses the last one's result and the table has the pair."""
        temp = self.last_dst
        if temp < self.first_temp:
            return False
        fused: i64 = 0
        rest = b
        row: i64 = i64(SECOND[code]) * COUNT
        if a == temp:
            fused = entry(PAIRED_LEFT, row + self.last_code)
        elif b == temp:
            fused = entry(PAIRED_RIGHT, row + self.last_code)
            rest = a
        if fused == 0:
            return False
        self.set_half(self.last, fused)
        self.set_half(self.last + 2, dst)
        write_i64_le(self.out, rest)
        if self.trace is not None and WIDTHS[code] != 0:
            self.trace.note(self.last)
        self.last_code = fused
        self.last_dst = dst
        return True

    def merge(self, dst: i64, slot: i64, n: i64) -> bool:
        """Write `slot + n`: if the last op made the temporary `slot` by adding a constant, it adds both at once."""
        if self.last < 0 or self.last_code != ADD_IMM or self.last_dst != slot or slot < self.first_temp:
            return False
        n += signed16(self.half(self.last + 6))
        if not -0x8000 <= n < 0x8000:
            return False
        self.set_half(self.last + 2, dst)
        self.set_half(self.last + 6, n)
        self.last_dst = dst
        return True

    def value32(self, code: i64, dst: i64, n: i64) -> None:
        """An op of 8 bytes with a 32-bit operand."""
        pc: i64 = len(self.out)
        self.word(code, self.reachable(dst), n & 0xFFFF, n >> 16 & 0xFFFF)
        self.landed(pc, code, dst)

    def value128(self, code: i64, dst: i64, a: i64, b: i64, tail: i64) -> None:
        """An op of 16 bytes: two halves, and whatever stands in the second eight."""
        pc: i64 = len(self.out)
        self.word(code, self.reachable(dst), a, b)
        write_i64_le(self.out, tail)
        self.landed(pc, code, dst)

    def retarget(self, slot: i64, dst: i64) -> bool:
        """Let the last op write to `dst` instead of the temporary `slot`, if it is what wrote that."""
        if self.last < 0 or self.last_dst != slot or slot < self.first_temp:
            return False
        self.set_half(self.last + 2, dst)
        self.last_dst = dst
        return True

    def undo(self) -> None:
        """Take the last op back."""
        self.out.truncate(self.last)
        self.last = self.before
        self.last_code = self.before_code
        self.last_dst = self.before_dst
        self.before = NONE

    def invert(self, slot: i64) -> bool:
        """Turn the integer comparison that made the temporary `slot` into its inverse, if the last op is one."""
        if self.last < 0 or self.last_dst != slot or slot < self.first_temp:
            return False
        inverse = entry(INVERSE, self.last_code)
        if inverse == 0:
            return False
        self.set_half(self.last, inverse)
        self.last_code = inverse
        return True
