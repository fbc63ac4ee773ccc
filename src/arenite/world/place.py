"""A directory as where names are looked up, whatever it lies in: what a walk over a path, and what is done at its end, ask of it.

- A name is one step; nothing here follows a link.  Walking is `sandbox`'s.
- `HostPlace` is one of the host's; one in memory is `memory.place.MemoryPlace`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.machine.run.chunks import Chunked
    from arenite.world.origin import Origin
    from arenite.world.resource import Resource
    from arenite.world.stat import FileType, Stat
    from arenite.world.travel import Kept

Wait: TypeAlias = Callable[[Callable[[float | None], bool]], object]  # the API's `Caller.wait`


class How(NamedTuple):
    """How something is opened.

    `directory`: only if it is one.   `create`: if there is none yet, `exclusive`: only then.   `truncate`: what it has is cut off.
    `synced`, `data_synced`: each write goes to the disk at once, with all that is known of the file or without.   `waits`: see `Resource`.
    """

    read: bool = False
    write: bool = False
    directory: bool = False
    create: bool = False
    exclusive: bool = False
    truncate: bool = False
    append: bool = False
    synced: bool = False
    data_synced: bool = False
    waits: bool = True

    @property
    def changes(self) -> bool:
        """Whether it can change what is there."""
        return self.write or self.create or self.truncate


class Entry(NamedTuple):
    """What a directory holds under a name.  `following`: where a listing goes on behind it."""

    name: bytes
    inode: int
    type: FileType
    following: int


class Listing(Protocol):
    """A directory that is being read.  `first`: what it can go back to; before that one begins anew."""

    first: int

    def since(self, start: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """The entries from `start` on: 0, or what was `following` one.  `checkpoint`: called now and then."""

    def close(self) -> None:
        """Give back what is kept for reading."""


class Place(Protocol):
    """A directory.  Names are single components, `.` itself included.  Raises: `Refused`, OSError, as everything here."""

    def child(self, name: str) -> Place:
        """The directory of that name, to be closed.  Raises: OSError (`sandbox.NO_DIRECTORY`) for anything else, a link too."""

    def link(self, name: str) -> str | None:
        """What the symbolic link of that name says; None when there is none."""

    def stat(self) -> Stat:
        """Of the directory itself."""

    def stat_of(self, name: str) -> Stat:
        """Of what has that name."""

    def open(self, name: str, origin: Origin, how: How, *, only_directory: bool, wait: Wait | None) -> Resource:
        """Open what has that name.  `only_directory`: refuse anything else.   `wait`: how to wait for a named pipe's reader; None: not at all."""

    def listing(self) -> Listing:
        """Begin to read it."""

    def create_directory(self, name: str) -> None:
        """Make one of that name."""

    def create_link(self, name: str, text: str) -> None:
        """Make a symbolic link."""

    def read_link(self, name: str) -> bytes:
        """What a symbolic link says."""

    def add_name(self, name: str, new: Place, new_name: str) -> None:
        """Give a file another name."""

    def rename(self, name: str, new: Place, new_name: str) -> None:
        """Rename, in place of what has the new name if that is of the same sort."""

    def remove_directory(self, name: str) -> None:
        """Remove an empty one."""

    def remove_name(self, name: str) -> None:
        """Remove the name of what is no directory."""

    def set_times_of(self, name: str, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""

    def set_times(self, times: tuple[int, int]) -> None:
        """The same of the directory itself."""

    def sync(self) -> None:
        """Wait for the disk."""

    def freeze(self, origin: Origin) -> Kept:
        """What finds it again where a guest goes on.  Raises: `SnapshotError`."""

    def open_number(self, number: int, origin: Origin, how: How) -> Resource:
        """Open again what a guest had open here, if its number is enough.  Raises: `SnapshotError`."""

    def contents(self, *, live: bool) -> Chunked | None:
        """All files below, if they travel with a guest.  `live`: not as they are now, but themselves."""

    def shares(self, other: Place) -> bool:
        """Whether both lie in one tree that travels with a guest."""

    def settle(self) -> None:
        """What nobody can reach, now that a guest has everything open again, may go."""

    def close(self) -> None:
        """Give back what the host gave."""
