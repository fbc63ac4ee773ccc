"""Paths that cannot leave their directory, whatever it lies in: the only place where a guest's path is taken apart.

- A path is walked component by component, each directory opened from the one before with `O_NOFOLLOW`; symbolic links are read
  and walked too.  The host therefore never follows a link for us, and renaming or swapping directories meanwhile changes which
  file inside is meant, never whether it is inside.
- `..` goes back to the directory we came through; above the first one, and by an absolute path or link, it is refused (`LEADS_OUT`).
- What the walk ends with is a `Place` and one name in it.  The operation on that name does not follow links.
- A guest decides how long a path is, so a walk keeps few directories open and takes a bounded number of steps.

    with resolve(root.dir, "a/../b", follow=False) as target:
        target.place.remove_name(target.name)
"""

from __future__ import annotations

import errno
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from arenite.light import NamedTuple
from arenite.world import hostio
from arenite.world.refused import Reason, Refused
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.world.place import Place
    from arenite.world.stat import Stat

MOST_LINKS = 40  # as Linux
MOST_OPEN = 64  # directories open at once during a walk, of which the host has only so many
MOST_STEPS = 8192  # of a walk, about 30 ms: as many as the longest path of a descriptor has names (`LONGEST_WAY`)
LONGEST_WAY = 2 * MOST_STEPS  # bytes of a path from a directory that the guest was given to one that it opened
NO_DIRECTORY = {errno.ENOTDIR, errno.ELOOP}  # what opening a link as a directory gives


class Target(NamedTuple):
    """Where a path leads: a name, or ".", in a directory.

    The name need not exist.  `directory`: the path can only mean a directory, for it ended in a slash.
    `inside`: the way from where the walk began, without links and dots; "." for that directory itself.
    `itself`: the path ended in a dot or two, so the directory is there and no name is left that could be made, moved or removed.
    """

    place: Place
    name: str
    directory: bool
    inside: str
    itself: bool = False

    def stat(self) -> Stat:
        """Of what is there, not following a link.  Raises: OSError; `Refused` if the path's slash is refuted."""
        result = self.place.stat_of(self.name)
        if self.directory and result.type is not FileType.DIRECTORY:
            raise Refused(Reason.NOT_DIRECTORY)
        return result

    def check_directory(self) -> None:
        """Refuse a path that ends in a slash and leads to no directory."""
        if self.directory:
            self.stat()

    def check_new(self) -> None:
        """Refuse a path that ends in a slash for what will be no directory.  Raises: FileNotFoundError if nothing is there."""
        if self.directory:
            self.place.stat_of(self.name)
            raise Refused(Reason.EXISTS)

    def check_named(self, reason: Reason) -> None:
        """Refuse a path that names a directory only by dots."""
        if self.itself:
            raise Refused(reason)


class Trail:
    """A walk: the names from the first directory to the current one, and of these directories the last few, open."""

    __slots__ = ("first", "names", "opened", "steps")

    def __init__(self, first: Place) -> None:
        self.first = first
        self.names: list[str] = []
        self.steps = 0
        self.opened: deque[Place] = deque()

    @property
    def here(self) -> Place:
        """The current directory."""
        return self.opened[-1] if self.opened else self.first

    def enter(self, name: str) -> None:
        """Go to a directory in this one.  Raises: Refused, OSError, and is where it was."""
        self.step()
        self.opened.append(self.here.child(name))
        self.names.append(name)
        if len(self.opened) > MOST_OPEN:
            self.opened.popleft().close()

    def leave(self) -> None:
        """Go back to the directory we came through; one that is not open any more is walked to again."""
        if not self.names:
            raise Refused(Reason.LEADS_OUT)
        self.step()
        self.names.pop()
        self.opened.pop().close()
        if not self.opened:
            again, self.names = self.names, []
            for name in again:
                self.enter(name)

    def step(self) -> None:
        """Count, for a guest decides how many there are."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Refused(Reason.TOO_LONG)

    def close(self) -> None:
        """Give all descriptors back."""
        while self.opened:
            self.opened.pop().close()


@contextmanager
def resolve(start: Place, path: str, *, follow: bool, make: bool = False) -> Iterator[Target]:
    """Walk a guest's path from a directory; the target lives as long as the `with` block.

    `follow`: whether a link at the end is followed.   `make`: make directories on the way that are missing, but none that a link leads to.   Raises: Refused, OSError.
    """
    if not path:
        raise Refused(Reason.MISSING)
    trail = Trail(start)
    try:
        yield walk(trail, path, follow=follow, make=make)
    finally:
        trail.close()


def walk(trail: Trail, path: str, *, follow: bool, make: bool = False) -> Target:
    """`resolve`'s loop."""
    todo = components(path)
    directory = path.endswith("/")
    links, asked = 0, len(todo)  # while there are fewer names to do than `asked`, they are the path's, and no link's
    while todo:
        name = todo.pop()
        if name == "..":
            trail.leave()
            continue
        if name == ".":
            continue
        here = trail.here
        link = here.link(name) if follow and not todo else None
        if todo:
            try:
                trail.enter(name)
            except OSError as error:
                if make and len(todo) < asked and error.errno == errno.ENOENT:
                    here.create_directory(name)
                    trail.enter(name)
                elif error.errno not in NO_DIRECTORY or (link := here.link(name)) is None:
                    raise
        elif link is None:
            return Target(here, name, directory, "/".join((*trail.names, name)))
        if link is not None:
            links += 1
            asked = min(asked, len(todo))
            if links > MOST_LINKS:
                raise Refused(Reason.TOO_MANY_LINKS)
            directory |= not todo and link.endswith("/")
            todo += components(link)
    return Target(trail.here, ".", directory=True, inside="/".join(trail.names) or ".", itself=True)


def components(path: str) -> list[str]:
    """The names of a relative path, last first, without those that say nothing; a dot at the end says that the rest is a directory."""
    if path.startswith("/") or foreign_here(path):
        raise Refused(Reason.LEADS_OUT)
    names = [name for name in reversed(path.split("/")) if name]
    return [name for at, name in enumerate(names) if name != "." or at == 0]


def leads_out(text: str, depth: int) -> bool:
    """Whether a link that says `text` can lead out of the first directory, from a directory `depth` below it.

    A `..` behind a name is taken to do so: the name may be a link, now or later, and then nobody knows what lies above.
    """
    if text.startswith("/") or foreign_here(text):
        return True
    names = [name for name in text.split("/") if name not in {"", "."}]
    up = next((at for at, name in enumerate(names) if name != ".."), len(names))
    return up > depth or ".." in names[up:]


def foreign_here(path: str) -> bool:
    """Whether this system is such a one."""
    return not hostio.HAS_DIR_FD and foreign(path)


def foreign(path: str) -> bool:
    """Whether a system with other path rules would take a name apart that is one name to the guest."""
    return "\\" in path or ":" in path
