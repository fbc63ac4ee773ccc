"""Files and directories of the host, as descriptors.

- A `File` owns its host descriptor, unless the host keeps it (standard streams).
- A `Directory` is where a guest's paths begin.  Preopened ones have the name that the guest knows them by.  A `Listing` is one being read.
- Each has an `Origin`, or is a standard stream.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from arenite.errors import SnapshotError
from arenite.wasi import hostio
from arenite.wasi.descriptors import Descriptor, not_divided
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.records import (
    DIRECTORY_RIGHTS,
    FILE_RIGHTS,
    STREAM_RIGHTS,
    Advice,
    FdFlags,
    FileType,
    Whence,
    file_type,
)
from arenite.wasi.travel import Given, OpenDirectory, OpenFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from arenite.wasi.descriptors import Advance
    from arenite.wasi.origin import Origin, Standard
    from arenite.wasi.sandbox import Place
    from arenite.wasi.travel import Frozen

MASK64 = (1 << 64) - 1
LARGEST_OFFSET = (1 << 63) - 1
NONBLOCK = int(FdFlags.NONBLOCK)
MOST_KEPT = 256  # entries of a directory that is being read
SYNC_FLAGS = FdFlags.DSYNC | FdFlags.SYNC | FdFlags.RSYNC


def filestat(result: os.stat_result) -> tuple[int, ...]:
    """The fields of `FILESTAT`, from what the host says.  Times before 1970 do not exist here: they are 0."""
    times = (max(0, ns) & MASK64 for ns in (result.st_atime_ns, result.st_mtime_ns, result.st_ctime_ns))
    size = max(0, result.st_size)
    return (result.st_dev & MASK64, result.st_ino & MASK64, file_type(result.st_mode), result.st_nlink, size, *times)


def check_offset(*values: int) -> None:
    """Refuse what the host's signed offsets cannot hold."""
    if any(value > LARGEST_OFFSET for value in values):
        raise Failure(Errno.INVAL)


def seekable(fd: int) -> bool:
    """Whether a host descriptor has a position."""
    try:
        os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return False
    return True


class File(Descriptor):
    """A host descriptor: a file, a device, a pipe, a terminal.

    `flush`: called before each write, so that what the host itself has buffered for the same file comes first.
    `unmet`: a named pipe that was opened before anybody wrote to it: to the host that is its end, so it is waited for before it is read.
    `origin` or `stream`: where it comes from.  A standard stream is read or written and nothing else, whatever the host has there: its
    place, size, times and flags are everyone's who has the file.
    """

    able = FILE_RIGHTS

    def __init__(
        self,
        fd: int,
        rights: int = FILE_RIGHTS,
        *,
        origin: Origin | None = None,
        stream: Standard | None = None,
        flags: int = 0,
        owned: bool = True,
        unmet: bool = False,
        flush: Callable[[], object] | None = None,
    ) -> None:
        kind = file_type(os.fstat(fd).st_mode)
        if stream is not None or not seekable(fd):
            self.able = STREAM_RIGHTS
        if stream is not None and kind is FileType.CHARACTER_DEVICE and not os.isatty(fd):
            kind = FileType.UNKNOWN  # wasi-libc takes a character device that has no places for a terminal: /dev/null is none
        super().__init__(kind, rights, flags=flags)
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
            pause = pause and bool(buffers) and not self.flags & NONBLOCK and self.file_type is not FileType.REGULAR_FILE
            if pause and not hostio.wait((self.fd,), (), 0):
                raise self.stream.not_ready()
        if self.flags & NONBLOCK and self.stream is not None and not hostio.wait((self.fd,), (), 0):
            raise Failure(Errno.AGAIN)
        return hostio.readv(self.fd, buffers) if buffers else 0

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """At the position or, with `APPEND`, at the end."""
        del advance  # the host does it at once
        if self.flags & NONBLOCK and self.stream is not None and self.file_type is not FileType.REGULAR_FILE:
            if not hostio.wait((), (self.fd,), 0):
                raise Failure(Errno.AGAIN)
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
        """At an offset; the position stays.  Where the host has `APPEND` win over the offset, it does so here."""
        check_offset(offset)
        return hostio.pwritev(self.fd, buffers, offset) if buffers else 0

    def seek(self, offset: int, whence: Whence) -> int:
        """Move the position; the new one."""
        return os.lseek(self.fd, offset, whence)

    def stat(self) -> tuple[int, ...]:
        """What the host says."""
        return filestat(os.fstat(self.fd))

    def set_size(self, size: int) -> None:
        """Cut the file off or fill it with zeros."""
        check_offset(size)
        os.ftruncate(self.fd, size)

    def allocate(self, offset: int, length: int) -> None:
        """Make room on the disk, in one call of the host."""
        hostio.allocate(self.fd, offset, length)

    def advise(self, offset: int, length: int, advice: Advice) -> None:
        """Say how a range will be used.  The standard numbers some advice otherwise than hosts do."""
        check_offset(offset, length)
        hostio.advise(self.fd, offset, length, getattr(os, f"POSIX_FADV_{advice.name}", 0))

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        os.utime(self.fd, ns=times)

    def set_flags(self, flags: FdFlags) -> None:
        """Appending and waiting can change; how writes are synchronised is decided when a file is opened."""
        if self.stream is not None:
            super().set_flags(flags)
            return
        changed = self.flags ^ flags
        if changed & SYNC_FLAGS:
            raise Failure(Errno.NOTSUP)
        if changed & FdFlags.APPEND:
            hostio.set_append(self.fd, on=bool(flags & FdFlags.APPEND))
        if changed & FdFlags.NONBLOCK and self.file_type is not FileType.REGULAR_FILE:  # those never wait
            hostio.set_nonblock(self.fd, on=bool(flags & FdFlags.NONBLOCK))
        self.flags = int(flags)

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
        if self.file_type is FileType.REGULAR_FILE:
            return max(0, os.fstat(self.fd).st_size - os.lseek(self.fd, 0, os.SEEK_CUR))
        return hostio.waiting_bytes(self.fd)

    def freeze(self, number: int) -> Frozen:
        """By its path and position; a standard stream by its role."""
        if self.stream is not None:
            return self.stream.freeze(self, number)
        assert self.origin is not None
        if self.file_type is not FileType.REGULAR_FILE:
            raise SnapshotError(f"{self.origin}, is not a regular file: only those travel")
        self.origin.check(lambda: os.fstat(self.fd))
        return OpenFile(
            number=number,
            rights=self.rights,
            inheriting=self.inheriting,
            flags=self.flags,
            directory=self.origin.root.name,
            path=os.fsencode(self.origin.path),
            position=self.seek(0, Whence.CUR),
        )

    def close(self) -> None:
        """Close what is ours."""
        if self.owned:
            os.close(self.fd)


class Entry(NamedTuple):
    """What a directory holds under a name."""

    name: bytes
    inode: int
    file_type: FileType


class Listing:
    """A directory while the guest reads it, entry after entry; a cookie is how many entries came before.

    The last entries since the last cookie are kept, for the guest comes back for what its buffer cut off; the others are not, for the
    guest decides how many directories it reads at once, and how much of them.  An earlier cookie begins anew.
    """

    def __init__(self, place: Place) -> None:
        self.first = 0
        # What lies above is nobody's business, so `..` has this directory's own inode, as `/..` has.  The standard's 0 (not known) would not
        # do: wasi-libc asks then, is refused, and its `readdir` ends there.
        own = place.stat().st_ino & MASK64
        self.kept = deque([Entry(b".", own, FileType.DIRECTORY), Entry(b"..", own, FileType.DIRECTORY)])
        if place.fd is not None:
            hostio.check_room(place.fd)
        self.found = os.scandir(place.path if place.fd is None else place.fd)

    def since(self, cookie: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """The entries from a cookie on, which is not before the last one.  `checkpoint`: called for each that is passed over."""
        while self.first < cookie and (self.kept or self.fetch()):
            self.kept.popleft()
            self.first += 1
            checkpoint()
        while cookie < self.first + len(self.kept) or self.fetch():
            yield self.kept[cookie - self.first]
            cookie += 1
            if cookie > self.first + MOST_KEPT:
                self.kept.popleft()
                self.first += 1

    def fetch(self) -> bool:
        """Keep one more entry, if there is one."""
        entry = next(self.found, None)
        if entry is not None:
            self.kept.append(Entry(os.fsencode(entry.name), entry.inode() & MASK64, entry_type(entry)))
        return entry is not None

    def close(self) -> None:
        """Give back what the host keeps for reading."""
        self.found.close()


class Directory(Descriptor):
    """A directory of the host.  `given`: it is a root, which the guest was given; it stays open until the guest is gone."""

    able = DIRECTORY_RIGHTS

    def __init__(
        self,
        place: Place,
        origin: Origin,
        rights: int = DIRECTORY_RIGHTS,
        inheriting: int = DIRECTORY_RIGHTS | FILE_RIGHTS,
        flags: int = 0,
        *,
        given: bool = False,
    ) -> None:
        super().__init__(FileType.DIRECTORY, rights, inheriting, flags & NONBLOCK)
        self.place = place
        self.origin = origin
        self.given = given
        self.read_only = origin.root.read_only
        self.listing: Listing | None = None

    @property
    def preopen(self) -> bytes | None:
        """The name that the guest knows it by, if it was given it."""
        return self.origin.root.name if self.given else None

    def depth(self, inside: str) -> int:
        """How many directories lie between the one that the guest was given and what is `inside` this one, at least."""
        known = not self.given and self.origin.path != "." and self.origin.holds(self.place.stat)  # otherwise it was moved
        return inside.count("/") + (self.origin.path.count("/") + 1 if known else 0)

    def entries(self, cookie: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """What is in the directory, from a cookie on; cookie 0 looks anew.  `checkpoint`: see `Listing.since`."""
        if self.listing is None or cookie == 0 or cookie < self.listing.first:
            self.end_listing()
            self.listing = Listing(self.place)
        return self.listing.since(cookie, checkpoint)

    def end_listing(self) -> None:
        """Stop reading."""
        if self.listing is not None:
            self.listing.close()
            self.listing = None

    def stat(self) -> tuple[int, ...]:
        """What the host says."""
        return filestat(self.place.stat())

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        os.utime(self.place.path if self.place.fd is None else self.place.fd, ns=times)

    def sync(self, *, data_only: bool) -> None:
        """Wait for the disk; a directory is synchronised as a whole."""
        del data_only
        if self.place.fd is not None:
            os.fsync(self.place.fd)

    def freeze(self, number: int) -> Frozen:
        """By its name, or its path from one that has a name."""
        name, rights, inheriting, flags = self.origin.root.name, self.rights, self.inheriting, self.flags
        if self.given:
            return Given(number=number, rights=rights, inheriting=inheriting, flags=flags, directory=name)
        self.origin.check(self.place.stat)
        path = os.fsencode(self.origin.path)
        return OpenDirectory(number=number, rights=rights, inheriting=inheriting, flags=flags, directory=name, path=path)

    def close(self) -> None:
        """Close what is ours."""
        self.end_listing()
        if not self.given:
            self.place.close()


def entry_type(entry: os.DirEntry[str]) -> FileType:
    """The type of a directory's entry; asks the host only about what is neither file, directory nor link."""
    if entry.is_symlink():
        return FileType.SYMBOLIC_LINK
    if entry.is_dir(follow_symlinks=False):
        return FileType.DIRECTORY
    if entry.is_file(follow_symlinks=False):
        return FileType.REGULAR_FILE
    try:
        return file_type(stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode))
    except OSError:  # gone since
        return FileType.UNKNOWN
