"""Files, as resources: what any file can do, and those of the host.

A `HostFile` owns its host descriptor, unless the host keeps it (standard streams).  Each has an `Origin`, or is a standard stream.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.world import hostio
from arenite.world.refused import Reason, Refused
from arenite.world.resource import Resource, not_divided
from arenite.world.stat import FileType, Stat, file_type
from arenite.world.travel import LARGEST_OFFSET, KeptFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.world.origin import Origin, Standard
    from arenite.world.resource import Advance
    from arenite.world.travel import Kept


def check_offset(*values: int) -> None:
    """Refuse what the host's signed offsets cannot hold."""
    if any(value > LARGEST_OFFSET for value in values):
        raise Refused(Reason.INVALID)


def seekable(fd: int) -> bool:
    """Whether a host descriptor has a position."""
    try:
        os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return False
    return True


class File(Resource):
    """What has places, so that it can be read and written anywhere, grow and shrink; every kind does all of this."""

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """At an offset; the position stays."""
        raise NotImplementedError

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """At an offset; the position stays.  Where the host has appending win over the offset, it does so here."""
        raise NotImplementedError

    def seek(self, offset: int, whence: int) -> int:
        """Move the position; the new one.  `whence`: one of `os.SEEK_*`."""
        raise NotImplementedError

    def set_size(self, size: int) -> None:
        """Cut the file off or fill it with zeros."""
        raise NotImplementedError

    def allocate(self, offset: int, length: int) -> None:
        """Make room, so that writing there does not fail for want of it."""
        raise NotImplementedError

    def advise(self, offset: int, length: int, advice: str) -> None:
        """Say how a range will be used: "NORMAL", "SEQUENTIAL" and the other words of POSIX."""
        raise NotImplementedError

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        raise NotImplementedError

    def set_append(self, *, on: bool) -> None:
        """Have each write go to the end, or not."""
        raise NotImplementedError


class HostFile(File):
    """A host descriptor: a file, a device, a pipe, a terminal.

    `flush`: called before each write, so that what the host itself has buffered for the same file comes first.
    `unmet`: a named pipe that was opened before anybody wrote to it: to the host that is its end, so it is waited for before it is read.
    `origin` or `stream`: where it comes from.  A standard stream is read or written and nothing else, whatever the host has there: its
    place, size, times and flags are everyone's who has the file.
    """

    def __init__(
        self,
        fd: int,
        *,
        origin: Origin | None = None,
        stream: Standard | None = None,
        waits: bool = True,
        owned: bool = True,
        unmet: bool = False,
        flush: Callable[[], object] | None = None,
    ) -> None:
        kind = file_type(os.fstat(fd).st_mode)
        if stream is not None and kind is FileType.CHARACTER_DEVICE and not os.isatty(fd):
            kind = FileType.UNKNOWN  # wasi-libc takes a character device that has no places for a terminal: /dev/null is none
        super().__init__(kind)
        self.places = stream is None and seekable(fd)
        self.waits = waits
        self.fd = fd
        self.origin = origin
        self.stream = stream
        self.owned = owned
        self.unmet = unmet
        self.read_only = origin is not None and origin.root.read_only
        self.flush = flush

    def read(self, buffers: Sequence[memoryview], *, pause: bool) -> int:
        """At the position, which moves on."""
        if self.stream is not None:
            if self.stream.left:
                return self.stream.read_left(buffers)
            pause = pause and bool(buffers) and self.waits and self.type is not FileType.REGULAR_FILE
            if pause and not hostio.wait((self.fd,), (), 0):
                raise self.stream.not_ready()
        if not self.waits and self.stream is not None and not hostio.wait((self.fd,), (), 0):
            raise Refused(Reason.NOT_YET)
        return hostio.readv(self.fd, buffers) if buffers else 0

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """At the position or, if it is open to append, at the end."""
        del advance  # the host does it at once
        if not self.waits and self.stream is not None and self.type is not FileType.REGULAR_FILE:
            if not hostio.wait((), (self.fd,), 0):
                raise Refused(Reason.NOT_YET)
            return self.write_at_once(buffers)
        if self.flush is not None:
            self.flush()
        return hostio.writev(self.fd, buffers) if buffers else 0

    def write_at_once(self, buffers: Sequence[memoryview]) -> int:
        """Into a stream that was ready, as much as it takes without waiting.  Raises: BlockingIOError when somebody else was faster."""
        if self.flush is not None:
            self.flush()
        return hostio.write_at_once(self.fd, buffers) if buffers else 0

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """At an offset; the position stays."""
        check_offset(offset)
        return hostio.preadv(self.fd, buffers, offset) if buffers else 0

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """At an offset; the position stays.  Where the host has appending win over the offset, it does so here."""
        check_offset(offset)
        return hostio.pwritev(self.fd, buffers, offset) if buffers else 0

    def seek(self, offset: int, whence: int) -> int:
        """Move the position; the new one.  `whence`: one of `os.SEEK_*`."""
        return os.lseek(self.fd, offset, whence)

    def stat(self) -> Stat:
        """What the host says."""
        return Stat.of(os.fstat(self.fd))

    def set_size(self, size: int) -> None:
        """Cut the file off or fill it with zeros."""
        check_offset(size)
        os.ftruncate(self.fd, size)

    def allocate(self, offset: int, length: int) -> None:
        """Make room on the disk, in one call of the host."""
        hostio.allocate(self.fd, offset, length)

    def advise(self, offset: int, length: int, advice: str) -> None:
        """Say how a range will be used: "NORMAL", "SEQUENTIAL" and the other words of POSIX."""
        check_offset(offset, length)
        hostio.advise(self.fd, offset, length, getattr(os, f"POSIX_FADV_{advice}", 0))

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        self.check_changes()
        os.utime(self.fd, ns=times)

    def set_append(self, *, on: bool) -> None:
        """Have each write go to the end, or not."""
        hostio.set_append(self.fd, on=on)

    def set_waits(self, *, on: bool) -> None:
        """Have it wait, or not; regular files never do."""
        if self.stream is None and self.type is not FileType.REGULAR_FILE:
            hostio.set_nonblock(self.fd, on=not on)
        self.waits = on

    def sync(self, *, data_only: bool) -> None:
        """Wait for the disk."""
        if data_only:
            hostio.datasync(self.fd)
        else:
            os.fsync(self.fd)

    def host_fd(self) -> int | None:
        """Anything of the host's can be waited for."""
        return None if self.stream is not None and self.stream.left else self.fd

    def waiting_bytes(self) -> int:
        """What is left of a file; what a pipe or terminal holds."""
        if self.stream is not None and self.stream.left:
            return len(self.stream.left)
        if self.type is FileType.REGULAR_FILE:
            return max(0, os.fstat(self.fd).st_size - os.lseek(self.fd, 0, os.SEEK_CUR))
        return hostio.waiting_bytes(self.fd)

    def freeze(self) -> Kept:
        """By its path and position; a standard stream by its role."""
        if self.stream is not None:
            return self.stream.freeze()
        assert self.origin is not None
        if self.type is not FileType.REGULAR_FILE:
            raise SnapshotError(f"{self.origin}, is not a regular file: only those travel")
        self.origin.check(self.stat)
        return KeptFile(directory=self.origin.root.name, path=os.fsencode(self.origin.path), position=self.seek(0, os.SEEK_CUR))

    def close(self) -> None:
        """Close what is ours."""
        if self.owned:
            os.close(self.fd)
