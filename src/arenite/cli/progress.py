"""A bar on stderr, on a terminal only, for work that takes longer than a moment.

Example:

    with progress("translating cpython.wasm") as advance:
        Module(engine, code, progress=advance)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Final, TypeAlias

Advance: TypeAlias = Callable[[int, int], None]  # (done, in all)

MOMENT: Final = 0.3  # seconds


def nowhere(_done: int, _whole: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def progress(what: str, *, shown: bool = True) -> Iterator[Advance]:
    """Show how far some work is; until it says so, that it goes on.  What is written to `sys.stderr` meanwhile stands above it."""
    if not (shown and sys.stderr.isatty()):
        yield nowhere
        return
    from rich.console import Console  # noqa: PLC0415 (guests on no terminal do not wait for it)
    from rich.progress import Progress  # noqa: PLC0415 (as above)

    bar = Progress(console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = bar.add_task(what, total=None)
    timer = Timer(MOMENT, bar.start)
    timer.start()
    try:
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
