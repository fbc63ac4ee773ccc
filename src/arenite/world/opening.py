"""Opening what a path leads to: for a guest that asks, and again for one that goes on elsewhere."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from arenite.errors import SnapshotError
from arenite.light import NamedTuple
from arenite.world import hostio
from arenite.world.directories import Directory
from arenite.world.files import File
from arenite.world.origin import Origin
from arenite.world.refused import Reason, Refused, explain
from arenite.world.resource import closed_on_error
from arenite.world.sandbox import Dir, resolve
from arenite.world.travel import KeptDirectory, KeptFile

if TYPE_CHECKING:
    from arenite.world.origin import Root
    from arenite.world.sandbox import Target

Wait: TypeAlias = Callable[[Callable[[float | None], bool]], object]  # the API's `Caller.wait`

RETRY = 0.01  # seconds until it is asked again whether somebody reads a named pipe


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


def open_target(target: Target, start: Origin, how: How, wait: Wait | None = None) -> Directory | File:
    """Open what a path from `start` leads to.

    `wait`: how to wait for somebody to read a named pipe; None: not at all.
    """
    if start.root.read_only and how.changes:
        raise Refused(Reason.READ_ONLY)
    only_directory = target.directory or how.directory
    if target.directory and how.create:
        raise Refused(Reason.EXISTS if target.itself and how.exclusive else Reason.IS_DIRECTORY)
    origin = start.step(target.inside)
    if target.fd is None:
        found = open_by_path(target, origin, how, only_directory=only_directory)
        if found is not None:
            return found
    else:
        hostio.check_room(target.fd)  # before the host creates anything or cuts it off
    host_flags = host_open_flags(how) | (hostio.O_DIRECTORY if only_directory else 0)
    unmet = how.waits and is_named_pipe(target)
    fd = open_named_pipe(target, host_flags, wait) if unmet else os.open(target.path, host_flags, 0o666, dir_fd=target.fd)
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            return Directory(Dir(fd, target.path), origin, waits=how.waits)
        return File(fd, origin=origin, waits=how.waits, unmet=unmet)
    except BaseException:
        os.close(fd)
        raise


def is_named_pipe(target: Target) -> bool:
    """Whether to open it may wait for somebody at the other end."""
    try:
        return hostio.PIPES_MEET_LATER and stat.S_ISFIFO(os.stat(target.path, dir_fd=target.fd, follow_symlinks=False).st_mode)
    except OSError:
        return False


def open_named_pipe(target: Target, host_flags: int, wait: Wait | None) -> int:
    """Open without waiting in the host, where nothing could stop the guest: a descriptor whose reads and writes do wait.

    To read, it is open at once, and the first read waits for somebody who writes.  To write needs a reader, so that is tried again.
    """
    opened = []

    def step(limit: float | None) -> bool:
        try:
            opened.append(os.open(target.path, host_flags | hostio.O_NONBLOCK, 0o666, dir_fd=target.fd))
        except OSError as error:
            if error.errno != errno.ENXIO or wait is None:
                raise
            time.sleep(RETRY if limit is None else min(limit, RETRY))
        return bool(opened)

    if not step(0) and wait is not None:
        wait(step)
    hostio.set_nonblock(opened[0], on=False)
    return opened[0]


def open_by_path(target: Target, origin: Origin, how: How, *, only_directory: bool) -> Directory | None:
    """Open a directory where directories have no descriptors; None when the path leads to a file or to nothing."""
    try:
        mode = os.lstat(target.path).st_mode
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
    return Directory(Dir(None, target.path), origin, waits=how.waits)


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


def reopen(kept: KeptFile | KeptDirectory, root: Root, how: How) -> Directory | File:
    """Open again what a guest had open, of the same sort; nothing is created or cut off.

    Raises: `SnapshotError`.
    """
    origin = Origin(root, os.fsdecode(kept.path))
    if root.read_only and how.write:
        raise SnapshotError(f"{origin}, is open for writing, but the directory is for reading only")
    sort, is_one = ("directory", stat.S_ISDIR) if isinstance(kept, KeptDirectory) else ("regular file", stat.S_ISREG)
    try:
        with resolve(root.dir, origin.path, follow=False) as target:
            if not is_one(target.stat().st_mode):  # asked before, for opening a pipe would wait
                raise SnapshotError(f"{origin}, is no {sort}")
            opened = open_target(target, Origin(root), how)
        with closed_on_error(opened):
            if isinstance(opened, File) and isinstance(kept, KeptFile):
                opened.seek(kept.position, os.SEEK_SET)
    except (Refused, OSError) as error:
        raise SnapshotError(f"{origin}, cannot be opened again: {explain(error)}") from error
    return opened
