"""The bar that long work shows, and where it shows none."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING

from arenite.cli import progress

if TYPE_CHECKING:
    import pytest


class Screen(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(monkeypatch: pytest.MonkeyPatch, seconds: float, *, terminal: bool, moment: float) -> str:
    """What some work shows on such a stream."""
    screen = Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "MOMENT", moment)
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress("thinking") as advance:
        time.sleep(seconds)
        advance(1, 2)
    return screen.getvalue()


def test_long_work_shows_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "thinking" in shown(monkeypatch, 0.3, terminal=True, moment=0)


def test_short_work_and_pipes_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, 0, terminal=True, moment=60) == ""
    assert shown(monkeypatch, 0.3, terminal=False, moment=0) == ""
