"""Garbage collected while the watch has no store in its hands.

A store that has just run may be the watch's for a moment longer, when the system takes the processor from its thread; so who counts what is
alive or open keeps it out.

Example:  del store; collect(); assert reference() is None
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from arenite.machine.watch import watch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def unwatched() -> AbstractContextManager[bool]:
    """The watch holds no store inside it."""
    return watch._lock


def collect() -> None:
    """Collect what nobody else holds."""
    with unwatched():
        gc.collect()
