"""Paths that cannot leave their directory: the only place where a guest's path meets the host.

- A path is walked component by component, each directory opened from the one before with `O_NOFOLLOW`; symbolic links are read
  and walked too.  The host therefore never follows a link for us, and renaming or swapping directories meanwhile changes which
  file inside is meant, never whether it is inside.
- `..` goes back to the directory we came through; above the first one, and by an absolute path or link, it is `PERM`.
- What the walk ends with is a directory and one name in it.  The operation on that name must not follow links.

Where the system knows no directory descriptors (`hostio.HAS_DIR_FD`), places are host paths and each step asks whether its name
is a link.  That holds against the guest itself, but not against another program which swaps a directory for a link at that moment.

    with resolve(place, "a/../b", follow=False) as target:
        os.unlink(target.path, dir_fd=target.fd)
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arenite.wasi import hostio
from arenite.wasi.errno import Errno, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINKS = 40  # as Linux
DEEPEST = 256  # directories open at once during a walk, of which the host has only so many
NO_DIRECTORY = {errno.ENOTDIR, errno.ELOOP}  # what opening a link as a directory gives


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of the host: its descriptor, or where there are none, None and its path."""

    fd: int | None
    path: str

    @classmethod
    def of(cls, path: str) -> Place:
        """The directory at a path of the host, which may be a link.  Raises: OSError."""
        if hostio.HAS_DIR_FD:
            return cls(os.open(path, os.O_RDONLY | hostio.O_DIRECTORY), path)
        if not Path(path).is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return cls(None, os.path.realpath(path))

    def name(self, name: str) -> str:
        """How a name in this directory is given to `os`, together with `dir_fd=self.fd`."""
        return name if self.fd is not None else f"{self.path}{os.sep}{name}"

    def child(self, name: str) -> Place:
        """The directory `name` in this one, to be closed.  Raises: OSError; for a link as for a file."""
        if self.fd is not None:
            access = hostio.O_PATH or os.O_RDONLY
            return Place(os.open(name, access | hostio.O_DIRECTORY | hostio.O_NOFOLLOW, dir_fd=self.fd), name)
        path = self.name(name)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return Place(None, path)

    def link(self, name: str) -> str | None:
        """What the symbolic link `name` says; None when there is none of that name."""
        try:
            return os.readlink(self.name(name), dir_fd=self.fd)
        except OSError:
            return None

    def stat(self) -> os.stat_result:
        """Of the directory itself."""
        return os.stat(self.path if self.fd is None else self.fd)  # noqa: PTH116 - a descriptor, mostly

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd is not None:
            os.close(self.fd)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a path leads: `path` and `fd` are what `os` functions take (with `dir_fd=fd`).

    The name need not exist.  `directory`: the path can only mean a directory, for it ended in a slash.
    `inside`: the way from where the walk began, without links and dots; "." for that directory itself.
    """

    path: str
    fd: int | None
    directory: bool
    inside: str

    def stat(self) -> os.stat_result:
        """Of what is there, not following a link.  Raises: OSError; NotADirectoryError if the path's slash is refuted."""
        result = os.stat(self.path, dir_fd=self.fd, follow_symlinks=False)
        if self.directory and not stat.S_ISDIR(result.st_mode):
            raise Failure(Errno.NOTDIR)
        return result

    def check_directory(self) -> None:
        """Refuse a path that ends in a slash and leads to no directory."""
        if self.directory:
            self.stat()


@contextmanager
def resolve(place: Place, path: str, *, follow: bool) -> Iterator[Target]:
    """Walk a guest's path from a directory; the target lives as long as the `with` block.

    `follow`: whether a link at the end is followed.   Raises: Failure, OSError.
    """
    if not path:
        raise Failure(Errno.NOENT)
    places = [place]
    try:
        yield walk(places, path, follow=follow)
    finally:
        for opened in places[1:]:
            opened.close()


def walk(places: list[Place], path: str, *, follow: bool) -> Target:
    """`resolve`'s loop; `places` are the directories from the first to the current."""
    names: list[str] = []
    todo = components(path)
    directory = path.endswith(("/", "/."))
    links = 0
    while todo:
        name = todo.pop()
        if name == "..":
            if len(places) == 1:
                raise Failure(Errno.PERM)
            places.pop().close()
            names.pop()
            continue
        here = places[-1]
        link = here.link(name) if follow and not todo else None
        if todo:
            if len(places) > DEEPEST:
                raise Failure(Errno.NAMETOOLONG)
            try:
                places.append(here.child(name))
                names.append(name)
            except OSError as error:
                if error.errno not in NO_DIRECTORY or (link := here.link(name)) is None:
                    raise
        elif link is None:
            return Target(here.name(name), here.fd, directory, "/".join((*names, name)))
        if link is not None:
            links += 1
            if links > MOST_LINKS:
                raise Failure(Errno.LOOP)
            directory |= not todo and link.endswith(("/", "/."))
            todo += components(link)
    return Target(places[-1].name("."), places[-1].fd, directory=True, inside="/".join(names) or ".")


def components(path: str) -> list[str]:
    """The names of a relative path, last first, without those that say nothing."""
    if path.startswith("/") or (not hostio.HAS_DIR_FD and foreign(path)):
        raise Failure(Errno.PERM)
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def foreign(path: str) -> bool:
    """Whether a system with other path rules would take a name apart that is one name to the guest."""
    return "\\" in path or ":" in path
