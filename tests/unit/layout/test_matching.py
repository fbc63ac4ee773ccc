"""What may be imported where something is asked for: subtypes are `match`'s affair, whatever holds a value."""

from __future__ import annotations

import pytest

from arenite.layout.types import (
    EXTERNREF,
    FUNCREF,
    I32,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    TableType,
    match_extern,
    matching,
)

ANY, ONE = Limits(0), Limits(1, 2)


@pytest.fixture
def subtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every function were something of the host's."""
    monkeypatch.setattr(matching, "match", lambda found, wanted: found == wanted or (found, wanted) == (FUNCREF, EXTERNREF))


@pytest.mark.usefixtures("subtypes")
def test_what_is_only_read_may_be_of_a_subtype() -> None:
    assert match_extern(GlobalType(FUNCREF, mutable=False), GlobalType(EXTERNREF, mutable=False))
    assert not match_extern(GlobalType(EXTERNREF, mutable=False), GlobalType(FUNCREF, mutable=False))


@pytest.mark.usefixtures("subtypes")
def test_what_is_written_too_may_not() -> None:
    for found, wanted in ((FUNCREF, EXTERNREF), (EXTERNREF, FUNCREF)):
        assert not match_extern(GlobalType(found, mutable=True), GlobalType(wanted, mutable=True))
        assert not match_extern(TableType(found, ANY), TableType(wanted, ANY))
    assert match_extern(TableType(FUNCREF, ANY), TableType(FUNCREF, ANY))


def test_equivalent_types_that_are_not_equal_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "match", lambda found, wanted: {found, wanted} <= {FUNCREF, EXTERNREF} or found == wanted)
    assert match_extern(TableType(FUNCREF, ANY), TableType(EXTERNREF, ANY))
    assert match_extern(GlobalType(FUNCREF, mutable=True), GlobalType(EXTERNREF, mutable=True))
    assert not match_extern(GlobalType(I32, mutable=True), GlobalType(EXTERNREF, mutable=True))


def test_kinds_do_not_match_each_other() -> None:
    types = (
        FuncType((), ()),
        TableType(FUNCREF, ANY),
        MemoryType(ANY),
        GlobalType(I32, mutable=True),
        GlobalType(I32, mutable=False),
    )
    for found in types:
        assert [match_extern(found, wanted) for wanted in types] == [found is wanted for wanted in types]


def test_limits_are_those_of_now() -> None:
    for found, wanted in ((MemoryType(ONE), MemoryType(ONE)), (TableType(FUNCREF, ONE), TableType(FUNCREF, ONE))):
        assert [match_extern(found, wanted, size) for size in (0, 1)] == [False, True]
