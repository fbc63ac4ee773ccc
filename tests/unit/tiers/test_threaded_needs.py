"""Where the threaded tier cannot run it says why."""

from __future__ import annotations

import pytest

from arenite.errors import Limit
from arenite.tiers import threaded
from arenite.tiers.threaded.objects import Variant


def test_larger_pages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "HAS_OBJECTS", True)
    monkeypatch.setattr(threaded, "page_size", 1 << 14)
    with pytest.raises(Limit, match="pages of 0x1000 bytes, found 0x4000"):
        threaded.Handlers(Variant())


def test_other_systems_are_told_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "HAS_OBJECTS", False)
    with pytest.raises(Limit, match="x86-64 or aarch64"):
        threaded.Handlers(Variant())
