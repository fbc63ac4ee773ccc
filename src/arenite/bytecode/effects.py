"""What an op does beside computing, found by running its meaning: a row never declares it.

`Recorder` is an `Emit` that renders nothing: it checks the types of what a meaning says and remembers traps, accesses and transfers.

Example:  effects(ROWS["i32.div_u"]).traps == {Cause.INTEGER_DIVISION_BY_ZERO}
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from arenite.bytecode.calls import mapped
from arenite.bytecode.prims import PRIMS
from arenite.bytecode.protocol import (
    F32X4,
    F64X2,
    I1,
    I32,
    I64,
    I64X2,
    REF,
    Code,
    Label,
    Labels,
    Memory,
    Register,
    Type,
    Value,
    space_of,
)
from arenite.bytecode.row import BRANCHES, SLOTS, Form
from arenite.bytecode.stops import Builtin
from arenite.bytecode.vector_prims import VECTOR_PRIMS, is_vector, result_of
from arenite.errors import InternalError
from arenite.layout.spaces import Space
from arenite.light import NamedTuple
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Operand, Row

FLOAT_VECTORS: Final = (F32X4, F64X2)


class Effects(NamedTuple):
    """`transfers`: where control may go but to the next op (`goto`, `call`, `tail call`, `return`, `trap`, `pause`, `builtin`, `host`,
    `halt`, `search`, `stop`).  `builtin`: what the machine may be asked for.

    `result`: the type written to the destination; `ends`: control never simply goes on at the next op.
    """

    traps: frozenset[Cause]
    reads: frozenset[Space]
    writes: frozenset[Space]
    transfers: frozenset[str]
    result: Type | None
    ends: bool
    builtin: Builtin | None = None

    @property
    def calls(self) -> bool:
        """A function is entered, so a label of the op is that function's."""
        return not self.transfers.isdisjoint(("call", "tail call"))

    @property
    def pure(self) -> bool:
        """The op computes, and does nothing else."""
        return not (self.traps or self.reads or self.writes or self.transfers)


@dataclass
class Recorder:
    """An `Emit` that remembers."""

    traps: set[Cause] = field(default_factory=set)
    reads: set[Space] = field(default_factory=set)
    writes: set[Space] = field(default_factory=set)
    transfers: set[str] = field(default_factory=set)
    written: Type | None = None
    depth: int = 0
    ended: bool = False
    asked: Builtin | None = None

    def const(self, type_: Type, n: int) -> Value:
        """Constants are bit patterns."""
        if not 0 <= n < 1 << type_.bits or type_.is_float:
            raise InternalError(f"{n} is no bit pattern of {type_.llvm}")
        return Value(type_, "", n)

    def pure(self, prim: str, *args: Value, to: Type | None = None) -> Value:
        """Operands agree in type, as the primitive's result rule asks."""
        vector = is_vector(args, to)
        rule = (VECTOR_PRIMS if vector else PRIMS)[prim].result
        same = args[1:] if prim == "select" else args
        if len({a.type for a in same}) != 1 or (prim == "select" and args[0].type is not I1):
            raise InternalError(f"{prim} of {', '.join(a.type.llvm for a in args)}")
        if (to is None) == (rule == "to"):
            raise InternalError(f"{prim}: the result's type is {'missing' if to is None else 'given'}")
        if vector:
            return Value(result_of(VECTOR_PRIMS[prim], args, to), "")
        types = {"same": args[0].type, "i1": I1, "last": args[-1].type}
        return Value(to or types[rule], "")

    def canonical(self, value: Value) -> Value:
        """Floats only."""
        if not value.type.is_float and value.type not in FLOAT_VECTORS:
            raise InternalError(f"a canonical {value.type.llvm}")
        return value

    def access(self, where: Space | Memory, at: Value, disp: Value | int) -> Space:
        """The space.  An offset is an i32, or an i64 in memory, where it was checked; a displacement is an i32."""
        space = space_of(where)
        allowed = (I32, I64) if space in (Space.MEMORY, Space.STORE) else (REF,) if space is Space.ARENA else (I32,)
        if at.type not in allowed or (isinstance(disp, Value) and disp.type is not I32):
            raise InternalError(f"an access to {space.value} at an {at.type.llvm}")
        if space is Space.MEMORY:
            self.traps.add(Cause.MEMORY_OUT_OF_BOUNDS)
        return space

    def load(self, where: Space | Memory, type_: Type, at: Value, disp: Value | int = 0) -> Value:
        """A read."""
        self.reads.add(self.access(where, at, disp))
        return Value(type_, "")

    def store(self, where: Space | Memory, at: Value, value: Value, disp: Value | int = 0) -> None:
        """A write."""
        if value.type is I1:
            raise InternalError("an i1 is stored")
        self.writes.add(self.access(where, at, disp))

    def guarded(self, space: Space) -> bool:
        """Somewhere."""
        return space is Space.MEMORY

    def copy(self, memory: Memory, to: Value, source: Value, count: Value) -> None:
        """A read and a write of memory."""
        self.bulk(memory, to, source, count)
        self.reads.add(space_of(memory))

    def fill(self, memory: Memory, to: Value, byte: Value, count: Value) -> None:
        """A write of memory."""
        if byte.type.bits != 8:
            raise InternalError(f"memory is filled with an {byte.type.llvm}")
        self.bulk(memory, to, count)

    def bulk(self, memory: Memory, *offsets: Value) -> None:
        """Offsets and counts are wide."""
        if any(x.type is not I64 for x in offsets):
            raise InternalError("a bulk operation's bounds are not i64")
        self.writes.add(space_of(memory))

    def register(self, name: Register) -> Value:
        """A register."""
        return Value(I64 if name in ("fuel", "floor") else REF, "")

    def set_register(self, name: Register, value: Value) -> None:
        """A register."""
        if value.type is not self.register(name).type:
            raise InternalError(f"{name} = {value.type.llvm}")

    def result(self, value: Value) -> None:
        """The destination is written once."""
        if self.written is not None:
            raise InternalError("two results")
        self.written = I64X2 if value.type.is_vector else value.type

    @contextmanager
    def when(self, condition: Value, *, cold: bool = False) -> Iterator[None]:  # noqa: ARG002
        """What is inside may happen."""
        if condition.type is not I1:
            raise InternalError(f"a condition of type {condition.type.llvm}")
        self.depth += 1
        yield
        self.depth -= 1

    def transfer(self, how: str) -> None:
        """Control goes elsewhere."""
        self.transfers.add(how)
        self.ended |= self.depth == 0

    def here(self) -> Label:
        """This op."""
        return Label(Value(I64, ""))

    def goto(self, to: Label) -> None:  # noqa: ARG002
        """A branch."""
        self.transfer("goto")

    def switch(self, index: Value, to: Labels) -> None:  # noqa: ARG002
        """A branch."""
        self.transfer("goto")

    def trap(self, code: Cause) -> None:
        """A trap."""
        self.traps.add(code)
        self.transfer("trap")

    def pause(self, at: Label, *, owed: bool) -> None:  # noqa: ARG002
        """A stop that the run goes on from."""
        self.transfer("pause")

    def next_pc(self) -> Value:
        """A pc."""
        return Value(I32, "")

    def enter(self, to: Label | Code, sp: Value, vmctx: Value | None) -> None:
        """A call; what the callee does is not this op's effect."""
        if sp.type is not REF or isinstance(to, Label) != (vmctx is None):
            raise InternalError("a call of a wrong shape")
        self.transfer("call")

    def carry(self, source: Value, size: Value) -> None:
        """The frame's slots."""
        if source.type is not I32 or size.type is not I32:
            raise InternalError("slots are carried from or so far as something that is no u32")
        self.reads.add(Space.FRAME)
        self.writes.add(Space.FRAME)

    def become(self, to: Label | Code, vmctx: Value | None) -> None:
        """A tail call; what the callee does is not this op's effect."""
        if isinstance(to, Label) != (vmctx is None):
            raise InternalError("a tail call of a wrong shape")
        self.transfer("tail call")

    def return_point(self, pc: Value) -> Value:
        """Looked up."""
        return mapped(self, pc)

    def leave(self, pc: Value, sp: Value, vmctx: Value) -> None:
        """A return."""
        if (pc.type, sp.type, vmctx.type) != (I32, REF, REF):
            raise InternalError("a return of a wrong shape")
        self.transfer("return")

    def resume(self, pc: Value, sp: Value | None, vmctx: Value | None) -> None:
        """A search for a handler begins, goes on, or has come to its end."""
        if pc.type is not I32 or any(x is not None and x.type is not REF for x in (sp, vmctx)):
            raise InternalError("a search of a wrong shape")
        self.transfer("search")

    def stop_at(self, status: int, pc: Value) -> None:
        """A stop that is no op's own."""
        if pc.type is not I32:
            raise InternalError("a stop at no pc")
        if status in [*map(int, Cause)]:
            self.traps.add(Cause(status))
        self.transfer("stop")

    def builtin(self, builtin: Builtin, *args: Value) -> Value:
        """The machine may do anything to memory and the arena."""
        if [a.type for a in args] != [a.type for a in builtin.arguments]:
            raise InternalError(f"builtin {builtin.name} of {', '.join(a.type.llvm for a in args)}")
        self.reads |= {Space.ARENA, Space.MEMORY}
        self.writes |= {Space.ARENA, Space.MEMORY}
        self.asked = builtin
        self.transfer("host" if builtin is Builtin.HOST_CALL else "builtin")
        return Value(builtin.result or I32, "")

    def halt(self) -> None:
        """The end."""
        self.transfer("halt")


def _stand_in(e: Recorder, row: Row, operand: Operand) -> Value | Label | Labels | Memory:
    constant = row.constant(e, operand)
    if constant is not None:
        return constant
    if operand.form is Form.LABELS:
        return Labels(operand)
    if operand.form in BRANCHES:
        return Label(Value(I64, ""), back=operand.form is Form.LOOP)
    return operand.received(Value(operand.type, ""))


def effects(row: Row) -> Effects:
    """The effects of an op.

    Raises: `InternalError` when the meaning contradicts itself or the row's signature.
    """
    e = Recorder()
    value = row.meaning(e, *(_stand_in(e, row, operand) for operand in row.operands))
    asked = e.transfers & {"builtin", "host"}
    ends = e.ended and e.transfers != asked
    helped = bool(asked) and row.result is None
    if value is not None and not helped:
        e.result(value)
    declared = None if row.result is None else SLOTS[row.result]
    if e.written is not declared:
        found, wanted = (t.llvm if t else "nothing" for t in (e.written, declared))
        raise InternalError(f"{row.name} gives {found}, its row says {wanted}")
    return Effects(frozenset(e.traps), frozenset(e.reads), frozenset(e.writes), frozenset(e.transfers), e.written, ends, e.asked)
