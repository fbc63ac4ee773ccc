"""Directories, as resources: where a guest's paths begin.  What each lies in is its `Place`'s matter.

One that the guest was given has the name that the guest knows it by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.world.resource import Resource
from arenite.world.stat import FileType, Stat
from arenite.world.travel import KeptRoot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.world.origin import Origin
    from arenite.world.place import Entry, Listing, Place
    from arenite.world.travel import Kept


class Directory(Resource):
    """A directory.  `is_root`, which the guest was given; it stays open until the guest is gone."""

    def __init__(self, place: Place, origin: Origin, *, waits: bool = True, is_root: bool = False) -> None:
        super().__init__(FileType.DIRECTORY)
        self.waits = waits
        self.dir = place
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
            self.listing = self.dir.listing()
        return self.listing.since(start, checkpoint)

    def end_listing(self) -> None:
        """Stop reading."""
        if self.listing is not None:
            self.listing.close()
            self.listing = None

    def stat(self) -> Stat:
        """What its place says."""
        return self.dir.stat()

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        self.check_changes()
        self.dir.set_times(times)

    def sync(self, *, data_only: bool) -> None:
        """Wait for the disk; a directory is synchronised as a whole."""
        del data_only
        self.dir.sync()

    def freeze(self) -> Kept:
        """By its name, or its path from one that has a name."""
        if self.is_root:
            return KeptRoot(directory=self.origin.root.name)
        return self.dir.freeze(self.origin)

    def close(self) -> None:
        """Close what is ours."""
        self.end_listing()
        if not self.is_root:
            self.dir.close()
