"""What can be done with a path from a directory.  Every path is walked by `sandbox.resolve`; and what a `Place` then does follows no link.

`follow`: whether a link at the end of the path is followed.   Raises: `Refused`, OSError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.world.opening import open_target
from arenite.world.refused import Reason, Refused
from arenite.world.sandbox import leads_out, resolve
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.world.directories import Directory
    from arenite.world.place import How, Wait
    from arenite.world.resource import Resource
    from arenite.world.stat import Stat


def open_at(directory: Directory, path: str, how: How, *, follow: bool, wait: Wait | None = None) -> Resource:
    """Open a file, directory or device.  `wait`: see `open_target`."""
    with resolve(directory.dir, path, follow=follow) as target:
        return open_target(target, directory.origin, how, wait)


def stat_at(directory: Directory, path: str, *, follow: bool) -> Stat:
    """What is known of a file."""
    with resolve(directory.dir, path, follow=follow) as target:
        return target.stat()


def set_times(directory: Directory, path: str, choose: Callable[[Stat], tuple[int, int] | None], *, follow: bool) -> None:
    """Set access and modification time to what is chosen after a look at the present ones, in nanoseconds; None: neither."""
    directory.check_changes()
    with resolve(directory.dir, path, follow=follow) as target:
        times = choose(target.stat())
        if times is not None:
            target.place.set_times_of(target.name, times)


def create_directory(directory: Directory, path: str) -> None:
    """Create a directory."""
    directory.check_changes()
    with resolve(directory.dir, path, follow=False) as target:
        target.place.create_directory(target.name)


def link(directory: Directory, path: str, new_directory: Directory, new_path: str, *, follow: bool) -> None:
    """Give a file another name, through which it can be written."""
    directory.check_changes()
    new_directory.check_changes()
    with resolve(directory.dir, path, follow=follow) as old, resolve(new_directory.dir, new_path, follow=False) as new:
        old.check_directory()
        new.check_new()
        old.place.add_name(old.name, new.place, new.name)


def read_link(directory: Directory, path: str, *, follow: bool) -> bytes:
    """What a symbolic link says."""
    with resolve(directory.dir, path, follow=follow) as target:
        target.check_directory()
        return target.place.read_link(target.name)


def remove_directory(directory: Directory, path: str) -> None:
    """Remove an empty directory."""
    directory.check_changes()
    with resolve(directory.dir, path, follow=False) as target:
        target.check_named(Reason.INVALID)
        target.place.remove_directory(target.name)


def rename(directory: Directory, path: str, new_directory: Directory, new_path: str) -> None:
    """Rename a file or directory."""
    directory.check_changes()
    new_directory.check_changes()
    with resolve(directory.dir, path, follow=False) as old, resolve(new_directory.dir, new_path, follow=False) as new:
        old.check_named(Reason.BUSY)
        new.check_named(Reason.BUSY)
        if (old.directory or new.directory) and old.stat().type is not FileType.DIRECTORY:
            raise Refused(Reason.NOT_DIRECTORY)
        old.place.rename(old.name, new.place, new.name)


def symlink(directory: Directory, text: str, path: str) -> None:
    """Create a symbolic link; one whose text leads out of the directory that the guest was given is refused."""
    directory.check_changes()
    with resolve(directory.dir, path, follow=False) as target:
        target.check_new()
        if leads_out(text, directory.depth(target.inside)):
            raise Refused(Reason.LEADS_OUT)
        target.place.create_link(target.name, text)


def unlink(directory: Directory, path: str) -> None:
    """Remove a file's name."""
    directory.check_changes()
    with resolve(directory.dir, path, follow=False) as target:
        if target.stat().type is FileType.DIRECTORY:
            raise Refused(Reason.IS_DIRECTORY)
        target.place.remove_name(target.name)
