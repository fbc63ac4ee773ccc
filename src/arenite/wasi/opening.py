"""Opening what a path leads to: for a guest that asks, and again for one that goes on elsewhere."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from arenite.errors import SnapshotError
from arenite.wasi import hostio
from arenite.wasi.descriptors import closed_on_error
from arenite.wasi.errno import Errno, Failure, reason
from arenite.wasi.files import Directory, File
from arenite.wasi.origin import Origin
from arenite.wasi.records import FdFlags, OFlags, Rights, Whence
from arenite.wasi.sandbox import Place, resolve
from arenite.wasi.travel import OpenDirectory, OpenFile

if TYPE_CHECKING:
    from arenite.wasi.origin import Root
    from arenite.wasi.sandbox import Target

Wait: TypeAlias = Callable[[Callable[[float | None], bool]], object]  # the API's `Caller.wait`

RETRY = 0.01  # seconds until it is asked again whether somebody reads a named pipe


def open_target(
    target: Target, start: Origin, oflags: OFlags, rights: int, inheriting: int, flags: FdFlags, wait: Wait | None = None
) -> Directory | File:
    """Open what a path from `start` leads to.  `rights`: reading and writing among them say how the host opens it.

    `wait`: how to wait for somebody to read a named pipe; None: not at all.
    """
    only_directory = target.directory or bool(oflags & OFlags.DIRECTORY)
    if target.directory and oflags & OFlags.CREAT:
        raise Failure(Errno.EXIST if target.itself and oflags & OFlags.EXCL else Errno.ISDIR)
    origin = start.step(target.inside)
    if target.fd is None:
        found = open_by_path(target, origin, rights, inheriting, flags, only_directory=only_directory)
        if found is not None:
            return found
    else:
        hostio.check_room(target.fd)  # before the host creates anything or cuts it off
    host_flags = host_open_flags(oflags, rights, flags) | (hostio.O_DIRECTORY if only_directory else 0)
    unmet = not flags & FdFlags.NONBLOCK and is_named_pipe(target)
    fd = open_named_pipe(target, host_flags, wait) if unmet else os.open(target.path, host_flags, 0o666, dir_fd=target.fd)
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            return Directory(Place(fd, target.path), origin, rights, inheriting, flags)
        return File(fd, rights, flags=flags, origin=origin, unmet=unmet)
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


def open_by_path(
    target: Target, origin: Origin, rights: int, inheriting: int, flags: FdFlags, *, only_directory: bool
) -> Directory | None:
    """Open a directory where directories have no descriptors; None when the path leads to a file or to nothing."""
    try:
        mode = os.lstat(target.path).st_mode
    except FileNotFoundError:
        if only_directory:
            raise
        return None
    if stat.S_ISLNK(mode):
        raise Failure(Errno.LOOP)
    if not stat.S_ISDIR(mode):
        if only_directory:
            raise Failure(Errno.NOTDIR)
        return None
    if rights & Rights.FD_WRITE:
        raise Failure(Errno.ISDIR)
    return Directory(Place(None, target.path), origin, rights, inheriting, flags)


def host_open_flags(oflags: OFlags, rights: int, flags: FdFlags) -> int:
    """How the host opens: as the rights say, and never through a link or as the controlling terminal."""
    write = rights & Rights.FD_WRITE or oflags & OFlags.TRUNC
    access = (os.O_RDWR if rights & Rights.FD_READ else os.O_WRONLY) if write else os.O_RDONLY
    asked = (
        (oflags & OFlags.CREAT, os.O_CREAT),
        (oflags & OFlags.EXCL, os.O_EXCL),
        (oflags & OFlags.TRUNC, os.O_TRUNC),
        (flags & FdFlags.APPEND, os.O_APPEND),
        (flags & FdFlags.DSYNC, hostio.O_DSYNC),
        (flags & (FdFlags.SYNC | FdFlags.RSYNC), hostio.O_SYNC),
        (flags & FdFlags.NONBLOCK, hostio.O_NONBLOCK),
    )
    return access | hostio.O_NOFOLLOW | hostio.O_NOCTTY | hostio.O_BINARY | sum(host for wanted, host in asked if wanted)


def reopen(frozen: OpenFile | OpenDirectory, root: Root) -> Directory | File:
    """Open again what a guest had open, of the same sort and with the same rights; nothing is created or cut off.

    Raises: `SnapshotError`.
    """
    origin = Origin(root, os.fsdecode(frozen.path))
    where = f"descriptor {frozen.number}, {origin}"
    rights = frozen.rights
    if root.read_only and rights & Rights.FD_WRITE:
        raise SnapshotError(f"{where}, is open for writing, but the directory is for reading only")
    sort, is_one = ("directory", stat.S_ISDIR) if isinstance(frozen, OpenDirectory) else ("regular file", stat.S_ISREG)
    oflags = OFlags.DIRECTORY if isinstance(frozen, OpenDirectory) else OFlags(0)
    try:
        with resolve(root.place, origin.path, follow=False) as target:
            if not is_one(target.stat().st_mode):  # asked before, for opening a pipe would wait
                raise SnapshotError(f"{where}, is no {sort}")
            opened = open_target(target, Origin(root), oflags, rights, frozen.inheriting, FdFlags(frozen.flags))
        with closed_on_error(opened):
            if isinstance(opened, File) and isinstance(frozen, OpenFile):
                opened.seek(frozen.position, Whence.SET)
    except (Failure, OSError) as error:
        raise SnapshotError(f"{where}, cannot be opened again: {reason(error)}") from error
    return opened
