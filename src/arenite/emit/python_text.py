"""One row as Python text: the safe tier's reader of the meanings.

A row becomes a `Template` once per process: lines of Python with places `{a}`, `{to}` for its operands, which `tiers.safe` fills in for
every op of a block.  So a meaning is read once, however often its op occurs.

Names in the text (the safe tier provides them):

    FLOOR                          a list of one number: where the run pauses
    sp vmctx fuel q w              the machine's registers; q, w: sp in units of 8 and 4 bytes
    I Q F D                        the arena, as the memoryview formats of these letters;  SI SQ: the store page;  WI: window entries
    m ldH ldI ldQ ldD stH stI stQ  linear memory; struct's `unpack_from` and `pack_into`
    RETURNS                        the map of return points
    STOP ASK SWITCH COPY FILL      end the run; ask for a helper; another instance; bulk operations
    ROUND32 …                      `emit.numerics`

Invariants: an i32 or i64 is an int in [0, 2**bits) or a bool, a float is a float; an arena offset is never negative, so an access either
lies inside a view or raises: `IndexError`, or `struct.error` from wider accesses to memory.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.bytecode.helpers import FINISHED, PAUSE_AGAIN, PAUSE_OWED, Helper
from arenite.bytecode.ops import TABLE
from arenite.bytecode.prims import PRIMS
from arenite.bytecode.protocol import F32, F64, I1, I8, I32, I64, Label, State, Type, Value
from arenite.bytecode.row import LABELS, Operand, Row
from arenite.emit.addressing import is_number
from arenite.emit.numerics import FUNCTIONS
from arenite.layout.cage import UNIT
from arenite.layout.records import FrameHeader, WindowEntry
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

INDENT: Final = "    "
LOW32: Final = 0xFFFFFFFF
VIEWS: Final = {Space.ARENA: "", Space.STORE: "S", Space.WINDOW: "W"}  # prefix of a view's name; its format's letter follows
ATOM: Final = re.compile(r"[\w.]+|\{\w+\}|\w+\([^()]*\)(\[0\])?|\w+\[[^][]*\]")
TEMPORARY: Final = re.compile(r"(t\d+) = (.*)")
STATES: Final = {
    "sp": Value(I32, "sp"),
    "vmctx": Value(I32, "vmctx"),
    "fuel": Value(I64, "fuel"),
    "floor": Value(I64, "FLOOR[0]"),
}


class Do(NamedTuple):
    """A statement, `depth` levels below the block's own."""

    depth: int
    text: str

    def __str__(self) -> str:
        return self.text


class Goto(NamedTuple):
    """Leave to the label that the operand `label` names."""

    depth: int
    label: str

    def __str__(self) -> str:
        return ""


class Write(NamedTuple):
    """A slot is set: the one that the operand `operand` names, or the one `disp` bytes behind the byte offset that it is."""

    value: Value
    operand: str
    disp: int

    def __str__(self) -> str:
        return self.value.text


class Template(NamedTuple):
    """A row's lines; `ends`: nothing goes on behind it; `early`: it writes its result before its last line."""

    lines: tuple[Do | Goto | Write, ...]
    ends: bool
    early: bool


def atom(text: str) -> str:
    """The text as an operand of anything."""
    return text if ATOM.fullmatch(text) else f"({text})"


def scaled(place: str, size: int) -> str:
    """A byte offset as an index of a view with elements of `size` bytes."""
    shift = size.bit_length() - 1
    return str(int(place) >> shift) if is_number(place) else f"{place} >> {shift}" if shift else place


def displaced(at: str, disp: Value | int) -> str:
    """`at + disp`."""
    n = disp.text if isinstance(disp, Value) else str(disp)
    if is_number(at) and is_number(n):
        return str(int(at) + int(n))
    return atom(at) if n == "0" else n if at == "0" else f"{atom(at)} + {n}"


def peeled(text: str, function: str = "") -> str:
    """Without `function(…)` around it, if it stands around all of it."""
    head = function + "("
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0:
            return text[len(head) : -1] if text.startswith(head) and i == len(text) - 1 else text
    return text


def inlined(lines: list[Do | Goto | Write]) -> Iterator[Do | Goto | Write]:
    """A temporary that is used once, in the very next line, moves there; so the order of effects is kept."""
    moving, expression = "", ""
    for i, line in enumerate(lines):
        now = substituted(line, moving, expression) if moving else line
        found = TEMPORARY.fullmatch(str(now)) if isinstance(now, Do) else None
        uses = [len(re.findall(rf"\b{found[1]}\b", str(later))) for later in lines[i + 1 :]] if found else []
        moving = ""
        if found and sum(uses) == 1 == uses[0]:
            moving, expression = found[1], found[2]
        else:
            yield now


def substituted(line: Do | Goto | Write, name: str, expression: str) -> Do | Goto | Write:
    """The line with an expression for a name."""
    text = expression if str(line) == name else re.sub(rf"\b{name}\b", lambda _: atom(expression), str(line))
    if isinstance(line, Write):
        return line._replace(value=Value(line.value.type, text))
    return line._replace(text=text) if isinstance(line, Do) else line


class PythonText:
    """Builds the template of one row."""

    def __init__(self, row: Row, *, deterministic: bool) -> None:
        self.row = row
        self.deterministic = deterministic
        self.lines: list[Do | Goto | Write] = []
        self.depth = 0
        self.count = 0
        self.ended = False
        self.conditions: set[str] = set()  # ints that are conditions
        self.written: dict[str, str] = {}  # a value that was written early -> the temporary that holds it

    # text
    def do(self, text: str) -> None:
        """Emit a statement."""
        self.lines.append(Do(self.depth, text))

    def temporary(self, type_: Type, text: str) -> Value:
        """Emit an assignment."""
        self.count += 1
        self.do(f"t{self.count} = {text}")
        return Value(type_, f"t{self.count}")

    def end(self, text: str) -> None:
        """Emit a statement that leaves the block."""
        self.do(text)
        self.ended |= self.depth == 0

    # values
    def const(self, type_: Type, n: int) -> Value:
        """The constant with bit pattern `n`."""
        return Value(type_, str(n))

    def pure(self, prim: str, *args: Value, to: Type | None = None) -> Value:
        """A primitive, as an expression."""
        args = tuple(Value(a.type, self.written.get(a.text, a.text)) for a in args)
        p, t = PRIMS[prim], args[0].type
        r = {"same": t, "i1": I1, "last": args[-1].type}.get(p.result, to)
        assert r is not None, prim
        first = args[0].text
        if prim == "extend_u" and t is I1:
            self.conditions.add(first)
        if prim == "extend_u" or (r is t and prim in ("wrap", "extend_s")):
            return Value(r, first)
        if prim in ("eq", "ne") and first in self.conditions and args[1].text == "0":
            return Value(I1, first if prim == "ne" else f"not {atom(first)}")
        if prim == "sub" and first == "fuel":
            return Value(r, f"fuel - {atom(args[1].text)}")  # who pays has looked whether there is any
        if prim == "bits" and r is F64 and (line := self.lines[-1:]) and str(line[0]).startswith(f"{first} = ldQ("):
            self.lines[-1] = Do(self.depth, str(line[0]).replace("ldQ", "ldD"))  # the bits of a load: load a float
            return Value(r, first)
        if prim == "bits" and is_number(first):
            return Value(r, repr(FUNCTIONS["BITS_F32" if r is F32 else "BITS_F64"](int(first))))
        return Value(r, peeled(p.python.format(*(atom(a.text) for a in args), **self.facts(t, r))))

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

    def canonical(self, value: Value) -> Value:
        """One NaN only, where runs must be deterministic."""
        return Value(value.type, f"CANON({value.text})") if self.deterministic else value

    # memory
    def load(self, space: Space, type_: Type, at: Value, disp: Value | int = 0) -> Value:
        """The value at `space[at + disp]`."""
        place = displaced(at.text, disp)
        if space is Space.FRAME:
            text = self.frame(place, type_)
        elif space is Space.MEMORY:
            text = f"m[{place}]" if type_ is I8 else f"ld{type_.view}(m, {place})[0]"
        else:
            text = f"{VIEWS[space]}{type_.view.upper()}[{scaled(place, type_.size)}]"
        return self.temporary(type_, text)

    def frame(self, place: str, type_: Type) -> str:
        """A word of the frame at a constant byte offset."""
        return f"{type_.view.upper()}[{'q' if type_.size == 8 else 'w'} + ({scaled(place, type_.size)})]"

    def store(self, space: Space, at: Value, value: Value, disp: Value | int = 0) -> None:
        """Set `space[at + disp]`."""
        place, letter = displaced(at.text, disp), value.type.view
        if space is Space.FRAME:
            assert value.type is I64, "a frame is written by whole slots"
            assert isinstance(disp, int)
            self.lines.append(Write(value, at.text.strip("{}"), disp))
        elif space is Space.MEMORY:
            self.do(f"m[{place}] = {value.text}" if value.type is I8 else f"st{letter}(m, {place}, {value.text})")
        else:
            self.do(f"{VIEWS[space]}{letter.upper()}[{scaled(place, value.type.size)}] = {value.text}")

    def copy(self, to: Value, source: Value, count: Value) -> None:
        """Move bytes of memory: of the one whose length was just asked for, which a damaged arena may have changed."""
        self.do("SWITCH(vmctx)")
        self.do(f"COPY(m, {to.text}, {source.text}, {count.text})")

    def fill(self, to: Value, byte: Value, count: Value) -> None:
        """Set bytes of memory, as `copy`."""
        self.do("SWITCH(vmctx)")
        self.do(f"FILL(m, {to.text}, {byte.text}, {count.text})")

    # operands, state, the result
    def operand(self, o: Operand) -> Value | Label | list[Label]:
        """What the meaning receives: a place."""
        if o.name in self.row.fixed:
            return self.const(o.type, self.row.fixed[o.name] & (1 << o.type.bits) - 1)
        place = f"{{{o.name}}}"
        if o.kind in LABELS:
            return Label(Value(I64, place), back=o.kind == "loop")
        if o.kind == "labels":
            return [Label(Value(I64, place))]
        return Value(o.type, place)

    def state(self, name: State) -> Value:
        """A register of the machine."""
        return STATES[name]

    def set_state(self, name: State, value: Value) -> None:
        """Set a register of the machine."""
        self.do(f"{name} = {value.text}")

    def result(self, value: Value) -> None:
        """Write the destination's slot; what uses the value again finds it in a temporary."""
        destination = self.row.destination
        assert destination is not None, self.row.name
        kept = self.temporary(value.type, peeled(value.text, "ROUND32"))
        self.written[value.text] = kept.text
        self.lines.append(Write(kept, destination.name, 0))

    # control
    @contextmanager
    def when(self, condition: Value, *, cold: bool = False) -> Iterator[None]:
        """An `if`."""
        del cold
        self.do(f"if {condition.text}:")
        self.depth += 1
        yield
        self.depth -= 1

    def here(self) -> Label:
        """This op."""
        return Label(Value(I64, "{pc}"))

    def goto(self, to: Label) -> None:
        """Go on at `to`."""
        assert isinstance(to.at, Value)
        self.lines.append(Goto(self.depth, to.at.text.strip("{}")))
        self.ended |= self.depth == 0

    def switch(self, index: Value, to: list[Label]) -> None:
        """Go on at `to[index]`; the last label serves whatever is too large."""
        at = to[0].at
        assert isinstance(at, Value)
        self.leave(f"{at.text}[min({index.text}, {{last}})]")

    def leave(self, pc: str, sp: str = "sp", vmctx: str = "vmctx") -> None:
        """Go on at a pc that is known now only."""
        self.end(f"return {pc}, {sp}, {vmctx}, fuel")

    def stop(self, status: int, pc: str = "{pc}") -> None:
        """End the run."""
        self.end(f"STOP({int(status)}, {pc}, sp, vmctx, fuel)")

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
        """Leave the arguments in the store context, and stop."""
        slot = "{slot}" if self.row.result else "None"
        self.end(f"ASK({int(helper)}, {{pc}}, sp, vmctx, fuel, {{next}}, {slot}, {''.join(a.text + ', ' for a in args)})")
        return self.const(I32, 0)

    def call(self, to: Label | Value, vmctx: Value | None, frame: Value, header: Value) -> None:
        """Write the callee's header (two words at a time) and go to its first op."""
        callee = self.const(I32, 0) if vmctx is None else vmctx
        assert FrameHeader.caller_sp.offset == 0 and FrameHeader.return_pc.offset == 4 and FrameHeader.caller_vmctx.offset == 8  # noqa: PT018
        self.do(f"Q[q + ({header.text} >> 3)] = sp | {{next}} << 32")
        self.do(f"Q[q + ({header.text} + 8 >> 3)] = vmctx")
        sp = f"sp + {frame.text} & {LOW32}"
        if isinstance(to, Label):
            assert isinstance(to.at, Value)
            self.leave(to.at.text, sp)
            return
        entry = self.pure("shl", to, self.const(I32, WindowEntry.size.bit_length() - 1))
        pc = self.load(Space.WINDOW, I32, entry, WindowEntry.pc.offset)
        self.switch_instance(callee)
        self.leave(pc.text, sp, callee.text)

    def ret(self, header: Value) -> None:
        """To the caller, if the header names a return point and a frame below."""
        back = self.temporary(I64, f"Q[q + ({header.text} >> 3)]").text
        vmctx = self.temporary(I32, f"I[w + ({header.text} + {FrameHeader.caller_vmctx.offset} >> 2)]")
        pc = self.temporary(I64, f"{back} >> 32 & {-UNIT & LOW32}").text
        with self.when(Value(I1, f"not RETURNS[{pc} >> 6] >> ({pc} >> 3 & 7) & 1 or {back} & {LOW32} >= sp")):
            self.trap(Cause.CORRUPT)
        self.switch_instance(vmctx)
        self.leave(pc, f"{back} & {LOW32}", vmctx.text)

    def switch_instance(self, vmctx: Value) -> None:
        """Another instance has another memory."""
        self.do(f"if {vmctx.text} != vmctx:")
        self.do(f"{INDENT}SWITCH({vmctx.text})")

    def template(self) -> Template:
        """The whole row."""
        value = self.row.meaning(self, *map(self.operand, self.row.operands))
        early = any(isinstance(line, Write) for line in self.lines) and self.row.result is not None
        if not self.ended and value is not None:
            self.result(value)
        return Template(tuple(inlined(self.lines)), self.ended, early)


@cache
def template(row_code: int, *, deterministic: bool) -> Template:
    """The template of the op with this code."""
    return PythonText(TABLE[row_code], deterministic=deterministic).template()
