"""Garbage collected while the watch has no store in its hands.

A store that has just run may be the watch's for a moment longer, when the system takes the processor from its thread; so who counts what is
alive or open keeps it out.

Example:  del store; collect(); assert reference() is None
          before = open_files(); …; assert open_files() == before
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite.machine.run.watch import watch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

OPEN: Final = Path("/proc/self/fd")


def unwatched() -> AbstractContextManager[bool]:
    """The watch holds no store inside it."""
    return watch._lock


def collect() -> None:
    """Collect what nobody else holds."""
    with unwatched():
        gc.collect()


def open_files() -> int:
    """Descriptors of this process, without those of what nobody holds any more; whoever counts needs `OPEN`."""
    collect()
    return len(list(OPEN.iterdir()))
