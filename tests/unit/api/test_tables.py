"""Tables by the host's hand: indexes and amounts below 0 are beyond the table, not counted from its end."""

from __future__ import annotations

import pytest

from arenite import AreniteError, Func, FuncType, Limits, Store, Table, TableType
from marks import EACH_TIER
from unit.machine.guests import EXTERNREF, FUNCREF, engine


def things(tier: str) -> tuple[Store, Table]:
    """A table of three different objects."""
    store = Store(engine(tier=tier))
    table = Table(store, TableType(EXTERNREF, Limits(3, 6)), None)
    for number, thing in enumerate(("first", "second", "last")):
        table.set(store, number, thing)
    return store, table


@pytest.mark.parametrize("index", [-1, -3, -4, 3, 1 << 32])
@EACH_TIER
def test_an_index_that_is_none(tier: str, index: int) -> None:
    store, table = things(tier)
    assert table.get(store, index) is None
    with pytest.raises(AreniteError, match=f"failed to set table element {index}: the table has 3"):
        table.set(store, index, "else")
    assert [table.get(store, n) for n in range(3)] == ["first", "second", "last"]


@pytest.mark.parametrize("amount", [-1, -3, -4, 4, 1 << 32])
@EACH_TIER
def test_an_amount_that_is_refused(tier: str, amount: int) -> None:
    store, table = things(tier)
    with pytest.raises(AreniteError, match=f"failed to grow table by {amount} elements"):
        table.grow(store, amount, "more")
    assert table.size(store) == 3
    assert table.grow(store, 3, "more") == 3
    assert [table.get(store, n) for n in range(6)] == ["first", "second", "last", "more", "more", "more"]


@EACH_TIER
def test_a_table_of_functions(tier: str) -> None:
    store = Store(engine(tier=tier))
    function = Func(store, FuncType([], []), lambda: None)
    table = Table(store, TableType(FUNCREF, Limits(2, None)), function)
    assert (table.get(store, -1), table.get(store, 0)) == (None, function)
