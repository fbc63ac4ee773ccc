"""One handler of the threaded interpreter per row, and the whole interpreter as LLVM IR.

A handler is a `preserve_none` function that ends in a tail call of the next one; the machine's registers are its parameters, so
they stay in machine registers all the time:

    base      the cage's base                     pc       u32 offset in the window's bytecode
    code      the window's bytecode               sp       the frame
    handlers  65,536 pointers to handlers         vmctx    the instance
    fp        base + sp                           fuel     units left of this slice
    memory    the instance's memory 0             length   its bytes (explicit bounds only)

Invariants: a handler uses no machine stack, and around an access that may fault every register stands in its own machine register
(`pin`); so the fault handler can send a fault straight to `landing`, a handler like the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.helpers import FINISHED, PAUSE_AGAIN, PAUSE_OWED, Helper
from arenite.bytecode.memory import area_pages, checked_area, in_bytes
from arenite.bytecode.ops import ROWS, TABLE
from arenite.bytecode.protocol import I8, I32, I64, Label, State, Value
from arenite.bytecode.row import LABELS, SLOTS, Operand, Row
from arenite.emit.addressing import Addressing, alias_metadata, alias_tag
from arenite.emit.llvm_text import INVARIANT, METADATA, LlvmText, declarations
from arenite.layout.cage import UNIT
from arenite.layout.frame import RETURN_MAP_SIZE
from arenite.layout.records import FrameHeader, InstanceRecord, MemoryRecord, StoreContext, WindowEntry
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture

CONVENTION: Final = "preserve_nonecc"
CACHE_LINE: Final = 64  # bytes
REGISTERS: Final[dict[str, str]] = {  # register -> LLVM type, in the order they are passed; `memory` has its addressing's type
    "base": "ptr",
    "code": "ptr",
    "handlers": "ptr",
    "fp": "ptr",
    "pc": "i64",
    "sp": "i32",
    "vmctx": "i32",
    "fuel": "i64",
    "memory": "",
}
PINNED: Final = ("base", "pc", "sp", "vmctx", "fuel")
STATUSES: Final[dict[int, str]] = (
    {FINISHED: "finished", PAUSE_AGAIN: "pause_again", PAUSE_OWED: "pause_owed"}
    | {int(t): t.name.lower() for t in Cause}
    | {int(h): h.name.lower() for h in Helper}
)


def parameters(addressing: Addressing, *, explicit_bounds: bool) -> dict[str, str]:
    """Register -> LLVM type."""
    registers = REGISTERS | {"memory": addressing.memory_type}
    return registers | {"length": "i64"} if explicit_bounds else registers


class Handler(LlvmText):
    """The handler of one row."""

    def __init__(
        self, row: Row, addressing: Addressing, architecture: Architecture, *, explicit_bounds: bool, deterministic: bool
    ) -> None:
        super().__init__(addressing, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self.architecture = architecture
        self.row = row
        self.types = parameters(addressing, explicit_bounds=explicit_bounds)
        self.registers = {"sp": Value(I32, "%sp"), "vmctx": Value(I32, "%vmctx"), "fuel": Value(I64, "%fuel")}

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

    def operand(self, o: Operand) -> Value | Label | list[Label]:
        """What the meaning receives."""
        if o.name in self.row.fixed:
            return self.const(o.type, self.row.fixed[o.name])
        if o.kind in SLOTS:
            return Value(o.type, self.line(f"load {o.type.llvm}, ptr {self.slot(o.at)}, align 8{alias_tag(Space.FRAME)}"))
        if o.kind in LABELS:
            return Label(self.target(self.field(o.at, "i32")), back=o.kind == "loop")
        if o.kind == "labels":
            return [Label(o.at)]
        if o.kind == "u16":
            return Value(I32, self.half(o.at, "i32"))
        if o.kind in ("u32", "type"):
            return Value(I32, self.field(o.at, "i32"))
        bits = int(o.kind.partition(".imm")[2])
        text = self.field(o.at, f"i{bits}")
        return Value(o.type, text if bits == o.type.bits else self.line(f"sext i{bits} {text} to {o.type.llvm}"))

    def target(self, displacement: str) -> Value:
        """A label's pc."""
        wide = self.line(f"sext i32 {displacement} to i64")
        return Value(I64, self.line(f"add i64 %pc, {self.line(f'mul i64 {wide}, {UNIT}')}"))

    def result(self, value: Value) -> None:
        """Write the destination's slot, all 8 bytes of it."""
        destination = self.row.destination
        assert destination is not None, self.row.name
        self.do(f"store i64 {self.slot_word(value)}, ptr {self.slot(destination.at)}, align 8{alias_tag(Space.FRAME)}")

    # state
    def pin(self) -> None:
        """An empty piece of assembly that wants the registers where they were passed."""
        passed = dict(zip(self.types, self.architecture.arguments, strict=False))
        places = ",".join(f"{{{passed[n]}}}" for n in PINNED)
        values = ", ".join(f"{self.types[n]} %{n}" for n in PINNED)
        self.do(f'call void asm sideeffect "", "{places}"({values})')

    def state(self, name: State) -> Value:
        """A register of the machine; the floor stands in the store page, where another thread may raise it."""
        if name == "floor":
            return self.load(Space.STORE, I64, self.const(I32, 0), StoreContext.floor.offset)
        return self.registers[name]

    def set_state(self, name: State, value: Value) -> None:
        """Set a register of the machine."""
        self.registers[name] = value

    def here(self) -> Label:
        """This op."""
        return Label(Value(I64, "%pc"))

    def next_pc(self) -> Value:
        """The op behind this one."""
        return self.pure("add", Value(I64, "%pc"), self.const(I64, self.row.size))

    # transfers
    def tail(self, target: str, **registers: str) -> None:
        """Leave to another handler with some registers changed."""
        now = {"fuel": self.registers["fuel"].text} | registers
        args = ", ".join(f"{t} {now.get(n, '%' + n)}" for n, t in self.types.items())
        self.do(f"musttail call {CONVENTION} void {target}({args})")
        self.end("ret void")

    def jump(self, pc: str, **registers: str) -> None:
        """Go on at the op at `pc`."""
        step = self.line(f"getelementptr i8, ptr %code, i64 {pc}")
        op = self.line(f"load i16, ptr {step}, align 2, !invariant.load {INVARIANT}")
        slot = self.line(f"getelementptr ptr, ptr %handlers, i64 {self.line(f'zext i16 {op} to i64')}")
        self.tail(self.line(f"load ptr, ptr {slot}, align 8, !invariant.load {INVARIANT}"), pc=pc, **registers)

    def stop(self, status: int, pc: str = "%pc") -> None:
        """End this run of the interpreter; the machine looks at the status."""
        self.tail(f"@stop_{STATUSES[status]}", pc=pc)

    def trap(self, code: Cause) -> None:
        """End the run."""
        self.stop(code)

    def halt(self) -> None:
        """The entry frame has returned."""
        self.stop(FINISHED)

    def pause(self, at: Label, *, owed: bool) -> None:
        """The slice of fuel is used up."""
        assert isinstance(at.at, Value)
        self.stop(PAUSE_OWED if owed else PAUSE_AGAIN, at.at.text)

    def helper(self, helper: Helper, *args: Value) -> Value:
        """Leave arguments, the result's slot and the next pc in the store context, and stop."""
        zero = self.const(I32, 0)
        self.arguments(args)
        if self.row.result:
            slot = self.half(self.row.result_at, "i32")
            self.store(Space.STORE, zero, Value(I32, slot), StoreContext.result_slot.offset)
        self.store(Space.STORE, zero, self.pure("wrap", self.next_pc(), to=I32), StoreContext.next_pc.offset)
        self.stop(helper)
        return zero

    def copy(self, to: Value, source: Value, count: Value) -> None:
        """In a function of its own, which may use the machine stack."""
        self.bulk("copy", to, source, count)

    def fill(self, to: Value, byte: Value, count: Value) -> None:
        """In a function of its own, which may use the machine stack."""
        self.bulk("fill", to, byte, count)

    def bulk(self, name: str, *args: Value) -> None:
        """Leave to a function that moves bytes and goes on behind this op."""
        self.arguments(args)
        self.tail(f"@{name}", pc=self.next_pc().text)

    def arguments(self, args: tuple[Value, ...]) -> None:
        """Leave values in the store context."""
        for i, arg in enumerate(args):
            self.store(Space.STORE, self.const(I32, 0), self.pure("extend_u", arg, to=I64), StoreContext.arguments.offset + 8 * i)

    def argument(self, i: int) -> Value:
        """A value left in the store context."""
        return self.load(Space.STORE, I64, self.const(I32, 0), StoreContext.arguments.offset + 8 * i)

    def goto(self, to: Label) -> None:
        """Go on at `to`."""
        assert isinstance(to.at, Value)
        self.jump(to.at.text)

    def switch(self, index: Value, to: list[Label]) -> None:
        """Go on at one of the labels that follow the op."""
        at = to[0].at
        assert isinstance(at, int)
        last = self.line(f"sub i32 {self.half(at, 'i32')}, 1")
        chosen = self.line(f"call i32 @llvm.umin.i32(i32 {index.text}, i32 {last})")
        step = self.line(f"getelementptr i32, ptr {self.place(self.row.size)}, i64 {self.line(f'zext i32 {chosen} to i64')}")
        self.jump(self.target(self.line(f"load i32, ptr {step}, align 4, !invariant.load {INVARIANT}")).text)

    def call(self, to: Label | Value, vmctx: Value | None, frame: Value, header: Value) -> None:
        """Write the callee's header and go to its first op."""
        sp = self.pure("add", self.state("sp"), frame)
        for field, value in (
            (FrameHeader.caller_sp, self.state("sp")),
            (FrameHeader.return_pc, self.pure("wrap", self.next_pc(), to=I32)),
        ):
            self.store(Space.FRAME, header, value, field.offset)
        self.store(Space.FRAME, header, self.pure("extend_u", self.state("vmctx"), to=I64), FrameHeader.caller_vmctx.offset)
        fp = self.frame_pointer(sp)
        if isinstance(to, Label):
            assert isinstance(to.at, Value)
            self.jump(to.at.text, sp=sp.text, fp=fp)
            return
        assert vmctx is not None
        entry = self.pure("shl", to, self.const(I32, WindowEntry.size.bit_length() - 1))
        pc = self.pure("extend_u", self.load(Space.WINDOW, I32, entry, WindowEntry.pc.offset), to=I64)
        self.switch_instance(pc.text, sp.text, fp, vmctx)

    def ret(self, header: Value) -> None:
        """To the caller, if the header names a return point and a frame below: so returns come to an end without paying fuel."""
        return_pc = self.load(Space.FRAME, I32, header, FrameHeader.return_pc.offset)
        unit = self.pure("shr_u", return_pc, self.const(I32, UNIT.bit_length() - 1))
        at = self.pure("shl", self.pure("shr_u", unit, self.const(I32, 5)), self.const(I32, 2))
        word = self.load(Space.BYTECODE, I32, self.pure("extend_u", at, to=I64), -RETURN_MAP_SIZE)
        found = self.pure("and", self.pure("shr_u", word, self.pure("and", unit, self.const(I32, 31))), self.const(I32, 1))
        with self.when(self.pure("eq", found, self.const(I32, 0)), cold=True):
            self.trap(Cause.CORRUPT)
        sp = self.load(Space.FRAME, I32, header, FrameHeader.caller_sp.offset)
        with self.when(self.pure("ge_u", sp, self.state("sp")), cold=True):
            self.trap(Cause.CORRUPT)
        vmctx = self.load(Space.FRAME, I32, header, FrameHeader.caller_vmctx.offset)
        pc = self.pure("extend_u", self.pure("shl", unit, self.const(I32, UNIT.bit_length() - 1)), to=I64)
        self.switch_instance(pc.text, sp.text, self.frame_pointer(sp), vmctx)

    def frame_pointer(self, sp: Value) -> str:
        """base + sp."""
        return self.addressing.address(self.line, Space.ARENA, sp, 0)

    def switch_instance(self, pc: str, sp: str, fp: str, vmctx: Value) -> None:
        """Go on at `pc` in the instance `vmctx`; its memory is looked up if it is another one."""
        with self.when(self.pure("ne", vmctx, self.state("vmctx")), cold=True):
            self.tail("@start", pc=pc, sp=sp, fp=fp, vmctx=vmctx.text)
        self.jump(pc, sp=sp, fp=fp)

    def memory_of(self, vmctx: Value) -> dict[str, str]:
        """The registers that depend on the instance's memory."""
        record = self.load(Space.ARENA, I32, vmctx, InstanceRecord.memory.offset)
        area = checked_area(self, self.load(Space.ARENA, I32, record, MemoryRecord.area.offset))
        found = {"memory": self.addressing.memory(self.line, area)}
        if self.explicit_bounds:
            found["length"] = in_bytes(self, area_pages(self, area)).text
        return found

    def text(self) -> str:
        """The whole function."""
        value = self.row.meaning(self, *map(self.operand, self.row.operands))
        if not self.ended:
            if value is not None:
                self.result(value)
            self.jump(self.next_pc().text)
        return self.function(f'"op {self.row.name}"')

    def function(self, name: str, attributes: str = "nounwind") -> str:
        """The lines so far as a function.  It begins on a cache line: where it would by chance, kernels differ by a tenth both ways."""
        params = ", ".join(f"{t} %{n}" for n, t in self.types.items())
        body = "\n".join(self.lines)
        return f"define {CONVENTION} void @{name}({params}) {attributes} align {CACHE_LINE} {{\n{body}\n}}\n"


class Interpreter:
    """The interpreter's IR: `text()`."""

    def __init__(
        self, addressing: Addressing, architecture: Architecture, *, explicit_bounds: bool = False, deterministic: bool = False
    ) -> None:
        self.addressing = addressing
        self.architecture = architecture
        self.explicit_bounds = explicit_bounds
        self.deterministic = deterministic

    def handler(self, row: Row) -> Handler:
        """An emitter for one row."""
        options = {"explicit_bounds": self.explicit_bounds, "deterministic": self.deterministic}
        return Handler(row, self.addressing, self.architecture, **options)

    def text(self) -> str:
        """Handlers in the table's order, stops, bulk functions, the entry."""
        parts = [declarations(), "declare i32 @llvm.umin.i32(i32, i32)\n", alias_metadata(), METADATA]
        parts += [self.stop(status) for status in STATUSES]
        parts += [self.copy(), self.fill(), self.bulk("copy"), self.bulk("fill")]
        parts += [self.handler(row).text() for row in TABLE]
        parts += [self.landing(), self.invalid(), self.start(), self.entry()]
        return "".join(parts)

    def stop(self, status: int) -> str:
        """Write the machine's registers to the store context and return to the host."""
        e = self.handler(ROWS["halt"])
        zero, context = e.const(I32, 0), StoreContext
        for field, value in (
            (context.status, e.const(I32, status)),
            (context.pc, Value(I32, e.line("trunc i64 %pc to i32"))),
            (context.sp, e.state("sp")),
            (context.vmctx, e.state("vmctx")),
            (context.fuel, e.state("fuel")),
        ):
            e.store(Space.STORE, zero, value, field.offset)
        e.end("ret void")
        return e.function(f"stop_{STATUSES[status]}", "noinline cold nounwind")

    def landing(self) -> str:
        """Where a fault goes on."""
        e = self.handler(ROWS["halt"])
        e.trap(Cause.MEMORY_OUT_OF_BOUNDS)
        return e.function("landing")

    def invalid(self) -> str:
        """The handler of every opcode that is none."""
        e = self.handler(ROWS["halt"])
        e.trap(Cause.CORRUPT)
        return e.function("invalid")

    def copy(self) -> str:
        """Move bytes of memory whose bounds were checked, then go on."""
        e = self.handler(ROWS["halt"])
        to, source = (e.addressing.address(e.line, Space.MEMORY, e.argument(i), 0) for i in range(2))
        e.do(f"call void @llvm.memmove.p0.p0.i64(ptr {to}, ptr {source}, i64 {e.argument(2).text}, i1 false)")
        e.jump("%pc")
        return e.function("copy_bytes", "noinline nounwind")

    def fill(self) -> str:
        """Set bytes of memory whose bounds were checked, then go on."""
        e = self.handler(ROWS["halt"])
        to, byte = e.addressing.address(e.line, Space.MEMORY, e.argument(0), 0), e.pure("wrap", e.argument(1), to=I8)
        e.do(f"call void @llvm.memset.p0.i64(ptr {to}, i8 {byte.text}, i64 {e.argument(2).text}, i1 false)")
        e.jump("%pc")
        return e.function("fill_bytes", "noinline nounwind")

    def bulk(self, name: str) -> str:
        """Look up the memory, as its length was a moment ago: in the arena it may be another one than when the instance began to run."""
        e = self.handler(ROWS["halt"])
        e.tail(f"@{name}_bytes", **e.memory_of(e.state("vmctx")))
        return e.function(name, "noinline nounwind")

    def start(self) -> str:
        """Look up the memory and go on: a handler, for what the arena says may fault."""
        e = self.handler(ROWS["halt"])
        e.jump("%pc", **e.memory_of(e.state("vmctx")))
        return e.function("start", "noinline nounwind")

    def entry(self) -> str:
        """`void run(ptr base, ptr code, ptr handlers)`: go on as the store context says."""
        e = self.handler(ROWS["halt"])
        zero, context = e.const(I32, 0), StoreContext
        pc, sp, vmctx = (e.load(Space.STORE, I32, zero, f.offset) for f in (context.pc, context.sp, context.vmctx))
        wide, fuel = e.pure("extend_u", pc, to=I64), e.load(Space.STORE, I64, zero, context.fuel.offset)
        registers = {"pc": wide.text, "sp": sp.text, "vmctx": vmctx.text, "fuel": fuel.text, "fp": e.frame_pointer(sp)}
        registers |= {"memory": "null" if e.types["memory"] == "ptr" else "0", "length": "0"}
        args = ", ".join(f"{t} {registers.get(n, '%' + n)}" for n, t in e.types.items())
        e.do(f"call {CONVENTION} void @start({args})")
        e.end("ret void")
        body = "\n".join(e.lines)
        return f"define void @run(ptr %base, ptr %code, ptr %handlers) nounwind {{\n{body}\n}}\n"
