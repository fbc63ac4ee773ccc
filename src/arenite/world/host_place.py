"""Directories of the host as places: the only code that hands a guest's names to the host, one component at a time, and never has it follow a link.

Where the system knows no directory descriptors (`hostio.HAS_DIR_FD`), places are host paths and each step asks whether its name
is a link.  That holds against the guest itself, but not against another program which swaps a directory for a link at that moment.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from arenite.errors import SnapshotError
from arenite.light import NamedTuple
from arenite.world import hostio
from arenite.world.directories import Directory
from arenite.world.files import HostFile
from arenite.world.place import Entry
from arenite.world.refused import Reason, Refused
from arenite.world.stat import MASK64, FileType, Stat, file_type
from arenite.world.travel import KeptDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.world.origin import Origin
    from arenite.world.place import How, Place, Wait
    from arenite.world.travel import Kept

MOST_KEPT = 256  # entries of a directory that is being read
RETRY = 0.01  # seconds until it is asked again whether somebody reads a named pipe


class HostPlace(NamedTuple):
    """A directory of the host: its descriptor, or where there are none, None and its path."""

    fd: int | None
    path: str

    @classmethod
    def of(cls, path: str) -> HostPlace:
        """The directory at a path of the host, which may be a link.  Raises: OSError."""
        if hostio.HAS_DIR_FD:
            return cls(os.open(path, os.O_RDONLY | hostio.O_DIRECTORY), path)
        if not Path(path).is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return cls(None, os.path.realpath(path))

    def name(self, name: str) -> str:
        """How a name in this directory is given to `os`, together with `dir_fd=self.fd`."""
        return name if self.fd is not None else f"{self.path}{os.sep}{name}"

    def child(self, name: str) -> HostPlace:
        """The directory `name` in this one."""
        if self.fd is not None:
            access = hostio.O_PATH or os.O_RDONLY
            fd = os.open(name, access | hostio.O_DIRECTORY | hostio.O_NOFOLLOW, dir_fd=self.fd)
            if not hostio.spare(fd):
                os.close(fd)
                raise Refused(Reason.TOO_MANY_OPEN)
            return HostPlace(fd, name)
        path = self.name(name)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return HostPlace(None, path)

    def link(self, name: str) -> str | None:
        """What the symbolic link `name` says."""
        try:
            return os.readlink(self.name(name), dir_fd=self.fd)
        except OSError:
            return None

    def stat(self) -> Stat:
        """What the host says."""
        return Stat.of(os.stat(self.path if self.fd is None else self.fd))  # noqa: PTH116 - a descriptor, mostly

    def stat_of(self, name: str) -> Stat:
        """What the host says."""
        return Stat.of(self._asked(name))

    def _asked(self, name: str) -> os.stat_result:
        return os.stat(self.name(name), dir_fd=self.fd, follow_symlinks=False)

    def open(self, name: str, origin: Origin, how: How, *, only_directory: bool, wait: Wait | None) -> Directory | HostFile:
        """Open it, if the host's process has enough descriptors left."""
        if self.fd is None:
            found = self._open_by_path(name, origin, how, only_directory=only_directory)
            if found is not None:
                return found
        else:
            hostio.check_room(self.fd)  # before the host creates anything or cuts it off
        host_flags = host_open_flags(how) | (hostio.O_DIRECTORY if only_directory else 0)
        unmet = how.waits and self._is_named_pipe(name)
        path = self.name(name)
        fd = self._open_named_pipe(path, host_flags, wait) if unmet else os.open(path, host_flags, 0o666, dir_fd=self.fd)
        try:
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                return Directory(HostPlace(fd, path), origin, waits=how.waits)
            return HostFile(fd, origin=origin, waits=how.waits, unmet=unmet)
        except BaseException:
            os.close(fd)
            raise

    def _is_named_pipe(self, name: str) -> bool:
        """Whether to open it may wait for somebody at the other end."""
        try:
            return hostio.PIPES_MEET_LATER and stat.S_ISFIFO(self._asked(name).st_mode)
        except OSError:
            return False

    def _open_named_pipe(self, path: str, host_flags: int, wait: Wait | None) -> int:
        """Open without waiting in the host, where nothing could stop the guest: a descriptor whose reads and writes do wait.

        To read, it is open at once, and the first read waits for somebody who writes.  To write needs a reader, so that is tried again.
        """
        opened = []

        def step(limit: float | None) -> bool:
            try:
                opened.append(os.open(path, host_flags | hostio.O_NONBLOCK, 0o666, dir_fd=self.fd))
            except OSError as error:
                if error.errno != errno.ENXIO or wait is None:
                    raise
                time.sleep(RETRY if limit is None else min(limit, RETRY))
            return bool(opened)

        if not step(0) and wait is not None:
            wait(step)
        hostio.set_nonblock(opened[0], on=False)
        return opened[0]

    def _open_by_path(self, name: str, origin: Origin, how: How, *, only_directory: bool) -> Directory | None:
        """Open a directory where directories have no descriptors; None when the path leads to a file or to nothing."""
        path = self.name(name)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            if only_directory:
                raise
            return None
        if stat.S_ISLNK(mode):
            raise Refused(Reason.TOO_MANY_LINKS)
        if not stat.S_ISDIR(mode):
            if only_directory:
                raise Refused(Reason.NOT_DIRECTORY)
            return None
        if how.write:
            raise Refused(Reason.IS_DIRECTORY)
        return Directory(HostPlace(None, path), origin, waits=how.waits)

    def listing(self) -> HostListing:
        """Begin to read it, if the host's process has enough descriptors left."""
        return HostListing(self)

    def create_directory(self, name: str) -> None:
        """Make one."""
        os.mkdir(self.name(name), dir_fd=self.fd)

    def create_link(self, name: str, text: str) -> None:
        """Make a symbolic link."""
        os.symlink(text, self.name(name), dir_fd=self.fd)

    def read_link(self, name: str) -> bytes:
        """What a symbolic link says."""
        return os.fsencode(os.readlink(self.name(name), dir_fd=self.fd))

    def add_name(self, name: str, new: Place, new_name: str) -> None:
        """Give a file another name, through which it can be written."""
        there = self._same(new)
        os.link(self.name(name), there.name(new_name), src_dir_fd=self.fd, dst_dir_fd=there.fd, follow_symlinks=False)

    def rename(self, name: str, new: Place, new_name: str) -> None:
        """As the host renames."""
        there = self._same(new)
        os.replace(self.name(name), there.name(new_name), src_dir_fd=self.fd, dst_dir_fd=there.fd)

    def _same(self, place: Place) -> HostPlace:
        """A place of the host's.  Raises: OSError (EXDEV)."""
        if not isinstance(place, HostPlace):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return place

    def remove_directory(self, name: str) -> None:
        """Remove an empty one."""
        os.rmdir(self.name(name), dir_fd=self.fd)

    def remove_name(self, name: str) -> None:
        """Remove a name."""
        os.unlink(self.name(name), dir_fd=self.fd)

    def set_times_of(self, name: str, times: tuple[int, int]) -> None:
        """Set access and modification time."""
        os.utime(self.name(name), ns=times, dir_fd=self.fd, follow_symlinks=not hostio.NO_FOLLOW_TIMES)

    def set_times(self, times: tuple[int, int]) -> None:
        """The same of the directory itself."""
        os.utime(self.path if self.fd is None else self.fd, ns=times)

    def sync(self) -> None:
        """Wait for the disk; a directory is synchronised as a whole."""
        if self.fd is not None:
            os.fsync(self.fd)

    def freeze(self, origin: Origin) -> Kept:
        """By its path."""
        origin.check(self.stat)
        return KeptDirectory(directory=origin.root.name, path=os.fsencode(origin.path))

    def open_number(self, number: int, origin: Origin, how: How) -> Directory | HostFile:
        """The host finds nothing by its number."""
        del number, how
        raise SnapshotError(f"{origin}, was in memory, and is a directory of the host now")

    def contents(self, *, live: bool) -> None:
        """They stay where they are."""
        del live

    def shares(self, other: Place) -> bool:
        """Nothing of the host's travels."""
        del other
        return False

    def settle(self) -> None:
        """The host keeps nothing that nobody can reach."""

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd is not None:
            os.close(self.fd)


class HostListing:
    """A directory while the guest reads it, entry after entry; a start says how many entries came before.

    The last entries since the last start are kept, for the guest comes back for what its buffer cut off; the others are not, for the
    guest decides how many directories it reads at once, and how much of them.  An earlier start begins anew.
    """

    def __init__(self, place: HostPlace) -> None:
        self.first = 0
        # What lies above is nobody's business, so `..` has this directory's inode, as `/..` has.  The number 0 (not known) would not do:
        # wasi-libc asks then, is refused, and its `readdir` ends there.
        inode = place.stat().inode
        self.kept = deque([(b".", inode, FileType.DIRECTORY), (b"..", inode, FileType.DIRECTORY)])
        if place.fd is not None:
            hostio.check_room(place.fd)
        self.found = os.scandir(place.path if place.fd is None else place.fd)

    def since(self, start: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """The entries from `start` on, which is not before the last one.  `checkpoint`: called for each that is passed over."""
        while self.first < start and (self.kept or self.fetch()):
            self.kept.popleft()
            self.first += 1
            checkpoint()
        while start < self.first + len(self.kept) or self.fetch():
            yield Entry(*self.kept[start - self.first], start + 1)
            start += 1
            if start > self.first + MOST_KEPT:
                self.kept.popleft()
                self.first += 1

    def fetch(self) -> bool:
        """Keep one more entry, if there is one."""
        entry = next(self.found, None)
        if entry is not None:
            self.kept.append((os.fsencode(entry.name), entry.inode() & MASK64, entry_type(entry)))
        return entry is not None

    def close(self) -> None:
        """Give back what the host keeps for reading."""
        self.found.close()


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


def host_open_flags(how: How) -> int:
    """How the host opens: never through a link or as the controlling terminal."""
    write = how.write or how.truncate
    access = (os.O_RDWR if how.read else os.O_WRONLY) if write else os.O_RDONLY
    asked = (
        (how.create, os.O_CREAT),
        (how.exclusive, os.O_EXCL),
        (how.truncate, os.O_TRUNC),
        (how.append, os.O_APPEND),
        (how.data_synced, hostio.O_DSYNC),
        (how.synced, hostio.O_SYNC),
        (not how.waits, hostio.O_NONBLOCK),
    )
    return access | hostio.O_NOFOLLOW | hostio.O_NOCTTY | hostio.O_BINARY | sum(host for wanted, host in asked if wanted)
