"""The handlers of exceptions: regions and clauses, read in step with the ops that may throw.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import read_i32_le
from mypy_extensions import i64, u8

from arenite.bytecode import handlers
from arenite.bytecode.verifier.classes import CLASS_OF, EXCEPTION, UNWRITTEN
from arenite.bytecode.verifier.code import MASK, broken
from arenite.bytecode.verifier.frame import FrameSlots  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.bytecode.verifier.points import HEAD, Points
from arenite.bytecode.verifier.rules import Rules  # noqa: TC001 (as above)
from arenite.bytecode.verifier.slots import NOTHING, SlotClasses
from arenite.layout.handlers import BELOW, COUNT_SHIFT, END, LINK, WANTS_REFERENCE

FIRST: Final[i64] = handlers.HEAD
REGION: Final[i64] = handlers.REGION
CLAUSE: Final[i64] = handlers.CLAUSE
FLAGS: Final[i64] = BELOW | WANTS_REFERENCE


@final
class Handlers:
    """A module's section, read in order.

    `next`: the op at which the next region begins; `group`: the one that is active.  `points`: records of the safepoints of the function at hand, by
    their pcs, once that is asked for; `targets`: pcs where its handlers begin that were met.
    """

    def __init__(self, section: bytes, rules: Rules, frame: FrameSlots, slots: SlotClasses, stops: Points) -> None:
        self.section = section
        self.rules = rules
        self.frame = frame
        self.slots = slots
        self.stops = stops
        self.at: i64 = FIRST
        self.clauses_at: i64 = 0
        self.count: i64 = 0
        self.known = bytearray()
        self.next: i64 = NOTHING
        self.group: i64 = 0
        self.points: dict[int, int] = {}
        self.targets: set[int] = set()
        self.known_group: i64 = (
            0  # that were looked at last, when there had been so many growths, with so many slots that are the frame's
        )
        self.known_growths: i64 = 0
        self.known_bound: i64 = 0
        self.load()

    def load(self) -> None:
        """See that the section is whole."""
        size: i64 = len(self.section)
        if size == 0:
            return
        count = self.word(0) if size >= FIRST else MASK
        self.clauses_at = FIRST + REGION * count
        self.count = (size - self.clauses_at) >> 4
        if count > size or self.count < 0 or self.clauses_at + CLAUSE * self.count != size:
            raise broken(NOTHING, "the section of handlers is cut short")
        self.known = bytearray(int(self.count))
        self.advance()

    def word(self, at: i64) -> i64:
        """A number of the section."""
        return i64(read_i32_le(self.section, at)) & MASK

    def advance(self) -> None:
        """The next region is at `at`, if there is one."""
        self.next = self.word(self.at) if self.at < self.clauses_at else NOTHING

    def whole(self) -> None:
        """All of the section was met: whoever reads it believes it all."""
        if self.next != NOTHING:
            raise broken(NOTHING, "a region of handlers begins behind the last function")
        if 0 in self.known:
            raise broken(NOTHING, f"clause {self.known.index(0) + 1} of handlers is in no group that an op names")

    def begin(self) -> None:
        """A function begins."""
        self.group = 0
        self.known_group = 0
        if len(self.points) > 0:
            self.points = {}
            self.targets = set()

    def finish(self) -> None:
        """All regions of the function were met."""
        if 0 <= self.next < self.frame.end:
            raise broken(
                NOTHING,
                f"a region of handlers begins at .{self.next - self.frame.begin}, which is no op that throws, or out of order",
            )

    def throws(self, pc: i64, bound: i64) -> None:
        """An op may throw.  Slots from `bound` on are not the frame's any more then."""
        if pc == self.next:
            self.group = self.word(self.at + 4)
            self.at += REGION
            self.advance()
        if self.group != 0:
            self.look(pc, bound)

    def begins_at(self, pc: i64) -> bool:
        """Whether a handler begins there that is active before."""
        return len(self.targets) > 0 and int(pc) in self.targets

    def look(self, pc: i64, bound: i64) -> None:
        """See that all handlers that are active find what they rely on."""
        slots = self.slots
        if self.group == self.known_group and slots.growths == self.known_growths and bound >= self.known_bound and slots.live:
            return
        if len(self.points) == 0:
            self.read_points()
        first = self.group
        number = first
        while True:
            if not 1 <= number <= self.count:
                raise broken(pc, f"there is no clause {number} of handlers")
            slots.spend(4)
            self.known[number - 1] = u8(1)
            at = self.clauses_at + CLAUSE * (number - 1)
            flags = self.word(at + 12)
            if flags & END != 0:
                break
            if flags & LINK != 0:
                number = self.word(at + 4)
                if number >= first or number == 0:
                    raise broken(pc, f"group {first} of handlers goes on with group {number}, which is not before it")
                first = number
                continue
            self.clause(pc, at, flags, bound)
            number += 1
        self.known_group = self.group
        self.known_growths = slots.growths
        self.known_bound = bound

    def read_points(self) -> None:
        """Where the safepoints of the function are."""
        at, end = self.stops.first, self.stops.records_end
        self.slots.spend((end - at) >> 2)
        while at < end:
            if at + HEAD > end or at + HEAD + 8 * self.stops.listed(at) > end:
                raise broken(NOTHING, "its last safepoint is cut short")
            pc = i64(read_i32_le(self.stops.safepoints, at)) & MASK
            self.points[int(pc)] = int(at)
            at += HEAD + 8 * self.stops.listed(at)

    def clause(self, pc: i64, at: i64, flags: i64, bound: i64) -> None:
        """A handler finds in the frame what its safepoint lists: what is there now, or what the exception brings."""
        tag, target, values = self.word(at), self.word(at + 4), self.word(at + 8)
        brought = self.rules.tag_at(tag) if tag != 0 else b""
        if brought is None:
            raise broken(pc, f"a handler catches {tag}, which is no tag")
        count = flags >> COUNT_SHIFT
        first = values >> 3
        last = first + count
        reference: i64 = first - 1 if flags & BELOW != 0 else last if flags & WANTS_REFERENCE != 0 else NOTHING
        if flags & 0xFF & ~FLAGS != 0 or count != len(brought) or values & 7 != 0:
            raise broken(pc, f"a handler of {len(brought)} slots receives {count} at byte {values}")
        outside = last > first and not self.frame.first_temp <= first < last <= self.frame.size
        if outside or (reference != NOTHING and not self.frame.first_temp <= reference < self.frame.size):
            raise broken(
                pc, f"a handler receives slots {first} to {last}, which are not behind the locals and in {self.frame.size}"
            )
        record = self.points.get(int(target))
        if record is None or not self.frame.begin <= target < self.frame.end:
            raise broken(pc, f"a handler begins at .{target - self.frame.begin}, which is no safepoint of the function")
        if not self.slots.live:
            return
        self.targets.add(int(target))
        if target <= pc and int(target) in self.stops.unsafe:
            raise broken(
                pc,
                f"a handler begins at .{target - self.frame.begin}, where what its safepoint lists is not there on all ways, or nothing leads",
            )
        wrong = self.slots.fits(self.frame.entry)
        if wrong >= 0:
            raise broken(pc, f"parameter {wrong} does not hold a value of its type, as a handler wants")
        self.listed(pc, i64(record), first, last, reference, brought, bound)

    def listed(self, pc: i64, record: i64, first: i64, last: i64, reference: i64, brought: bytes, bound: i64) -> None:
        """What the safepoint at a handler lists."""
        slots, safepoints = self.slots, self.stops.safepoints
        at = record + HEAD
        end = at + 8 * self.stops.listed(record)
        slots.spend((end - at) >> 3)
        while at < end:
            slot = i64(read_i32_le(safepoints, at)) & MASK
            type_ = i64(read_i32_le(safepoints, at + 4)) & MASK
            known = i64(CLASS_OF[type_]) if type_ < 256 else UNWRITTEN
            class_: i64 = UNWRITTEN
            if first <= slot < last:
                class_ = i64(brought[slot - first])
            elif slot == reference:
                class_ = EXCEPTION
            elif self.frame.first_temp <= slot < bound:
                class_ = slots.get(slot - self.frame.hidden)
            if class_ & ~known != 0:
                raise broken(pc, f"slot {slot} does not hold what a handler's safepoint lists, or is not the frame's any more")
            at += 8

    def throw(self, pc: i64, places: i64) -> None:
        """A throw: its values lie in the frame, and it is a safepoint that lists what it and its handlers want."""
        if len(self.section) == 0:
            raise broken(pc, "there is no section of handlers")
        if self.stops.passed_pc != pc:
            raise broken(pc, "a throw is no safepoint")
        tag_at, values_at, reference_at = places >> 40 & 0xFF, places >> 48 & 0xFF, places >> 56 & 0xFF
        code = self.frame.code
        if reference_at != 0:
            if self.frame.read(pc, code.number(pc + reference_at)) & ~EXCEPTION != 0:
                raise broken(pc, "what is thrown is no exception")
        else:
            classes = self.rules.tag_at(code.number(pc + tag_at))
            values = code.number(pc + values_at)
            if classes is None:
                raise broken(pc, "the exception is of no tag")
            self.values(pc, values, classes)
        self.throws(pc, self.frame.size)

    def values(self, pc: i64, values: i64, classes: bytes) -> None:
        """The values of an exception."""
        first, count = values >> 3, i64(len(classes))
        if values & 7 != 0 or not self.frame.first_temp <= first <= first + count <= self.frame.size:
            raise broken(pc, f"{count} values at byte {values} are not behind the locals and in {self.frame.size} slots")
        i: i64 = 0
        while i < count and self.slots.live:
            if self.slots.get(first + i - self.frame.hidden) & ~i64(classes[i]) != 0:
                raise broken(pc, f"value {i} is not written on every path that leads here, or is of another type")
            i += 1
