"""The verifier's walk: each op of a module once, in order, with the class of every slot (see `facts` for classes, `verify` for the rules).

- Code is structured, so a label ahead is met after all branches to it: its state gathers what they bring and is taken up there.
  Back-edges lead to safepoints, whose lists are what the loop may rely on.
- Code that no path reaches is held to the rules of form alone: nobody knows what its operands are.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i32_le
from librt.vecs import append, vec
from mypy_extensions import i32, i64

from arenite.bytecode.verifier.calls import Calls
from arenite.bytecode.verifier.classes import FUNCTION_REFERENCE, NUMBER, UNWRITTEN, WIDE
from arenite.bytecode.verifier.code import MASK, RECORD, Code, broken
from arenite.bytecode.verifier.facts import (
    APART,
    BACK,
    CALL,
    CALLS,
    CARRIES,
    ENDS,
    FAR_HANDED,
    FAR_WRITTEN,
    FORWARD,
    GET,
    GET_VECTOR,
    HANDED,
    HANDED32,
    HANDED64,
    HANDS_ON,
    MANY,
    NAMED,
    NAMED16,
    READ,
    READ_VECTOR,
    RETURNS,
    SET,
    SET_RESULT,
    SET_VECTOR,
    SPACES,
    STOPS,
    TAILS,
    TYPE,
    VECTOR,
    Facts,
)
from arenite.bytecode.verifier.frame import HEADER, FrameSlots
from arenite.bytecode.verifier.handlers import Handlers
from arenite.bytecode.verifier.points import Points
from arenite.bytecode.verifier.rules import Rules  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.bytecode.verifier.slots import NOTHING, SlotClasses

WORK: Final = 8  # words of state that may be looked at for each byte of bytecode (CPython asks for 1/27) …
WORK_FREE: Final = 1 << 25  # … beyond these


@final
class Walk:
    """One pass over a module's bytecode.  `index`: the function at hand; `type_places`: u32 offsets in the bytecode of what names types."""

    def __init__(
        self,
        rules: Rules,
        facts: Facts,
        bytecode: bytes,
        returns: bytes,
        functions: bytes,
        safepoints: bytes,
        locals_: tuple[bytes, ...],
        handlers: bytes,
        lenient: bool,  # noqa: FBT001 (compiled, by position)
    ) -> None:
        self.rules = rules
        self.info: bytes = facts.info
        self.steps: bytes = facts.steps
        self.op_places: bytes = facts.places
        self.bytecode = bytecode
        self.locals_of = locals_
        self.code = Code(bytecode, returns, functions)
        self.slots = SlotClasses(rules.room, WORK * i64(len(bytecode)) + WORK_FREE)
        self.frame = FrameSlots(self.code, rules, facts, self.slots)
        self.stops = Points(safepoints, self.frame, self.slots, lenient)
        self.handlers = Handlers(handlers, rules, self.frame, self.slots, self.stops)
        self.calls = Calls(rules, self.code, self.frame, self.slots, self.stops, self.handlers)
        self.type_places = BytesWriter()
        # the function at hand, and what was found before it
        self.points_before: i64 = 0
        self.places_before: i64 = 0
        self.regions_before: i64 = 0
        self.index: i64 = 0
        self.begin: i64 = 0
        self.end: i64 = 0
        self.marks: vec[i32] = vec[i32]()  # by unit: a label ahead, plus 1; or -1 - (record of a safepoint) / 4
        self.looped: i64 = NOTHING  # the loop that the last back-edge led to, and how many growths there had been
        self.looped_growths: i64 = 0

    # the module

    def module(self) -> bytes:
        """Check all functions; the places of types.  Raises: `Broken`, `Limit`."""
        count: i64 = len(self.code.functions) // RECORD
        at: i64 = 0
        i: i64 = 0
        while i < count:
            self.index = i
            begin, end = self.code.field(i, 0), self.code.field(i, 1)
            if begin != at or end <= begin or end & 7 != 0 or end > i64(len(self.bytecode)):
                raise broken(NOTHING, f"it begins at {begin:#x}, not at {at:#x}, where the one before ends, or ends at {end:#x}")
            at = end
            self.function(i, i + 1 == count)
            while len(self.stops.excused) > 0:
                self.again(i, i + 1 == count)
            i += 1
        self.handlers.whole()
        return self.type_places.getvalue()

    def again(self, i: i64, last: bool) -> None:  # noqa: FBT001 (compiled, by position)
        """Check the function once more, without what was excused; that is all if nothing else was."""
        known = len(self.stops.excused)
        self.slots.spend((self.end - self.begin) >> 3)
        self.stops.record = self.code.field(i, 5)
        self.calls.points = self.points_before
        self.handlers.at = self.regions_before
        self.handlers.advance()
        self.type_places.truncate(self.places_before)
        self.function(i, last)
        if len(self.stops.excused) == known:
            self.stops.excused.clear()

    def function(self, i: i64, last: bool) -> None:  # noqa: FBT001 (compiled, by position)
        """Check one function."""
        code = self.code
        self.points_before = self.calls.points
        self.places_before = len(self.type_places)
        self.regions_before = self.handlers.at
        self.frame.of(i, self.locals_of[i])
        self.begin = self.frame.begin
        self.end = self.frame.end
        self.stops.begin(code.field(i, 5), i64(len(self.stops.safepoints)) if last else code.field(i + 1, 5))
        self.prepare_marks()
        self.looped = NOTHING
        self.calls.carried = NOTHING
        self.handlers.begin()
        self.ops(self.frame.prologue())
        self.stops.finish()
        self.handlers.finish()

    def prepare_marks(self) -> None:
        """No label is known."""
        units = (self.end - self.begin) >> 3
        known: i64 = len(self.marks)
        i: i64 = 0
        while i < units and i < known:
            self.marks[i] = 0
            i += 1
        while i < units:
            self.marks = append(self.marks, 0)
            i += 1

    def astray(self, target: i64) -> str:
        """What is wrong with a label."""
        where = "lies the wrong way" if self.begin <= target < self.end else "is no op of the function"
        return f"label .{target - self.begin} {where}"

    def forward(self, pc: i64, target: i64) -> None:
        """A branch to a label ahead."""
        if not pc < target < self.end:
            raise broken(pc, self.astray(target))
        unit = (target - self.begin) >> 3
        mark = i64(self.marks[unit])
        if mark == 0:
            mark = self.slots.label() + 1
            self.marks[unit] = i32(mark)
        if self.slots.live:
            self.slots.join(mark - 1)

    def back(self, pc: i64, target: i64) -> None:
        """A back-edge: to a safepoint that has been passed, whose slots are as they were then."""
        if not self.begin <= target <= pc:
            raise broken(pc, self.astray(target))
        mark = i64(self.marks[(target - self.begin) >> 3])
        if mark >= 0:
            raise broken(pc, f"no safepoint at .{target - self.begin}, where a loop begins")
        if target == self.looped and self.looped_growths == self.slots.growths:
            return
        if self.slots.live and int(target) in self.stops.unsafe:
            raise broken(pc, f"the loop at .{target - self.begin} is one that nothing leads to")
        self.stops.holds(pc, (-1 - mark) << 2, target)
        self.looped = target
        self.looped_growths = self.slots.growths

    def arrive(self, pc: i64) -> None:
        """The walk comes to an op: where a run may stop, and what else leads there.

        What a safepoint lists is there when a call, or the machine, comes back.  A loop may begin with it only if it is there on all ways
        that lead here.
        """
        unit = (pc - self.begin) >> 3
        mark = i64(self.marks[unit])
        self.marks[unit] = 0
        stops, before = pc == self.stops.next, self.slots.live
        if stops:
            self.stops.pass_by(pc)
        if mark > 0:
            if before:
                self.slots.join(mark - 1)
            self.slots.live = self.slots.reached(mark - 1)
            if self.slots.live:
                self.slots.bind(mark - 1)
        handles = stops and self.handlers.begins_at(pc)
        if stops and (mark <= 0 or self.stops.shared()):
            if handles:
                self.slots.live = True
            if not self.slots.live:
                self.stops.unsafe.add(int(pc))
            elif not before:
                self.stops.relist()
            self.marks[unit] = i32(-1 - (self.stops.passed >> 2))
        elif stops and not handles:
            self.stops.unsafe.add(int(pc))
        elif handles:
            raise broken(pc, "what the safepoint lists where a handler begins is not there on every path that leads here")

    def ops(self, pc: i64) -> None:
        """All ops from `pc` to the function's end."""
        info, steps, bytecode, calls = self.info, self.steps, self.bytecode, self.calls
        known: i64 = len(info)
        begin, end = self.begin, self.end
        last_pc = self.begin
        flags: i64 = 0
        while pc < end:
            if self.marks[(pc - begin) >> 3] != 0 or pc == self.stops.next:
                if calls.carried >= 0:
                    raise broken(pc, "a way leads between a carry and its tail call")
                self.arrive(pc)
            code = i64(read_i16_le(bytecode, pc)) & 0xFFFF
            if code << 3 >= known:
                raise broken(pc, f"there is no op {code}")
            op = read_i64_le(info, code << 3)
            behind = pc + ((op & 0xFF) << 3)
            flags = op >> 56 & 0xFF
            if flags & APART != 0 or (calls.carried >= 0 and flags & TAILS == 0):
                raise broken(pc, "this op does not belong here")
            if behind > end:
                raise broken(pc, "the op passes the function's end")
            result = op >> 48 & 0xFF
            step = op >> 32 & 0xFFFF
            last = step + (op >> 8 & 0xFF)
            handed: i64 = 0
            while step < last:
                what = i64(read_i32_le(steps, step << 2))
                at = pc + (what & 0xFF)
                if what >> 8 & 0xFF == READ:
                    self.frame.read(pc, i64(read_i16_le(bytecode, at)) & 0xFFFF)
                elif what >> 8 & 0xFF == READ_VECTOR:
                    self.frame.read(pc, i64(read_i16_le(bytecode, at)) & 0xFFFF)
                    self.frame.read(pc, (i64(read_i16_le(bytecode, at)) & 0xFFFF) + 8)
                else:
                    handed |= self.step(pc, at, what >> 8 & 0xFF, what >> 16, handed, result)
                step += 1
            dst = op >> 24 & 0xFF
            if dst != 0:
                class_ = handed if result == UNWRITTEN else result & UNWRITTEN
                self.frame.write(pc, i64(read_i16_le(bytecode, pc + dst)) & 0xFFFF, class_)
                if result & VECTOR != 0:
                    self.frame.write(pc, (i64(read_i16_le(bytecode, pc + dst)) & 0xFFFF) + 8, class_)
            last = step + (op >> 16 & 0xFF)
            while step < last:
                what = i64(read_i32_le(steps, step << 2))
                behind = self.branches(pc, pc + (what & 0xFF), what >> 8 & 0xFF, behind)
                step += 1
            if behind - pc > 8:
                self.unbroken(pc, behind)
            if flags & (CALLS | ENDS) == CALLS | ENDS:
                self.handlers.throw(pc, read_i64_le(self.op_places, code << 3))
            elif flags & CALLS != 0:
                calls.call(pc, read_i64_le(self.op_places, code << 3), behind)
            elif flags & RETURNS != 0:
                calls.leave(pc, read_i64_le(self.op_places, code << 3))
            elif flags & TAILS != 0:
                if calls.carried >= 0:
                    self.spared(pc, op)
                calls.tail(pc, read_i64_le(self.op_places, code << 3))
                calls.carried = NOTHING
            elif flags & CARRIES != 0:
                calls.carry(pc, read_i64_le(self.op_places, code << 3))
            elif flags & STOPS != 0 and self.stops.next != behind:
                self.divided(pc, behind)
            if flags & ENDS != 0:
                self.slots.live = False
            last_pc = pc
            pc = behind
        if flags & ENDS == 0:
            raise broken(last_pc, "the last op goes on to the next function")

    def spared(self, pc: i64, op: i64) -> None:
        """What the op behind a carry reads lies beyond what that has overwritten: the first slots, and the header."""
        step = op >> 32 & 0xFFFF
        last = step + (op >> 8 & 0xFF)
        while step < last:
            what = i64(read_i32_le(self.steps, step << 2))
            slot = self.code.half(pc + (what & 0xFF))
            if what >> 8 & 0xFF == READ and slot < self.calls.carried_header + (HEADER << 3):
                raise broken(pc, f"slot {slot >> 3} is read, which the carry has overwritten")
            step += 1

    def step(self, pc: i64, at: i64, what: i64, arg: i64, handed: i64, result: i64) -> i64:
        """One step of checking an op: the class of what it hands on, if that is what the operand says."""
        if what == HANDED:
            return self.frame.read(pc, self.code.half(at))
        if what == FAR_HANDED:
            return self.frame.read(pc, self.code.number(at))
        if what == FAR_WRITTEN:
            self.frame.write(pc, self.code.number(at), handed)
            return 0
        if what == HANDED32:
            return NUMBER if self.code.number(at) != 0 else 0
        if what == HANDED64:
            n = read_i64_le(self.bytecode, at)
            return 0 if n == 0 else NUMBER if 0 <= n <= MASK else WIDE
        if what == TYPE:
            if self.code.number(at) >= i64(len(self.rules.params)):
                raise broken(pc, f"type {self.code.number(at)} is none of the module's")
            write_i32_le(self.type_places, i32(at))
            return 0
        if what in (NAMED, NAMED16):
            return self.named(pc, self.code.number(at) if what == NAMED else self.code.half(at), arg, handed, result)
        return 0

    def named(self, pc: i64, value: i64, arg: i64, handed: i64, result: i64) -> i64:
        """An op names something of the module."""
        space, access = arg & 15, arg >> 4
        spaces = self.rules.spaces
        shift = read_i64_le(spaces, 24 * space + 8)
        distance = value - read_i64_le(spaces, 24 * space)
        n = distance >> shift
        if n << shift != distance or not 0 <= n < read_i64_le(spaces, 24 * space + 16):
            raise broken(pc, f"{SPACES[space]} {value} names nothing of its kind")
        if access == 0:
            return 0
        class_ = i64(self.rules.classes[space][n])
        if access in (GET_VECTOR, SET_VECTOR):
            if class_ & VECTOR == 0:
                raise broken(pc, f"{SPACES[space]} {value} is no v128")
            return 0
        class_ &= UNWRITTEN
        if not self.slots.live:
            return class_
        if access == GET:
            return class_
        if (access == SET and handed & ~class_ != 0) or (access == SET_RESULT and result & ~class_ != 0):
            raise broken(pc, f"{SPACES[space]} {value} receives a value of another type")
        if access == CALL and class_ != FUNCTION_REFERENCE:
            raise broken(pc, f"{SPACES[space]} {value} does not hold functions")
        return 0

    def branches(self, pc: i64, at: i64, what: i64, behind: i64) -> i64:
        """The branches of an op; the pc behind the op and its labels."""
        if what == MANY:
            count = self.code.half(at)
            if count == 0 or behind + 4 * count > self.end:
                raise broken(pc, f"{count} labels")
            i: i64 = 0
            while i < count:
                self.forward(pc, pc + (i64(read_i32_le(self.bytecode, behind + 4 * i)) << 3))
                i += 1
            return behind + (((count + 1) >> 1) << 3)
        target = pc + (i64(read_i32_le(self.bytecode, at)) << 3)
        if what == FORWARD:
            self.forward(pc, target)
        elif what == BACK:
            self.back(pc, target)
        return behind

    def divided(self, pc: i64, behind: i64) -> None:
        """A run can stop in the middle of an op: what is live then is what the safepoint behind it lists.

        In a wide function, the op that brings the result to its slot may stand in between.
        """
        if self.stops.lenient:
            return
        code = self.code.half(behind) << 3 if behind < self.end else 0
        op = read_i64_le(self.info, code) if code < i64(len(self.info)) else 0
        if op >> 56 & HANDS_ON == 0 or self.stops.next != behind + ((op & 0xFF) << 3):
            raise broken(pc, "no safepoint behind an op that a run can stop in the middle of")

    def unbroken(self, pc: i64, behind: i64) -> None:
        """No label lies inside an op."""
        unit = (pc - self.begin + 8) >> 3
        while unit < (behind - self.begin) >> 3:
            if self.marks[unit] != 0:
                raise broken(pc, f"label .{unit << 3} is no op, but inside this one")
            unit += 1
