"""The table of stops: each status has a row, each builtin a function and an op, and the op gives it what the row says."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from arenite.bytecode.effects import effects
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import Form
from arenite.bytecode.stops import FAULT, FINISHED, HOT, LOOK_UP, PAUSE_AGAIN, PAUSE_OWED, SEARCHES, STOPS, Builtin, Resume
from arenite.layout.records import StoreContext
from arenite.machine.run.builtins import BUILTINS
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.bytecode.row import Row

SPACES = {
    "table_index": "table",
    "memory_index": "memory",
    "elem": "elem",
    "data": "data",
}  # role of an op's operand -> index space


def test_each_status_has_one_meaning() -> None:
    assert set(STOPS) == {FINISHED, PAUSE_AGAIN, PAUSE_OWED, LOOK_UP, HOT, FAULT, *SEARCHES, *Builtin}
    assert not set(STOPS) & set(map(int, Cause))
    assert {s for s, stop in STOPS.items() if stop.resume is Resume.BEHIND} == set(map(int, Builtin))


def test_each_is_done_by_the_machine() -> None:
    assert set(BUILTINS) == set(Builtin) - {Builtin.HOST_CALL}  # which the loop does itself


@pytest.mark.parametrize("builtin", list(BUILTINS), ids=lambda b: Builtin(b).name)
def test_the_function_takes_what_the_row_says(builtin: int) -> None:
    parameters = inspect.signature(BUILTINS[builtin]).parameters.values()
    rest = [p.name for p in parameters if p.default is not inspect.Parameter.empty]
    names = [p.name for p in parameters][2:]  # behind the machine and the instance
    assert names == [a.name for a in (*Builtin(builtin).arguments, *Builtin(builtin).rest)]
    assert rest == [a.name for a in Builtin(builtin).rest]


def test_arguments_have_room() -> None:
    assert max(len(stop.arguments) for stop in STOPS.values()) == StoreContext.arguments.count


def test_each_is_asked_for_by_an_op() -> None:
    assert {effects(row).builtin for row in TABLE} - {None} == set(Builtin)


@pytest.mark.parametrize("row", [r for r in TABLE if effects(r).builtin is not None], ids=lambda r: r.name)
def test_the_op_gives_what_the_row_says(row: Row) -> None:
    builtin = effects(row).builtin
    assert builtin is not None
    names = [o for o in row.operands if o.form is not Form.MEMORY]  # an operand of ops whose builtin knows the memory
    assert [(o.name, SPACES.get(o.role.partition(".")[0], "")) for o in names] == [(a.name, a.space) for a in builtin.arguments]
    assert (row.result is None) == (builtin.result is None)
