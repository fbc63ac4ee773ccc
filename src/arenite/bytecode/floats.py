"""Rows of the float instructions and of conversions.  Spec: op-fadd … op-trunc_sat_s.

Every operation that may make a NaN passes its result through `e.canonical`; `abs`, `neg`, `copysign` and moves are about bits.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.bytecode.integers import flag, trap_if
from arenite.bytecode.protocol import F32, F64, I32, I64, Emit, Type, Value
from arenite.bytecode.row import Meaning, Row, row
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

ARITHMETIC: Final = ("add", "sub", "mul", "div")
COMPARISONS: Final = ("eq", "ne", "lt", "gt", "le", "ge")
MIRROR: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}  # the same of operands exchanged
ROUNDINGS: Final = ("ceil", "floor", "trunc", "nearest", "sqrt")
FLOATS: Final[dict[str, tuple[Type, Type]]] = {"f32": (F32, I32), "f64": (F64, I64)}  # with the integer of the same width


def float_const(e: Emit, type_: Type, x: float) -> Value:
    """A float constant, by its bits."""
    letter, integer = ("<f", I32) if type_ is F32 else ("<d", I64)
    return e.pure("bits", e.const(integer, int.from_bytes(struct.pack(letter, x), "little")), to=type_)


def _binary(prim: str) -> Meaning:
    return lambda e, a, b: e.canonical(e.pure(prim, a, b))


def _unary(prim: str) -> Meaning:
    return lambda e, a: e.canonical(e.pure(prim, a))


def _compare(prim: str) -> Meaning:
    return lambda e, a, b: flag(e, e.pure(prim, a, b))


def _extremum(less: str, zeros: str) -> Meaning:
    """`min` or `max`: NaN if there is one; of two zeros the one that `zeros` of their bits gives."""

    def meaning(e: Emit, a: Value, b: Value) -> Value:
        bits = I32 if a.type is F32 else I64
        equal = e.pure("bits", e.pure(zeros, e.pure("bits", a, to=bits), e.pure("bits", b, to=bits)), to=a.type)
        ordered = e.pure("select", e.pure(less, a, b), a, e.pure("select", e.pure(less, b, a), b, equal))
        return e.canonical(e.pure("select", e.pure("fuo", a, b), e.pure("fadd", a, b), ordered))

    return meaning


def _bits(change: str, constant: int) -> Meaning:
    """`abs` and `neg`: one operation on the bits, which a slot holds as an integer."""
    return lambda e, a: e.pure(change, a, e.const(a.type, constant))


def _copysign(e: Emit, a: Value, b: Value) -> Value:
    sign = 1 << (a.type.bits - 1)
    return e.pure("or", e.pure("and", a, e.const(a.type, sign - 1)), e.pure("and", b, e.const(b.type, sign)))


def _truncate(to: Type, *, signed: bool) -> Meaning:
    """Traps on NaN and outside the target's range; the bounds are the nearest floats of the operand's type outside it."""

    def meaning(e: Emit, a: Value) -> Value:
        trap_if(e, e.pure("fuo", a, a), Cause.BAD_CONVERSION_TO_INTEGER)
        top = float(1 << (to.bits - 1 if signed else to.bits))
        exact = not signed or (a.type is F64 and to is I32)  # is `lowest - 1` a float of this type?
        bottom = (-top - 1 if exact else -top) if signed else -1.0
        above = e.pure("fgt" if exact else "fge", a, float_const(e, a.type, bottom))
        inside = e.pure("both", above, e.pure("flt", a, float_const(e, a.type, top)))
        trap_if(e, e.pure("not", inside), Cause.INTEGER_OVERFLOW)
        return e.pure("trunc_s" if signed else "trunc_u", a, to=to)

    return meaning


def _convert(prim: str, to: Type, *, canonical: bool = False) -> Meaning:
    if canonical:
        return lambda e, a: e.canonical(e.pure(prim, a, to=to))
    return lambda e, a: e.pure(prim, a, to=to)


def _of_type(t: str) -> Iterator[Row]:
    i = "i" + t[1:]
    sign = 1 << (FLOATS[t][0].bits - 1)
    for name in ARITHMETIC:
        yield row(f"{t}.{name}", f"a:{t} b:{t} -> {t}", _binary("f" + name), f"dst = a {name} b, rounded to the type")
    yield row(f"{t}.min", f"a:{t} b:{t} -> {t}", _extremum("flt", "or"), "dst = the lesser; -0 is less than 0; NaN if either is")
    yield row(f"{t}.max", f"a:{t} b:{t} -> {t}", _extremum("fgt", "and"), "dst = the greater; NaN if either is")
    for name in ROUNDINGS:
        yield row(f"{t}.{name}", f"a:{t} -> {t}", _unary("f" + name), f"dst = {name} a")
    for name in COMPARISONS:
        yield row(f"{t}.{name}", f"a:{t} b:{t} -> i32", _compare("f" + name), f"dst = a {name} b")
    yield row(f"{t}.abs", f"a:{i} -> {i}", _bits("and", sign - 1), "dst = a without its sign, bit for bit")
    yield row(f"{t}.neg", f"a:{i} -> {i}", _bits("xor", sign), "dst = a with the other sign, bit for bit")
    yield row(f"{t}.copysign", f"a:{i} b:{i} -> {i}", _copysign, "dst = a with the sign of b")
    for integer, to in (("i32", I32), ("i64", I64)):
        for s, signed in (("s", True), ("u", False)):
            yield row(f"{integer}.trunc_{t}_{s}", f"a:{t} -> {integer}", _truncate(to, signed=signed), "dst = a toward zero")
            yield row(
                f"{integer}.trunc_sat_{t}_{s}",
                f"a:{t} -> {integer}",
                _convert(f"sat_{s}", to),
                "dst = a toward zero, clamped; NaN is 0",
            )
            convert = _convert(f"from_{s}", FLOATS[t][0])
            yield row(f"{t}.convert_{integer}_{s}", f"a:{integer} -> {t}", convert, "dst = a, rounded to the type")


def rows() -> Iterator[Row]:
    """Rows of f32 and f64, and between them."""
    yield from _of_type("f32")
    yield from _of_type("f64")
    yield row("f32.demote_f64", "a:f64 -> f32", _convert("demote", F32, canonical=True), "dst = a, rounded")
    yield row("f64.promote_f32", "a:f32 -> f64", _convert("promote", F64, canonical=True), "dst = a, exact")
