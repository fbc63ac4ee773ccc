"""What comes from a guest can be written as JSON of UTF-8, whatever it is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from arenite.sandbox import Repr
from arenite.serving.shown import as_json, clean, cut, shown_value

TEXTS = st.text(st.characters(exclude_categories=()))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.binary() | TEXTS.map(Repr),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(TEXTS, inner),
)


@given(PLAIN)
def test_plain_data_is_json(value: object) -> None:
    shown = as_json(value)
    assert json.loads(json.dumps(shown, allow_nan=False, ensure_ascii=False).encode()) == shown


@given(TEXTS, st.integers(2, 20))
def test_text_is_cut(text: str, most: int) -> None:
    shown = cut(text, most)
    shown.encode()
    if len(text) <= most:
        assert shown == clean(text)
    else:
        assert shown.startswith(clean(text[: most // 2]))
        assert shown.endswith(clean(text[len(text) - most // 2 :]))
        assert f"{len(text) - most} characters" in shown or most % 2


def test_large_values_are_told_of() -> None:
    assert shown_value([1, 2], 6) == [1, 2]
    left_out = shown_value([1, 2, 3], 6)
    assert isinstance(left_out, dict)
    assert left_out.keys() == {"left_out"}
