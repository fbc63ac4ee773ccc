"""Effects derived from meanings: every row agrees with its signature, and what is known of some is found."""

from __future__ import annotations

import pytest

from arenite.bytecode.effects import effects
from arenite.bytecode.ops import PAIRS, ROWS, TABLE
from arenite.bytecode.row import Row, row
from arenite.errors import InternalError
from arenite.layout.spaces import Space
from arenite.traps import Cause


@pytest.mark.parametrize("row_", TABLE, ids=lambda row_: row_.name)
def test_the_meaning_agrees_with_the_signature(row_: Row) -> None:
    found = effects(row_)
    assert (found.result is None) == (row_.result is None)
    assert Space.WINDOW not in found.writes
    assert Space.BYTECODE not in found.writes


def test_effects_of_some() -> None:
    assert effects(ROWS["i32.add"]).pure
    assert effects(ROWS["i64.div_s"]).traps == {Cause.INTEGER_DIVISION_BY_ZERO, Cause.INTEGER_OVERFLOW}
    assert effects(ROWS["load32 memory0"]).reads == {Space.MEMORY}
    assert effects(ROWS["load32 memory0"]).traps == {Cause.MEMORY_OUT_OF_BOUNDS}
    assert effects(ROWS["store8 memory0_imm"]).writes == {Space.MEMORY}
    assert effects(ROWS["br_if"]).transfers == {"goto"}
    assert effects(ROWS["loop_br_if"]).transfers == {"goto", "pause"}
    assert effects(ROWS["br"]).ends
    assert not effects(ROWS["br_if"]).ends
    assert effects(ROWS["memory.grow"]).transfers == {"builtin"}


@pytest.mark.parametrize(("first", "second"), PAIRS, ids="; ".join)
def test_only_one_op_of_a_pair_traps(first: str, second: str) -> None:
    # so that a trap has one place in the file
    assert not (effects(ROWS[first]).traps and effects(ROWS[second]).traps)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (row("x", "a:i32 b:i64 -> i32", lambda e, a, b: e.pure("add", a, b)), "add of i32, i64"),
        (row("x", "a:i32 -> i64", lambda _e, a: a), "gives i32, its row says i64"),
        (row("x", "a:i32", lambda _e, a: a), "gives i32, its row says nothing"),
        (row("x", "a:i32 -> i32", lambda e, a: (e.result(a), a)[1]), "two results"),
        (row("x", "a:i64 -> i32", lambda e, a: e.load(Space.ARENA, ROWS["move"].operands[0].type, a)), "arena at an i64"),
    ],
)
def test_a_wrong_meaning_is_found(wrong: Row, message: str) -> None:
    with pytest.raises(InternalError, match=message):
        effects(wrong._replace(doc="wrong"))
