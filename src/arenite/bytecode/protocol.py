"""What a meaning may say: typed values, labels and the protocol `Emit` that the emitters (and `effects`) read meanings through.

A meaning is a Python function over `Emit`; it is run once per handler, per block or per analysis, never while a guest runs.

Example:

    def i32_add(e: Emit, a: Value, b: Value) -> Value:
        return e.pure("add", a, b)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol

from arenite.errors import InternalError
from arenite.layout.raw import RAW
from arenite.layout.records import InstanceRecord
from arenite.layout.spaces import Space
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from arenite.bytecode.row import Operand
    from arenite.bytecode.stops import Builtin
    from arenite.traps import Cause


class Type(Enum):
    """Type of a value inside a meaning: (LLVM name, bytes in memory, memoryview format)."""

    I1 = ("i1", 0, "")
    I8 = ("i8", 1, "B")
    I16 = ("i16", 2, "H")
    I32 = ("i32", 4, "I")
    I64 = ("i64", 8, "Q")
    I128 = ("i128", 16, "")
    F32 = ("float", 4, "f")
    F64 = ("double", 8, "d")
    I8X16 = ("<16 x i8>", 16, "V")
    I16X8 = ("<8 x i16>", 16, "V")
    I32X4 = ("<4 x i32>", 16, "V")
    I64X2 = ("<2 x i64>", 16, "V")
    F32X4 = ("<4 x float>", 16, "V")
    F64X2 = ("<2 x double>", 16, "V")

    def __init__(self, llvm: str, size: int, view: str) -> None:
        self.llvm = llvm
        self.size = size
        self.view = view
        self.bits = 8 * size or 1
        self.is_float = view in ("f", "d")
        self.is_vector = view == "V"


I1, I8, I16, I32, I64, I128, F32, F64, I8X16, I16X8, I32X4, I64X2, F32X4, F64X2 = Type
LANES: Final = {I8X16: I8, I16X8: I16, I32X4: I32, I64X2: I64, F32X4: F32, F64X2: F64}
"""Type of a vector, 16 bytes -> the type of its lanes.  A v128 that has no shape yet is an `I64X2`."""
REF: Final = I64 if RAW else I32
"""Of what leads to a record, or is a reference."""


@dataclass(frozen=True)
class Value:
    """A typed value as the emitter writes it: an SSA name, an expression; of a constant also its bit pattern.

    `extended`: the value zero-extended to 64 bits, where that has a spelling of its own.
    """

    type: Type
    text: str
    constant: int | None = None
    extended: str = ""


class Label(NamedTuple):
    """Where a branch goes: a pc, as an i64.  `back`: the edge closes a loop."""

    at: Value
    back: bool = False


class Code(NamedTuple):
    """Where a function reference leads: to bytecode and, where there is some, to native code, which is looked up beside it, not behind it.

    The pc and the masked code handle (i32); in the raw layout the addresses (i64).
    """

    bytecode: Value
    native: Value


class Labels(NamedTuple):
    """The labels that follow a `br_table`: the operand that counts them."""

    operand: Operand


class Memory(NamedTuple):
    """A linear memory of the instance: an access names it where others name a space.  `place`: that of its record's offset in the instance, a constant in ops for one memory.

    `area`: its checked area, which accesses to a memory but the first want to be told.
    """

    place: Value
    area: Value | None = None


def space_of(where: Space | Memory) -> Space:
    """The space of an access."""
    return Space.MEMORY if isinstance(where, Memory) else where


def is_first(memory: Memory) -> bool:
    """Whether it is memory 0, whose base and length readers keep; those of others are looked up."""
    return memory.place.constant == InstanceRecord.memory.offset


def see_first(memory: Memory) -> None:
    """Raises: `InternalError` for a memory but the first."""
    if not is_first(memory):
        raise InternalError("bytes are moved in a memory whose base no reader keeps")


Register = Literal["vmctx", "fuel", "sp", "floor"]


class Values(Protocol):
    """What computes and reads."""

    def const(self, type_: Type, n: int) -> Value:
        """The constant with bit pattern `n`."""

    def pure(self, prim: str, *args: Value, to: Type | None = None) -> Value:
        """A primitive of `bytecode.prims`; `to` for those that convert."""

    def load(self, where: Space | Memory, type_: Type, at: Value, disp: Value | int = 0) -> Value:
        """The value at `where[at + disp]`; an access to a memory traps by itself (guard page, comparison, or Python's own check)."""


class Emit(Values, Protocol):
    """Everything a meaning can say."""

    def canonical(self, value: Value) -> Value:
        """A float result: as it is, or with every NaN made the canonical one where runs must be deterministic."""

    # memory
    def store(self, where: Space | Memory, at: Value, value: Value, disp: Value | int = 0) -> None:
        """Set `where[at + disp]`."""

    def guarded(self, space: Space) -> bool:
        """Whether nothing but guard pages looks at accesses to a space: these serve addresses whose upper half is zero."""

    def copy(self, memory: Memory, to: Value, source: Value, count: Value) -> None:
        """Move `count` bytes inside a memory; bounds have been checked; ranges may overlap."""

    def fill(self, memory: Memory, to: Value, byte: Value, count: Value) -> None:
        """Set `count` bytes of a memory; bounds have been checked."""

    # machine state, the row's result
    def register(self, name: Register) -> Value:
        """A register of the machine."""

    def set_register(self, name: Register, value: Value) -> None:
        """Set a register of the machine."""

    def result(self, value: Value) -> None:
        """Write the row's destination now (a meaning's return value is written at its end)."""

    # control
    def when(self, condition: Value, *, cold: bool = False) -> AbstractContextManager[None]:
        """The only conditional; values made inside stay inside."""

    def here(self) -> Label:
        """This op."""

    def goto(self, to: Label) -> None:
        """Go on at `to`."""

    def switch(self, index: Value, to: Labels) -> None:
        """Go on at `to[index]`, or at the last one."""

    def trap(self, code: Cause) -> None:
        """End the run."""

    def pause(self, at: Label, *, owed: bool) -> None:
        """The slice of fuel is used up: stop, to go on at `at`; `owed`: the unit that could not be paid is paid then."""

    def next_pc(self) -> Value:
        """The pc of the op behind this one (i32)."""

    def enter(self, to: Label | Code, sp: Value, vmctx: Value | None) -> None:
        """Begin a call: go to the callee's first op, its frame at `sp`; `to` is a label in this instance, or a pc (i32) in that of `vmctx`."""

    def carry(self, source: Value, size: Value) -> None:
        """Copy `size` bytes of our frame, at least one slot, from byte `source` on to its beginning; `source` is `size` or more."""

    def become(self, to: Label | Code, vmctx: Value | None) -> None:
        """Begin a tail call: go to the callee's first op, its frame where ours is; `to` and `vmctx` as in `enter`."""

    def return_point(self, pc: Value) -> Value:
        """The op at which a frame may go on whose header says `pc` (i32), which is distrusted; a trap where there is none."""

    def leave(self, pc: Value, sp: Value, vmctx: Value) -> None:
        """Return to the caller: go on at the return point `pc` (i32), in its frame at `sp` and its instance."""

    def resume(self, pc: Value, sp: Value | None, vmctx: Value | None) -> None:
        """Go on at `pc` (i32), which is believed; in the frame at `sp` and the instance `vmctx`, or in those that run."""

    def stop_at(self, status: int, pc: Value) -> None:
        """Stop, as if at `pc` (i32), to go on as the row of the status says."""

    def builtin(self, builtin: Builtin, *args: Value) -> Value:
        """Ask the machine for something.  The run stops here; what the meaning says further on is for paths that did not ask.  The machine writes the result."""

    def halt(self) -> None:
        """The entry frame has returned: the run is finished."""
