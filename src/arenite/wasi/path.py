"""The calls on paths, which `arenite.world.paths` does."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from arenite.wasi.descriptors import Descriptor
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.fd import a_directory, chosen_times, filestat
from arenite.wasi.records import CHANGING, READ_OR_WRITE, READING, FdFlags, LookupFlags, OFlags, Rights
from arenite.world import paths
from arenite.world.place import How

if TYPE_CHECKING:
    from arenite.wasi.abi import Guest
    from arenite.wasi.records import FstFlags


def follows(lookup: LookupFlags, path: str) -> bool:
    """Whether a link at the end of a path is followed: a slash behind it names what it leads to."""
    return bool(lookup & LookupFlags.SYMLINK_FOLLOW) or path.endswith("/")


def path_create_directory(_: Guest, fd: Descriptor, path: str) -> None:
    """Create a directory."""
    paths.create_directory(a_directory(fd), path)


def path_filestat_get(_: Guest, fd: Descriptor, lookup: LookupFlags, path: str) -> tuple[int, ...]:
    """What is known of a file."""
    return filestat(paths.stat_at(a_directory(fd), path, follow=follows(lookup, path)))


def path_filestat_set_times(
    guest: Guest, fd: Descriptor, lookup: LookupFlags, path: str, atim: int, mtim: int, flags: FstFlags
) -> None:
    """Set the times of a file."""
    paths.set_times(
        a_directory(fd), path, lambda stat: chosen_times(guest, atim, mtim, flags, stat), follow=follows(lookup, path)
    )


def path_link(_: Guest, old_fd: Descriptor, lookup: LookupFlags, old_path: str, new_fd: Descriptor, new_path: str) -> None:
    """Give a file another name."""
    paths.link(a_directory(old_fd), old_path, a_directory(new_fd), new_path, follow=follows(lookup, old_path))


def path_open(
    guest: Guest,
    fd: Descriptor,
    lookup: LookupFlags,
    path: str,
    oflags: OFlags,
    rights: int,
    inheriting: int,
    flags: FdFlags,
) -> int:
    """Open a file or directory: for reading, writing or both, as the rights asked for say; of the others it gets what can be had."""
    del inheriting
    directory = a_directory(fd)
    need = oflags_need(oflags)
    if need & ~fd.rights:
        fd.refuse(need)
    passed_on = fd.inheriting
    mode = rights & passed_on & READ_OR_WRITE or passed_on & READING
    if fd.read_only and (need & CHANGING or mode & Rights.FD_WRITE):
        raise Failure(Errno.ROFS)
    guest.session.descriptors.check_room()
    how = how_to_open(mode, flags, oflags)
    opened = paths.open_at(directory, path, how, follow=follows(lookup, path) and not how.exclusive, wait=guest.caller.wait)
    return guest.session.descriptors.insert(Descriptor(opened, passed_on & ~READ_OR_WRITE | mode, passed_on, flags))


def oflags_need(oflags: OFlags) -> int:
    """The rights on the directory that the way of opening needs."""
    if oflags & OFlags.DIRECTORY and oflags & (OFlags.CREAT | OFlags.TRUNC):
        raise Failure(Errno.INVAL)
    create = Rights.PATH_CREATE_FILE if oflags & OFlags.CREAT else 0
    return int(create | (Rights.PATH_FILESTAT_SET_SIZE if oflags & OFlags.TRUNC else 0))


@functools.lru_cache(maxsize=64)
def how_to_open(rights: int, flags: int, oflags: int = 0) -> How:
    """The world's words for how the guest opens.  `rights`: reading and writing among them say which of these it can do."""
    return How(
        read=bool(rights & Rights.FD_READ),
        write=bool(rights & Rights.FD_WRITE),
        directory=bool(oflags & OFlags.DIRECTORY),
        create=bool(oflags & OFlags.CREAT),
        exclusive=bool(oflags & OFlags.EXCL),
        truncate=bool(oflags & OFlags.TRUNC),
        append=bool(flags & FdFlags.APPEND),
        synced=bool(flags & (FdFlags.SYNC | FdFlags.RSYNC)),
        data_synced=bool(flags & FdFlags.DSYNC),
        waits=not flags & FdFlags.NONBLOCK,
    )


def path_readlink(_: Guest, fd: Descriptor, path: str, buf: memoryview) -> int:
    """What a symbolic link says, as much as the buffer holds."""
    text = paths.read_link(a_directory(fd), path, follow=follows(LookupFlags(0), path))[: len(buf)]
    buf[: len(text)] = text
    return len(text)


def path_remove_directory(_: Guest, fd: Descriptor, path: str) -> None:
    """Remove an empty directory."""
    paths.remove_directory(a_directory(fd), path)


def path_rename(_: Guest, fd: Descriptor, old_path: str, new_fd: Descriptor, new_path: str) -> None:
    """Rename a file or directory."""
    paths.rename(a_directory(fd), old_path, a_directory(new_fd), new_path)


def path_symlink(_: Guest, old_path: str, fd: Descriptor, new_path: str) -> None:
    """Create a symbolic link; one whose text leads out of the directory that the guest was given is refused."""
    paths.symlink(a_directory(fd), old_path, new_path)


def path_unlink_file(_: Guest, fd: Descriptor, path: str) -> None:
    """Remove a file's name."""
    paths.unlink(a_directory(fd), path)
