"""Directories of the host, as resources: where a guest's paths begin.

One that the guest was given has the name that the guest knows it by.  A `Listing` is one being read.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from typing import TYPE_CHECKING

from arenite.light import NamedTuple
from arenite.world import hostio
from arenite.world.resource import Resource
from arenite.world.stat import MASK64, FileType, Stat, file_type
from arenite.world.travel import KeptDirectory, KeptRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.world.origin import Origin
    from arenite.world.sandbox import Dir
    from arenite.world.travel import Kept

MOST_KEPT = 256  # entries of a directory that is being read


class Entry(NamedTuple):
    """What a directory holds under a name."""

    name: bytes
    inode: int
    type: FileType


class Listing:
    """A directory while the guest reads it, entry after entry; `start`: how many entries came before.

    The last entries since the last start are kept, for the guest comes back for what its buffer cut off; the others are not, for the
    guest decides how many directories it reads at once, and how much of them.  An earlier start begins anew.
    """

    def __init__(self, dir_: Dir) -> None:
        self.first = 0
        # What lies above is nobody's business, so `..` has this directory's inode, as `/..` has.  The number 0 (not known) would not do:
        # wasi-libc asks then, is refused, and its `readdir` ends there.
        inode = dir_.stat().st_ino & MASK64
        self.kept = deque([Entry(b".", inode, FileType.DIRECTORY), Entry(b"..", inode, FileType.DIRECTORY)])
        if dir_.fd is not None:
            hostio.check_room(dir_.fd)
        self.found = os.scandir(dir_.path if dir_.fd is None else dir_.fd)

    def since(self, start: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """The entries from `start` on, which is not before the last one.  `checkpoint`: called for each that is passed over."""
        while self.first < start and (self.kept or self.fetch()):
            self.kept.popleft()
            self.first += 1
            checkpoint()
        while start < self.first + len(self.kept) or self.fetch():
            yield self.kept[start - self.first]
            start += 1
            if start > self.first + MOST_KEPT:
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


class Directory(Resource):
    """A directory of the host.  `is_root`, which the guest was given; it stays open until the guest is gone."""

    def __init__(self, dir_: Dir, origin: Origin, *, waits: bool = True, is_root: bool = False) -> None:
        super().__init__(FileType.DIRECTORY)
        self.waits = waits
        self.dir = dir_
        self.origin = origin
        self.is_root = is_root
        self.read_only = origin.root.read_only
        self.listing: Listing | None = None

    @property
    def preopen(self) -> bytes | None:
        """The name that the guest knows it by, if it was given it."""
        return self.origin.root.name if self.is_root else None

    def depth(self, inside: str) -> int:
        """How many directories lie between the one that the guest was given and what is `inside` this one, at least."""
        known = not self.is_root and self.origin.path != "." and self.origin.holds(self.dir.stat)  # otherwise it was moved
        return inside.count("/") + (self.origin.path.count("/") + 1 if known else 0)

    def entries(self, start: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """What is in the directory, from the entry `start` on; 0 looks anew.  `checkpoint`: see `Listing.since`."""
        if self.listing is None or start == 0 or start < self.listing.first:
            self.end_listing()
            self.listing = Listing(self.dir)
        return self.listing.since(start, checkpoint)

    def end_listing(self) -> None:
        """Stop reading."""
        if self.listing is not None:
            self.listing.close()
            self.listing = None

    def stat(self) -> Stat:
        """What the host says."""
        return Stat.of(self.dir.stat())

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        self.check_changes()
        os.utime(self.dir.path if self.dir.fd is None else self.dir.fd, ns=times)

    def sync(self, *, data_only: bool) -> None:
        """Wait for the disk; a directory is synchronised as a whole."""
        del data_only
        if self.dir.fd is not None:
            os.fsync(self.dir.fd)

    def freeze(self) -> Kept:
        """By its name, or its path from one that has a name."""
        if self.is_root:
            return KeptRoot(directory=self.origin.root.name)
        self.origin.check(self.dir.stat)
        return KeptDirectory(directory=self.origin.root.name, path=os.fsencode(self.origin.path))

    def close(self) -> None:
        """Close what is ours."""
        self.end_listing()
        if not self.is_root:
            self.dir.close()


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
