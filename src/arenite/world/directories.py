"""Directories of the host, as resources: where a guest's paths begin.

One that the guest was given has the name that the guest knows it by.  A `Listing` is one being read.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from arenite.world import hostio
from arenite.world.resource import Resource
from arenite.world.stat import MASK64, FileType, Stat, file_type
from arenite.world.travel import KeptDirectory, KeptRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.world.origin import Origin
    from arenite.world.sandbox import Place
    from arenite.world.travel import Kept

MOST_KEPT = 256  # entries of a directory that is being read


class Entry(NamedTuple):
    """What a directory holds under a name."""

    name: bytes
    inode: int
    type: FileType


class Listing:
    """A directory while the guest reads it, entry after entry; a cookie is how many entries came before.

    The last entries since the last cookie are kept, for the guest comes back for what its buffer cut off; the others are not, for the
    guest decides how many directories it reads at once, and how much of them.  An earlier cookie begins anew.
    """

    def __init__(self, place: Place) -> None:
        self.first = 0
        # What lies above is nobody's business, so `..` has this directory's inode, as `/..` has.  The number 0 (not known) would not do:
        # wasi-libc asks then, is refused, and its `readdir` ends there.
        inode = place.stat().st_ino & MASK64
        self.kept = deque([Entry(b".", inode, FileType.DIRECTORY), Entry(b"..", inode, FileType.DIRECTORY)])
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


class Directory(Resource):
    """A directory of the host.  `is_root`, which the guest was given; it stays open until the guest is gone."""

    def __init__(self, place: Place, origin: Origin, *, waits: bool = True, is_root: bool = False) -> None:
        super().__init__(FileType.DIRECTORY)
        self.waits = waits
        self.place = place
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
        known = not self.is_root and self.origin.path != "." and self.origin.holds(self.place.stat)  # otherwise it was moved
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

    def stat(self) -> Stat:
        """What the host says."""
        return Stat.of(self.place.stat())

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        self.check_changes()
        os.utime(self.place.path if self.place.fd is None else self.place.fd, ns=times)

    def sync(self, *, data_only: bool) -> None:
        """Wait for the disk; a directory is synchronised as a whole."""
        del data_only
        if self.place.fd is not None:
            os.fsync(self.place.fd)

    def freeze(self) -> Kept:
        """By its name, or its path from one that has a name."""
        if self.is_root:
            return KeptRoot(directory=self.origin.root.name)
        self.origin.check(self.place.stat)
        return KeptDirectory(directory=self.origin.root.name, path=os.fsencode(self.origin.path))

    def close(self) -> None:
        """Close what is ours."""
        self.end_listing()
        if not self.is_root:
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
