"""Waiting in an event loop for a time, or for descriptors of the host."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

from anyio import BusyResourceError, create_task_group, move_on_after, sleep, wait_readable, wait_writable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio import CancelScope

    from arenite.machine.run.sharing import Wanted

LOOKS: Final = 0.01  # seconds between two looks at what the event loop cannot wait for


async def happens(wanted: Wanted, seconds: float) -> bool:
    """Wait for it, so long at most; whether one of the descriptors may be ready by now."""
    kinds = [partial(wait_readable, fd) for fd in wanted.readable] + [partial(wait_writable, fd) for fd in wanted.writable]
    if not kinds:
        await sleep(max(0.0, seconds))
        return False
    with move_on_after(None if seconds == math.inf else max(0.0, seconds)):
        if len(kinds) == 1:
            await _ready(kinds[0])
            return True
        async with create_task_group() as tasks:
            for kind in kinds:
                tasks.start_soon(_first, kind, tasks.cancel_scope)
        return True
    return False


async def _first(kind: Callable[[], Awaitable[None]], others: CancelScope) -> None:
    """Wait for one of several."""
    await _ready(kind)
    others.cancel()


async def _ready(kind: Callable[[], Awaitable[None]]) -> None:
    """Wait for a descriptor.  Some loops can wait for few sorts of files, and a loop for each descriptor once: then it is looked at again soon."""
    try:
        await kind()
    except (BusyResourceError, NotImplementedError, OSError):
        await sleep(LOOKS)
