"""The safepoints of the function at hand: where a run may stop, and what the code behind may rely on then.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import read_i32_le
from mypy_extensions import i64

from arenite.bytecode.verifier.classes import CLASS_OF, UNWRITTEN
from arenite.bytecode.verifier.code import MASK, broken
from arenite.bytecode.verifier.frame import FrameSlots  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.bytecode.verifier.slots import NOTHING, SlotClasses

HEAD: Final = 12  # bytes of a safepoint before its slots


@final
class Points:
    """The table of safepoints, read in order.

    `record`: the next one, `next`: its pc; `passed`: the last one.  `owed`: where the last call comes back; there, slots from `overwritten` on are not
    the frame's any more.  `excused`: (record of a safepoint, slot), see `excuse`.  `first`: the function's first; `unsafe`: pcs of those where a loop or
    a handler cannot begin: nothing leads there, or what they list is not there on all ways.
    """

    def __init__(self, safepoints: bytes, frame: FrameSlots, slots: SlotClasses, lenient: bool) -> None:  # noqa: FBT001 (compiled, by position)
        self.safepoints = safepoints
        self.frame = frame
        self.slots = slots
        self.lenient = lenient
        self.record: i64 = 0
        self.first: i64 = 0
        self.records_end: i64 = 0
        self.passed: i64 = 0
        self.passed_pc: i64 = NOTHING
        self.unsafe: set[int] = set()
        self.next: i64 = NOTHING
        self.owed: i64 = NOTHING
        self.overwritten: i64 = 0
        self.excused: set[tuple[int, int]] = set()

    def begin(self, first: i64, end: i64) -> None:
        """Those of a function, from record `first` on."""
        if first != self.record or not self.record <= end <= i64(len(self.safepoints)):
            raise broken(NOTHING, "its safepoints do not follow those of the function before")
        self.first = first
        self.records_end = end
        self.passed_pc = NOTHING
        if len(self.unsafe) > 0:
            self.unsafe.clear()
        self.owed = NOTHING
        self.advance()

    def finish(self) -> None:
        """All of them were met."""
        if self.record != self.records_end:
            raise broken(NOTHING, f"a safepoint at .{self.next - self.frame.begin}, which is no op or out of order")

    def advance(self) -> None:
        """The next safepoint is at `record`, if there is one."""
        if self.record == self.records_end:
            self.next = NOTHING
            return
        if self.record + HEAD > self.records_end or self.record + HEAD + 8 * self.listed(self.record) > self.records_end:
            raise broken(NOTHING, "its last safepoint is cut short")
        self.next = i64(read_i32_le(self.safepoints, self.record)) & MASK

    def listed(self, record: i64) -> i64:
        """How many slots a safepoint lists."""
        return i64(read_i32_le(self.safepoints, record + 8)) & MASK

    def pass_by(self, pc: i64) -> None:
        """A run may stop here and go on with parameters, locals and the slots that are listed; the code behind relies on no other."""
        record = self.record
        self.holds(pc, record, pc)
        self.passed = record
        self.passed_pc = pc
        self.record = record + HEAD + 8 * self.listed(record)
        if self.slots.live:
            self.relist()
        self.owed = NOTHING
        self.advance()

    def holds(self, pc: i64, record: i64, at_pc: i64) -> None:
        """Whether what a safepoint promises is there: at its own pc, or where a back-edge leads to it."""
        wrong = self.slots.fits(self.frame.entry) if self.slots.live else NOTHING
        if wrong >= 0:
            raise broken(pc, f"parameter {wrong} does not hold a value of its type at the safepoint .{at_pc - self.frame.begin}")
        bound = self.overwritten if pc == self.owed else self.frame.size
        safepoints, slots, live = self.safepoints, self.slots, self.slots.live
        hidden, first = self.frame.hidden, self.frame.first_temp
        at = record + HEAD
        end = at + 8 * self.listed(record)
        slots.spend((end - at) >> 3)
        while at < end:
            slot = i64(read_i32_le(safepoints, at)) & MASK
            type_ = i64(read_i32_le(safepoints, at + 4)) & MASK
            if not first <= slot < bound:
                raise broken(pc, f"the safepoint .{at_pc - self.frame.begin} names slot {slot}, which is none of its operands")
            known = i64(CLASS_OF[type_]) if type_ < 256 else UNWRITTEN
            fits = type_ == 0 if known == UNWRITTEN else not live or slots.get(slot - hidden) & ~known == 0
            if not (fits and (type_ != 0 or not live)) and (pc == at_pc or not self.excuse(record, slot)):
                raise broken(
                    pc, f"slot {slot} does not hold what the safepoint .{at_pc - self.frame.begin} says: type {type_:#x}"
                )
            at += 8

    def relist(self) -> None:
        """What the safepoint lists, which was just passed, is all that may be relied on."""
        self.slots.take(self.frame.entry)
        at = self.passed + HEAD
        while at < self.record:
            slot = i64(read_i32_le(self.safepoints, at)) & MASK
            if not self.lenient or (int(self.passed), int(slot)) not in self.excused:
                self.slots.set(slot - self.frame.hidden, i64(CLASS_OF[self.safepoints[at + 4]]))
            at += 8

    def shared(self) -> bool:
        """Whether what the safepoint lists, which was just passed, is there on all ways that lead here: a loop may begin with it."""
        if self.slots.live and self.slots.fits(self.frame.entry) >= 0:
            return False
        at = self.passed + HEAD
        while at < self.record:
            slot = i64(read_i32_le(self.safepoints, at)) & MASK
            if (
                self.slots.live
                and self.slots.get(slot - self.frame.hidden) & ~i64(CLASS_OF[self.safepoints[at + 4]]) != 0
                and not self.excuse(self.passed, slot)
            ):
                return False
            at += 8
        return True

    def excuse(self, record: i64, slot: i64) -> bool:
        """Whether a loop may do without a slot that its safepoint lists, and does: older versions list dropped results of a call there."""
        if not self.lenient:
            return False
        self.excused.add((int(record), int(slot)))
        return True
