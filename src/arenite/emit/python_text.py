"""One row as Python text: the safe tier's reader of the meanings.

A row becomes a `Template` once per process: steps in Python (`python_steps`) with places `{a}`, `{to}` for its operands, which `tiers.safe` fills in for
every op of a block.  So a meaning is read once, however often its op occurs.

Names in the text (the safe tier provides them):

    FLOOR                          a list of one number: where the run pauses
    sp vmctx fuel q w              the machine's registers; q, w: sp in units of 8 and 4 bytes
    I Q F D                        the arena, as the memoryview formats of these letters;  SI SQ: the store page;  WI: window entries
    m ldH ldI ldQ ldD stH stI stQ  linear memory 0; struct's `unpack_from` and `pack_into`;  ldV stV: the same of vectors
    MEMORY                         another memory
    RETURNB                        the map of return points;  RANKI RANKQ REGIONI CLAUSEI: the tables of handlers
    STOP ASK SWITCH COPY FILL      end the run; ask for a builtin; another instance; bulk operations
    CARRY                          move slots to the frame's beginning
    ROUND32 …                      `emit.numerics`

Invariants: an i32 or i64 is an int in [0, 2**bits) or a bool, a vector is an int, a float is a float; an arena offset is never negative, so an access either
lies inside a view or raises: `IndexError`, or `struct.error` from wider accesses to memory.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from arenite.bytecode.calls import mapped
from arenite.bytecode.ops import TABLE
from arenite.bytecode.prims import PRIMS
from arenite.bytecode.protocol import (
    F32,
    F64,
    I1,
    I8,
    I32,
    I64,
    LANES,
    Code,
    Label,
    Labels,
    Memory,
    Register,
    Type,
    Value,
    see_first,
    space_of,
)
from arenite.bytecode.row import BRANCHES, Form, Operand, Row
from arenite.bytecode.stops import FINISHED, PAUSE_AGAIN, PAUSE_OWED, Builtin
from arenite.bytecode.vector_prims import VECTOR_PRIMS, is_vector, result_of
from arenite.emit.numerics import FUNCTIONS
from arenite.emit.python_steps import Branch, Do, Goto, If, Node, Template, Write, inlined
from arenite.emit.python_tree import argument_of, built, name, number, replaced, statement
from arenite.layout.frame import SLOT
from arenite.layout.spaces import Space

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from arenite.traps import Cause

VIEWS: Final = {
    Space.ARENA: "",
    Space.STORE: "S",
    Space.WINDOW: "W",
    Space.RETURNS: "RETURN",
    Space.RANKS: "RANK",
    Space.REGIONS: "REGION",
    Space.CLAUSES: "CLAUSE",
}  # prefix of a view's name; its letter follows


@dataclass(frozen=True)
class Expression(Value):
    """A value as a tree.  `operand`: the row's operand that it is; `condition`: an int that was a condition; `loaded`: an i64 that this loads from memory."""

    text: str = ""
    tree: ast.expr = field(default_factory=lambda: name("None"))
    operand: str = ""
    condition: bool = False
    loaded: Node | None = None


REGISTERS: Final[dict[Register, Expression]] = {
    "sp": Expression(I32, tree=name("sp")),
    "vmctx": Expression(I32, tree=name("vmctx")),
    "fuel": Expression(I64, tree=name("fuel")),
    "floor": Expression(I64, tree=built("FLOOR[0]")),
}


def expression(value: Value) -> Expression:
    """A value of this emitter: every one is."""
    assert isinstance(value, Expression)
    return value


def tree(value: Value | int) -> ast.expr:
    """What it is in Python."""
    return number(value) if isinstance(value, int) else expression(value).tree


def scaled(place: Expression, size: int) -> ast.expr:
    """A byte offset as an index of a view with elements of `size` bytes."""
    shift = size.bit_length() - 1
    if place.constant is not None:
        return number(place.constant >> shift)
    return built("{0} >> {1}", place.tree, number(shift)) if shift else place.tree


def displaced(at: Value, disp: Value | int) -> Expression:
    """`at + disp`."""
    base, n = expression(at), disp if isinstance(disp, int) else disp.constant
    if base.constant is not None and n is not None:
        return Expression(I32, constant=base.constant + n, tree=number(base.constant + n))
    if n == 0:
        return base
    return (
        expression(disp)
        if base.constant == 0 and isinstance(disp, Value)
        else Expression(I32, tree=built("{0} + {1}", base.tree, tree(disp)))
    )


class PythonText:
    """Builds the template of one row."""

    def __init__(self, row: Row, *, deterministic: bool) -> None:
        self.row = row
        self.deterministic = deterministic
        self.steps: list[Node] = []
        self.depth = 0
        self.count = 0
        self.ended = False
        self.lower: Value | None = None  # of a slot that is set by halves
        self.written: dict[ast.expr, ast.expr] = {}  # a value that was written early -> the temporary that holds it

    # steps
    def do(self, pattern: str, *parts: ast.expr) -> None:
        """Emit a statement."""
        self.steps.append(Do(self.depth, statement(pattern, *parts)))

    def temporary(self, type_: Type, value: ast.expr) -> Expression:
        """Emit an assignment."""
        self.count += 1
        self.steps.append(Do(self.depth, value, f"t{self.count}"))
        return Expression(type_, tree=name(f"t{self.count}"))

    def end(self, pattern: str, *parts: ast.expr) -> None:
        """Emit a statement that leaves the block."""
        self.do(pattern, *parts)
        self.ended |= self.depth == 0

    # values
    def const(self, type_: Type, n: int) -> Expression:
        """The constant with bit pattern `n`."""
        return Expression(type_, constant=n, tree=number(n))

    def pure(self, prim: str, *args: Value, to: Type | None = None) -> Expression:
        """A primitive, as an expression."""
        if is_vector(args, to):
            return self.vector(prim, args, to)
        p, t, first = PRIMS[prim], args[0].type, expression(args[0])
        r = {"same": t, "i1": I1, "last": args[-1].type}.get(p.result, to)
        assert r is not None, prim
        trees = [self.written.get(tree(a), tree(a)) for a in args]
        if prim == "extend_u" or (r is t and prim in ("wrap", "extend_s")):
            return replace(first, type=r, tree=trees[0], condition=first.condition or t is I1)
        if prim in ("eq", "ne") and first.condition and args[1].constant == 0:
            return Expression(I1, tree=trees[0] if prim == "ne" else built("not {0}", trees[0]))
        if prim == "sub" and first is REGISTERS["fuel"]:
            return Expression(r, tree=built("fuel - {0}", trees[1]))  # who pays has looked whether there is any
        if prim == "bits" and r is F64 and first.loaded is not None and first.loaded is self.steps[-1]:
            self.steps[-1] = replace(first.loaded, tree=replaced(first.loaded.tree, {"ldQ": name("ldD")}))
            return Expression(r, tree=first.tree)  # a float is loaded instead
        if prim == "bits" and first.constant is not None:
            return Expression(r, tree=number(FUNCTIONS["BITS_F32" if r is F32 else "BITS_F64"](first.constant)))
        places = (f"{{{i}}}" for i in range(len(args)))
        return Expression(r, tree=built(p.python.format(*places, **self.facts(t, r)), *trees))

    def vector(self, prim: str, args: tuple[Value, ...], to: Type | None) -> Expression:
        """A primitive on vectors, which are ints; what is done lane by lane is so in a list of lanes."""
        p, t = VECTOR_PRIMS[prim], args[0].type
        r, trees = result_of(p, args, to), [tree(a) for a in args]
        if prim == "bits":
            return Expression(r, tree=trees[0])
        if not p.lanewise:
            sizes = {"size": LANES.get(t, t).size, "rsize": LANES.get(r, r).size}
            return Expression(r, tree=built(p.python.format(*(f"{{{i}}}" for i in range(len(args))), **sizes), *trees))
        lanes = [f"x{i}" for i in range(len(args))]
        return self.lanes(p.python.format(*lanes, **self.facts(LANES[t], LANES[r])), r, t, *trees)

    def lanes(self, lane: str, r: Type, t: Type, *trees: ast.expr) -> Expression:
        """A vector of lanes of type `r`, each made of x0 …, the lanes of vectors of type `t`."""
        names = ", ".join(f"x{i}" for i in range(len(trees)))
        split = ", ".join(f"SPLIT_{t.name}({{{i}}})" for i in range(len(trees)))
        every = f"zip({split})" if len(trees) > 1 else split
        return Expression(r, tree=built(f"JOIN_{r.name}([{lane} for {names} in {every}])", *trees))

    def facts(self, t: Type, r: Type) -> dict[str, object]:
        """What the Python spelling of a primitive may mention."""
        bits = {F32: "F32_BITS", F64: "F64_BITS"}.get(t) or {F32: "BITS_F32", F64: "BITS_F64"}.get(r)
        return {
            "m": (1 << t.bits) - 1,
            "s": 1 << (t.bits - 1),
            "n": t.bits,
            "rm": (1 << r.bits) - 1,
            "rs": 1 << (r.bits - 1),
            "round": "ROUND32" if t is F32 else "",
            "from_int": "F32_FROM_INT" if r is F32 else "float",
            "bits": bits,
        }

    def canonical(self, value: Value) -> Expression:
        """One NaN only, where runs must be deterministic."""
        if not self.deterministic:
            return expression(value)
        if value.type.is_vector:
            return self.lanes("CANON(x0)", value.type, value.type, tree(value))
        return Expression(value.type, tree=built("CANON({0})", tree(value)))

    # memory
    def load(self, where: Space | Memory, type_: Type, at: Value, disp: Value | int = 0) -> Expression:
        """The value at `where[at + disp]`."""
        space = space_of(where)
        place = displaced(at, disp)
        if space is not Space.MEMORY:
            return self.temporary(type_, self.element(space, type_, place))
        pattern = "{0}[{1}]" if type_ is I8 else f"ld{type_.view}({{0}}, {{1}})[0]"
        found = self.temporary(type_, built(pattern, self.memory(where), place.tree))
        return replace(found, loaded=self.steps[-1]) if type_ is I64 else found

    def memory(self, where: Space | Memory) -> ast.expr:
        """The bytes of a memory: those of memory 0 have a name."""
        if isinstance(where, Memory) and where.area is not None:
            return built("MEMORY({0})", tree(where.area))
        return name("m")

    def element(self, space: Space, type_: Type, place: Expression) -> ast.expr:
        """An element of a view: of the frame, of the whole space otherwise; of a vector both halves."""
        if type_.is_vector:
            return built("{0} | {1} << 64", *(self.element(space, I64, displaced(place, at)) for at in (0, I64.size)))
        index = scaled(place, type_.size)
        if space is Space.FRAME:
            return built(f"{type_.view.upper()}[{'q' if type_.size == 8 else 'w'} + {{0}}]", index)
        return built(f"{VIEWS[space]}{type_.view.upper()}[{{0}}]", index)

    def store(self, where: Space | Memory, at: Value, value: Value, disp: Value | int = 0) -> None:
        """Set `where[at + disp]`."""
        space = space_of(where)
        place, letter = displaced(at, disp), value.type.view
        if space is Space.FRAME:
            assert isinstance(disp, int)
            self.write_frame(expression(at).operand, value, disp)
        elif space is not Space.MEMORY and value.type.is_vector:
            whole = self.temporary(value.type, tree(value))
            self.store(space, at, Expression(I64, tree=built("{0} & 18446744073709551615", whole.tree)), disp)
            self.store(space, displaced(at, disp), Expression(I64, tree=built("{0} >> 64", whole.tree)), I64.size)
        elif space is Space.MEMORY:
            pattern = "{0}[{1}] = {2}" if value.type is I8 else f"st{letter}({{0}}, {{1}}, {{2}})"
            self.do(pattern, self.memory(where), place.tree, tree(value))
        else:
            self.do(f"{VIEWS[space]}{letter.upper()}[{{0}}] = {{1}}", scaled(place, value.type.size), tree(value))

    def write_frame(self, operand: str, value: Value, disp: int) -> None:
        """Set a slot `disp` bytes behind what an operand says, or half of it: the lower half waits for the upper one, which comes next."""
        if value.type is I64:
            self.write(value, operand, disp)
        elif disp % SLOT == 0:
            self.lower = value
        else:
            low, self.lower = self.lower, None
            assert low is not None, "a frame is written by whole slots"
            whole = built("{0} | {1} << {2}", tree(low), tree(value), number(8 * value.type.size))
            self.write(Expression(I64, tree=whole), operand, disp - value.type.size)

    def write(self, value: Value, operand: str, disp: int) -> None:
        """Set a slot."""
        self.steps.append(Write(self.depth, tree(value), type=value.type, operand=operand, disp=disp))

    def guarded(self, space: Space) -> bool:
        """Python looks, but at indexes of 63 bits only."""
        return space is Space.MEMORY

    def copy(self, memory: Memory, to: Value, source: Value, count: Value) -> None:
        """Move bytes of memory: of the one whose length was just asked for, which a damaged arena may have changed."""
        see_first(memory)
        self.do("SWITCH(vmctx)")
        self.do("COPY(m, {0}, {1}, {2})", tree(to), tree(source), tree(count))

    def fill(self, memory: Memory, to: Value, byte: Value, count: Value) -> None:
        """Set bytes of memory, as `copy`."""
        see_first(memory)
        self.do("SWITCH(vmctx)")
        self.do("FILL(m, {0}, {1}, {2})", tree(to), tree(byte), tree(count))

    # operands, state, the result
    def operand(self, o: Operand) -> Value | Label | Labels | Memory:
        """What the meaning receives: a place."""
        constant = self.row.constant(self, o)
        if constant is not None:
            return constant
        if o.form is Form.LABELS:
            return Labels(o)
        if o.form in BRANCHES:
            return Label(self.place(o.name, I64), back=o.form is Form.LOOP)
        return o.received(self.place(o.name, o.type))

    def place(self, operand: str, type_: Type) -> Expression:
        """What a block puts in: an operand, or something about the op."""
        return Expression(type_, tree=name(f"{{{operand}}}"), operand=operand)

    def register(self, name: Register) -> Expression:
        """A register of the machine."""
        return REGISTERS[name]

    def set_register(self, name: Register, value: Value) -> None:
        """Set a register of the machine."""
        self.do(f"{name} = {{0}}", tree(value))

    def result(self, value: Value) -> None:
        """Write the destination's slot; what uses the value again finds it in a temporary."""
        destination, found = self.row.destination, tree(value)
        assert destination is not None, self.row.name
        kept = self.temporary(value.type, argument_of(found, "ROUND32") or found)
        self.written[found] = kept.tree
        self.write(kept, destination.name, 0)

    # control
    @contextmanager
    def when(self, condition: Value, *, cold: bool = False) -> Iterator[None]:
        """An `if`."""
        del cold
        self.steps.append(If(self.depth, tree(condition)))
        self.depth += 1
        yield
        self.depth -= 1

    def here(self) -> Label:
        """This op."""
        return Label(self.place("pc", I64))

    def goto(self, to: Label) -> None:
        """Go on at `to`."""
        at, last = expression(to.at), self.steps[-1] if self.steps else None
        if isinstance(last, If) and last.depth < self.depth:
            self.steps[-1] = Branch(last.depth, last.tree, label=at.operand)
        else:
            self.steps.append(Goto(self.depth, at.tree, label=at.operand))
        self.ended |= self.depth == 0

    def switch(self, index: Value, to: Labels) -> None:
        """Go on at `to[index]`; the last label serves whatever is too large."""
        last = self.place("last", I32)
        chosen = built("{0}[min({1}, {2})]", self.place(to.operand.name, I64).tree, tree(index), last.tree)
        self.go(chosen, self.register("sp"), self.register("vmctx"))

    def go(self, pc: ast.expr, sp: Value, vmctx: Value) -> None:
        """Go on at a pc that is known now only."""
        self.end("return {0}, {1}, {2}, fuel", pc, tree(sp), tree(vmctx))

    def stop(self, status: int, pc: Label | None = None) -> None:
        """End the run."""
        self.end("STOP({0}, {1}, sp, vmctx, fuel)", number(int(status)), tree((pc or self.here()).at))

    def trap(self, code: Cause) -> None:
        """End the run."""
        self.stop(code)

    def halt(self) -> None:
        """The entry frame has returned."""
        self.stop(FINISHED)

    def pause(self, at: Label, *, owed: bool) -> None:
        """The slice of fuel is used up."""
        self.stop(PAUSE_OWED if owed else PAUSE_AGAIN, at)

    def builtin(self, builtin: Builtin, *args: Value) -> Value:
        """Leave the arguments in the store context, and stop."""
        slot = self.place("slot", I32).tree if self.row.result else name("None")
        asked = (number(int(builtin)), tree(self.here().at), self.next_pc().tree, slot)
        places = "".join(f", {{{i}}}" for i in range(len(asked), len(asked) + len(args)))
        self.end("ASK({0}, {1}, sp, vmctx, fuel, {2}, {3}" + places + ")", *asked, *map(tree, args))
        return self.const(I32, 0)

    def next_pc(self) -> Expression:
        """The op behind this one."""
        return self.place("next", I32)

    def enter(self, to: Label | Code, sp: Value, vmctx: Value | None) -> None:
        """To the callee's first op."""
        if isinstance(to, Label):
            self.go(tree(to.at), sp, self.register("vmctx"))
            return
        assert vmctx is not None
        self.leave(to.bytecode, sp, vmctx)

    def carry(self, source: Value, size: Value) -> None:
        """Slots of the arena."""
        self.do("CARRY(Q, q, {0}, {1})", *(scaled(expression(x), SLOT) for x in (source, size)))

    def become(self, to: Label | Code, vmctx: Value | None) -> None:
        """To the callee's first op."""
        self.enter(to, self.register("sp"), vmctx)

    def return_point(self, pc: Value) -> Value:
        """Looked up."""
        return mapped(self, pc)

    def leave(self, pc: Value, sp: Value, vmctx: Value) -> None:
        """To the caller; another instance has another memory."""
        with self.when(self.pure("ne", vmctx, self.register("vmctx"))):
            self.do("SWITCH({0})", tree(vmctx))
        self.go(tree(pc), sp, vmctx)

    def resume(self, pc: Value, sp: Value | None, vmctx: Value | None) -> None:
        """As `leave`, where it is another frame."""
        if sp is None or vmctx is None:
            self.go(tree(pc), self.register("sp"), self.register("vmctx"))
        else:
            self.leave(pc, sp, vmctx)

    def stop_at(self, status: int, pc: Value) -> None:
        """End the run."""
        self.end("STOP({0}, {1}, sp, vmctx, fuel)", number(int(status)), tree(pc))

    def template(self) -> Template:
        """The whole row."""
        value = self.row.meaning(self, *map(self.operand, self.row.operands))
        early = any(isinstance(step, Write) for step in self.steps) and self.row.result is not None
        if not self.ended and value is not None:
            self.result(value)
        return Template(tuple(inlined(self.steps)), self.ended, early)


@cache
def template(row_code: int, *, deterministic: bool) -> Template:
    """The template of the op with this code."""
    return PythonText(TABLE[row_code], deterministic=deterministic).template()
