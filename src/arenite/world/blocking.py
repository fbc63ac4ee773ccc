"""Reading and writing that may take long: the guest can be stopped meanwhile, and goes on where it was if it is asked again.

`caller` is the guest's call, of which the API's `Caller` tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from arenite.errors import NotReady
from arenite.machine.run.sharing import Wanted
from arenite.world import hostio
from arenite.world.files import check_offset
from arenite.world.refused import Reason, Refused
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.world.files import File
    from arenite.world.resource import Resource

ALLOCATED_AT_ONCE = 1 << 24  # bytes


class WaitingCaller(Protocol):
    """Of the API's `Caller`, what waiting needs."""

    @property
    def can_pause(self) -> bool:
        """Whether `NotReady` may be raised."""

    @property
    def hurried(self) -> bool:
        """Whether the call may not wait for any time without looking up."""

    @property
    def shares(self) -> bool:
        """Whether the guest pauses where it would wait, and an event loop does that."""

    progress: int
    """What the call finds again if it is asked again."""

    def checkpoint(self) -> None:
        """Here the guest may be stopped."""

    def wait(
        self,
        step: Callable[[float | None], bool],
        seconds: float | None = None,
        *,
        wanted: Callable[[], Wanted] | None = None,
    ) -> bool:
        """Repeat a step that waits, until it says that what it waits for has come."""


def read(caller: WaitingCaller, resource: Resource, buffers: Sequence[memoryview]) -> int:
    """Read at the position; how many bytes.  Raises: `NotReady` where the guest can be told so."""
    if resource.host_fd() is None:  # it never waits otherwise
        return resource.read(buffers, pause=caller.can_pause)
    pause = caller.can_pause and not caller.shares  # what the host can wait for, the event loop can
    if resource.stream is None or not pause:  # otherwise it is told that there is nothing yet
        _until_ready(caller, resource, writing=False)
    return _transferred(caller, resource, lambda: resource.read(buffers, pause=pause), writing=False)


def write(caller: WaitingCaller, resource: Resource, buffers: Sequence[memoryview], done: int) -> int:
    """Write at the position; where time may run out meanwhile no more than is taken without waiting.

    `done`: bytes of the call that were written before it was asked again, `caller.progress`; how many they are now.
    What was taken is written, whatever fails behind it.
    """

    def advance(size: int) -> None:
        caller.progress += size
        caller.checkpoint()

    try:
        if resource.host_fd() is None:
            return done + resource.write(buffers, advance)
        if _until_ready(caller, resource, writing=True):
            return done + _transferred(caller, resource, lambda: resource.write_at_once(buffers), writing=True)
        return done + _transferred(caller, resource, lambda: resource.write(buffers, advance), writing=True)
    except (Refused, NotReady, OSError):
        if not caller.progress:
            raise
        return caller.progress


def allocate(caller: WaitingCaller, file: File, offset: int, length: int) -> None:
    """Make sure that a range of a file has room, piece by piece: where the file system cannot, the host's library writes to each block."""
    if length == 0:
        raise Refused(Reason.INVALID)
    check_offset(offset, length, offset + length)
    done = caller.progress = min(caller.progress, length - 1)  # if it is asked again; the last byte makes the file grow
    while True:
        piece = min(ALLOCATED_AT_ONCE, length - done)
        file.allocate(offset + done, piece)
        done += piece
        if done == length:
            return
        caller.progress += piece
        caller.checkpoint()


def _until_ready(caller: WaitingCaller, resource: Resource, *, writing: bool) -> bool:
    """Wait until reading or writing would not; whether that has been asked: only where time may run out meanwhile, or must be."""
    host_fd = resource.host_fd()
    if host_fd is None or not resource.waits or resource.type is FileType.REGULAR_FILE:
        return False
    if not (caller.hurried or (resource.unmet and not writing)):
        return False
    _wait_for(caller, host_fd, writing=writing)
    return True


def _transferred(caller: WaitingCaller, resource: Resource, transfer: Callable[[], int], *, writing: bool) -> int:
    """Read or write though the host may have it that its file never waits: that is not what the guest asked for."""
    while True:
        try:
            return transfer()
        except BlockingIOError:
            host_fd = resource.host_fd()
            if host_fd is None or not resource.waits:
                raise
        _wait_for(caller, host_fd, writing=writing)
        caller.checkpoint()  # some hosts say of every file that it is ready


def _wait_for(caller: WaitingCaller, host_fd: int, *, writing: bool) -> None:
    readable, writable = ((), (host_fd,)) if writing else ((host_fd,), ())
    done = caller.progress  # bytes, to which no time is added
    try:
        caller.wait(
            lambda limit: bool(hostio.wait(readable, writable, None if limit is None else round(limit * 1e9))),
            wanted=lambda: Wanted(None, readable, writable),
        )
    finally:
        caller.progress = done
