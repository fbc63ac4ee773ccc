"""A standard input that is fed."""

from __future__ import annotations

import pytest

from arenite import Feed


def test_it_gives_what_it_has_then_nothing_yet_then_the_end() -> None:
    feed = Feed(b"one")
    assert (feed(2), feed(2), feed(2)) == (b"on", b"e", None)
    feed.write(b"two")
    feed.close()
    assert (feed(8), feed(8)) == (b"two", b"")
    with pytest.raises(ValueError, match="closed"):
        feed.write(b"more")
