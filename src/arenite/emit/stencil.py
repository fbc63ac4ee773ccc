"""A stencil of a row: its machine code with holes where an op's operands belong ("Copy-and-patch compilation", Xu and Kjolstad, OOPSLA 2021).

The same meanings as a handler's; only operands and ways out are spelled otherwise.  An operand is a *hole* (`emit.hole`).  A way out is a
tail call of an external symbol:

    next          the op behind this one            stop_…        a stop of the interpreter, at this op; stop_….to: at the label
    to, callee    the op's label                    start, …      a routine of the interpreter
    labels        a table of i32: from its beginning to each label's code

Registers are the interpreter's, but `pc`, which holds nothing: what leaves for a stop or for the interpreter sets it.  Some more, the
*accumulators*, carry results to later ops, beside their slots: the 8 bytes of a slot, or an f64.  A row has a *variant* for each way of using them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from arenite.bytecode.effects import effects
from arenite.bytecode.ops import ROWS, TABLE
from arenite.bytecode.protocol import F32, F64, I32, I64, Code, Label, Labels, Type, Value
from arenite.bytecode.row import Form, Operand
from arenite.emit import raw
from arenite.emit.addressing import alias_metadata, alias_tag
from arenite.emit.hole import SPELLINGS
from arenite.emit.llvm_text import METADATA, declarations
from arenite.emit.op import OpRoutine
from arenite.emit.routine import CONVENTION, PC, PINNED, STATUS_LABELS
from arenite.emit.vector_text import definitions
from arenite.layout.cage import UNIT
from arenite.layout.raw import RAW
from arenite.layout.side_tables import COMPILABLE_MAX
from arenite.layout.spaces import Space
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Row
    from arenite.emit.addressing import Addressing
    from arenite.emit.hole import Spelling
    from arenite.platform.architectures import Architecture

WORDS: Final = ("acc0", "acc1")
FLOATS: Final = ("facc0",)
ACCUMULATORS: Final = dict.fromkeys(WORDS, "i64") | dict.fromkeys(FLOATS, "double")
NEXT, TO, CALLEE = "next", "to", "callee"  # ways out to other stencils
TOGETHER: Final = 2  # operands that one variant takes from accumulators


@dataclass(frozen=True)
class Symbol(Value):
    """A symbol that stands for a label's machine code, where a handler has its pc."""


class Variant(NamedTuple):
    """The operands that come in accumulators (name, accumulator), and the one that the result goes to beside its slot."""

    sources: tuple[tuple[str, str], ...] = ()
    result: str = ""

    def symbol(self, row: Row) -> str:
        """The stencil's name in the object."""
        return f"op {row.name}|{'+'.join(f'{name}={where}' for name, where in self.sources)}|{self.result}"


def takes(row: Row) -> list[tuple[str, str]]:
    """Operands that may come in accumulators: (name, accumulator)."""
    found, stores = [], Space.MEMORY in effects(row).writes
    for o in row.operands:
        if o.form is Form.SLOT and not o.type.is_vector and o.name not in row.fixed:
            found += [(o.name, where) for where in WORDS]
            if o.type is F64 or o.role == "any" or (o.type is I64 and stores):  # an f64 is stored as the i64 that its bits are
                found += [(o.name, where) for where in FLOATS]
    return found


def gives(row: Row) -> tuple[str, ...]:
    """The accumulators that the result may go to."""
    if row.destination is None or row.destination.type.is_vector or effects(row).builtin is not None:
        return ()
    return FLOATS if row.destination.type is F64 else WORDS


def forgets(row: Row) -> bool:
    """Whether the op loses what accumulators hold: looking up a memory takes their registers, as a stencil has nothing on the stack.

    An access of memory 0 has the memory in a register, and looks its length up alone.
    """
    found = effects(row)
    looks_up = Space.ARENA in found.reads and Space.MEMORY in found.reads | found.writes
    return looks_up and (found.builtin is not None or "memory" not in row.fixed)


def variants(row: Row, *, plain: bool = False) -> Iterator[Variant]:
    """All of a row, those with the same sources behind each other; `plain`: only the one that leaves accumulators alone."""
    if plain:
        yield Variant()
        return
    single = takes(row)
    pairs = [pair for pair in combinations(single, TOGETHER) if pair[0][0] != pair[1][0]]
    for sources in ((), *((source,) for source in single), *pairs):
        for result in gives(row) or ("",):
            yield Variant(sources, result)


class Stencil(OpRoutine):
    """The stencil of a variant of a row; `spelling`, of the module's holes, gets to know its own."""

    def __init__(
        self,
        row: Row,
        addressing: Addressing,
        architecture: Architecture,
        variant: Variant,
        spelling: Spelling,
        *,
        explicit_bounds: bool,
        deterministic: bool,
    ) -> None:
        super().__init__(row, addressing, architecture, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self.variant = variant
        self.spelling = spelling
        self.volatile = spelling.volatile
        self.sources = dict(variant.sources)
        self.found = ""  # machine code that was looked up, for a call or a return
        self.may_be_null = False
        self.types = self.types | ACCUMULATORS
        self.passed = {name: "poison" if forgets(row) else f"%{name}" for name in ACCUMULATORS}

    pinned = tuple(name for name in PINNED if name != "pc")

    # holes
    def hole(self, name: str, kind: str, type_: Type = I64) -> str:
        """What belongs there."""
        return self.spelling.number(self.line, name, kind, type_)

    def opaque(self, name: str, kind: str, type_: Type = I64) -> str:
        """What belongs there, by an instruction of which LLVM knows nothing."""
        return self.spelling.opaque(self.line, name, kind, type_)

    def slot_offset(self, operand: Operand, type_: Type = I64) -> str:
        """A hole for 16 bits."""
        if type_ is I64:
            spelled = self.spelling.pair if operand.type.is_vector else self.spelling.slot
            return spelled(self.line, operand.name)
        return self.hole(f"slot.{operand.name}.u16", "u16", type_)

    def number(self, operand: Operand) -> Value:
        """A hole as wide as the operand, unless its number is never so large."""
        type_ = operand.type
        if operand.form is Form.IMMEDIATE:
            kind = {2: "i16", 4: "i32"}[operand.size] if type_ is I32 else {2: "s32", 8: "i64"}[operand.size]
        elif operand.size < I32.size:
            kind = "u16"
        else:
            kind = "u32" if operand.role == "offset" else "u30"
        name = f"number.{operand.name}.{kind}"
        if type_ is I64:
            return Value(I64, self.opaque(name, kind))
        return Value(
            I32, self.hole(name, kind, I32), extended=self.hole(name, kind) if kind in {"u16", "u30"} else self.opaque(name, kind)
        )

    def label(self, operand: Operand) -> Value:
        """Not a number: where control goes."""
        del operand
        return Symbol(I64, CALLEE if effects(self.row).calls else TO)

    def behind(self) -> Value:
        """A hole."""
        return Value(I64, self.hole("behind", "u30"))

    def next_pc(self) -> Value:
        """A hole."""
        return Value(I32, self.hole("behind", "u30", I32), extended=self.behind().text)

    # values in registers
    def read(self, operand: Operand) -> Value:
        """Out of the slot, or an accumulator."""
        where, type_ = self.sources.get(operand.name), operand.type
        if where is None:
            return super().read(operand)
        if where in FLOATS:
            return Value(F64, f"%{where}") if type_ is F64 else Value(I64, self.line(f"bitcast double %{where} to i64"))
        if type_ is I64:
            return Value(I64, f"%{where}")
        if type_ is F64:
            return Value(F64, self.line(f"bitcast i64 %{where} to double"))
        low = self.line(f"trunc i64 %{where} to i32")
        return Value(I32, low) if type_ is I32 else Value(F32, self.line(f"bitcast i32 {low} to float"))

    def result(self, value: Value) -> None:
        """To the slot and to its accumulator."""
        bits, to = self.slot_bits(value), self.variant.result
        word = bits.text
        if to in WORDS:
            self.passed[to] = word
        elif to:
            self.passed[to] = value.text if value.type is F64 else self.line(f"bitcast i64 {word} to double")
        self.write(bits)

    # what leaves
    def tail(self, target: str, **registers: str) -> None:
        """Without accumulators, of which the interpreter knows nothing."""
        super().tail(target, **dict.fromkeys(("pc", *ACCUMULATORS), "poison") | registers)

    def to(self, routine: str, **registers: str) -> None:
        """Leave to a routine of the interpreter or, with the accumulators, to another stencil."""
        self.spelling.holes[routine] = "code"
        super().to(routine, **(self.passed if routine in (NEXT, TO) else {}) | registers)

    def stop(self, status: int, pc: Value = PC) -> None:
        """Through what sets the pc."""
        self.to(f"stop_{STATUS_LABELS[status]}{'.to' if isinstance(pc, Symbol) else ''}")

    def proceed(self) -> None:
        """Fall into the next one."""
        self.to(NEXT)

    def jump(self, pc: Value, **registers: str) -> None:
        """Go on at a label; or at a pc that the machine has, by the table of entries, and in the interpreter where that has none."""
        if isinstance(pc, Symbol):
            self.to(pc.text, **registers)
            return
        if not self.found:
            self.look_up(Space.ENTRIES, pc)
        if self.may_be_null:
            with self.when(self.is_null(), cold=True):
                self.to("dispatch", pc=pc.text, **registers)
        passed = {"pc": pc.text} if RAW else {}  # where native code is a way into the interpreter
        self.tail(self.found, **passed, **registers)

    def look_up(self, table: Space, key: Value) -> None:
        """Find machine code: where `jump` goes on."""
        self.found, self.may_be_null = self.machine_code(table, key), True

    def is_null(self) -> Value:
        """Whether none was found."""
        return Value(I64, self.line(f"icmp eq ptr {self.found}, null"))

    def enter(self, to: Label | Code, sp: Value | None, vmctx: Value | None) -> None:
        """To the callee's code, where the machine has its address."""
        if isinstance(to, Code):
            if RAW:
                self.found = raw.pointer(self.line, to.native)
            else:
                self.look_up(Space.FUNCTIONS, self.pure("extend_u", to.native, to=I64))
        super().enter(to, sp, vmctx)

    def return_point(self, pc: Value) -> Value:
        """By the table of return points in compiled code; what is none, the interpreter's handler of this op knows."""
        with self.when(self.pure("ge_u", pc, self.const(I32, COMPILABLE_MAX)), cold=True):
            self.to("this")
        point = self.pure("and", pc, self.const(I32, -UNIT & 0xFFFFFFFF))
        wide = self.pure("extend_u", point, to=I64)
        self.look_up(Space.RETURN_ADDRESSES, wide)
        with self.when(self.is_null(), cold=True):
            self.to("this")
        self.may_be_null = False
        return Value(I32, point.text, extended=wide.text)

    def leave(self, pc: Value, sp: Value, vmctx: Value) -> None:
        """To the code that was looked up."""
        self.go(Value(I64, pc.extended), sp, vmctx)

    def resume(self, pc: Value, sp: Value | None, vmctx: Value | None) -> None:
        """The machine's own ops are in the interpreter."""
        if sp is None:
            self.to("dispatch", pc=self.pure("extend_u", pc, to=I64).text)
        else:
            super().resume(pc, sp, vmctx)

    def stop_at(self, status: int, pc: Value) -> None:
        """What stops elsewhere the interpreter's handler of this op does, from the beginning."""
        del status, pc
        self.to("this", fuel="%fuel")

    def switch(self, index: Value, to: Labels) -> None:
        """By a table of the function's own."""
        del to
        self.spelling.holes["labels"] = "table"
        last = self.hole("last", "u16", I32)
        chosen = self.line(f"call i32 @llvm.umin.i32(i32 {index.text}, i32 {last})")
        step = self.line(f"getelementptr i32, ptr @labels, i64 {self.line(f'zext i32 {chosen} to i64')}")
        way = self.line(f"sext i32 {self.line(f'load i32, ptr {step}, align 4')} to i64")
        self.tail(self.line(f"getelementptr i8, ptr @labels, i64 {way}"), **self.passed)

    def text(self) -> str:
        """The whole function.  `optsize`: a way out under a condition is one conditional jump then."""
        self.body()
        return self.function(f'"{self.variant.symbol(self.row)}"', "nounwind optsize", align=1)


def _stub_stop(e: Stencil) -> None:
    """Sets the pc and leaves to a routine."""
    e.to("stop", pc=e.hole("here", "u30"))


def _stub_call(e: Stencil) -> None:
    """Goes on at a pc."""
    e.jump(Value(I64, e.hole("here", "u30")))


def _load(e: Stencil) -> None:
    """Brings a slot into an accumulator."""
    pointer = e.line(f"getelementptr i8, ptr %fp, i64 {e.spelling.slot(e.line, 'any')}")
    e.passed[WORDS[0]] = e.line(f"load {e.volatile}i64, ptr {pointer}, align 8{alias_tag(Space.FRAME)}")
    e.proceed()


STUBS: Final = {"stub stop": _stub_stop, "stub call": _stub_call, "load": _load}
"""Stencils that are no op's, in the order in which the table has them."""


def stencils(
    addressing: Addressing,
    architecture: Architecture,
    *,
    explicit_bounds: bool,
    deterministic: bool,
    plain: bool = False,
    draft: int = 0,
) -> tuple[str, Spelling]:
    """The IR of all stencils, of each row in the table's order each variant, and how holes are spelled there; `plain`, `draft`: as those say."""
    options = {"explicit_bounds": explicit_bounds, "deterministic": deterministic}
    spelled = SPELLINGS[architecture.name](draft)
    bodies, types = [], {}
    for name, write in STUBS.items():
        stub = Stencil(ROWS["halt"], addressing, architecture, Variant(), spelled, **options)
        write(stub)
        bodies.append(stub.function(f'"{name}"', "nounwind optsize", align=1))
    for row in TABLE:
        for variant in variants(row, plain=plain):
            stencil = Stencil(row, addressing, architecture, variant, spelled, **options)
            bodies.append(stencil.text())
            types = stencil.types
    parts = [declarations(), "declare i32 @llvm.umin.i32(i32, i32)\n", definitions(architecture)]
    parts += [alias_metadata(), METADATA, spelled.declarations()]
    for name, kind in sorted(spelled.holes.items()):
        if kind == "code":
            parts.append(f"declare {CONVENTION} void @{name}({', '.join(types.values())})\n")
        elif kind == "table":
            parts.append(f"@{name} = external hidden global i8\n")
    return "".join(parts + bodies), spelled
