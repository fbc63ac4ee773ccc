"""Superblocks: the straight line of ops from a pc, as one Python function.

    def block(sp, vmctx, fuel):
        q = sp >> 3
        Q[q + 2] = i2 = i1 + 1 & 4294967295
        …
        return pc, sp, vmctx, fuel

A block goes on behind conditional branches that are not taken, and ends at an unconditional transfer, before a loop or another place where
a run may stop, or after `LONGEST` ops.  The zeros of a function's locals, which may be 100,000, are one line.  A loop is a block whose back-edges are `continue`; forward branches inside it become `if` and `else` where they nest (a *region*),
so that its rounds stay in one function.  A branch that does not fit leaves the block, which is always right.

Invariants:
- every slot is written to the arena at once, so the arena is canonical wherever the block leaves or an access raises;
- where two ways meet, only those locals hold that are the same on both; the others are read again;
- a slot's value is kept in a Python local beside it, one per (slot, type): `i2 q2 f2 d2`; reading another type reads the arena again;
- an i32 is read through a 4-byte view, so a damaged upper half makes no value that is out of range;
- line numbers lead back to ops: `Block.pcs`.
"""

from __future__ import annotations

from functools import cache
from types import CodeType
from typing import TYPE_CHECKING, Final

from arenite.bytecode.control import ZERO_COUNT
from arenite.bytecode.effects import effects
from arenite.bytecode.encode import decode
from arenite.bytecode.ops import TABLE
from arenite.bytecode.protocol import F32, I32, I64, I64X2, Type
from arenite.bytecode.row import BRANCHES, SLOTS, Form
from arenite.emit.python_steps import Branch, Goto, If, Write
from arenite.emit.python_text import template
from arenite.layout.frame import SLOT
from arenite.light import NamedTuple
from arenite.machine.space.window import nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from arenite.bytecode.encode import Op
    from arenite.emit.python_steps import Node

LONGEST: Final = 200  # ops in a block
SHORT: Final = 8  # ops in a block that is made in a hurry
DEEPEST: Final = 40  # regions in each other: Python takes 100 levels of indentation
ZERO: Final = next(code for code, row in enumerate(TABLE) if row.name == f"zero{ZERO_COUNT}")
LOW32: Final = (1 << 32) - 1
LOW64: Final = (1 << 64) - 1
INDENT: Final = "    "
HEAD: Final = "def block(sp, vmctx, fuel):"
REGISTERS: Final = ("q = sp >> 3", "w = q << 1")


class Block(NamedTuple):
    """A block's code; for every line of its source the pc of the op that it belongs to; the heads of loops that it closes."""

    code: CodeType
    pcs: tuple[int, ...]
    loops: frozenset[int]

    def pc_at(self, line: int) -> int:
        """The op of a line, as tracebacks count them."""
        return self.pcs[line - 1]


class Back(NamedTuple):
    """A place where the block loops: to be filled in when it is known which locals the loop begins with."""

    depth: int
    pc: int
    available: dict[tuple[int, Type], str]
    written: frozenset[int]


class Facts(NamedTuple):
    """What is known of slots at a point: locals that are `available` for them, slots `written`; `unreachable`: control never comes there."""

    available: dict[tuple[int, Type], str]
    written: frozenset[int]
    unreachable: bool

    def meet(self, other: Facts) -> Facts:
        """What is known where two ways meet: what both know."""
        if self.unreachable or other.unreachable:
            return self if other.unreachable else other
        available = {key: name for key, name in self.available.items() if other.available.get(key) == name}
        return Facts(available, self.written | other.written, unreachable=False)


class Region(NamedTuple):
    """Ops under an `if` or `else`, up to the pc `end`; `other`: what is known on the way around them."""

    end: int
    other: Facts
    has_else: bool
    first_line: int


@cache
def branch(row_code: int, form: Form) -> str | None:
    """Name of the operand, a label ahead or a loop's, by which an op branches inside its function; None: it does not."""
    row = TABLE[row_code]
    if effects(row).calls:
        return None
    return next((o.name for o in row.encoded if o.form is form), None)


def loops_of(ops: list[Op]) -> frozenset[int]:
    """The heads of loops that ops close."""
    return frozenset(op.values[name] for op in ops if (name := branch(op.row.code, Form.LOOP)))


def straight(
    code: bytes | memoryview,
    pc: int,
    *,
    deterministic: bool,
    is_loop: bool,
    stops: Callable[[int], bool] = nowhere,
    longest: int = LONGEST,
) -> list[Op]:
    """The ops of the block at `pc`; those of a loop go on, behind a way out, where a branch inside comes back in.

    `stops`: whether a run may stop at an op; `longest`: ops at the most, beside those that zero locals.
    """
    ops: list[Op] = []
    counted = 0
    heads: set[int] = set()  # of loops that begin inside
    targets: set[int] = set()  # of forward branches
    at = pc
    while counted < longest:
        op = decode(code, at)
        ops.append(op)
        counted += op.row.code != ZERO
        heads |= loops_of([op])
        if is_loop and (label := branch(op.row.code, Form.LABEL)):
            targets.add(op.values[label])
        at = op.end
        if template(op.row.code, deterministic=deterministic).ends and at not in targets:
            break
        if not is_loop and stops(at):
            break
    first = min((head for head in heads if head > pc), default=at + 1)
    return [op for op in ops if op.pc < first]


class BlockBuilder:
    """Puts the templates of a block's ops together: `source()`."""

    def __init__(self, ops: list[Op], *, deterministic: bool) -> None:
        self.ops = ops
        self.deterministic = deterministic
        self.start = ops[0].pc
        self.loops = self.start in loops_of(ops)
        self.depth = 2 if self.loops else 1
        self.inside = {op.pc for op in ops} if self.loops else set()  # where a forward branch can stay in the block
        self.regions: list[Region] = []
        self.unreachable = False
        self.lines: list[tuple[str, int] | Back] = []
        self.before: list[tuple[str, int]] = []  # loads in front of a loop
        self.loaded: dict[tuple[int, Type], str] = {}  # … and the locals that the loop finds in each round
        self.available: dict[tuple[int, Type], str] = {}  # what a slot, read as a type, is now
        self.written: set[int] = set()
        self.zeros = (0, 0, 0)  # slots from the first to the second are set to zero by the last line, if there are so many
        self.pc = self.start

    # slots
    @staticmethod
    def place(slot: int, type_: Type) -> str:
        """The slot in a view of the arena; of a vector both."""
        if type_.is_vector:
            return f"Q[q + {slot}] | Q[q + {slot + 1}] << 64"
        view = type_.view.upper()
        return f"{view}[q + {slot}]" if type_.size == SLOT else f"{view}[w + {2 * slot}]"

    def say(self, text: str, depth: int = 0) -> None:
        """Emit a line."""
        self.lines.append((INDENT * (self.depth + depth) + text, self.pc))

    def read(self, slot: int, type_: Type) -> str:
        """The slot's value, as a local."""
        known = self.available.get((slot, type_))
        if known is not None:
            return known
        name = f"{type_.view.lower()}{slot}"
        load = f"{name} = {self.place(slot, type_)}"
        if slot in self.written and type_ is I32 and (wide := self.available.get((slot, I64))):
            self.say(f"{name} = {wide} & {LOW32}")
        elif slot in self.written or (type_.is_vector and slot + 1 in self.written) or not self.loops:
            self.say(load)
        elif (slot, type_) not in self.loaded:
            self.before.append((INDENT + load, self.start))
            self.loaded[slot, type_] = name
        self.available[slot, type_] = name
        return name

    def write(self, slot: int, type_: Type, text: str) -> None:
        """Set the slot, all 8 bytes of it, or both slots of a vector."""
        for now in (slot, slot + 1) if type_.is_vector else (slot,):
            for other in SLOTS.values():
                self.available.pop((now, other), None)
            self.available.pop((now - 1, I64X2), None)
            self.written.add(now)
        if type_.is_vector:
            name = f"v{slot}"
            self.say(f"{name} = {text}")
            self.say(f"Q[q + {slot}] = {name} & {LOW64}")
            self.say(f"Q[q + {slot + 1}] = {name} >> 64")
            self.available[slot, I64X2] = name
            return
        name, place = f"{type_.view.lower()}{slot}", self.place(slot, type_)
        if type_ is I32:
            self.say(f"{self.place(slot, I64)} = {name} = {text}")
            self.available[slot, I64] = name
        elif type_ is F32:
            self.say(f"{place} = {text}")
            self.say(f"I[w + {2 * slot + 1}] = 0")
            self.say(f"{name} = {place}")  # as the slot has rounded it
        else:
            self.say(f"{place} = {name} = {text}")
        self.available[slot, type_] = name

    def zero(self, slot: int) -> None:
        """Set the slots from here on that one op sets to zero, and with them those that ops right before it do."""
        first, end, lines = self.zeros
        if lines == len(self.lines) and end == slot:
            self.lines.pop()
        else:
            first = slot
        end = slot + ZERO_COUNT
        for known in [key for key in self.available if slot - key[1].is_vector <= key[0] < end]:
            del self.available[known]
        self.written.update(range(slot, end))
        self.say(f"ZERO(Q, q + {first}, {end - first})")
        self.zeros = first, end, len(self.lines)

    # ops
    def operands(self, op: Op, *, early: bool) -> dict[str, str]:
        """What stands for the places of the op's template."""
        places = {"pc": str(op.pc), "next": str(op.end), "slot": str(op.values.get("dst"))}
        destination = op.row.destination
        for operand in op.row.operands:
            n = op.values.get(operand.name)
            if n is None:
                continue
            if operand.form is Form.SLOT:
                local = self.read(n // SLOT, operand.type)
                if early and destination and destination.name != operand.name and op.values[destination.name] == n:
                    self.say(f"{operand.name}_before = {local}")
                    local = f"{operand.name}_before"
                places[operand.name] = local
            elif operand.form is Form.LABELS:
                places |= {operand.name: f"({', '.join(map(str, op.targets))},)", "last": str(len(op.targets) - 1)}
            else:
                places[operand.name] = str(n if operand.form in BRANCHES else n & (1 << operand.type.bits) - 1)
        return places

    def op(self, op: Op) -> None:
        """Emit one op."""
        self.pc = op.pc
        while self.regions and self.regions[-1].end == op.pc:
            self.leave()
        if self.unreachable:
            return
        if op.row.code == ZERO:
            self.zero(op.values["first"] // SLOT)
            return
        steps, ends, early = template(op.row.code, deterministic=self.deterministic)
        label = branch(op.row.code, Form.LABEL)
        if label and ends and self.otherwise(op, op.values[label]):
            return
        places = self.operands(op, early=early)
        if label and not ends and self.stays(op, op.values[label]):
            taken = steps[-1]
            assert isinstance(taken, Branch), op.row.name
            self.emit(op, steps[:-1], places)
            self.enter(op.values[label], taken.text.format_map(places))
        else:
            self.emit(op, steps, places)
            self.unreachable = ends

    def emit(self, op: Op, steps: Iterable[Node], places: dict[str, str]) -> None:
        """Emit the steps of an op."""
        for step in steps:
            text = step.text.format_map(places)
            if isinstance(step, Write):
                self.write((op.values[step.operand] + step.disp) // SLOT, step.type, text)
            elif isinstance(step, Goto):
                self.goto(op.values[step.label], step.depth)
            elif isinstance(step, (If, Branch)):
                self.say(f"if {text}:", step.depth)
                if isinstance(step, Branch):
                    self.goto(op.values[step.label], step.depth + 1)
            else:
                self.say(text, step.depth)

    # regions: forward branches that stay inside
    def stays(self, op: Op, to: int) -> bool:
        """Whether a branch leads to a place in the block that an `if` can end at."""
        end = self.regions[-1].end if self.regions else self.ops[-1].end
        return op.end < to <= end and to in self.inside and len(self.regions) < DEEPEST

    def facts(self) -> Facts:
        """What is known here."""
        return Facts(dict(self.available), frozenset(self.written), self.unreachable)

    def resume(self, facts: Facts) -> None:
        """Go on with what is known elsewhere."""
        self.available, self.written, self.unreachable = dict(facts.available), set(facts.written), facts.unreachable

    def enter(self, end: int, condition: str) -> None:
        """What follows, up to `end`, happens unless the branch `condition` is taken."""
        self.say(f"if not ({condition}):")
        self.regions.append(Region(end, self.facts(), has_else=False, first_line=len(self.lines)))
        self.depth += 1

    def otherwise(self, op: Op, to: int) -> bool:
        """At the end of a region, a branch over the other way: that is an `else`."""
        if not self.regions or self.regions[-1].end != op.end or self.regions[-1].has_else:
            return False
        region = self.regions.pop()
        if not self.stays(op, to):
            self.regions.append(region)
            return False
        then = self.facts()
        if len(self.lines) == region.first_line:
            self.say("pass")
        self.depth -= 1
        self.say("else:")
        self.regions.append(Region(to, then, has_else=True, first_line=len(self.lines)))
        self.depth += 1
        self.resume(region.other)
        return True

    def leave(self) -> None:
        """The end of the innermost region."""
        region = self.regions.pop()
        if len(self.lines) == region.first_line:
            self.say("pass")
        self.depth -= 1
        self.resume(self.facts().meet(region.other))

    def goto(self, pc: int, depth: int = 0) -> None:
        """Leave for another block, or loop."""
        if self.loops and pc == self.start:
            self.lines.append(Back(self.depth + depth, self.pc, dict(self.available), frozenset(self.written)))
        else:
            self.say(f"return {pc}, sp, vmctx, fuel", depth)

    def back(self, to: Back) -> Iterator[tuple[str, int]]:
        """Make every local that the loop begins with what its slot is now, and loop."""
        for (slot, type_), name in self.loaded.items():
            now = to.available.get((slot, type_))
            changed = slot in to.written or (type_.is_vector and slot + 1 in to.written)
            if changed and now != name:
                yield INDENT * to.depth + f"{name} = {now or self.place(slot, type_)}", to.pc
        yield INDENT * to.depth + "continue", to.pc

    def assemble(self) -> tuple[str, tuple[int, ...]]:
        """The source, and the pc of each line."""
        for op in self.ops:
            self.op(op)
        if not self.unreachable:
            self.goto(self.ops[-1].end)
        lines = [(HEAD, self.start)] + [(INDENT + text, self.start) for text in REGISTERS] + self.before
        if self.loops:
            lines.append((INDENT + "while True:", self.start))
        for line in self.lines:
            lines.extend(self.back(line) if isinstance(line, Back) else [line])
        return "\n".join(text for text, _ in lines), tuple(pc for _, pc in lines)


def block(
    code: bytes | memoryview,
    pc: int,
    *,
    deterministic: bool,
    is_loop: bool,
    stops: Callable[[int], bool] = nowhere,
    longest: int = LONGEST,
) -> Block:
    """The block at `pc`, compiled; `is_loop`: back-edges lead here; otherwise as `straight`."""
    ops = straight(code, pc, deterministic=deterministic, is_loop=is_loop, stops=stops, longest=longest)
    if not is_loop and pc in loops_of(ops):
        ops = straight(code, pc, deterministic=deterministic, is_loop=True, longest=longest)
    source, pcs = BlockBuilder(ops, deterministic=deterministic).assemble()
    module = compile(source, f"<arenite block {pc:#x}>", "exec", dont_inherit=True)
    function = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return Block(function, pcs, loops_of(ops))


class Blocks:
    """The blocks of a window, made when they are first wanted; those of loops once more, when it shows that they are."""

    def __init__(self, *, deterministic: bool) -> None:
        self.deterministic = deterministic
        self.by_pc: dict[int, Block] = {}
        self.loops: set[int] = set()

    def at(self, code: bytes | memoryview, pc: int, stops: Callable[[int], bool] = nowhere) -> Block:
        """The block at `pc`; `stops`: whether a run may stop at an op of its function."""
        found = self.by_pc.get(pc)
        if found is None:
            found = block(code, pc, deterministic=self.deterministic, is_loop=pc in self.loops, stops=stops)
            self.by_pc[pc] = found
            for head in found.loops - self.loops - {pc}:
                self.by_pc.pop(head, None)
            self.loops |= found.loops
        return found

    def short(self, code: bytes | memoryview, pc: int, stops: Callable[[int], bool]) -> Block:
        """A few ops at `pc`, for once."""
        return block(code, pc, deterministic=self.deterministic, is_loop=False, stops=stops, longest=SHORT)
