"""The rules that exchange one op for another: each holds for all pairs of values that make a difference."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import pytest

from arenite.bytecode import integers
from arenite.bytecode.ops import ROWS, TABLE
from arenite.bytecode.row import DERIVATIONS
from arenite.translate import tables
from arenite.translate.tables import entry

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARE: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "gt": operator.gt,
    "le": operator.le,
    "ge": operator.ge,
}
WIDTH = {"i32": 32, "i64": 64}
COMPARISONS = [f"{t}.{name}" for t in WIDTH for name in integers.COMPARISONS]


def name(code: int) -> str:
    return TABLE[code].name if code else ""


def holds(op: str, a: int, b: int) -> bool:
    """An integer comparison, by Python's own."""
    type_, _, short = op.partition(".")
    base, _, sign = short.partition("_")
    if sign == "s":
        half = 1 << WIDTH[type_] - 1
        a, b = (x - 2 * half if x >= half else x for x in (a, b))
    return COMPARE[base](a, b)


def values(op: str) -> list[int]:
    top = 1 << WIDTH[op[:3]]
    return [0, 1, 2, top // 2 - 1, top // 2, top // 2 + 1, top - 2, top - 1]


@pytest.mark.parametrize("op", COMPARISONS)
def test_inverse_and_mirrored(op: str) -> None:
    code = ROWS[op].code
    inverse, mirrored = name(entry(tables.INVERSE, code)), name(entry(tables.MIRRORED, code))
    for a in values(op):
        for b in values(op):
            assert holds(inverse, a, b) != holds(op, a, b)
            assert holds(mirrored, b, a) == holds(op, a, b)


@pytest.mark.parametrize("op", COMPARISONS)
def test_forms_of_a_comparison(op: str) -> None:
    code = ROWS[op].code
    immediate = entry(tables.IMMEDIATE, code)
    assert name(immediate) == f"{op}_imm"
    assert name(entry(tables.INVERSE, immediate)) == name(entry(tables.INVERSE, code)) + "_imm"
    assert name(entry(tables.BRANCH_IF, code)) == f"br_if {op}"
    assert name(entry(tables.LOOPING, entry(tables.BRANCH_IF, immediate))) == f"loop_br_if {op}_imm"
    assert entry(tables.MIRRORED, immediate) == 0  # a constant cannot stand left


def test_rows_say_what_they_were_made_of() -> None:
    derivations = [row.derivation for row in TABLE if row.derivation]
    assert len(set(derivations)) == len(derivations)
    assert {how for how, *_ in derivations} == set(DERIVATIONS)
    assert {name for how, *names in derivations if how not in ("memory0", "i64", "any") for name in names} <= set(ROWS)
    accesses = {name for how, *names in derivations if how == "memory0" for name in names}
    assert {name for how, *names in derivations if how == "i64" for name in names} <= accesses
    assert accesses <= {name for how, *names in derivations if how == "any" for name in names}


def test_only_what_commutes_is_mirrored() -> None:
    mirrored = {row.name for row in TABLE if name(entry(tables.MIRRORED, row.code)) == row.name}
    commuting = {f"{t}.{op}" for t in WIDTH for op in ("add", "mul", "and", "or", "xor", "eq", "ne")}
    floats = {f"{t}.{op}" for t in ("f32", "f64") for op in ("add", "mul", "eq", "ne")}
    assert mirrored == commuting | floats


def test_a_pair_joins_on_the_side_its_name_says() -> None:
    def pair(table: bytes, first: str, second: str) -> str:
        return name(entry(table, tables.SECOND[ROWS[second].code] * tables.COUNT + ROWS[first].code))

    assert pair(tables.PAIRED_LEFT, "i32.shl_imm", "i32.add") == "i32.shl_imm; i32.add"
    assert pair(tables.PAIRED_RIGHT, "i32.shl_imm", "i32.add") == "i32.shl_imm; i32.add"
    assert pair(tables.PAIRED_LEFT, "f64.mul", "f64.sub") == "f64.mul; f64.sub"
    assert pair(tables.PAIRED_RIGHT, "f64.mul", "f64.sub") == "f64.mul; f64.sub right"
    assert pair(tables.PAIRED_RIGHT, "i32.add", "load32 memory0") == ""
    assert pair(tables.PAIRED_LEFT, "i32.sub", "i32.add") == ""
    assert tables.SECOND[ROWS["i32.sub"].code] == 0
