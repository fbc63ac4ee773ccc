"""What systems do differently, in one place: vectored input and output, waiting, and whether directories have descriptors.

POSIX systems have everything.  Elsewhere (Windows) vectors are served piece by piece, waiting for input is not possible (all
descriptors count as ready), and paths are followed by name instead of by directory descriptor (see `sandbox`).
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from typing import TYPE_CHECKING

from arenite.light import NamedTuple
from arenite.world.refused import Reason, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

RESERVED = 128  # descriptors that guests leave to their host's process, or a quarter of what it may have
PIPE_BUF = getattr(select, "PIPE_BUF", 512)  # bytes that a pipe takes at once if it takes any
NEW_TERMINALS = 5, 2  # a device of Linux, of which every opening makes one
LONGEST_WAIT = 3600 * 10**9  # nanoseconds; longer waits are made of several, for every host function takes so much
HAS_DIR_FD = {os.open, os.stat, os.mkdir, os.rename, os.link, os.symlink, os.unlink, os.rmdir, os.readlink} <= os.supports_dir_fd
NO_FOLLOW_TIMES = os.utime in os.supports_follow_symlinks

PIPES_MEET_LATER = sys.platform == "linux"  # whether `wait` waits for the first writer of a named pipe; elsewhere that is its end

# Flags that a system does not have are 0: what they ask for then does not happen, as its own programs are used to.
O_BINARY: int = getattr(os, "O_BINARY", 0)
O_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
O_DSYNC: int = getattr(os, "O_DSYNC", 0)
O_NOCTTY: int = getattr(os, "O_NOCTTY", 0)
O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
O_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
O_PATH: int = getattr(os, "O_PATH", 0)
O_SYNC: int = getattr(os, "O_SYNC", 0)


class Ready(NamedTuple):
    """The host's descriptors that can be read, those that can be written, and those whose peer is gone."""

    readable: frozenset[int] = frozenset()
    writable: frozenset[int] = frozenset()
    hung_up: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.readable or self.writable)


def wait(readable: Collection[int], writable: Collection[int], nanoseconds: int | None) -> Ready:
    """Wait until something can be read or written.

    `nanoseconds`: at most so long (None: as long as it takes, or `LONGEST_WAIT`); then nothing is ready.
    A signal's handler runs meanwhile and may raise: Ctrl-C ends any wait.
    """
    limit = LONGEST_WAIT if nanoseconds is None else min(nanoseconds, LONGEST_WAIT)
    if readable or writable:
        return ready(readable, writable, limit)
    time.sleep(limit / 1e9)
    return Ready()


def write_at_once(fd: int, buffers: Sequence[memoryview]) -> int:
    """Write to what is no regular file and was ready: what goes in without waiting.  Raises: BlockingIOError, OSError.

    That it was ready does not say for how much; a terminal may have room for a character, which somebody else may have taken since.
    """
    anew = unwaiting(fd)
    if anew is None:
        with buffers[0][:PIPE_BUF] as part:
            return writev(fd, [part])
    try:
        return writev(anew, buffers)
    finally:
        os.close(anew)


def spare(fd: int) -> bool:
    """Whether the host's process has enough descriptors left beside `fd`, which was just opened and so has the lowest free number."""
    most = most_descriptors()
    return fd < most - min(RESERVED, most // 4)


def check_room(fd: int) -> None:
    """Refuse what would open a descriptor if not enough were `spare` then.  `fd`: any open one.  Raises: `Refused`, OSError."""
    probe = os.dup(fd)
    os.close(probe)
    if not spare(probe):
        raise Refused(Reason.TOO_MANY_OPEN)


if sys.platform != "win32":
    import fcntl
    import resource
    import termios

    def most_descriptors() -> int:
        """How many the host's process may have open, at the moment."""
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return sys.maxsize if soft == resource.RLIM_INFINITY else soft

    readv = os.readv
    writev = os.writev
    preadv = os.preadv
    pwritev = os.pwritev

    def set_append(fd: int, *, on: bool) -> None:
        """Have the host append each write to `fd`, or not."""
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_APPEND if on else flags & ~os.O_APPEND)

    def set_nonblock(fd: int, *, on: bool) -> None:
        """Have reads and writes of `fd` fail that would wait, or not."""
        os.set_blocking(fd, not on)

    def unwaiting(fd: int) -> int | None:
        """The same pipe or terminal opened anew, so that it can be one that never waits; None where the host cannot.

        To set that of `fd` would set it for everybody who shares it.
        """
        try:
            status = os.fstat(fd)
            if stat.S_ISFIFO(status.st_mode) or (
                os.isatty(fd) and (os.major(status.st_rdev), os.minor(status.st_rdev)) != NEW_TERMINALS
            ):
                mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
                return os.open(f"/proc/self/fd/{fd}", mode | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:  # it belongs to another user, or the host is not Linux
            pass
        return None

    def waiting_bytes(fd: int) -> int:
        """How many bytes can be read from a pipe, terminal or socket now; 0 when the host cannot say."""
        try:
            return int.from_bytes(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)), sys.byteorder)
        except OSError:
            return 0

    def ready(readable: Collection[int], writable: Collection[int], nanoseconds: int) -> Ready:
        """The part of `wait` that asks the host."""
        poll = select.poll()
        for fd in {*readable, *writable}:
            poll.register(fd, (select.POLLIN if fd in readable else 0) | (select.POLLOUT if fd in writable else 0))
        found = dict(poll.poll(-(-nanoseconds // 10**6)))
        gone = select.POLLHUP | select.POLLERR | select.POLLNVAL
        return Ready(
            frozenset(fd for fd in readable if found.get(fd, 0) & (select.POLLIN | gone)),
            frozenset(fd for fd in writable if found.get(fd, 0) & (select.POLLOUT | gone)),
            frozenset(fd for fd, events in found.items() if events & select.POLLHUP),
        )

    def allocate(fd: int, offset: int, length: int) -> None:
        """Make sure that the range has room on the disk; the file grows to hold it."""
        if not hasattr(os, "posix_fallocate"):
            raise Refused(Reason.NOT_SUPPORTED)
        os.posix_fallocate(fd, offset, length)

    def advise(fd: int, offset: int, length: int, advice: int) -> None:
        """Tell the host how the range will be used; advice need not be taken."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, offset, length, advice)

    def datasync(fd: int) -> None:
        """Write the file's data to the disk."""
        getattr(os, "fdatasync", os.fsync)(fd)

else:
    from contextlib import contextmanager

    def most_descriptors() -> int:
        """As many as the C library has room for."""
        return 8192

    def readv(fd: int, buffers: Sequence[memoryview]) -> int:
        """Fill the first buffer, as one read may."""
        data = os.read(fd, len(buffers[0]))
        buffers[0][: len(data)] = data
        return len(data)

    def writev(fd: int, buffers: Sequence[memoryview]) -> int:
        """Write the first buffer, as one write may."""
        return os.write(fd, buffers[0])

    @contextmanager
    def placed(fd: int, offset: int) -> Iterator[None]:
        """The position is there, and put back in the end."""
        position = os.lseek(fd, 0, os.SEEK_CUR)
        os.lseek(fd, offset, os.SEEK_SET)
        try:
            yield
        finally:
            os.lseek(fd, position, os.SEEK_SET)

    def preadv(fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Read at an offset."""
        with placed(fd, offset):
            return readv(fd, buffers)

    def pwritev(fd: int, buffers: Sequence[memoryview], offset: int) -> int:
        """Write at an offset."""
        with placed(fd, offset):
            return writev(fd, buffers)

    def set_append(fd: int, *, on: bool) -> None:
        """The host decides it when a file is opened, and never again."""
        del fd, on
        raise Refused(Reason.NOT_SUPPORTED)

    def set_nonblock(fd: int, *, on: bool) -> None:
        """The host has it for few sorts of files, and not for those that paths lead to."""
        del fd, on
        raise Refused(Reason.NOT_SUPPORTED)

    def unwaiting(fd: int) -> int | None:
        """The host has no such files."""
        del fd
        return None

    def waiting_bytes(fd: int) -> int:
        """The host cannot say."""
        del fd
        return 0

    def ready(readable: Collection[int], writable: Collection[int], nanoseconds: int) -> Ready:
        """All descriptors count as ready."""
        del nanoseconds
        return Ready(frozenset(readable), frozenset(writable))

    def allocate(fd: int, offset: int, length: int) -> None:
        """The host has no such call."""
        del fd, offset, length
        raise Refused(Reason.NOT_SUPPORTED)

    def advise(fd: int, offset: int, length: int, advice: int) -> None:
        """Advice need not be taken."""
        del fd, offset, length, advice

    def datasync(fd: int) -> None:
        """Write the file to the disk."""
        os.fsync(fd)
