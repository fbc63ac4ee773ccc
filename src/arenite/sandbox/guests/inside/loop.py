"""asyncio without sockets, inside a CPython guest: event loops do without the pair that wakes them, for there is nobody else here who could.

No thread and no signal can wake a loop, so one with no timer and no descriptor to wait for has come to its end, and says so.  What is given to another thread
(`run_in_executor`, `to_thread`) is done on the spot.

Example:  adapt(); asyncio.run(asyncio.sleep(1))
"""

from __future__ import annotations

import asyncio
import selectors
import time
from asyncio.selector_events import BaseSelectorEventLoop
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
loops: list[asyncio.AbstractEventLoop] = []  # the one of code that awaits outside of functions, once there is such


class LoopSelector(selectors.PollSelector):
    """What a loop waits with.  The system's own wait needs something to wait for."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready.  Raises: `RuntimeError` where nothing ever will be."""
        if self.get_map():
            return super().select(timeout)
        if timeout is None:
            raise RuntimeError(
                "the event loop waits for something that nothing here can bring about: no task can go on, and no timer is set"
            )
        if timeout > 0:
            time.sleep(timeout)
        return []


def adapt() -> None:
    """Change the event loops of this process."""
    plain = BaseSelectorEventLoop.__init__

    def begin(loop: BaseSelectorEventLoop, selector: selectors.BaseSelector | None = None) -> None:
        plain(loop, LoopSelector() if selector is None else selector)

    def no_pair(loop: BaseSelectorEventLoop) -> None:
        vars(loop).update(_ssock=None, _csock=None)

    def no_close(loop: BaseSelectorEventLoop) -> None:
        del loop

    def now(loop: asyncio.AbstractEventLoop, executor: object, func: Callable[..., T], *args: object) -> asyncio.Future[T]:
        del executor
        future: asyncio.Future[T] = loop.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 (it is the caller's who awaits it)
            future.set_exception(error)
        return future

    methods = {"__init__": begin, "_make_self_pipe": no_pair, "_close_self_pipe": no_close, "run_in_executor": now}
    for name, method in methods.items():
        setattr(BaseSelectorEventLoop, name, method)


def in_loop(work: Coroutine[object, object, T]) -> T:
    """What comes of some work.  Tasks that it leaves go on when there is more."""
    if not loops:
        loops.append(asyncio.new_event_loop())
    task = loops[0].create_task(work)
    try:
        return loops[0].run_until_complete(task)
    finally:
        task.cancel()  # where the loop came to its end before
