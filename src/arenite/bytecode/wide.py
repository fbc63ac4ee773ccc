"""Rows of wide arithmetic: what a number of 128 bits, in two i64s, needs beside the plain ops.  Spec: the proposal's overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.protocol import I64, I128, Emit, Value
from arenite.bytecode.row import row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Row


def _carry(e: Emit, condition: Value) -> Value:
    return e.pure("extend_u", condition, to=I64)


def add_carry(e: Emit, sum: Value, a: Value, b: Value) -> Value:  # noqa: A002 (an operand's name)
    """dst = sum, and 1 if a + b does not fit."""
    return e.pure("add", sum, _carry(e, e.pure("lt_u", e.pure("add", a, b), a)))


def sub_borrow(e: Emit, difference: Value, a: Value, b: Value) -> Value:
    """dst = difference, less 1 if a < b, unsigned."""
    return e.pure("sub", difference, _carry(e, e.pure("lt_u", a, b)))


def _high(e: Emit, a: Value, b: Value, extend: str) -> Value:
    product = e.pure("mul", e.pure(extend, a, to=I128), e.pure(extend, b, to=I128))
    return e.pure("wrap", e.pure("shr_u", product, e.const(I128, 64)), to=I64)


def mul_high_s(e: Emit, a: Value, b: Value) -> Value:
    """dst = the upper half of a * b, signed."""
    return _high(e, a, b, "extend_s")


def mul_high_u(e: Emit, a: Value, b: Value) -> Value:
    """dst = the upper half of a * b, unsigned."""
    return _high(e, a, b, "extend_u")


def rows() -> Iterator[Row]:
    """Rows of i64."""
    yield row("i64.add_carry", "sum:i64 a:i64 b:i64 -> i64", add_carry)
    yield row("i64.sub_borrow", "difference:i64 a:i64 b:i64 -> i64", sub_borrow)
    yield row("i64.mul_high_s", "a:i64 b:i64 -> i64", mul_high_s)
    yield row("i64.mul_high_u", "a:i64 b:i64 -> i64", mul_high_u)
