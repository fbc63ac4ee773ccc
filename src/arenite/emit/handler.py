"""A handler of the threaded interpreter: the routine of one row, which takes its operands from the bytecode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.protocol import I32, I64, Label, Labels, Memory, Value, space_of
from arenite.bytecode.row import BRANCHES, Form, Operand, Row
from arenite.bytecode.stops import FINISHED, PAUSE_AGAIN, PAUSE_OWED, Builtin
from arenite.emit.addressing import Addressing, alias_tag
from arenite.emit.llvm_text import INVARIANT
from arenite.emit.routine import Routine
from arenite.layout.cage import UNIT
from arenite.layout.records import StoreContext
from arenite.layout.spaces import Space

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture


class Handler(Routine):
    """The handler of one row."""

    def __init__(
        self, row: Row, addressing: Addressing, architecture: Architecture, *, explicit_bounds: bool, deterministic: bool
    ) -> None:
        super().__init__(addressing, architecture, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self.row = row

    # operands
    def place(self, at: int) -> str:
        """A `ptr` to a field of this op."""
        pc = self.line(f"getelementptr i8, ptr %code, i64 {at}") if at else "%code"
        return self.line(f"getelementptr i8, ptr {pc}, i64 %pc")

    def field(self, at: int, type_: str) -> str:
        """A field of this op."""
        return self.line(f"load {type_}, ptr {self.place(at)}, align 2, !invariant.load {INVARIANT}")

    def half(self, at: int, type_: str = "i64") -> str:
        """A u16 field, widened."""
        return self.line(f"zext i16 {self.field(at, 'i16')} to {type_}")

    def slot(self, at: int) -> str:
        """A `ptr` to the slot that the operand at byte `at` names."""
        return self.line(f"getelementptr i8, ptr %fp, i64 {self.half(at)}")

    def operand(self, o: Operand) -> Value | Label | Labels | Memory:
        """What the meaning receives."""
        constant = self.row.constant(self, o)
        if constant is not None:
            return constant
        if o.form is Form.SLOT:
            return Value(o.type, self.line(f"load {o.type.llvm}, ptr {self.slot(o.at)}, align 8{alias_tag(Space.FRAME)}"))
        if o.form in BRANCHES:
            return Label(self.target(self.field(o.at, "i32")), back=o.form is Form.LOOP)
        if o.form is Form.LABELS:
            return Labels(o)
        text = self.field(o.at, f"i{8 * o.size}")
        if o.size == o.type.size:
            return o.given(Value(o.type, text))
        extend = "sext" if o.form is Form.IMMEDIATE else "zext"
        return o.given(Value(o.type, self.line(f"{extend} i{8 * o.size} {text} to {o.type.llvm}")))

    def target(self, displacement: str) -> Value:
        """A label's pc."""
        wide = self.line(f"sext i32 {displacement} to i64")
        return Value(I64, self.line(f"add i64 %pc, {self.line(f'mul i64 {wide}, {UNIT}')}"))

    def result(self, value: Value) -> None:
        """Write the destination's slot, all 8 bytes of it."""
        destination = self.row.destination
        assert destination is not None, self.row.name
        self.do(f"store i64 {self.slot_word(value)}, ptr {self.slot(destination.at)}, align 8{alias_tag(Space.FRAME)}")

    def here(self) -> Label:
        """This op."""
        return Label(Value(I64, "%pc"))

    def behind(self) -> Value:
        """The op behind this one, as the register has it."""
        return self.pure("add", Value(I64, "%pc"), self.const(I64, self.row.size))

    def next_pc(self) -> Value:
        """The op behind this one."""
        return self.pure("wrap", self.behind(), to=I32)

    # transfers
    def goto(self, to: Label) -> None:
        """Go on at `to`."""
        self.jump(to.at.text)

    def switch(self, index: Value, to: Labels) -> None:
        """Go on at one of the labels that follow the op."""
        last = self.line(f"sub i32 {self.half(to.operand.at, 'i32')}, 1")
        chosen = self.line(f"call i32 @llvm.umin.i32(i32 {index.text}, i32 {last})")
        step = self.line(f"getelementptr i32, ptr {self.place(self.row.size)}, i64 {self.line(f'zext i32 {chosen} to i64')}")
        self.jump(self.target(self.line(f"load i32, ptr {step}, align 4, !invariant.load {INVARIANT}")).text)

    def halt(self) -> None:
        """The entry frame has returned."""
        self.stop(FINISHED)

    def pause(self, at: Label, *, owed: bool) -> None:
        """The slice of fuel is used up."""
        self.stop(PAUSE_OWED if owed else PAUSE_AGAIN, at.at.text)

    def builtin(self, builtin: Builtin, *args: Value) -> Value:
        """Leave arguments, the result's slot and the next pc in the store context, and stop."""
        zero = self.const(I32, 0)
        self.arguments(args)
        if (destination := self.row.destination) is not None:
            slot = self.half(destination.at, "i32")
            self.store(Space.STORE, zero, Value(I32, slot), StoreContext.result_slot.offset)
        self.store(Space.STORE, zero, self.next_pc(), StoreContext.next_pc.offset)
        self.stop(builtin)
        return zero

    def copy(self, memory: Memory, to: Value, source: Value, count: Value) -> None:
        """In a function of its own, which may use the machine stack."""
        self.bulk("copy", memory, to, source, count)

    def fill(self, memory: Memory, to: Value, byte: Value, count: Value) -> None:
        """In a function of its own, which may use the machine stack."""
        self.bulk("fill", memory, to, byte, count)

    def bulk(self, name: str, memory: Memory, *args: Value) -> None:
        """Leave to a function that moves bytes of memory 0 and goes on behind this op."""
        space_of(memory)
        self.arguments(args)
        self.tail(f"@{name}", pc=self.behind().text)

    def enter(self, to: Label | Value, sp: Value, vmctx: Value | None) -> None:
        """To the callee's first op."""
        at = to.at if isinstance(to, Label) else self.pure("extend_u", to, to=I64)
        self.go(at, sp, vmctx)

    def leave(self, pc: Value, sp: Value, vmctx: Value) -> None:
        """To the caller."""
        self.go(self.pure("extend_u", pc, to=I64), sp, vmctx)

    def go(self, pc: Value, sp: Value, vmctx: Value | None) -> None:
        """Go on in another frame; in another instance, its memory is looked up."""
        registers = {"pc": pc.text, "sp": sp.text, "fp": self.frame_pointer(sp)}
        if vmctx is not None:
            with self.when(self.pure("ne", vmctx, self.state("vmctx")), cold=True):
                self.tail("@start", vmctx=vmctx.text, **registers)
        self.jump(**registers)

    def text(self) -> str:
        """The whole function."""
        value = self.row.meaning(self, *map(self.operand, self.row.operands))
        if not self.ended:
            if value is not None:
                self.result(value)
            self.jump(self.behind().text)
        return self.function(f'"op {self.row.name}"')
