"""LLVM IR text: values, memory and `when`, as every machine-code tier says them.  Subclasses add operands, state and transfers.

Invariant: what a subclass emits touches memory only through `load`, `store`, `copy` and `fill`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from arenite.bytecode.prims import PRIMS
from arenite.bytecode.protocol import (
    F32,
    F32X4,
    F64,
    F64X2,
    I1,
    I32,
    I32X4,
    I64,
    I64X2,
    LANES,
    Memory,
    Type,
    Value,
    is_first,
    space_of,
)
from arenite.bytecode.vector_prims import VECTOR_PRIMS, is_vector, lanes, llvm_facts, result_of
from arenite.emit.addressing import MEMORY, Addressing, alias_tag, widened
from arenite.errors import InternalError
from arenite.layout.frame import SLOT
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

COLD: Final = "!100"
INVARIANT: Final = "!101"
METADATA: Final = f'{COLD} = !{{!"branch_weights", i32 1, i32 100000}}\n{INVARIANT} = !{{}}\n'
CANONICAL_NAN: Final = {
    F32: (I32, 0x7F800000, 0x7FC00000),
    F64: (I64, 0x7FF0 << 48, 0x7FF8 << 48),
    F32X4: (I32X4, 0x7F800000, 0x7FC00000),
    F64X2: (I64X2, 0x7FF0 << 48, 0x7FF8 << 48),
}  # integer of the width, infinity, NaN


def declarations() -> str:
    """Every intrinsic that a primitive may call, and the library's two."""
    integers, floats = ("i8", "i16", "i32", "i64"), (("float", "f32"), ("double", "f64"))
    lines = [f"declare {t} @llvm.{n}.{t}({t}, {t}, {t})" for t in integers for n in ("fshl", "fshr")]
    lines += [f"declare {t} @llvm.{n}.{t}({t}, i1)" for t in integers for n in ("ctlz", "cttz")]
    lines += [f"declare {t} @llvm.ctpop.{t}({t})" for t in integers]
    lines += [f"declare {t} @llvm.{n}.{f}({t})" for t, f in floats for n in ("sqrt", "ceil", "floor", "trunc", "roundeven")]
    lines += [f"declare {i} @llvm.{n}.sat.{i}.{f}({t})" for t, f in floats for i in ("i32", "i64") for n in ("fptosi", "fptoui")]
    lines += ["declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"]
    return "\n".join(lines) + "\n"


class LlvmText:
    """Builds the body of one function."""

    def __init__(self, addressing: Addressing, *, explicit_bounds: bool, deterministic: bool) -> None:
        self.addressing = addressing
        self.explicit_bounds = explicit_bounds
        self.deterministic = deterministic
        self.lines: list[str] = []
        self.registers: dict[str, Value] = {}
        self.count = 0
        self.ended = False

    # text
    def line(self, text: str) -> str:
        """Emit `%n = text`; the name."""
        self.count += 1
        self.lines.append(f"  %t{self.count} = {text}")
        return f"%t{self.count}"

    def do(self, text: str) -> None:
        """Emit a statement."""
        self.lines.append("  " + text)

    def end(self, text: str) -> None:
        """Emit a terminator."""
        self.do(text)
        self.ended = True

    def block(self, name: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{name}:")
        self.ended = False

    # values
    def const(self, type_: Type, n: int) -> Value:
        """The constant with bit pattern `n`."""
        if type_.is_vector:
            lane, bits = LANES[type_], LANES[type_].bits
            parts = (self.const(lane, n >> at & (1 << bits) - 1).text for at in range(0, type_.bits, bits))
            return Value(type_, f"<{', '.join(f'{lane.llvm} {part}' for part in parts)}>", n)
        return Value(type_, str(n - (1 << type_.bits) if n >> (type_.bits - 1) & 1 else n), n)

    def pure(self, prim: str, *args: Value, to: Type | None = None) -> Value:
        """A primitive."""
        if is_vector(args, to):
            return self.vector(prim, args, to)
        p, t = PRIMS[prim], args[0].type
        r = {"same": t, "i1": I1, "last": args[-1].type}.get(p.result, to)
        assert r is not None, prim
        if r is t and prim in ("wrap", "extend_u", "extend_s"):
            return args[0]
        if prim == "extend_u" and args[0].extended and r is I64:
            return Value(I64, args[0].extended)
        f = {F32: "f32", F64: "f64"}.get(t, t.llvm)
        return Value(r, self.line(p.llvm.format(*(a.text for a in args), t=t.llvm, r=r.llvm, f=f)))

    def vector(self, prim: str, args: tuple[Value, ...], to: Type | None) -> Value:
        """A primitive on vectors."""
        p, t = VECTOR_PRIMS[prim], args[0].type
        r = result_of(p, args, to)
        if r is t and prim == "bits":
            return args[0]
        last, facts = "", llvm_facts(t, r)
        for line in p.llvm:
            last = self.line(line.format(*(a.text for a in args), _=last, **facts))
        return Value(r, last)

    def canonical(self, value: Value) -> Value:
        """One NaN only, where runs must be deterministic."""
        if not self.deterministic:
            return value
        bits, infinity, nan = CANONICAL_NAN[value.type]
        if value.type.is_vector:
            return self.canonical_lanes(value, bits, infinity, nan)
        # asked of the bits: LLVM believes that some floats, such as a square root, are never NaN
        word = self.pure("bits", value, to=bits)
        magnitude = self.pure("and", word, self.const(bits, (1 << (bits.bits - 1)) - 1))
        word = self.pure("select", self.pure("gt_u", magnitude, self.const(bits, infinity)), self.const(bits, nan), word)
        return self.pure("bits", word, to=value.type)

    def canonical_lanes(self, value: Value, bits: Type, infinity: int, nan: int) -> Value:
        """A vector of floats with the canonical NaN in the place of every lane that is one."""
        word, ones = self.pure("bits", value, to=bits), (1 << LANES[bits].bits) - 1
        magnitude = self.pure("and", word, self.lanes(bits, ones >> 1))
        is_nan = self.pure("gt_u", magnitude, self.lanes(bits, infinity))
        kept = self.pure("and", word, self.pure("xor", is_nan, self.lanes(bits, ones)))
        return self.pure("bits", self.pure("or", kept, self.pure("and", is_nan, self.lanes(bits, nan))), to=value.type)

    def lanes(self, type_: Type, n: int) -> Value:
        """The constant vector whose lanes all have the bit pattern `n`."""
        return self.const(type_, int.from_bytes(n.to_bytes(LANES[type_].size, "little") * lanes(type_), "little"))

    # memory
    def address(self, where: Space | Memory, at: Value, disp: Value | int, size: int) -> str:
        """A checked or guarded `ptr`."""
        space, constant = space_of(where), 0
        wide = space is Space.MEMORY and at.type is I64  # whose end may pass 2**64
        if isinstance(disp, int):
            constant = disp
        elif disp.constant is not None:
            constant = disp.constant
        else:
            at = self.displaced(space, at, disp)
        if self.explicit_bounds and wide:
            self.compare(at, constant + size, self.length(where))
        elif self.explicit_bounds and space is Space.MEMORY:
            last = self.line(f"add i64 {widened(self.line, at).text}, {constant + size}")
            with self.when(self.pure("gt_u", Value(I64, last), self.length(where)), cold=True):
                self.trap(Cause.MEMORY_OUT_OF_BOUNDS)
        return self.addressing.address(self.line, space, at, constant, self.base(where))

    def compare(self, at: Value, size: int, length: Value) -> None:
        """Trap unless so many bytes at an address lie within a length; this takes a register less than the end of the access does."""
        start = widened(self.line, at)
        with self.when(self.pure("gt_u", start, length), cold=True):
            self.trap(Cause.MEMORY_OUT_OF_BOUNDS)
        with self.when(self.pure("lt_u", self.pure("sub", length, start), self.const(I64, size)), cold=True):
            self.trap(Cause.MEMORY_OUT_OF_BOUNDS)

    def displaced(self, space: Space, at: Value, disp: Value) -> Value:
        """`at + disp`: 33 bits in memory, as the standard asks; modulo 2**32 elsewhere, so that it stays an arena offset."""
        if space is Space.MEMORY or at.type is I64:
            return Value(I64, self.line(f"add i64 {widened(self.line, at).text}, {widened(self.line, disp).text}"))
        return Value(I32, self.line(f"add i32 {at.text}, {disp.text}"))

    def guarded(self, space: Space) -> bool:
        """Whether an access may fault and must then be found with the machine's registers in place."""
        return space is Space.MEMORY and not self.explicit_bounds

    def probe(self, pointer: str, size: int) -> None:
        """Fault before a store does that could have written some of its bytes.  Nothing to do unless the CPU is such."""

    def pin(self) -> None:
        """Keep the machine's registers where a fault finds them.  Nothing to do unless the tier says so."""

    def load(self, where: Space | Memory, type_: Type, at: Value, disp: Value | int = 0) -> Value:
        """The value at `where[at + disp]`."""
        space = space_of(where)
        pointer = self.address(where, at, disp, type_.size)
        guarded = self.guarded(space)
        if guarded:
            self.pin()
        keep = "volatile " if guarded else ""  # a dead load must still trap
        tail = f", !invariant.load {INVARIANT}" if space is Space.RETURNS else alias_tag(space)
        align = 1 if space is Space.MEMORY else 4 if space is Space.ARENA else min(type_.size, 8)
        value = Value(type_, self.line(f"load {keep}{type_.llvm}, ptr {pointer}, align {align}{tail}"))
        if guarded:
            self.pin()
        return value

    def store(self, where: Space | Memory, at: Value, value: Value, disp: Value | int = 0) -> None:
        """Set `where[at + disp]`."""
        space = space_of(where)
        pointer = self.address(where, at, disp, value.type.size)
        guarded = self.guarded(space)
        if guarded:
            self.pin()
            self.probe(pointer, value.type.size)
        keep = "volatile " if guarded else ""
        align = 1 if space is Space.MEMORY else 4 if space is Space.ARENA else min(value.type.size, 8)
        self.do(f"store {keep}{value.type.llvm} {value.text}, ptr {pointer}, align {align}{alias_tag(space)}")
        if guarded:
            self.pin()

    def carry(self, source: Value, size: Value) -> None:
        """A loop, from the last slot to the first; volatile, or LLVM would make a call of it, which needs the machine stack."""
        first, end = self.addressing.address(self.line, Space.FRAME, source, 0), widened(self.line, size).text
        self.count += 1
        n, tag = self.count, alias_tag(Space.FRAME)
        self.do(f"br label %before{n}")
        self.block(f"before{n}")
        self.do(f"br label %carry{n}")
        self.block(f"carry{n}")
        self.do(f"%left{n} = phi i64 [{end}, %before{n}], [%at{n}, %carry{n}]")
        self.do(f"%at{n} = sub i64 %left{n}, {SLOT}")
        slot = self.line(f"load volatile i64, ptr {self.line(f'getelementptr i8, ptr {first}, i64 %at{n}')}, align 8{tag}")
        self.do(f"store volatile i64 {slot}, ptr {self.line(f'getelementptr i8, ptr %fp, i64 %at{n}')}, align 8{tag}")
        self.do(f"br i1 {self.line(f'icmp eq i64 %at{n}, 0')}, label %carried{n}, label %carry{n}")
        self.block(f"carried{n}")

    @contextmanager
    def when(self, condition: Value, *, cold: bool = False) -> Iterator[None]:
        """Two blocks; registers set inside are forgotten behind it."""
        self.count += 1
        then, after = f"then{self.count}", f"after{self.count}"
        self.do(f"br i1 {condition.text}, label %{then}, label %{after}" + (f", !prof {COLD}" if cold else ""))
        self.block(then)
        saved = dict(self.registers)
        yield
        if not self.ended:
            assert self.registers == saved, "a register set inside `when` must not come out of it"
            self.do(f"br label %{after}")
        self.registers = saved
        self.block(after)

    def base(self, where: Space | Memory) -> str:
        """What is carried for a memory; of one whose base no register has, its reader knows."""
        if isinstance(where, Memory) and not is_first(where):
            raise InternalError("an access to a memory whose base no reader keeps")
        return MEMORY

    def length(self, where: Space | Memory) -> Value:  # noqa: ARG002 (as `base`)
        """Bytes of a memory, where bounds are explicit."""
        return Value(I64, "%length")

    def trap(self, code: Cause) -> None:
        """End the run: how, is the tier's affair; values alone have no way to."""
        raise InternalError(f"a trap ({code.message}) outside of any handler")

    def slot_bits(self, value: Value) -> Value:
        """What a value looks like in its 8-byte slot: bits, zero-extended; a vector in both of its slots."""
        if value.type.is_vector:
            return self.pure("bits", value, to=I64X2)
        if value.type.is_float:
            value = self.pure("bits", value, to=I32 if value.type is F32 else I64)
        return value if value.type is I64 else self.pure("extend_u", value, to=I64)
