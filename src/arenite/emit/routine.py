"""A function of the threaded interpreter, and what all of them share: the machine's registers, and how one leaves to another.

A routine is a `preserve_none` function that ends in a tail call of the next one; the machine's registers are its parameters, so
they stay in machine registers all the time:

    base      the cage's base                     pc       u32 offset in the window's bytecode
    code      the window's bytecode               sp       the frame
    handlers  65,536 pointers to handlers         vmctx    the instance
    fp        base + sp                           fuel     units left of this slice
    memory    the instance's memory 0             length   its bytes (explicit bounds only)

Invariants: a routine uses no machine stack, and around an access that may fault every register stands in its own machine register
(`pin`); so the fault handler can send a fault straight to `landing`, a routine like the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.memory import area_pages, first_memory, in_bytes, memory_area, recorded_length
from arenite.bytecode.protocol import I32, I64, REF, Memory, Register, Value
from arenite.bytecode.stops import FAULT, FINISHED, HOT, KEEP, PAUSE_AGAIN, PAUSE_OWED, SEARCHING, UNCAUGHT, Builtin
from arenite.emit.addressing import alias_tag
from arenite.emit.llvm_text import INVARIANT, LlvmText
from arenite.layout.cage import UNIT
from arenite.layout.raw import RAW
from arenite.layout.records import StoreContext
from arenite.layout.side_tables import SIDE_TABLES
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.emit.addressing import Addressing
    from arenite.platform.architectures import Architecture

CONVENTION: Final = "preserve_nonecc"
CACHE_LINE: Final = 64  # bytes
REGISTERS: Final[dict[str, str]] = {  # register -> LLVM type, in the order they are passed; `memory` has its addressing's type
    "base": "ptr",
    "code": "ptr",
    "handlers": "ptr",
    "fp": "ptr",
    "pc": "i64",
    "sp": REF.llvm,
    "vmctx": REF.llvm,
    "fuel": "i64",
    "memory": "",
}
PC: Final = Value(I64, "%pc")
PINNED: Final = ("base", "pc", "sp", "vmctx", "fuel")
STATUS_LABELS: Final[dict[int, str]] = (
    {FINISHED: "finished", PAUSE_AGAIN: "pause_again", PAUSE_OWED: "pause_owed", HOT: "hot", FAULT: "fault"}
    | {SEARCHING: "searching", UNCAUGHT: "uncaught", KEEP: "keep"}
    | {int(t): t.name.lower() for t in Cause}
    | {int(h): h.name.lower() for h in Builtin}
)


def parameters(addressing: Addressing, *, explicit_bounds: bool) -> dict[str, str]:
    """Register -> LLVM type."""
    registers = REGISTERS | {"memory": addressing.memory_type}
    return registers | {"length": "i64"} if explicit_bounds else registers


class Routine(LlvmText):
    """One function of the interpreter.  `pinned`: the registers that a fault must find."""

    pinned: tuple[str, ...] = PINNED

    def __init__(self, addressing: Addressing, architecture: Architecture, *, explicit_bounds: bool, deterministic: bool) -> None:
        super().__init__(addressing, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self.architecture = architecture
        self.types = parameters(addressing, explicit_bounds=explicit_bounds)
        self.registers = {"sp": Value(REF, "%sp"), "vmctx": Value(REF, "%vmctx"), "fuel": Value(I64, "%fuel")}

    # registers
    def pin(self) -> None:
        """An empty piece of assembly that wants the registers where they were passed."""
        passed = dict(zip(self.types, self.architecture.arguments, strict=False))
        places = ",".join(f"{{{self.architecture.register(passed[n], self.types[n])}}}" for n in self.pinned)
        values = ", ".join(f"{self.types[n]} %{n}" for n in self.pinned)
        self.do(f'call void asm sideeffect "", "{places}"({values})')

    def probe(self, pointer: str, size: int) -> None:
        """A load of the last byte."""
        if size > 1 and not self.architecture.faults_whole:
            last = self.line(f"getelementptr i8, ptr {pointer}, i64 {size - 1}")
            self.line(f"load volatile i8, ptr {last}, align 1{alias_tag(Space.MEMORY)}")

    def register(self, name: Register) -> Value:
        """A register of the machine; the floor stands in the store page, where another thread may raise it."""
        if name == "floor":
            return self.load(Space.STORE, I64, self.const(I32, 0), StoreContext.floor.offset)
        return self.registers[name]

    def set_register(self, name: Register, value: Value) -> None:
        """Set a register of the machine."""
        self.registers[name] = value

    def frame_pointer(self, sp: Value) -> str:
        """base + sp."""
        return self.addressing.address(self.line, Space.ARENA, sp, 0)

    def memory_of(self, vmctx: Value) -> dict[str, str]:
        """The registers that depend on the instance's memory."""
        area = memory_area(self, vmctx, first_memory(self))
        found = {"memory": self.addressing.memory(self.line, area)}
        if self.explicit_bounds:
            found["length"] = (
                recorded_length(self, vmctx, first_memory(self)) if RAW else in_bytes(self, area_pages(self, area))
            ).text
        return found

    def base(self, where: Space | Memory) -> str:
        """Of a memory whose area is known."""
        if isinstance(where, Memory) and where.area is not None:
            return self.addressing.memory(self.line, where.area)
        return super().base(where)

    def length(self, where: Space | Memory) -> Value:
        """Bytes of a memory or space; of a memory but the first, from its area."""
        if isinstance(where, Memory) and where.area is not None:
            return recorded_length(self, self.register("vmctx"), where) if RAW else in_bytes(self, area_pages(self, where.area))
        return super().length(where)

    # transfers
    def tail(self, target: str, **registers: str) -> None:
        """Leave to the code at a `ptr` with some registers changed."""
        now = {"fuel": self.registers["fuel"].text} | registers
        args = ", ".join(f"{t} {now.get(n, '%' + n)}" for n, t in self.types.items())
        self.do(f"musttail call {CONVENTION} void {target}({args})")
        self.end("ret void")

    def to(self, routine: str, **registers: str) -> None:
        """Leave to another routine."""
        self.tail(f"@{routine}", **registers)

    def jump(self, pc: Value, **registers: str) -> None:
        """Go on at the op at `pc`."""
        step = self.addressing.address(self.line, Space.BYTECODE, pc, 0)
        op = self.line(f"load i16, ptr {step}, align 2, !invariant.load {INVARIANT}")
        self.tail(self.handler(op), pc=pc.text, **registers)

    def handler(self, op: str) -> str:
        """The handler of an opcode."""
        slot = self.line(f"getelementptr ptr, ptr %handlers, i64 {self.line(f'zext i16 {op} to i64')}")
        return self.line(f"load ptr, ptr {slot}, align 8, !invariant.load {INVARIANT}")

    def element_at(self, table: Space, key: Value) -> Value:
        """The byte offset of the element that a side table has for the op at a pc or for the function with a handle (i64)."""
        row = SIDE_TABLES[table]
        if row.by_handle:
            return Value(I64, self.line(f"shl i64 {key.text}, {row.element.bit_length() - 1}"))
        shift = (UNIT // row.element).bit_length() - 1
        return Value(I64, self.line(f"lshr i64 {key.text}, {shift}")) if shift else key

    def machine_code(self, table: Space, key: Value) -> str:
        """A `ptr`: the machine code that a side table has for the op at a pc or for the function with a handle, or null."""
        pointer = self.addressing.address(self.line, table, self.element_at(table, key), 0)
        return self.line(f"load ptr, ptr {pointer}, align 8{alias_tag(table)}")

    def stop(self, status: int, pc: Value = PC) -> None:
        """End this run of the interpreter; the machine looks at the status."""
        self.to(f"stop_{STATUS_LABELS[status]}", pc=pc.text)

    def trap(self, code: Cause) -> None:
        """End the run."""
        self.stop(code)

    # what a routine leaves to another in the store context
    def arguments(self, args: tuple[Value, ...]) -> None:
        """Leave values."""
        for i, arg in enumerate(args):
            self.store(Space.STORE, self.const(I32, 0), self.pure("extend_u", arg, to=I64), StoreContext.arguments.offset + 8 * i)

    def argument(self, i: int) -> Value:
        """A value that was left."""
        return self.load(Space.STORE, I64, self.const(I32, 0), StoreContext.arguments.offset + 8 * i)

    def function(self, name: str, attributes: str = "nounwind", align: int = CACHE_LINE) -> str:
        """The lines so far as a function.  It begins on a cache line: where it would by chance, kernels differ by a tenth both ways."""
        params = ", ".join(f"{t} %{n}" for n, t in self.types.items())
        body = "\n".join(self.lines)
        return f"define {CONVENTION} void @{name}({params}) {attributes} align {align} {{\n{body}\n}}\n"
