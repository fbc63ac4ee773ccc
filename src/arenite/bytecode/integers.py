"""Rows of the integer instructions.  Spec: op-iadd … op-iextendn_s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.protocol import I8, I16, I32, I64, Emit, Type, Value
from arenite.bytecode.row import Meaning, Row, row
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

ARITHMETIC: Final = ("add", "sub", "mul", "and", "or", "xor")
SHIFTS: Final = ("shl", "shr_s", "shr_u", "rotl", "rotr")
COMPARISONS: Final = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
INVERSE: Final = {
    "eq": "ne",
    "ne": "eq",
    "lt_s": "ge_s",
    "lt_u": "ge_u",
    "gt_s": "le_s",
    "gt_u": "le_u",
    "le_s": "gt_s",
    "le_u": "gt_u",
    "ge_s": "lt_s",
    "ge_u": "lt_u",
}
MIRROR: Final = {  # the same of operands exchanged
    "eq": "eq",
    "ne": "ne",
    "lt_s": "gt_s",
    "lt_u": "gt_u",
    "gt_s": "lt_s",
    "gt_u": "lt_u",
    "le_s": "ge_s",
    "le_u": "ge_u",
    "ge_s": "le_s",
    "ge_u": "le_u",
}


def trap_if(e: Emit, condition: Value, code: Cause) -> None:
    """Trap when the condition holds."""
    with e.when(condition, cold=True):
        e.trap(code)


def flag(e: Emit, condition: Value) -> Value:
    """An i1 as WebAssembly's i32 truth value."""
    return e.pure("extend_u", condition, to=I32)


def is_zero(e: Emit, a: Value) -> Value:
    """Whether an integer is zero."""
    return e.pure("eq", a, e.const(a.type, 0))


def _arithmetic(name: str) -> Meaning:
    return lambda e, a, b: e.pure(name, a, b)


def _shift(name: str) -> Meaning:
    return lambda e, a, b: e.pure(name, a, e.pure("and", b, e.const(b.type, b.type.bits - 1)))


def _compare(name: str) -> Meaning:
    return lambda e, a, b: flag(e, e.pure(name, a, b))


def _unary(name: str) -> Meaning:
    return lambda e, a: e.pure(name, a)


def _minus_one(e: Emit, type_: Type) -> Value:
    return e.const(type_, (1 << type_.bits) - 1)


def div_s(e: Emit, a: Value, b: Value) -> Value:
    """dst = a / b, signed, toward zero."""
    trap_if(e, is_zero(e, b), Cause.INTEGER_DIVISION_BY_ZERO)
    lowest = e.pure("eq", a, e.const(a.type, 1 << (a.type.bits - 1)))
    trap_if(e, e.pure("both", lowest, e.pure("eq", b, _minus_one(e, b.type))), Cause.INTEGER_OVERFLOW)
    return e.pure("div_s", a, b)


def div_u(e: Emit, a: Value, b: Value) -> Value:
    """dst = a / b, unsigned."""
    trap_if(e, is_zero(e, b), Cause.INTEGER_DIVISION_BY_ZERO)
    return e.pure("div_u", a, b)


def rem_s(e: Emit, a: Value, b: Value) -> Value:
    """dst = a - b * (a / b), the sign of a."""
    trap_if(e, is_zero(e, b), Cause.INTEGER_DIVISION_BY_ZERO)
    one = e.pure(
        "select", e.pure("eq", b, _minus_one(e, b.type)), e.const(b.type, 1), b
    )  # x rem -1 and x rem 1 are 0; the first overflows
    return e.pure("rem_s", a, one)


def rem_u(e: Emit, a: Value, b: Value) -> Value:
    """dst = a modulo b, unsigned."""
    trap_if(e, is_zero(e, b), Cause.INTEGER_DIVISION_BY_ZERO)
    return e.pure("rem_u", a, b)


def extend_from(narrow: Type) -> Meaning:
    """The low bits, sign extended."""
    return lambda e, a: e.pure("extend_s", e.pure("wrap", a, to=narrow), to=a.type)


def _of_type(t: str) -> Iterator[Row]:
    for name in ARITHMETIC:
        yield row(f"{t}.{name}", f"a:{t} b:{t} -> {t}", _arithmetic(name), f"dst = a {name} b")
    for name in SHIFTS:
        yield row(f"{t}.{name}", f"a:{t} b:{t} -> {t}", _shift(name), f"dst = a {name} (b modulo the width)")
    for meaning in (div_s, div_u, rem_s, rem_u):
        yield row(f"{t}.{meaning.__name__}", f"a:{t} b:{t} -> {t}", meaning)
    for name in COMPARISONS:
        yield row(f"{t}.{name}", f"a:{t} b:{t} -> i32", _compare(name), f"dst = a {name} b")
    for name in ("clz", "ctz", "popcnt"):
        yield row(f"{t}.{name}", f"a:{t} -> {t}", _unary(name), f"dst = {name} a")
    for narrow in (I8, I16):
        yield row(
            f"{t}.extend{narrow.bits}_s",
            f"a:{t} -> {t}",
            extend_from(narrow),
            f"dst = the low {narrow.bits} bits of a, sign extended",
        )


def rows() -> Iterator[Row]:
    """Rows of i32 and i64, and between them."""
    yield from _of_type("i32")
    yield from _of_type("i64")
    yield row("i64.extend32_s", "a:i64 -> i64", extend_from(I32), "dst = the low 32 bits of a, sign extended")
    yield row("i32.wrap_i64", "a:i64 -> i32", lambda e, a: e.pure("wrap", a, to=I32), "dst = a modulo 2^32")
    yield row("i64.extend_i32_s", "a:i32 -> i64", lambda e, a: e.pure("extend_s", a, to=I64), "dst = a, sign extended")
