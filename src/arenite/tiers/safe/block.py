"""Superblocks: the straight line of ops from a pc, as one Python function.

    def block(sp, vmctx, fuel):
        q = sp >> 3
        Q[q + 2] = i2 = i1 + 1 & 4294967295
        …
        return pc, sp, vmctx, fuel

A block goes on behind conditional branches that are not taken, and ends at an unconditional transfer, before a loop, or after `LONGEST`
ops.  A branch to its own start is a loop inside the function.

Invariants:
- every slot is written to the arena at once, so the arena is canonical wherever the block leaves or an access raises;
- a slot's value is kept in a Python local beside it, one per (slot, type): `i2 q2 f2 d2`; reading another type reads the arena again;
- an i32 is read through a 4-byte view, so a damaged upper half makes no value that is out of range;
- line numbers lead back to ops: `Block.pcs`.
"""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.bytecode.encode import decode
from arenite.bytecode.protocol import F32, I32, I64, Type
from arenite.bytecode.row import LABELS, SLOTS
from arenite.emit.python_text import INDENT, Do, Goto, Write, template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.encode import Op

LONGEST: Final = 200  # ops in a block
SLOT: Final = 8
LOW32: Final = (1 << 32) - 1
HEAD: Final = "def block(sp, vmctx, fuel):"
REGISTERS: Final = ("q = sp >> 3", "w = q << 1")


class Block(NamedTuple):
    """A block's code, and for every line of its source the pc of the op that it belongs to."""

    code: CodeType
    pcs: tuple[int, ...]

    def pc_at(self, line: int) -> int:
        """The op of a line, as tracebacks count them."""
        return self.pcs[line - 1]


class Back(NamedTuple):
    """A place where the block loops: to be filled in when it is known which locals the loop begins with."""

    depth: int
    pc: int
    valid: dict[tuple[int, Type], str]
    written: frozenset[int]


def straight(code: bytes, pc: int, *, deterministic: bool) -> list[Op]:
    """The ops of the block at `pc`."""
    ops: list[Op] = []
    heads: set[int] = set()  # of loops that begin inside
    at = pc
    while len(ops) < LONGEST:
        op = decode(code, at)
        ops.append(op)
        heads.update(op.values[o.name] for o in op.row.encoded if o.kind == "loop")
        if template(op.row.code, deterministic=deterministic).ends:
            break
        at = op.end
    first = min((head for head in heads if head > pc), default=at + 1)
    return [op for op in ops if op.pc < first]


class Assembler:
    """Puts the templates of a block's ops together: `source()`."""

    def __init__(self, ops: list[Op], *, deterministic: bool) -> None:
        self.ops = ops
        self.deterministic = deterministic
        self.start = ops[0].pc
        self.loops = any(op.values[o.name] == self.start for op in ops for o in op.row.encoded if o.kind == "loop")
        self.depth = 2 if self.loops else 1
        self.lines: list[tuple[str, int] | Back] = []
        self.before: list[tuple[str, int]] = []  # loads in front of a loop
        self.loaded: dict[tuple[int, Type], str] = {}  # … and the locals that the loop finds in each round
        self.valid: dict[tuple[int, Type], str] = {}  # what a slot, read as a type, is now
        self.written: set[int] = set()
        self.pc = self.start

    # slots
    @staticmethod
    def place(slot: int, type_: Type) -> str:
        """The slot in a view of the arena."""
        view = type_.view.upper()
        return f"{view}[q + {slot}]" if type_.size == SLOT else f"{view}[w + {2 * slot}]"

    def say(self, text: str, depth: int = 0) -> None:
        """Emit a line."""
        self.lines.append((INDENT * (self.depth + depth) + text, self.pc))

    def read(self, slot: int, type_: Type) -> str:
        """The slot's value, as a local."""
        known = self.valid.get((slot, type_))
        if known is not None:
            return known
        name = f"{type_.view.lower()}{slot}"
        load = f"{name} = {self.place(slot, type_)}"
        if slot in self.written and type_ is I32 and (wide := self.valid.get((slot, I64))):
            self.say(f"{name} = {wide} & {LOW32}")
        elif slot in self.written or not self.loops:
            self.say(load)
        else:
            self.before.append((INDENT + load, self.start))
            self.loaded[slot, type_] = name
        self.valid[slot, type_] = name
        return name

    def write(self, slot: int, type_: Type, text: str) -> None:
        """Set the slot, all 8 bytes of it."""
        for other in SLOTS.values():
            self.valid.pop((slot, other), None)
        self.written.add(slot)
        name, place = f"{type_.view.lower()}{slot}", self.place(slot, type_)
        if type_ is I32:
            self.say(f"{self.place(slot, I64)} = {name} = {text}")
            self.valid[slot, I64] = name
        elif type_ is F32:
            self.say(f"{place} = {text}")
            self.say(f"I[w + {2 * slot + 1}] = 0")
            self.say(f"{name} = {place}")  # as the slot has rounded it
        else:
            self.say(f"{place} = {name} = {text}")
        self.valid[slot, type_] = name

    # ops
    def operands(self, op: Op, *, early: bool) -> dict[str, str]:
        """What stands for the places of the op's template."""
        places = {"pc": str(op.pc), "next": str(op.end), "slot": str(op.values.get("dst"))}
        destination = op.row.destination
        for operand in op.row.operands:
            n = op.values.get(operand.name)
            if n is None:
                continue
            if operand.kind in SLOTS:
                local = self.read(n // SLOT, operand.type)
                if early and destination and destination.name != operand.name and op.values[destination.name] == n:
                    self.say(f"{operand.name}_before = {local}")
                    local = f"{operand.name}_before"
                places[operand.name] = local
            elif operand.kind == "labels":
                places |= {operand.name: f"({', '.join(map(str, op.targets))},)", "last": str(len(op.targets) - 1)}
            else:
                places[operand.name] = str(n if operand.kind in LABELS else n & (1 << operand.type.bits) - 1)
        return places

    def op(self, op: Op) -> None:
        """Emit one op."""
        self.pc = op.pc
        lines, _, early = template(op.row.code, deterministic=self.deterministic)
        places = self.operands(op, early=early)
        for line in lines:
            if isinstance(line, Do):
                self.say(line.text.format_map(places), line.depth)
            elif isinstance(line, Goto):
                self.goto(int(places[line.label]), line.depth)
            else:
                self.set(op, line, places)

    def set(self, op: Op, line: Write, places: dict[str, str]) -> None:
        """Emit a write to a slot."""
        at = op.values[line.operand] + line.disp
        self.write(at // SLOT, line.value.type, line.value.text.format_map(places))

    def goto(self, pc: int, depth: int = 0) -> None:
        """Leave for another block, or loop."""
        if self.loops and pc == self.start:
            self.lines.append(Back(self.depth + depth, self.pc, dict(self.valid), frozenset(self.written)))
        else:
            self.say(f"return {pc}, sp, vmctx, fuel", depth)

    def back(self, to: Back) -> Iterator[tuple[str, int]]:
        """Make every local that the loop begins with what its slot is now, and loop."""
        for (slot, type_), name in self.loaded.items():
            now = to.valid.get((slot, type_))
            if slot in to.written and now != name:
                yield INDENT * to.depth + f"{name} = {now or self.place(slot, type_)}", to.pc
        yield INDENT * to.depth + "continue", to.pc

    def assemble(self) -> tuple[str, tuple[int, ...]]:
        """The source, and the pc of each line."""
        for op in self.ops:
            self.op(op)
        if not template(self.ops[-1].row.code, deterministic=self.deterministic).ends:
            self.goto(self.ops[-1].end)
        lines = [(HEAD, self.start)] + [(INDENT + text, self.start) for text in REGISTERS] + self.before
        if self.loops:
            lines.append((INDENT + "while True:", self.start))
        for line in self.lines:
            lines.extend(self.back(line) if isinstance(line, Back) else [line])
        return "\n".join(text for text, _ in lines), tuple(pc for _, pc in lines)


def block(code: bytes, pc: int, *, deterministic: bool) -> Block:
    """The block at `pc`, compiled."""
    ops = straight(code, pc, deterministic=deterministic)
    source, pcs = Assembler(ops, deterministic=deterministic).assemble()
    module = compile(source, f"<arenite block {pc:#x}>", "exec", dont_inherit=True)
    function = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return Block(function, pcs)
