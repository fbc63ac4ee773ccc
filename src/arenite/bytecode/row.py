"""An op row (name, operands, meaning, doc) and the algebra that makes rows out of rows: no meaning is ever written twice.

Derived from a row: its encoding, its text form, its handlers, its effects.  Kinds of operands:

    i32 i64 f32 f64            a frame slot                                                            -> Value
    v128                       a frame slot and the next one                                           -> Value
    i32.imm16 i64.imm64 …      a constant in the code                                                  -> Value
    u16 u32 type               an unsigned constant                                                    -> Value (i32)
    label loop                 where a branch goes, in units of 8 bytes from this op; `loop` is a back-edge, so a safepoint  -> Label
    labels                     a count; so many labels follow the op                                   -> Labels
    memory                     a memory, by the place of its record's offset in the instance           -> Memory

A third word says what an operand is for, where its kind does not: its *role* (`ROLES`).  The verifier, and whatever rewrites indexes,
go by roles: no op is known to them by its name.

Encoding: u16 op, then the destination, then the operands, each at its natural alignment, in units of 8 bytes.

Example:  parse("a:i32 b:i32 -> i32"); parse("disp:u32:defined_global.get -> i64:any")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from arenite.bytecode.protocol import F32, F64, I32, I64, I64X2, Memory, Type, Value, Values
from arenite.layout.cage import UNIT
from arenite.light import NamedTuple

if TYPE_CHECKING:
    from arenite.bytecode.stops import Builtin

Meaning = Callable[..., Value | None]  # arity differs from row to row: the one place where that is allowed


class Form(Enum):
    """What an operand is in the encoding."""

    SLOT = "a slot's byte offset"
    IMMEDIATE = "a signed constant that is a value"
    UNSIGNED = "an offset or an index; the role says of what"
    TYPE = "an index among the module's types, in a window's copy of the code the type's id there"
    LABEL = "a displacement to a label ahead"
    LOOP = "a displacement to a label that is not ahead: a back-edge"
    LABELS = "a count of displacements behind the op"
    MEMORY = "the place, in the instance, of a memory's record"


class OperandKind(NamedTuple):
    """A kind of operand.  `type`: of the value that a meaning receives; `size`, `letter`: bytes in the encoding, and how `struct` calls them."""

    form: Form
    type: Type
    size: int
    letter: str


SLOTS: Final[dict[str, Type]] = {"i32": I32, "i64": I64, "f32": F32, "f64": F64, "v128": I64X2}
OPERAND_KINDS: Final[dict[str, OperandKind]] = {name: OperandKind(Form.SLOT, type_, 2, "H") for name, type_ in SLOTS.items()} | {
    "i32.imm16": OperandKind(Form.IMMEDIATE, I32, 2, "h"),
    "i64.imm16": OperandKind(Form.IMMEDIATE, I64, 2, "h"),
    "i32.imm32": OperandKind(Form.IMMEDIATE, I32, 4, "i"),
    "i64.imm64": OperandKind(Form.IMMEDIATE, I64, 8, "q"),
    "u16": OperandKind(Form.UNSIGNED, I32, 2, "H"),
    "u32": OperandKind(Form.UNSIGNED, I32, 4, "I"),
    "type": OperandKind(Form.TYPE, I32, 4, "I"),
    "label": OperandKind(Form.LABEL, I64, 4, "i"),
    "loop": OperandKind(Form.LOOP, I64, 4, "i"),
    "labels": OperandKind(Form.LABELS, I64, 2, "H"),
    "memory": OperandKind(Form.MEMORY, I32, 4, "I"),
}
"""Name of a kind, as signatures have it -> what is true of it.  A new one of a known form needs nothing else."""

BRANCHES: Final = (Form.LABEL, Form.LOOP)

# role -> what an operand with it is.  What is named may be followed by what is done with it: `.get` (its value, or a reference to it,
# goes to where the op puts its `any`), `.set` (it receives the op's `any`), `.call`.
ROLES: Final[dict[str, str]] = {
    "any": "bits of any type, which the op hands on as they are; of the destination: of the type of what was handed on",
    "offset": "a distance in linear memory",
    "lane": "one of a vector's lanes, by its number",
    "defined_global": "a global of the instance, by its place there",
    "imported_global": "an imported global, by the place of its offset in the instance",
    "table_index": "a table, by its number",
    "table": "a table, by the place of its offset in the instance",
    "memory": "a memory, by the place of its record's offset in the instance",
    "memory_index": "a memory, by its number",
    "page": "the logarithm of the size of a memory's pages",
    "defined_func": "a function of the module, by its number without the imported ones",
    "imported_func": "an imported function, by the place of its reference in the instance",
    "tag": "a tag, by the place of its offset in the instance",
    "elem": "an element segment, by its number",
    "data": "a data segment, by its number",
    "far": "a slot, by a byte offset from the frame that may pass 65535",
    "zeroed": "the first of the slots that the op sets to zero",
    "size": "bytes of the function's frame",
    "frame": "where a callee's frame begins, in this one",
    "thrown": "where the values of an exception lie, in this frame",
    "callee": "where a callee's frame has its header, in this one",
    "header": "where the function's own frame has its header",
}


# how rows are made of rows
DERIVATIONS: Final[dict[str, str]] = {
    "immediate": "an operand is a constant",
    "far": "the displacement is a u32",
    "loop": "the branch is a back-edge",
    "fused": "the result of the first is the first operand of the second",
    "right": "the same, but it is the second's other operand",
    "kept": "the result of the first is an operand of the second, and is written as well",
    "inc_br_if": "a counted loop ends: a constant is added before the comparison",
    "add_br_if": "the same, and what is added lies in a slot",
    "memory0": "an access or an op of any memory, for the first one with addresses of 32 bits",
    "i64": "the same with addresses of 64 bits",
    "any": "the same for any memory of the instance",
}


class Operand(NamedTuple):
    """One operand: its name, its kind, where it stands in the encoded op (bytes), and its role."""

    name: str
    kind: str
    at: int = 0
    role: str = ""

    @property
    def form(self) -> Form:
        """What it is in the encoding."""
        return OPERAND_KINDS[self.kind].form

    @property
    def type(self) -> Type:
        """Type of the value a meaning receives for it."""
        return OPERAND_KINDS[self.kind].type

    @property
    def size(self) -> int:
        """Bytes in the encoding."""
        return OPERAND_KINDS[self.kind].size

    @property
    def letter(self) -> str:
        """How `struct` calls it."""
        return OPERAND_KINDS[self.kind].letter

    def received(self, number: Value) -> Value | Memory:
        """What a meaning receives for a number of the code: a memory, or the number itself."""
        return Memory(number) if self.form is Form.MEMORY else number


class Row(NamedTuple):
    """One op.

    `operands`: as the meaning takes them.  `result`: kind of the destination, None if there is none.  `tied`: the result goes to
    this operand's slot.  `fixed`: operands that are constants of the handler and not encoded.
    `encoded`: what stands in the code, the destination first, as `dst`; `size`: how many bytes that is.  `derivation`: how it was derived
    from other rows: the way (`DERIVATIONS`), then their names.
    """

    name: str
    operands: tuple[Operand, ...]
    result: str | None
    meaning: Meaning
    doc: str
    tied: str | None = None
    fixed: Mapping[str, int] = MappingProxyType({})
    code: int = -1
    result_role: str = ""
    encoded: tuple[Operand, ...] = ()
    size: int = UNIT
    derivation: tuple[str, ...] = ()

    def constant(self, e: Values, operand: Operand) -> Value | Memory | None:
        """What the meaning receives for an operand that is fixed; None for one that is encoded."""
        n = self.fixed.get(operand.name)
        return None if n is None else operand.received(e.const(operand.type, n & (1 << operand.type.bits) - 1))

    @property
    def destination(self) -> Operand | None:
        """The operand whose slot the result goes to."""
        if self.tied:
            return next(o for o in self.operands if o.name == self.tied)
        return None if self.result is None else self.encoded[0]


def parse(signature: str) -> tuple[tuple[Operand, ...], str | None, str]:
    """`"a:i32 to:label -> i32"` as operands, result kind and result role."""
    left, _, right = signature.partition("->")
    words = ([*word.split(":"), ""] for word in left.split())
    kind, _, role = right.strip().partition(":")
    return tuple(Operand(name, kind, role=role) for name, kind, role, *_ in words), kind or None, role


def row(name: str, signature: str, meaning: Meaning, doc: str = "") -> Row:
    """A row from its signature; without `doc` the meaning's docstring is its doc."""
    operands, result, role = parse(signature)
    return placed(Row(name, operands, result, meaning, doc or (meaning.__doc__ or "").strip(), result_role=role))


def asking(name: str, signature: str, builtin: Builtin, doc: str) -> Row:
    """The row of an op that asks the machine for something, and does nothing else."""
    return row(name, signature, lambda e, *operands: e.builtin(builtin, *operands), doc)


def placed(source: Row) -> Row:
    """The row with a place for every encoded operand and its size."""
    at, encoded, operands = 2, list[Operand](), list[Operand]()

    def place(operand: Operand) -> Operand:
        nonlocal at
        name, kind, _, role = operand
        size = OPERAND_KINDS[kind].size
        begin = -(-at // size) * size
        at = begin + size
        encoded.append(Operand(name, kind, begin, role))
        return encoded[-1]

    if source.result is not None and not source.tied:
        place(Operand("dst", source.result, role=source.result_role))
    for operand in source.operands:
        operands.append(operand if operand.name in source.fixed else place(operand))
    return source._replace(operands=tuple(operands), encoded=tuple(encoded), size=-(-at // UNIT) * UNIT)


def immediate(source: Row, operand: str = "b") -> Row:
    """The operand is a signed 16-bit constant in the code instead of a slot."""
    change = tuple(o._replace(kind=o.kind + ".imm16") if o.name == operand else o for o in source.operands)
    return placed(source._replace(name=source.name + "_imm", operands=change, derivation=("immediate", source.name)))


def far(source: Row) -> Row:
    """The displacement is a u32 instead of a u16."""
    change = tuple(o._replace(kind="u32") if o.name == "disp" else o for o in source.operands)
    return placed(source._replace(name=source.name + " far", operands=change, derivation=("far", source.name)))


def looping(source: Row) -> Row:
    """The same branch as a back-edge: a safepoint."""
    change = tuple(o._replace(kind="loop") if o.form is Form.LABEL else o for o in source.operands)
    return placed(source._replace(name="loop_" + source.name, operands=change, derivation=("loop", source.name)))


def tied(source: Row, operand: str) -> Row:
    """The result replaces `operand`."""
    return placed(source._replace(tied=operand))


def specialised(source: Row, name: str, **fixed: int) -> Row:
    """The op for these values of operands, which become constants of the handler: an access for memory 0."""
    return placed(source._replace(name=name, fixed={**source.fixed, **fixed}))


def fused(name: str, first: Row, second: Row, *, keep: bool = False, operand: int = 0) -> Row:
    """`second` with the result of `first` as its operand number `operand`; `keep`: that result is written as well.

    Operands: those of `first`, then the rest of `second` (renamed with a 2 where names clash).
    """
    n = len(first.operands)
    taken = {o.name for o in first.operands}
    others = second.operands[:operand] + second.operands[operand + 1 :]
    names = {o.name: o.name + "2" if o.name in taken else o.name for o in others}
    rest = tuple(o._replace(name=names[o.name]) for o in others)
    fixed = {**first.fixed, **{names[constant]: n for constant, n in second.fixed.items()}}

    def meaning(e: Any, *xs: Any) -> Value | None:  # noqa: ANN401
        value = first.meaning(e, *xs[:n])
        if keep:
            e.result(value)
        assert value is not None, name
        wanted, left = second.operands[operand].type, xs[n:]
        if wanted.is_float != value.type.is_float:  # a slot holds bits: `load64; f64.add`
            value = e.pure("bits", value, to=wanted)
        elif wanted is not value.type:  # `global.get; i32.add`: the upper half is zero
            value = e.pure("wrap" if wanted.bits < value.type.bits else "extend_u", value, to=wanted)
        return second.meaning(e, *left[:operand], value, *left[operand:])

    return placed(
        first._replace(
            name=name,
            operands=first.operands + rest,
            meaning=meaning,
            doc=f"{first.name}; {second.name}",
            result=first.result if keep else second.result,
            result_role=first.result_role if keep else second.result_role,
            tied=first.tied if keep else None,
            fixed=fixed,
            derivation=("kept" if keep else "right" if operand else "fused", first.name, second.name),
        )
    )
