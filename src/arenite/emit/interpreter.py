"""The whole interpreter as LLVM IR: a handler per row; stops, bulk functions and the entry, which belong to no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.ops import TABLE
from arenite.bytecode.protocol import I8, I32, I64, Value
from arenite.bytecode.stops import FAULT, HOT
from arenite.emit import raw
from arenite.emit.addressing import alias_metadata
from arenite.emit.handler import Handler
from arenite.emit.llvm_text import METADATA, declarations
from arenite.emit.routine import CONVENTION, PC, STATUS_LABELS, Routine
from arenite.emit.vector_text import definitions
from arenite.layout.raw import GRAIN, LEAST, RAW
from arenite.layout.records import StoreContext
from arenite.layout.side_tables import COUNT_ONE
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.bytecode.row import Row
    from arenite.emit.addressing import Addressing
    from arenite.platform.architectures import Architecture


class Interpreter:
    """The interpreter's IR: `text()`."""

    def __init__(
        self, addressing: Addressing, architecture: Architecture, *, explicit_bounds: bool = False, deterministic: bool = False
    ) -> None:
        self.addressing = addressing
        self.architecture = architecture
        self.explicit_bounds = explicit_bounds
        self.deterministic = deterministic

    def routine(self) -> Routine:
        """An emitter for what belongs to no row."""
        options = {"explicit_bounds": self.explicit_bounds, "deterministic": self.deterministic}
        return Routine(self.addressing, self.architecture, **options)

    def handler(self, row: Row) -> Handler:
        """An emitter for one row."""
        options = {"explicit_bounds": self.explicit_bounds, "deterministic": self.deterministic}
        return Handler(row, self.addressing, self.architecture, **options)

    def text(self) -> str:
        """Handlers in the table's order, stops, bulk functions, the entry."""
        parts = [
            declarations(),
            "declare i32 @llvm.umin.i32(i32, i32)\n",
            definitions(self.architecture),
            alias_metadata(),
            METADATA,
        ]
        parts += [self.stop(status) for status in STATUS_LABELS]
        parts += [self.copy(), self.fill(), self.bulk("copy"), self.bulk("fill")]
        parts += [self.handler(row).text() for row in TABLE]
        parts += [self.landing(), self.invalid(), self.start(), self.entry()]
        parts += [self.dispatch(), self.compiled(), self.counting(), self.landing_compiled()]
        return "".join(parts)

    def stop(self, status: int) -> str:
        """Write the machine's registers to the store context and return to the host."""
        e = self.routine()
        zero, context = e.const(I32, 0), StoreContext
        for field, value in (
            (context.status, e.const(I32, status)),
            (context.pc, Value(I32, e.line("trunc i64 %pc to i32"))),
            (context.sp, e.pure("wrap", e.register("sp"), to=I32)),
            (context.vmctx, e.pure("wrap", e.register("vmctx"), to=I32)),
            (context.fuel, e.register("fuel")),
        ):
            e.store(Space.STORE, zero, value, field.offset)
        e.end("ret void")
        return e.function(f"stop_{STATUS_LABELS[status]}", "noinline cold nounwind")

    def landing(self) -> str:
        """Where a fault goes on."""
        e = self.routine()
        e.trap(Cause.MEMORY_OUT_OF_BOUNDS)
        return e.function("landing")

    def invalid(self) -> str:
        """The handler of every opcode that is none."""
        e = self.routine()
        e.trap(Cause.CORRUPT)
        return e.function("invalid")

    def copy(self) -> str:
        """Move bytes of memory whose bounds were checked, then go on."""
        e = self.routine()
        to, source = (e.addressing.address(e.line, Space.MEMORY, e.argument(i), 0) for i in range(2))
        e.do(f"call void @llvm.memmove.p0.p0.i64(ptr {to}, ptr {source}, i64 {e.argument(2).text}, i1 false)")
        e.jump(PC)
        return e.function("copy_bytes", "noinline nounwind")

    def fill(self) -> str:
        """Set bytes of memory whose bounds were checked, then go on."""
        e = self.routine()
        to, byte = e.addressing.address(e.line, Space.MEMORY, e.argument(0), 0), e.pure("wrap", e.argument(1), to=I8)
        e.do(f"call void @llvm.memset.p0.i64(ptr {to}, i8 {byte.text}, i64 {e.argument(2).text}, i1 false)")
        e.jump(PC)
        return e.function("fill_bytes", "noinline nounwind")

    def bulk(self, name: str) -> str:
        """Look up the memory, as its length was a moment ago: in the arena it may be another one than when the instance began to run."""
        e = self.routine()
        e.to(f"{name}_bytes", **e.memory_of(e.register("vmctx")))
        return e.function(name, "noinline nounwind")

    def start(self) -> str:
        """Look up the memory and go on: a handler, for what the arena says may fault."""
        e = self.routine()
        if RAW:  # a host function has a number
            with e.when(e.pure("lt_u", e.register("vmctx"), e.const(I64, GRAIN))):
                e.jump(PC)
        e.jump(PC, **e.memory_of(e.register("vmctx")))
        return e.function("start", "noinline nounwind")

    def dispatch(self) -> str:
        """Go on in the interpreter: where compiled code leaves to what is not compiled."""
        e = self.routine()
        e.jump(PC)
        return e.function("dispatch")

    def compiled(self) -> str:
        """The handler of `ENTER_COMPILED`: go on in the compiled code of the op; again, if another CPU has shown the opcode before the entry."""
        e = self.routine()
        entry = e.machine_code(Space.ENTRIES, PC)
        with e.when(Value(I64, e.line(f"icmp eq ptr {entry}, null")), cold=True):
            e.jump(PC)
        e.tail(entry)
        return e.function("compiled")

    def counting(self) -> str:
        """The handler of `COUNTING`: count, then do what the op in its place does; when that has been often, let the tier know."""
        e = self.routine()
        at = e.element_at(Space.COUNTERS, PC)
        left = e.pure("sub", e.load(Space.COUNTERS, I32, at), e.const(I32, COUNT_ONE))
        e.store(Space.COUNTERS, at, left)
        with e.when(e.pure("lt_u", left, e.const(I32, COUNT_ONE)), cold=True):
            e.stop(HOT)
        e.tail(e.handler(e.line(f"trunc i32 {left.text} to i16")))
        return e.function("counting")

    def landing_compiled(self) -> str:
        """Where a fault of compiled code goes on; the pc is the instruction's address."""
        e = self.routine()
        e.stop(FAULT)
        return e.function("landing_compiled")

    def entry(self) -> str:
        """`void run(ptr to {base, code, handlers})`: go on as the store context says.  One argument, since each costs Python some time."""
        e = self.routine()
        zero, context = e.const(I32, 0), StoreContext
        pc, sp, vmctx = (e.load(Space.STORE, I32, zero, f.offset) for f in (context.pc, context.sp, context.vmctx))
        if RAW:
            sp, vmctx = raw.absolute(e.line, sp), raw.absolute(e.line, vmctx, least=LEAST)
        wide, fuel = e.pure("extend_u", pc, to=I64), e.load(Space.STORE, I64, zero, context.fuel.offset)
        registers = {"pc": wide.text, "sp": sp.text, "vmctx": vmctx.text, "fuel": fuel.text, "fp": e.frame_pointer(sp)}
        registers |= {"memory": "null" if e.types["memory"] == "ptr" else "0", "length": "0"}
        args = ", ".join(f"{t} {registers.get(n, '%' + n)}" for n, t in e.types.items())
        e.do(f"call {CONVENTION} void @start({args})")
        e.end("ret void")
        body = "\n".join(e.lines)
        loads = "\n".join(
            f"%{name}.at = getelementptr ptr, ptr %pointers, i64 {n}\n%{name} = load ptr, ptr %{name}.at"
            for n, name in enumerate(("base", "code", "handlers"))
        )
        return f"define void @run(ptr %pointers) nounwind {{\n{loads}\n{body}\n}}\n"
