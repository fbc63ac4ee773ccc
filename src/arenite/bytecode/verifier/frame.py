"""The frame of the function at hand, as the verifier sees it: which slots there are, and of which class each is.

Compiled by mypyc; see `translate.writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import read_i32_le, read_i64_le
from mypy_extensions import i64

from arenite.bytecode.verifier.classes import CLASS_OF, UNWRITTEN
from arenite.bytecode.verifier.code import MASK, Code, broken
from arenite.bytecode.verifier.facts import Facts  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.bytecode.verifier.rules import Rules  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.bytecode.verifier.slots import NOTHING, SlotClasses
from arenite.layout.frame import HEADER_SLOTS

HEADER: Final[i64] = HEADER_SLOTS


@final
class FrameSlots:
    """A function's frame: which slot is at a byte offset.  Declared locals always have their types; `slots` holds the classes of the others.

    `type`: the function's; `begin`, `end`: of its code; `size` and the rest in slots; `hidden`: how many declared locals there are, and so by how much less `slots`
    numbers the slots from `first_temp` on; `entry`, `leaving`: classes of parameters and results, as words.
    """

    def __init__(self, code: Code, rules: Rules, facts: Facts, slots: SlotClasses) -> None:
        self.code = code
        self.rules = rules
        self.op_places: bytes = facts.places
        self.slots = slots
        self.type: i64 = 0
        self.begin: i64 = 0
        self.end: i64 = 0
        self.size: i64 = 0
        self.header: i64 = 0
        self.first_local: i64 = 0
        self.first_temp: i64 = 0
        self.hidden: i64 = 0
        self.params: i64 = 0
        self.locals: bytes = b""
        self.entry: bytes = b""
        self.leaving: bytes = b""

    def of(self, i: i64, locals_: bytes) -> None:
        """The frame of the `i`-th function that the module defines, nothing but its parameters written."""
        rules, code = self.rules, self.code
        type_ = code.field(i, 4)
        self.type = type_
        self.begin = code.field(i, 0)
        self.end = code.field(i, 1)
        size = code.field(i, 2)
        self.size = size >> 3
        self.header = code.field(i, 3) >> 3
        self.locals = locals_
        if type_ != i64(rules.function_types[i]):
            raise broken(NOTHING, f"its type is {type_}, the module says {rules.function_types[i]}")
        self.params = len(rules.params[type_])
        self.entry = rules.entry[type_]
        self.leaving = rules.leaving[type_]
        signature: i64 = max(self.params, i64(len(rules.results[type_])))
        if code.field(i, 3) != signature << 3:
            raise broken(NOTHING, f"its header is at {code.field(i, 3)}, parameters and results end at {signature << 3}")
        packed = rules.packed[type_]
        self.hidden = (i64(len(self.locals)) >> 2) - self.params
        if len(self.locals) & 3 != 0 or self.locals[: len(packed)] != packed:
            raise broken(NOTHING, "its locals do not begin with its parameters")
        if size & 7 != 0 or self.header + HEADER + self.hidden > self.size:
            raise broken(NOTHING, f"its frame has {size} bytes")
        self.slots.begin(self.size - self.hidden)
        self.slots.take(self.entry)
        self.slots.live = True

    def prologue(self) -> i64:
        """The ops that begin a function, which say where its locals lie; the pc behind them."""
        self.first_local = self.header + HEADER
        self.first_temp = self.first_local
        size = self.size << 3
        pc = self.begin
        left = self.hidden
        while pc == self.begin or left > 0:
            code = self.code.half(pc)
            places = read_i64_le(self.op_places, code << 3) if code << 3 < i64(len(self.op_places)) else 0
            count, size_at = places >> 16 & 0xFF, places >> 24 & 0xFF
            if places & 0xFF == 0 or pc >= self.end or (size_at != 0) != (pc == self.begin):
                raise broken(pc, f"{left} locals are not set to zero" if pc != self.begin else "the first op is not an enter")
            if size_at != 0 and self.code.number(pc + size_at) != size:
                raise broken(pc, f"the frame has {size} bytes")
            at = pc + (places & 0xFF)
            first = self.code.half(at) if places >> 8 & 0xFF == 2 else self.code.number(at)
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
        if first != slot << 3 or left <= 0 or slot < self.header + HEADER or slot + count > self.size:
            raise broken(pc, f"{count} slots from byte {first} are not the next locals, or lie outside the frame")

    def place(self, pc: i64, byte: i64) -> i64:
        """The number that `slots` has for the slot at a byte offset; NOTHING for a declared local."""
        i = byte >> 3
        if byte & 7 != 0 or i >= self.size or self.header <= i < self.header + HEADER:
            raise broken(pc, f"byte {byte} is no slot of a frame of {self.size << 3} bytes with its header at {self.header << 3}")
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
        if not self.slots.live:
            return 0
        class_ = self.local(byte) if i < 0 else self.slots.get(i)
        if class_ == UNWRITTEN:
            raise broken(pc, f"slot {byte >> 3} is read, and not written on every path that leads here")
        return class_

    def write(self, pc: i64, byte: i64, class_: i64) -> None:
        """An op writes a slot."""
        i = self.place(pc, byte)
        if not self.slots.live:
            return
        if i >= 0:
            self.slots.set(i, class_)
        elif class_ & ~self.local(byte) != 0:
            raise broken(pc, f"the local in slot {byte >> 3} receives a value of another type")
