"""`Pool`: fresh boxes that are there before they are wanted, and no more of them at a time than was said.

- Whoever takes a box has it alone, and it is closed afterwards: no box is given out twice, so nothing of a user is seen by the next.
- Whoever comes when all are out waits; who waited longest is next.  Threads and tasks of event loops may wait for the same pool.
- A box is made again when one is given back, by whoever gives it back; where that has failed, by whoever wants it.

    with Sandbox.pool(8) as pool, pool.box() as box:
        box.run("print(6 * 7)")
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from arenite.errors import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType
    from typing import Self

    from arenite.sandbox.sandbox import Sandbox

CLOSED: Final = "the pool is closed"


class Waiter:
    """Somebody who waits.  `wake`: may be called by any thread; `admitted`: there is room, which is the waiter's."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.admitted = False


class Pool:
    """At most `size` boxes at a time.  `make` gives a fresh one.  Made by `Sandbox.pool`."""

    def __init__(self, size: int, make: Callable[[], Sandbox]) -> None:
        if size < 1:
            raise ValueError(f"a pool has at least one box, not {size}")
        self.size = size
        self._make = make
        self._making, self._lock = threading.Lock(), threading.Lock()
        self._room = size  # boxes that may still be given out: while somebody waits, none
        self._made: deque[Sandbox] = deque()
        self._waiting: deque[Waiter] = deque()
        self._closed = False
        try:
            for _ in range(size):
                self._made.append(make())
        except BaseException:
            self.close()
            raise

    @contextmanager
    def box(self, *, timeout: float | None = None) -> Iterator[Sandbox]:
        """A box of one's own.  `timeout`: seconds that one waits at most.  Raises: `TimeoutError`; `Failure` when the pool is closed."""
        event = threading.Event()
        waiter = Waiter(event.set)
        if self._comes(waiter):
            try:
                event.wait(timeout)
            except BaseException:
                self._leave(waiter)
                raise
            if not self._goes_in(waiter):
                raise TimeoutError(f"all {self.size} boxes of the pool are out")
        with self._given() as box:
            yield box

    @asynccontextmanager
    async def box_async(self) -> AsyncIterator[Sandbox]:
        """The same in an event loop, whose other tasks run meanwhile.  Raises: `Failure`; `ImportError` without the extra `async`."""
        try:
            import anyio  # noqa: PLC0415 (few have it)
        except ImportError as error:
            raise ImportError("box_async needs anyio: pip install 'arenite[async]'") from error

        call, event = in_loop(), anyio.Event()
        waiter = Waiter(lambda: call(event.set))
        if self._comes(waiter):
            try:
                await event.wait()
            except BaseException:
                self._leave(waiter)
                raise
            self._goes_in(waiter)
        with self._given() as box:
            yield box

    def _comes(self, waiter: Waiter) -> bool:
        """Whether one has to wait; otherwise one is in.  Raises: `Failure`."""
        with self._lock:
            if self._closed:
                raise Failure(CLOSED)
            if not self._room:
                self._waiting.append(waiter)
                return True
            self._room -= 1
            return False

    def _goes_in(self, waiter: Waiter) -> bool:
        """Whether one who was woken, or has waited long enough, is in.  Raises: `Failure`."""
        with self._lock:
            if waiter.admitted:
                return True
            if self._closed:
                raise Failure(CLOSED)
            self._waiting.remove(waiter)
            return False

    def _leave(self, waiter: Waiter) -> None:
        """Wait no more: the room is another's."""
        with self._lock:
            if waiter.admitted:
                self._admit()
            elif not self._closed:
                self._waiting.remove(waiter)

    def _admit(self) -> None:
        """There is room for one more: for who has waited longest.  The lock is held."""
        while self._waiting:
            waiter = self._waiting.popleft()
            waiter.admitted = True
            try:
                waiter.wake()
            except RuntimeError:  # its event loop has ended
                continue
            return
        self._room += 1

    @contextmanager
    def _given(self) -> Iterator[Sandbox]:
        """A box, for one who is in."""
        try:
            try:
                box = self._made.popleft()
            except IndexError:  # nobody has made it yet
                box = self._fresh()
            with box:
                yield box
            if not self._closed:
                with suppress(Exception):  # whoever wants it makes it, or is told: this one has had its own
                    self._made.append(self._fresh())
        finally:
            with self._lock:
                self._admit()
            if self._closed:
                self._empty()

    def _fresh(self) -> Sandbox:
        with self._making:
            return self._make()

    def close(self) -> None:
        """No more boxes: those that are out stay their users', and whoever waits is told."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
        for waiter in waiting:
            with suppress(RuntimeError):
                waiter.wake()
        self._empty()

    def _empty(self) -> None:
        with suppress(IndexError):
            while True:
                self._made.popleft().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


def in_loop() -> Callable[[Callable[[], object]], object]:
    """What any thread can call to have something called in the event loop that runs here."""
    import asyncio  # noqa: PLC0415 (only who has a loop needs it)

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio  # noqa: PLC0415 (the other one)

        return trio.lowlevel.current_trio_token().run_sync_soon
