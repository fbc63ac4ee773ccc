"""What the verifier looks up about ops, derived from their rows: kinds, places and roles of operands, and effects.

No op is known by name, but for those that begin a function (`ZEROED`).

Example:  facts().info[8 * ROWS["br_table"].code + 2] == 1, its labels
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Final

from arenite.bytecode.control import ENTER_MAX, ZERO_COUNT
from arenite.bytecode.effects import effects
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import BRANCHES, ROLES, Form
from arenite.bytecode.verifier.classes import CLASSES, UNWRITTEN
from arenite.layout.cage import UNIT
from arenite.layout.spaces import Space
from arenite.layout.types import F32, F64, I32, I64, V128
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from arenite.bytecode.row import Operand, Row

TYPES: Final = {"i32": I32, "f32": F32, "i64": I64, "f64": F64, "v128": V128}
"""Kind of a slot, as rows have it -> its type."""
VECTOR: Final = 32
"""Added to the class of a global that is a v128, for no other is got or set as one; and to that of a result, which takes two slots then."""

# what a step of checking an op is about
READ: Final = 0  # a slot, as u16
HANDED: Final = 1  # a slot whose bits are handed on
FAR_HANDED: Final = 2  # the same, as u32
FAR_WRITTEN: Final = 3  # a slot, as u32, that receives what is handed on
HANDED32: Final = 4  # a constant of 32 bits that is handed on
HANDED64: Final = 5
NAMED: Final = 6  # something in the module, as u32; the step's space says what
NAMED16: Final = 7
TYPE: Final = 8
FORWARD: Final = 9  # a label
BACK: Final = 10
MANY: Final = 11  # labels behind the op
READ_VECTOR: Final = 12  # a slot and the next one, as u16 of the first

# what is done with what is named
GET: Final = 1
SET: Final = 2
CALL: Final = 3
SET_RESULT: Final = 4  # it receives the op's result
SET_VECTOR: Final = 5  # it is a v128, which receives numbers
GET_VECTOR: Final = 6  # it is a v128

ELSEWHERE: Final = {
    "any",
    "far",
    "offset",
    "lane",
    "page",
    "zeroed",
    "size",
    "frame",
    "callee",
    "header",
    "thrown",
}
"""Roles of operands that name nothing of the module."""
SPACES: Final = tuple(role for role in ROLES if role not in ELSEWHERE)

ZEROED: Final = {f"enter{count}": count for count in range(ENTER_MAX + 1)} | {"zero16": ZERO_COUNT}
"""Op that may stand at a function's beginning -> slots that it zeroes."""

# what an op is
ENDS: Final = 1  # the next op is not what comes next
CALLS: Final = 2  # and comes back behind the op; with `ENDS`, throws
RETURNS: Final = 4
APART: Final = 8  # belongs to a function's beginning, or to the machine
STOPS: Final = 16  # asks the machine for something: a run can stop in the middle of it
HANDS_ON: Final = 32  # brings a value to a slot that most ops cannot name
TAILS: Final = 64  # a tail call
CARRIES: Final = 128  # brings the header and arguments where a tail call right behind it wants them


def _step(row: Row, o: Operand) -> tuple[int, int] | None:
    """What is checked of an operand: (what, space and access)."""
    role, _, done = o.role.partition(".")
    if o.form is Form.SLOT and o.type.is_vector:
        return READ_VECTOR, 0
    if o.form is Form.SLOT:
        return (HANDED if role == "any" else READ), 0
    if o.form is Form.IMMEDIATE:
        return ((HANDED32 if o.size == 4 else HANDED64), 0) if role == "any" else None
    if role == "far":
        return (FAR_WRITTEN if done == "set" else FAR_HANDED), 0
    if o.form is Form.TYPE:
        return TYPE, 0
    if role in SPACES:
        access = ("", "get", "set", "call").index(done)
        if access == SET and row.result is not None and not any(p.form is Form.SLOT and p.role == "any" for p in row.operands):
            access = SET_RESULT
        if access in (GET, SET) and _about_vectors(row):
            access = GET_VECTOR if access == GET else SET_VECTOR
        return (NAMED16 if o.size == 2 else NAMED), SPACES.index(role) | access << 4
    assert role in ELSEWHERE, (row.name, o.name)
    return None


def _about_vectors(row: Row) -> bool:
    """Whether an op has a vector among its operands, or makes one."""
    return any(o.form is Form.SLOT and o.type.is_vector for o in row.encoded)


def _places(row: Row) -> int:
    """A byte for each: of a call, where `frame`, `callee`, `type` and label stand, of what leaves `header`, of a throw the rest; see also `_zeroes`."""
    at = {(o.role or o.kind).partition(".")[0]: o.at for o in row.encoded}
    places = ("frame", "callee", "type", "label", "header", "tag", "thrown", "far")
    return sum(at.get(role, 0) << 8 * i for i, role in enumerate(places))


def _zeroes(row: Row) -> int:
    """A byte for each: of an op that begins a function, where the first slot that it zeroes stands, and as how many bytes; how many it
    zeroes; where `size` stands.
    """
    at = {o.role: o for o in row.encoded}
    first, size = at["zeroed"], at.get("size")
    return first.at | first.size << 8 | ZEROED[row.name] << 16 | (size.at if size else 0) << 24


class Facts(NamedTuple):
    """Three tables of `bytes`, by an op's code.

    `info`: 8 bytes for each op: size in units, steps before its result is written, steps behind that, place of its destination (0:
    none), u16 number of its first step, class of its result (`UNWRITTEN`: of what it hands on), flags.  `steps`: 4 bytes for each: place, what,
    u16 space and access << 4.  `places`: 8 bytes for each op, see `_places` and `_zeroes`.
    """

    info: bytes
    steps: bytes
    places: bytes


@cache
def facts() -> Facts:
    """The tables.  Meanings are run for them: when the first module is verified, not when arenite is imported."""
    info, steps, places = bytearray(), bytearray(), bytearray()
    for row in TABLE:
        found = effects(row)
        calls = "call" in found.transfers
        searches = not found.reads.isdisjoint((Space.RANKS, Space.CLAUSES))
        flags = ENDS * (found.ends and not calls) | CALLS * calls | RETURNS * ("return" in found.transfers)
        flags |= TAILS * ("tail call" in found.transfers)
        flags |= CARRIES * (not found.calls and any(o.role == "frame" for o in row.encoded))
        flags |= CALLS * ("search" in found.transfers and not searches)
        flags |= APART * (bool({"halt", "host"} & found.transfers) or searches or row.name in ZEROED)
        flags |= STOPS * ("builtin" in found.transfers) | HANDS_ON * any(o.role == "far.set" for o in row.operands)
        checks = [
            (what, o.at, arg)
            for o in row.encoded
            if o.name != "dst" and o.form not in (*BRANCHES, Form.LABELS)
            for what, arg in _some(row, o)
        ]
        checks.sort(key=lambda c: c[0] == FAR_WRITTEN or (c[0] in (NAMED, NAMED16) and c[2] >> 4 in (SET, SET_RESULT)))
        labels = [
            ({Form.LABEL: FORWARD, Form.LOOP: BACK, Form.LABELS: MANY}[o.form], o.at, 0)
            for o in row.encoded
            if o.form in (*BRANCHES, Form.LABELS) and not found.calls
        ]
        result, dst = UNWRITTEN, row.destination
        if dst is not None and dst.role != "any":
            result = CLASSES[TYPES[dst.kind]] | VECTOR * dst.type.is_vector
        info += struct.pack(
            "<BBBBHBB", row.size // UNIT, len(checks), len(labels), dst.at if dst else 0, len(steps) // 4, result, flags
        )
        for what, at, arg in (*checks, *labels):
            steps += struct.pack("<BBH", at, what, arg)
        places += (_zeroes(row) if row.name in ZEROED else _places(row)).to_bytes(8, "little")
    return Facts(bytes(info), bytes(steps), bytes(places))


def _some(row: Row, o: Operand) -> tuple[tuple[int, int], ...]:
    step = _step(row, o)
    return () if step is None else (step,)
