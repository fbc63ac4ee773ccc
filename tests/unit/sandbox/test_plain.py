"""What guest and host hand over, and what a guest may say that it hands over."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arenite.sandbox.plain import DEEPEST, Repr, packed, unpacked

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda some: st.lists(some) | st.lists(some).map(tuple) | st.dictionaries(st.text(), some),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_data_comes_back(value: object) -> None:
    assert repr(unpacked(json.loads(json.dumps(packed(value, repr))))) == repr(value)


SAID = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([1 << 8191, (1 << 8192) - 1, 1 << 8192, -(1 << 8192), 10**2499])
    | st.floats()
    | st.text()
    | st.lists(st.sampled_from(["l", "t", "d", "b", "f", "i", "r", "aGk=", "nan", "-1", str(1 << 8192), "9" * 2500]), max_size=3),
    lambda some: st.tuples(st.sampled_from("ltdbfir"), st.lists(some)).map(lambda pair: [pair[0], *pair[1]]),
    max_leaves=20,
)


@given(SAID, st.integers(0, DEEPEST + 2))
def test_what_is_believed_could_have_been_packed(said: object, depth: int) -> None:
    """So whoever is given it may hand it on."""
    for _ in range(depth):
        said = ["l", said]
    try:
        value = unpacked(json.loads(json.dumps(said)), reprs=False)
    except ValueError:
        return

    def refused(odd: object) -> str:
        raise AssertionError(odd)

    packed(value, refused)


def test_a_repr_is_plain_data_for_whom_it_says_something() -> None:
    assert unpacked(["l", ["r", "x"]]) == ["x"]
    with pytest.raises(ValueError, match="no packed value"):
        unpacked(["l", ["r", "x"]], reprs=False)


def test_a_float_that_is_no_number() -> None:
    found = unpacked(packed(math.nan, repr))
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("value", [{1: 2}, {1, 2}, object, 1 << 9000, type("Text", (str,), {})("x")], ids=repr)
def test_anything_else_is_its_repr(value: object) -> None:
    found = unpacked(packed([value], lambda _: "shown"))
    assert found == ["shown"]
    assert isinstance(found, list)
    assert type(found[0]) is Repr


def test_what_contains_itself_ends() -> None:
    value: list[object] = []
    value.append(value)
    assert str(unpacked(packed(value, lambda _: "deep"))) == "[" * DEEPEST + "'deep'" + "]" * DEEPEST


def nested(depth: int) -> object:
    value: object = ["l"]
    for _ in range(depth):
        value = ["l", value]
    return value


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        [1],
        ["l", {}],
        ["d", "a"],
        ["d", 1, 2],
        ["d", ["t"], 1],
        ["b", "?"],
        ["b", 1],
        ["f", "1"],
        ["r"],
        ["r", 1],
        ["x", "y"],
        nested(200),
    ],
    ids=lambda answer: str(answer)[:20],
)
def test_what_nothing_is_packed_as_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="no packed value"):
        unpacked(answer) if answer != ["b", "?"] else refuse_base64(answer)


def refuse_base64(answer: object) -> None:
    """Errors of base64 are of that kind, too, in words of their own."""
    try:
        unpacked(answer)
    except ValueError as error:
        raise ValueError("no packed value") from error
