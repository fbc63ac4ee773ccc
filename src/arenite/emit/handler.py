"""A handler of the threaded interpreter: the routine of one row, which takes its operands from the bytecode."""

from __future__ import annotations

from arenite.bytecode.protocol import I32, I64, Labels, Type, Value
from arenite.bytecode.row import Form, Operand
from arenite.emit.llvm_text import INVARIANT
from arenite.emit.op import OpRoutine
from arenite.emit.routine import PC
from arenite.layout.cage import UNIT
from arenite.layout.spaces import Space


class Handler(OpRoutine):
    """The handler of one row."""

    # operands
    def place(self, at: int) -> str:
        """A `ptr` to a field of this op."""
        return self.addressing.address(self.line, Space.BYTECODE, PC, at)

    def field(self, at: int, type_: str) -> str:
        """A field of this op."""
        return self.line(f"load {type_}, ptr {self.place(at)}, align 2, !invariant.load {INVARIANT}")

    def slot_offset(self, operand: Operand, type_: Type = I64) -> str:
        """A u16 field, widened."""
        return self.line(f"zext i16 {self.field(operand.at, 'i16')} to {type_.llvm}")

    def number(self, operand: Operand) -> Value:
        """A field, widened if it must be."""
        text = self.field(operand.at, f"i{8 * operand.size}")
        if operand.size != operand.type.size:
            extend = "sext" if operand.form is Form.IMMEDIATE else "zext"
            text = self.line(f"{extend} i{8 * operand.size} {text} to {operand.type.llvm}")
        return Value(operand.type, text)

    def label(self, operand: Operand) -> Value:
        """From the displacement."""
        return self.target(self.field(operand.at, "i32"))

    def target(self, displacement: str) -> Value:
        """A label's pc."""
        wide = self.line(f"sext i32 {displacement} to i64")
        return Value(I64, self.line(f"add i64 %pc, {self.line(f'mul i64 {wide}, {UNIT}')}"))

    def behind(self) -> Value:
        """The op behind this one, as the register has it."""
        return self.pure("add", PC, self.const(I64, self.row.size))

    def next_pc(self) -> Value:
        """The op behind this one."""
        return self.pure("wrap", self.behind(), to=I32)

    # transfers
    def proceed(self) -> None:
        """Dispatch the op behind this one."""
        self.jump(self.behind())

    def switch(self, index: Value, to: Labels) -> None:
        """Go on at one of the labels that follow the op."""
        last = self.line(f"sub i32 {self.slot_offset(to.operand, I32)}, 1")
        chosen = self.line(f"call i32 @llvm.umin.i32(i32 {index.text}, i32 {last})")
        step = self.line(f"getelementptr i32, ptr {self.place(self.row.size)}, i64 {self.line(f'zext i32 {chosen} to i64')}")
        self.jump(self.target(self.line(f"load i32, ptr {step}, align 4, !invariant.load {INVARIANT}")))
