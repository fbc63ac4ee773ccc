"""The routine of one row, whoever reads it: a handler takes operands from the bytecode, a stencil has holes for them.

Subclasses say how an operand is spelled (`slot`, `number`, `label`), where the op and the one behind it are, and how control leaves;
what an op does with that is said here, and in its meaning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from arenite.bytecode.calls import mapped
from arenite.bytecode.protocol import I32, I64, Code, Label, Labels, Memory, Type, Value, see_first
from arenite.bytecode.row import BRANCHES, Form, Operand, Row
from arenite.bytecode.stops import FINISHED, PAUSE_AGAIN, PAUSE_OWED, Builtin
from arenite.emit import raw
from arenite.emit.addressing import Addressing, alias_tag
from arenite.emit.routine import PC, Routine
from arenite.layout.raw import RAW
from arenite.layout.records import StoreContext
from arenite.layout.spaces import Space

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture


class OpRoutine(Routine, ABC):
    """The routine of `row`.  `volatile`: what LLVM is told of its slots."""

    volatile = ""

    def __init__(
        self, row: Row, addressing: Addressing, architecture: Architecture, *, explicit_bounds: bool, deterministic: bool
    ) -> None:
        super().__init__(addressing, architecture, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self.row = row

    # operands
    @abstractmethod
    def slot_offset(self, operand: Operand, type_: Type = I64) -> str:
        """The byte offset of the slot that an operand names."""

    @abstractmethod
    def number(self, operand: Operand) -> Value:
        """A number that stands in the code, as wide as the operand's type."""

    @abstractmethod
    def label(self, operand: Operand) -> Value:
        """A label's pc."""

    def here(self) -> Label:
        """This op."""
        return Label(PC)

    @abstractmethod
    def behind(self) -> Value:
        """The pc behind this op, as the register `pc` has it."""

    @abstractmethod
    def next_pc(self) -> Value:
        """The pc behind this op, as records have it."""

    def slot(self, operand: Operand) -> str:
        """A `ptr` to the slot that an operand names."""
        return self.line(f"getelementptr i8, ptr %fp, i64 {self.slot_offset(operand)}")

    def operand(self, o: Operand) -> Value | Label | Labels | Memory:
        """What the meaning receives."""
        constant = self.row.constant(self, o)
        if constant is not None:
            return constant
        if o.form is Form.SLOT:
            return self.read(o)
        if o.form in BRANCHES:
            return Label(self.label(o), back=o.form is Form.LOOP)
        if o.form is Form.LABELS:
            return Labels(o)
        return o.received(self.number(o))

    def read(self, operand: Operand) -> Value:
        """The value in an operand's slot."""
        return Value(
            operand.type,
            self.line(f"load {self.volatile}{operand.type.llvm}, ptr {self.slot(operand)}, align 8{alias_tag(Space.FRAME)}"),
        )

    def result(self, value: Value) -> None:
        """Write the destination's slot, or both."""
        self.write(self.slot_bits(value))

    def write(self, bits: Value) -> None:
        """Write the destination's slot, all 8 bytes of it, or both of a vector."""
        destination = self.row.destination
        assert destination is not None, self.row.name
        self.do(
            f"store {self.volatile}{bits.type.llvm} {bits.text}, ptr {self.slot(destination)}, align 8{alias_tag(Space.FRAME)}"
        )

    # transfers
    @abstractmethod
    def proceed(self) -> None:
        """Go on at the op behind this one."""

    def goto(self, to: Label) -> None:
        """Go on at `to`."""
        self.jump(to.at)

    @abstractmethod
    def switch(self, index: Value, to: Labels) -> None:
        """Go on at one of the labels that follow the op."""

    def halt(self) -> None:
        """The entry frame has returned."""
        self.stop(FINISHED)

    def pause(self, at: Label, *, owed: bool) -> None:
        """The slice of fuel is used up."""
        self.stop(PAUSE_OWED if owed else PAUSE_AGAIN, at.at)

    def builtin(self, builtin: Builtin, *args: Value) -> Value:
        """Leave arguments, the result's slot and the next pc in the store context, and stop."""
        zero = self.const(I32, 0)
        self.arguments(args)
        destination = self.row.destination
        if destination is not None:
            self.store(Space.STORE, zero, Value(I32, self.slot_offset(destination, I32)), StoreContext.result_slot.offset)
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
        see_first(memory)
        self.arguments(args)
        self.to(name, pc=self.behind().text)

    def enter(self, to: Label | Code, sp: Value | None, vmctx: Value | None) -> None:
        """To the callee's first op; without `sp` its frame lies where ours does."""
        if isinstance(to, Label):
            at = to.at
        else:
            at = raw.pc(self.line, to.bytecode) if RAW else self.pure("extend_u", to.bytecode, to=I64)
        self.go(at, sp, vmctx)

    def become(self, to: Label | Code, vmctx: Value | None) -> None:
        """To the callee's first op."""
        self.enter(to, None, vmctx)

    def return_point(self, pc: Value) -> Value:
        """Looked up."""
        return mapped(self, pc)

    def leave(self, pc: Value, sp: Value, vmctx: Value) -> None:
        """To the caller."""
        self.go(self.pure("extend_u", pc, to=I64), sp, vmctx)

    def resume(self, pc: Value, sp: Value | None, vmctx: Value | None) -> None:
        """Somewhere else."""
        self.go(self.pure("extend_u", pc, to=I64), sp, vmctx)

    def stop_at(self, status: int, pc: Value) -> None:
        """With that in the register."""
        self.stop(status, self.pure("extend_u", pc, to=I64))

    def go(self, pc: Value, sp: Value | None, vmctx: Value | None) -> None:
        """Go on in another frame, unless it lies where ours does; in another instance, its memory is looked up."""
        registers = {} if sp is None else {"sp": sp.text, "fp": self.frame_pointer(sp)}
        if vmctx is not None:
            with self.when(self.pure("ne", vmctx, self.register("vmctx")), cold=True):
                self.to("start", pc=pc.text, vmctx=vmctx.text, **registers)
        self.jump(pc, **registers)

    def body(self) -> None:
        """What the op does, and the way on."""
        value = self.row.meaning(self, *map(self.operand, self.row.operands))
        if not self.ended:
            if value is not None:
                self.result(value)
            self.proceed()

    def text(self) -> str:
        """The whole function."""
        self.body()
        return self.function(f'"op {self.row.name}"')
