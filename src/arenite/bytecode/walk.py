"""The verifier's walk: each op of a module once, in order, with the class of every slot (see `facts` for classes, `verify` for the rules).

- Code is structured, so a label ahead is met after all branches to it: its state gathers what they bring and is taken up there.
  Back-edges lead to safepoints, whose lists are what the loop may rely on.
- Code that no path reaches is held to the rules of form alone: nobody knows what its operands are.

Compiled by mypyc; see `translate.assembler` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i32_le
from librt.vecs import append, vec
from mypy_extensions import i32, i64

from arenite.bytecode.facts import (
    APART,
    BACK,
    CALL,
    CALLS,
    CLASS_OF,
    ENDS,
    FAR_HANDED,
    FAR_WRITTEN,
    FORWARD,
    FUNCTION_REFERENCE,
    GET,
    HANDED,
    HANDED32,
    HANDED64,
    HANDS_ON,
    MANY,
    NAMED,
    NAMED16,
    READ,
    RETURNS,
    SET,
    SET_RESULT,
    SPACES,
    STOPS,
    TYPE,
    UNWRITTEN,
    Facts,
)
from arenite.bytecode.states import NOTHING, State

HEADER: Final = 2  # slots
RECORD: Final = 28  # bytes of a function's record
HEAD: Final = 12  # bytes of a safepoint before its slots
WORK: Final = 8  # words of state that may be looked at for each byte of bytecode (CPython asks for 1/27) …
WORK_FREE: Final = 1 << 25  # … beyond these
MASK: Final[i64] = 0xFFFFFFFF


class Broken(Exception):  # noqa: N818 (made into an `InternalError` where it is caught)
    """A rule is broken.  Arguments: function, pc or -1, what is wrong."""


@final
class Rules:
    """What the module says.  By typeidx: classes of `params` and `results`, the same as words (`entry`, `leaving`), `packed` params.

    `spaces`: i64 start, shift, count of what each space names; `classes`: of the things named;
    `room`: bytes that the walk may take.
    """

    def __init__(
        self,
        function_types: list[int],
        params: list[bytes],
        results: list[bytes],
        entry: list[bytes],
        leaving: list[bytes],
        packed: list[bytes],
        spaces: bytes,
        classes: list[bytes],
        room: int,
    ) -> None:
        self.function_types = function_types
        self.params = params
        self.results = results
        self.entry = entry
        self.leaving = leaving
        self.packed = packed
        self.spaces = spaces
        self.classes = classes
        self.room: i64 = room


@final
class Walk:
    """One pass over a module's bytecode.  `type_places`: u32 offsets in it of what names types."""

    def __init__(
        self,
        rules: Rules,
        facts: Facts,
        bytecode: bytes,
        returns: bytes,
        functions: bytes,
        safepoints: bytes,
        locals_: tuple[bytes, ...],
        lenient: bool,  # noqa: FBT001 (compiled, by position)
    ) -> None:
        self.rules = rules
        self.info: bytes = facts.info
        self.steps: bytes = facts.steps
        self.op_places: bytes = facts.places
        self.bytecode = bytecode
        self.returns = returns
        self.functions = functions
        self.safepoints = safepoints
        self.locals_of = locals_
        self.state = State(rules.room, WORK * i64(len(bytecode)) + WORK_FREE)
        self.type_places = BytesWriter()
        self.points: i64 = 0  # return points met
        self.record: i64 = 0  # of the next safepoint
        self.passed: i64 = 0  # of the last one
        self.lenient = lenient
        self.excused: set[tuple[int, int]] = set()  # (record of a safepoint, slot), see `excuse`
        # the function at hand, and what was found before it
        self.points_before: i64 = 0
        self.places_before: i64 = 0
        self.index: i64 = 0
        self.begin: i64 = 0
        self.end: i64 = 0
        self.frame: i64 = 0  # slots
        self.header: i64 = 0  # slot
        self.first_local: i64 = 0
        self.first_temp: i64 = 0
        self.hidden: i64 = 0  # declared locals: slots from `first_temp` on have a number in the state that is so much less
        self.params: i64 = 0
        self.locals: bytes = b""
        self.entry: bytes = b""
        self.leaving: bytes = b""
        self.live = False
        self.marks: vec[i32] = vec[i32]()  # by unit: a label ahead, plus 1; or -1 - (record of a safepoint) / 4
        self.records_end: i64 = 0
        self.next: i64 = NOTHING  # pc of the next safepoint
        self.owed: i64 = NOTHING  # where the last call comes back
        self.overwritten: i64 = 0  # at that safepoint: slots from here on are not the frame's any more
        self.looped: i64 = NOTHING  # the loop that the last back-edge led to, and how many growths there had been
        self.looped_growths: i64 = 0

    def broken(self, pc: i64, message: str) -> Broken:
        """The exception to raise about the op at `pc`."""
        return Broken(int(self.index), int(pc), message)

    def half(self, at: i64) -> i64:
        """A u16 of the bytecode."""
        return i64(read_i16_le(self.bytecode, at)) & 0xFFFF

    def number(self, at: i64) -> i64:
        """A u32 of the bytecode."""
        return i64(read_i32_le(self.bytecode, at)) & MASK

    def field(self, function: i64, n: i64) -> i64:
        """A number in the record of a function."""
        return i64(read_i32_le(self.functions, RECORD * function + 4 * n)) & MASK

    # the module

    def module(self) -> bytes:
        """Check all functions; the places of types.  Raises: `Broken`, `Limit`."""
        count: i64 = len(self.functions) // RECORD
        at: i64 = 0
        i: i64 = 0
        while i < count:
            self.index = i
            begin, end = self.field(i, 0), self.field(i, 1)
            if begin != at or end <= begin or end & 7 != 0 or end > i64(len(self.bytecode)):
                raise Broken(
                    int(i), -1, f"it begins at {begin:#x}, not at {at:#x}, where the one before ends, or ends at {end:#x}"
                )
            at = end
            self.function(i, i + 1 == count)
            while len(self.excused) > 0:
                self.again(i, i + 1 == count)
            i += 1
        return self.type_places.getvalue()

    def again(self, i: i64, last: bool) -> None:  # noqa: FBT001 (compiled, by position)
        """Check the function once more, without what was excused; that is all if nothing else was."""
        known = len(self.excused)
        self.state.spend((self.end - self.begin) >> 3)
        self.record = self.field(i, 5)
        self.points = self.points_before
        self.type_places.truncate(self.places_before)
        self.function(i, last)
        if len(self.excused) == known:
            self.excused.clear()

    def function(self, i: i64, last: bool) -> None:  # noqa: FBT001 (compiled, by position)
        """Check one function."""
        rules = self.rules
        self.points_before = self.points
        self.places_before = len(self.type_places)
        type_ = self.field(i, 4)
        self.begin = self.field(i, 0)
        self.end = self.field(i, 1)
        size = self.field(i, 2)
        self.frame = size >> 3
        self.header = self.field(i, 3) >> 3
        self.locals = self.locals_of[i]
        if type_ != i64(rules.function_types[i]):
            raise self.broken(NOTHING, f"its type is {type_}, the module says {rules.function_types[i]}")
        self.params = len(rules.params[type_])
        self.entry = rules.entry[type_]
        self.leaving = rules.leaving[type_]
        signature: i64 = max(self.params, i64(len(rules.results[type_])))
        if self.field(i, 3) != signature << 3:
            raise self.broken(NOTHING, f"its header is at {self.field(i, 3)}, parameters and results end at {signature << 3}")
        packed = rules.packed[type_]
        self.hidden = (i64(len(self.locals)) >> 2) - self.params
        if len(self.locals) & 3 != 0 or self.locals[: len(packed)] != packed:
            raise self.broken(NOTHING, "its locals do not begin with its parameters")
        if size & 7 != 0 or self.header + HEADER + self.hidden > self.frame:
            raise self.broken(NOTHING, f"its frame has {size} bytes")
        self.records_end = i64(len(self.safepoints)) if last else self.field(i + 1, 5)
        if self.field(i, 5) != self.record or not self.record <= self.records_end <= i64(len(self.safepoints)):
            raise self.broken(NOTHING, "its safepoints do not follow those of the function before")
        self.state.begin(self.frame - self.hidden)
        self.state.take(self.entry)
        self.prepare_marks()
        self.advance()
        self.live = True
        self.owed = NOTHING
        self.looped = NOTHING
        self.ops(self.prologue())
        if self.record != self.records_end:
            raise self.broken(NOTHING, f"a safepoint at .{self.next - self.begin}, which is no op or out of order")

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

    def prologue(self) -> i64:
        """The ops that begin a function, which say where its locals lie; the pc behind them."""
        self.first_local = self.header + HEADER
        self.first_temp = self.first_local
        size = self.frame << 3
        pc = self.begin
        left = self.hidden
        while pc == self.begin or left > 0:
            code = self.half(pc)
            places = read_i64_le(self.op_places, code << 3) if code << 3 < i64(len(self.op_places)) else 0
            count, size_at = places >> 16 & 0xFF, places >> 24 & 0xFF
            if places & 0xFF == 0 or pc >= self.end or (size_at != 0) != (pc == self.begin):
                raise self.broken(
                    pc, f"{left} locals are not set to zero" if pc != self.begin else "the first op is not an enter"
                )
            if size_at != 0 and self.number(pc + size_at) != size:
                raise self.broken(pc, f"the frame has {size} bytes")
            at = pc + (places & 0xFF)
            first = self.half(at) if places >> 8 & 0xFF == 2 else self.number(at)
            if count > 0:
                self.zeroed(pc, first, count, left)
            left -= count
            pc += 8
        return pc

    def zeroed(self, pc: i64, first: i64, count: i64, left: i64) -> None:
        """An op zeroes slots: the next ones of the declared locals."""
        if left == self.hidden:
            self.first_local = first >> 3
            self.first_temp = self.first_local + left
        slot = self.first_temp - left
        if first != slot << 3 or left <= 0 or slot < self.header + HEADER or slot + count > self.frame:
            raise self.broken(pc, f"{count} slots from byte {first} are not the next locals, or lie outside the frame")

    # slots

    def place(self, pc: i64, byte: i64) -> i64:
        """The number, in the state, of the slot at a byte offset; NOTHING for a declared local."""
        i = byte >> 3
        if byte & 7 != 0 or i >= self.frame or self.header <= i < self.header + HEADER:
            raise self.broken(
                pc, f"byte {byte} is no slot of a frame of {self.frame << 3} bytes with its header at {self.header << 3}"
            )
        if i < self.first_local:
            return i
        return NOTHING if i < self.first_temp else i - self.hidden

    def local(self, byte: i64) -> i64:
        """The class of a declared local."""
        type_ = i64(read_i32_le(self.locals, (self.params + (byte >> 3) - self.first_local) << 2)) & MASK
        return i64(CLASS_OF[type_]) if type_ < 256 else UNWRITTEN

    def read(self, pc: i64, byte: i64) -> i64:
        """An op reads a slot: its class."""
        i = self.place(pc, byte)
        if not self.live:
            return 0
        class_ = self.local(byte) if i < 0 else self.state.get(i)
        if class_ == UNWRITTEN:
            raise self.broken(pc, f"slot {byte >> 3} is read, and not written on every path that leads here")
        return class_

    def write(self, pc: i64, byte: i64, class_: i64) -> None:
        """An op writes a slot."""
        i = self.place(pc, byte)
        if not self.live:
            return
        if i >= 0:
            self.state.set(i, class_)
        elif class_ & ~self.local(byte) != 0:
            raise self.broken(pc, f"the local in slot {byte >> 3} receives a value of another type")

    # safepoints

    def advance(self) -> None:
        """The next safepoint is at `record`, if there is one."""
        if self.record == self.records_end:
            self.next = NOTHING
            return
        if self.record + HEAD > self.records_end or self.record + HEAD + 8 * self.listed(self.record) > self.records_end:
            raise self.broken(NOTHING, "its last safepoint is cut short")
        self.next = i64(read_i32_le(self.safepoints, self.record)) & MASK

    def listed(self, record: i64) -> i64:
        """How many slots a safepoint lists."""
        return i64(read_i32_le(self.safepoints, record + 8)) & MASK

    def safepoint(self, pc: i64) -> None:
        """A run may stop here and go on with parameters, locals and the slots that are listed; the code behind relies on no other."""
        record = self.record
        self.holds(pc, record, pc)
        self.passed = record
        self.record = record + HEAD + 8 * self.listed(record)
        if self.live:
            self.relist()
        self.owed = NOTHING
        self.advance()

    def holds(self, pc: i64, record: i64, at_pc: i64) -> None:
        """Whether what a safepoint promises is there: at its own pc, or where a back-edge leads to it."""
        wrong = self.state.fits(self.entry) if self.live else NOTHING
        if wrong >= 0:
            raise self.broken(pc, f"parameter {wrong} does not hold a value of its type at the safepoint .{at_pc - self.begin}")
        bound = self.overwritten if pc == self.owed else self.frame
        safepoints, state, live, hidden, first = self.safepoints, self.state, self.live, self.hidden, self.first_temp
        at = record + HEAD
        end = at + 8 * self.listed(record)
        state.spend((end - at) >> 3)
        while at < end:
            slot = i64(read_i32_le(safepoints, at)) & MASK
            type_ = i64(read_i32_le(safepoints, at + 4)) & MASK
            if not first <= slot < bound:
                raise self.broken(pc, f"the safepoint .{at_pc - self.begin} names slot {slot}, which is none of its operands")
            known = i64(CLASS_OF[type_]) if type_ < 256 else UNWRITTEN
            fits = type_ == 0 if known == UNWRITTEN else not live or state.get(slot - hidden) & ~known == 0
            if not (fits and (type_ != 0 or not live)) and (pc == at_pc or not self.excuse(record, slot)):
                raise self.broken(pc, f"slot {slot} does not hold what the safepoint .{at_pc - self.begin} says: type {type_:#x}")
            at += 8

    # branches

    def astray(self, target: i64) -> str:
        """What is wrong with a label."""
        where = "lies the wrong way" if self.begin <= target < self.end else "is no op of the function"
        return f"label .{target - self.begin} {where}"

    def forward(self, pc: i64, target: i64) -> None:
        """A branch to a label ahead."""
        if not pc < target < self.end:
            raise self.broken(pc, self.astray(target))
        unit = (target - self.begin) >> 3
        mark = i64(self.marks[unit])
        if mark == 0:
            mark = self.state.label() + 1
            self.marks[unit] = i32(mark)
        if self.live:
            self.state.join(mark - 1)

    def back(self, pc: i64, target: i64) -> None:
        """A back-edge: to a safepoint that has been passed, whose slots are as they were then."""
        if not self.begin <= target <= pc:
            raise self.broken(pc, self.astray(target))
        mark = i64(self.marks[(target - self.begin) >> 3])
        if mark >= 0:
            raise self.broken(pc, f"no safepoint at .{target - self.begin}, where a loop begins")
        if target == self.looped and self.looped_growths == self.state.growths:
            return
        self.holds(pc, (-1 - mark) << 2, target)
        self.looped = target
        self.looped_growths = self.state.growths

    def arrive(self, pc: i64) -> None:
        """The walk comes to an op: where a run may stop, and what else leads there.

        What a safepoint lists is there when a call, or the machine, comes back.  A loop may begin with it only if it is there on all ways
        that lead here.
        """
        unit = (pc - self.begin) >> 3
        mark = i64(self.marks[unit])
        self.marks[unit] = 0
        stops, before = pc == self.next, self.live
        if stops:
            self.safepoint(pc)
        if mark > 0:
            if before:
                self.state.join(mark - 1)
            self.live = self.state.reached(mark - 1)
            if self.live:
                self.state.bind(mark - 1)
        if stops and (mark <= 0 or self.shared()):
            if self.live and not before:
                self.relist()
            self.marks[unit] = i32(-1 - (self.passed >> 2))

    def relist(self) -> None:
        """What the safepoint lists, which was just passed, is all that may be relied on."""
        self.state.take(self.entry)
        at = self.passed + HEAD
        while at < self.record:
            slot = i64(read_i32_le(self.safepoints, at)) & MASK
            if not self.lenient or (int(self.passed), int(slot)) not in self.excused:
                self.state.set(slot - self.hidden, i64(CLASS_OF[self.safepoints[at + 4]]))
            at += 8

    def shared(self) -> bool:
        """Whether what the safepoint lists, which was just passed, is there on all ways that lead here: a loop may begin with it."""
        if self.live and self.state.fits(self.entry) >= 0:
            return False
        at = self.passed + HEAD
        while at < self.record:
            slot = i64(read_i32_le(self.safepoints, at)) & MASK
            if (
                self.live
                and self.state.get(slot - self.hidden) & ~i64(CLASS_OF[self.safepoints[at + 4]]) != 0
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

    # ops

    def ops(self, pc: i64) -> None:
        """All ops from `pc` to the function's end."""
        info, steps, bytecode = self.info, self.steps, self.bytecode
        known: i64 = len(info)
        begin, end = self.begin, self.end
        last_pc = self.begin
        flags: i64 = 0
        while pc < end:
            if self.marks[(pc - begin) >> 3] != 0 or pc == self.next:
                self.arrive(pc)
            code = i64(read_i16_le(bytecode, pc)) & 0xFFFF
            if code << 3 >= known:
                raise self.broken(pc, f"there is no op {code}")
            op = read_i64_le(info, code << 3)
            behind = pc + ((op & 0xFF) << 3)
            flags = op >> 56 & 0xFF
            if flags & APART != 0:
                raise self.broken(pc, "this op does not belong here")
            if behind > end:
                raise self.broken(pc, "the op passes the function's end")
            result = op >> 48 & 0xFF
            step = op >> 32 & 0xFFFF
            last = step + (op >> 8 & 0xFF)
            handed: i64 = 0
            while step < last:
                what = i64(read_i32_le(steps, step << 2))
                at = pc + (what & 0xFF)
                if what >> 8 & 0xFF == READ:
                    self.read(pc, i64(read_i16_le(bytecode, at)) & 0xFFFF)
                else:
                    handed |= self.step(pc, at, what >> 8 & 0xFF, what >> 16, handed, result)
                step += 1
            dst = op >> 24 & 0xFF
            if dst != 0:
                self.write(pc, i64(read_i16_le(bytecode, pc + dst)) & 0xFFFF, handed if result == UNWRITTEN else result)
            last = step + (op >> 16 & 0xFF)
            while step < last:
                what = i64(read_i32_le(steps, step << 2))
                behind = self.branches(pc, pc + (what & 0xFF), what >> 8 & 0xFF, behind)
                step += 1
            if behind - pc > 8:
                self.unbroken(pc, behind)
            if flags & CALLS != 0:
                self.call(pc, read_i64_le(self.op_places, code << 3), behind)
            elif flags & RETURNS != 0:
                self.leave(pc, read_i64_le(self.op_places, code << 3))
            elif flags & STOPS != 0 and self.next != behind:
                self.divided(pc, behind)
            if flags & ENDS != 0:
                self.live = False
            last_pc = pc
            pc = behind
        if flags & ENDS == 0:
            raise self.broken(last_pc, "the last op goes on to the next function")

    def step(self, pc: i64, at: i64, what: i64, arg: i64, handed: i64, result: i64) -> i64:
        """One step of checking an op: the class of what it hands on, if that is what the operand says."""
        if what == HANDED:
            return self.read(pc, self.half(at))
        if what == FAR_HANDED:
            return self.read(pc, self.number(at))
        if what == FAR_WRITTEN:
            self.write(pc, self.number(at), handed)
            return 0
        if what == HANDED32:
            return 3 if self.number(at) != 0 else 0
        if what == HANDED64:
            n = read_i64_le(self.bytecode, at)
            return 0 if n == 0 else 3 if 0 <= n <= MASK else 7
        if what == TYPE:
            if self.number(at) >= i64(len(self.rules.params)):
                raise self.broken(pc, f"type {self.number(at)} is none of the module's")
            write_i32_le(self.type_places, at)  # type: ignore[arg-type]
            return 0
        if what in (NAMED, NAMED16):
            return self.named(pc, self.number(at) if what == NAMED else self.half(at), arg, handed, result)
        return 0

    def named(self, pc: i64, value: i64, arg: i64, handed: i64, result: i64) -> i64:
        """An op names something of the module."""
        space, access = arg & 15, arg >> 4
        spaces = self.rules.spaces
        shift = read_i64_le(spaces, 24 * space + 8)
        distance = value - read_i64_le(spaces, 24 * space)
        n = distance >> shift
        if n << shift != distance or not 0 <= n < read_i64_le(spaces, 24 * space + 16):
            raise self.broken(pc, f"{SPACES[space]} {value} names nothing of its kind")
        if access == 0:
            return 0
        class_ = i64(self.rules.classes[space][n])
        if not self.live:
            return class_
        if access == GET:
            return class_
        if (access == SET and handed & ~class_ != 0) or (access == SET_RESULT and result & ~class_ != 0):
            raise self.broken(pc, f"{SPACES[space]} {value} receives a value of another type")
        if access == CALL and class_ != FUNCTION_REFERENCE:
            raise self.broken(pc, f"{SPACES[space]} {value} does not hold functions")
        return 0

    def branches(self, pc: i64, at: i64, what: i64, behind: i64) -> i64:
        """The branches of an op; the pc behind the op and its labels."""
        if what == MANY:
            count = self.half(at)
            if count == 0 or behind + 4 * count > self.end:
                raise self.broken(pc, f"{count} labels")
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
        if self.lenient:
            return
        code = self.half(behind) << 3 if behind < self.end else 0
        op = read_i64_le(self.info, code) if code < i64(len(self.info)) else 0
        if op >> 56 & HANDS_ON == 0 or self.next != behind + ((op & 0xFF) << 3):
            raise self.broken(pc, "no safepoint behind an op that a run can stop in the middle of")

    def unbroken(self, pc: i64, behind: i64) -> None:
        """No label lies inside an op."""
        unit = (pc - self.begin + 8) >> 3
        while unit < (behind - self.begin) >> 3:
            if self.marks[unit] != 0:
                raise self.broken(pc, f"label .{unit << 3} is no op, but inside this one")
            unit += 1

    # calls

    def leave(self, pc: i64, places: i64) -> None:
        """A return: the results are in the first slots."""
        if self.number(pc + (places >> 32 & 0xFF)) != self.header << 3:
            raise self.broken(pc, f"the header is at {self.header << 3}")
        wrong = self.state.fits(self.leaving) if self.live else NOTHING
        if wrong >= 0:
            raise self.broken(pc, f"result {wrong} is not written on every path that leads here, or is of another type")

    def call(self, pc: i64, places: i64, behind: i64) -> None:
        """A call: arguments lie where the callee's frame begins, behind everything of ours; its results will."""
        frame, callee = self.number(pc + (places & 0xFF)), self.number(pc + (places >> 8 & 0xFF))
        type_at, to_at = places >> 16 & 0xFF, places >> 24 & 0xFF
        type_: i64 = 0
        if to_at != 0:
            function = self.beginning(pc + (i64(read_i32_le(self.bytecode, pc + to_at)) << 3))
            if function < 0:
                raise self.broken(pc, "the call leads to no function")
            type_ = self.field(function, 4)
            if not 0 <= type_ < i64(len(self.rules.params)):
                raise self.broken(pc, "the call leads to a function without a type")
        else:
            type_ = self.number(pc + type_at)
        params, results = self.rules.params[type_], self.rules.results[type_]
        wanted: i64 = max(len(params), len(results))
        if frame & 7 != 0 or frame >> 3 < self.first_temp or (callee >> 3) + HEADER > self.frame:
            raise self.broken(
                pc,
                f"the callee's frame {frame} and header {callee} do not lie behind the locals, at {self.first_temp << 3}, "
                f"and in {self.frame << 3} bytes",
            )
        if callee - frame != wanted << 3:
            raise self.broken(pc, f"the callee's header is {wanted << 3} bytes into its frame")
        slot = (frame >> 3) - self.hidden
        i: i64 = 0
        while i < i64(len(params)) and self.live:
            if self.state.get(slot + i) & ~i64(params[i]) != 0:
                raise self.broken(pc, f"argument {i} is not written on every path that leads here, or is of another type")
            i += 1
        i = 0
        while i < i64(len(results)) and self.live:
            self.state.set(slot + i, i64(results[i]))
            i += 1
        self.point(pc, behind)
        if self.next != behind:
            raise self.broken(pc, "no safepoint behind the call")
        self.owed = behind
        self.overwritten = (frame >> 3) + i64(len(results))

    def point(self, pc: i64, behind: i64) -> None:
        """The op at `behind` is a return point."""
        unit = behind >> 3
        if unit >> 3 >= i64(len(self.returns)) or i64(self.returns[unit >> 3]) >> (unit & 7) & 1 == 0:
            raise self.broken(pc, "the op behind the call is no return point")
        self.points += 1

    def beginning(self, pc: i64) -> i64:
        """The function that begins at a pc, NOTHING if none does."""
        low: i64 = 0
        high: i64 = len(self.functions) // RECORD
        while low < high:
            middle = (low + high) >> 1
            begin = self.field(middle, 0)
            if begin == pc:
                return middle
            if begin < pc:
                low = middle + 1
            else:
                high = middle
        return NOTHING
