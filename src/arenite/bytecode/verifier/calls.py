"""What the verifier asks of calls, tail calls and returns: where arguments, results and headers lie, and of which classes they are.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import final

from librt.strings import read_i32_le
from mypy_extensions import i64

from arenite.bytecode.verifier.code import Code, broken
from arenite.bytecode.verifier.frame import HEADER, FrameSlots
from arenite.bytecode.verifier.handlers import Handlers  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.bytecode.verifier.points import Points  # noqa: TC001 (as above)
from arenite.bytecode.verifier.rules import Rules  # noqa: TC001 (as above)
from arenite.bytecode.verifier.slots import NOTHING, SlotClasses


@final
class Calls:
    """The rules of ops that lead to another function or back.

    `points`: return points met; `carried`: where the last op, a `carry`, took arguments from, and `carried_header`: where the header is then.
    """

    def __init__(
        self, rules: Rules, code: Code, frame: FrameSlots, slots: SlotClasses, stops: Points, handlers: Handlers
    ) -> None:
        self.rules = rules
        self.code = code
        self.bytecode = code.bytecode
        self.frame = frame
        self.slots = slots
        self.stops = stops
        self.handlers = handlers
        self.points: i64 = 0
        self.carried: i64 = NOTHING
        self.carried_header: i64 = 0

    def leave(self, pc: i64, places: i64) -> None:
        """A return: the results are in the first slots."""
        if self.code.number(pc + (places >> 32 & 0xFF)) != self.frame.header << 3:
            raise broken(pc, f"the header is at {self.frame.header << 3}")
        wrong = self.slots.fits(self.frame.leaving) if self.slots.live else NOTHING
        if wrong >= 0:
            raise broken(pc, f"result {wrong} is not written on every path that leads here, or is of another type")

    def callee(self, pc: i64, places: i64) -> i64:
        """The type of what a call leads to."""
        type_at, to_at = places >> 16 & 0xFF, places >> 24 & 0xFF
        if to_at == 0:
            return self.code.number(pc + type_at)
        function = self.code.beginning(pc + (i64(read_i32_le(self.bytecode, pc + to_at)) << 3))
        if function < 0:
            raise broken(pc, "the call leads to no function")
        type_ = self.code.field(function, 4)
        if not 0 <= type_ < i64(len(self.rules.params)):
            raise broken(pc, "the call leads to a function without a type")
        return type_

    def carry(self, pc: i64, places: i64) -> None:
        """What a tail call wants that comes next: arguments, from behind our locals and its header, and our header where its own belongs."""
        frame, header = self.code.number(pc + (places & 0xFF)), self.code.number(pc + (places >> 8 & 0xFF))
        lowest = max(self.frame.first_temp, (header >> 3) + HEADER)
        self.owned(pc, places)
        if (frame | header) & 7 != 0 or frame >> 3 < lowest or (frame + header) >> 3 > self.frame.size:
            raise broken(
                pc, f"{header >> 3} slots from byte {frame} do not lie behind the locals and the callee's header, or outside"
            )
        self.carried = frame
        self.carried_header = header

    def owned(self, pc: i64, places: i64) -> None:
        """The op names the frame's header."""
        header = self.frame.header << 3 if self.carried < 0 else self.carried_header
        if self.code.number(pc + (places >> 32 & 0xFF)) != header:
            raise broken(pc, f"the header is at {header}")

    def tail(self, pc: i64, places: i64) -> None:
        """A tail call: arguments lie in the first slots, or have just been brought there; results are ours."""
        header, carried = self.code.number(pc + (places >> 8 & 0xFF)), self.carried
        type_ = self.callee(pc, places)
        params, results = self.rules.params[type_], self.rules.results[type_]
        ours = self.rules.results[self.frame.type]
        count: i64 = len(params)
        wanted: i64 = max(count, i64(len(results)))
        self.owned(pc, places)
        if header != wanted << 3 or wanted + HEADER > self.frame.size:
            raise broken(
                pc, f"the callee's header is {wanted << 3} bytes into its frame, and its end not in {self.frame.size << 3}"
            )
        if count << 3 > (self.frame.header << 3 if carried < 0 else self.carried_header):
            raise broken(pc, f"{count} arguments do not lie before the header")
        slot: i64 = 0 if carried < 0 else (carried >> 3) - self.frame.hidden
        i: i64 = 0
        while i < count and self.slots.live:
            if self.slots.get(slot + i) & ~i64(params[i]) != 0:
                raise broken(pc, f"argument {i} is not written on every path that leads here, or is of another type")
            i += 1
        if len(results) != len(ours):
            raise broken(pc, "the callee has other results")
        i = 0
        while i < i64(len(results)):
            if i64(results[i]) & ~i64(ours[i]) != 0:
                raise broken(pc, f"result {i} of the callee is of another type")
            i += 1

    def call(self, pc: i64, places: i64, behind: i64) -> None:
        """A call: arguments lie where the callee's frame begins, behind the caller's locals; its results will."""
        frame, callee = self.code.number(pc + (places & 0xFF)), self.code.number(pc + (places >> 8 & 0xFF))
        type_ = self.callee(pc, places)
        params, results = self.rules.params[type_], self.rules.results[type_]
        wanted: i64 = max(len(params), len(results))
        if frame & 7 != 0 or frame >> 3 < self.frame.first_temp or (callee >> 3) + HEADER > self.frame.size:
            raise broken(
                pc,
                f"the callee's frame {frame} and header {callee} do not lie behind the locals, at {self.frame.first_temp << 3}, "
                f"and in {self.frame.size << 3} bytes",
            )
        if callee - frame != wanted << 3:
            raise broken(pc, f"the callee's header is {wanted << 3} bytes into its frame")
        slot = (frame >> 3) - self.frame.hidden
        i: i64 = 0
        while i < i64(len(params)) and self.slots.live:
            if self.slots.get(slot + i) & ~i64(params[i]) != 0:
                raise broken(pc, f"argument {i} is not written on every path that leads here, or is of another type")
            i += 1
        self.handlers.throws(pc, frame >> 3)
        i = 0
        while i < i64(len(results)) and self.slots.live:
            self.slots.set(slot + i, i64(results[i]))
            i += 1
        self.point(pc, behind)
        if self.stops.next != behind:
            raise broken(pc, "no safepoint behind the call")
        self.stops.owed = behind
        self.stops.overwritten = (frame >> 3) + i64(len(results))

    def point(self, pc: i64, behind: i64) -> None:
        """The op at `behind` is a return point."""
        if not self.code.is_return_point(behind):
            raise broken(pc, "the op behind the call is no return point")
        self.points += 1
