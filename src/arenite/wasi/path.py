"""The calls on paths.  Every path is walked by `sandbox.resolve`; what follows never lets the host follow a link."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from arenite.wasi import hostio
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.fd import a_directory, chosen_times
from arenite.wasi.files import filestat
from arenite.wasi.opening import open_target
from arenite.wasi.records import CHANGING, READ_OR_WRITE, READING, LookupFlags, OFlags, Rights
from arenite.wasi.sandbox import leads_out, resolve

if TYPE_CHECKING:
    from arenite.wasi.abi import Guest
    from arenite.wasi.descriptors import Descriptor
    from arenite.wasi.records import FdFlags, FstFlags


def follows(lookup: LookupFlags, path: str) -> bool:
    """Whether a link at the end of a path is followed: a slash behind it names what it leads to."""
    return bool(lookup & LookupFlags.SYMLINK_FOLLOW) or path.endswith("/")


def path_create_directory(_: Guest, fd: Descriptor, path: str) -> None:
    """Create a directory."""
    with resolve(a_directory(fd).place, path, follow=False) as target:
        os.mkdir(target.path, dir_fd=target.fd)


def path_filestat_get(_: Guest, fd: Descriptor, lookup: LookupFlags, path: str) -> tuple[int, ...]:
    """What is known of a file."""
    with resolve(a_directory(fd).place, path, follow=follows(lookup, path)) as target:
        return filestat(target.stat())


def path_filestat_set_times(
    guest: Guest, fd: Descriptor, lookup: LookupFlags, path: str, atim: int, mtim: int, flags: FstFlags
) -> None:
    """Set the times of a file."""
    with resolve(a_directory(fd).place, path, follow=follows(lookup, path)) as target:
        times = chosen_times(guest, atim, mtim, flags, filestat(target.stat()))
        if times is not None:
            os.utime(target.path, ns=times, dir_fd=target.fd, follow_symlinks=not hostio.NO_FOLLOW_TIMES)


def path_link(_: Guest, old_fd: Descriptor, lookup: LookupFlags, old_path: str, new_fd: Descriptor, new_path: str) -> None:
    """Give a file another name."""
    old_place, new_place = a_directory(old_fd).place, a_directory(new_fd).place
    with (
        resolve(old_place, old_path, follow=follows(lookup, old_path)) as old,
        resolve(new_place, new_path, follow=False) as new,
    ):
        old.check_directory()
        new.check_new()
        os.link(old.path, new.path, src_dir_fd=old.fd, dst_dir_fd=new.fd, follow_symlinks=False)


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
    if need & ~directory.rights:
        directory.refuse(need)
    passed_on = directory.inheriting
    mode = rights & passed_on & READ_OR_WRITE or passed_on & READING
    if directory.read_only and (need & CHANGING or mode & Rights.FD_WRITE):
        raise Failure(Errno.ROFS)
    guest.state.descriptors.check_room()
    with resolve(directory.place, path, follow=follows(lookup, path) and not oflags & OFlags.EXCL) as target:
        granted = passed_on & ~READ_OR_WRITE | mode
        opened = open_target(target, directory.origin, oflags, granted, passed_on, flags, guest.caller.wait)
    return guest.state.descriptors.insert(opened)


def oflags_need(oflags: OFlags) -> int:
    """The rights on the directory that the way of opening needs."""
    if oflags & OFlags.DIRECTORY and oflags & (OFlags.CREAT | OFlags.TRUNC):
        raise Failure(Errno.INVAL)
    create = Rights.PATH_CREATE_FILE if oflags & OFlags.CREAT else 0
    return int(create | (Rights.PATH_FILESTAT_SET_SIZE if oflags & OFlags.TRUNC else 0))


def path_readlink(_: Guest, fd: Descriptor, path: str, buf: memoryview) -> int:
    """What a symbolic link says, as much as the buffer holds."""
    with resolve(a_directory(fd).place, path, follow=follows(LookupFlags(0), path)) as target:
        target.check_directory()
        text = os.fsencode(os.readlink(target.path, dir_fd=target.fd))[: len(buf)]
    buf[: len(text)] = text
    return len(text)


def path_remove_directory(_: Guest, fd: Descriptor, path: str) -> None:
    """Remove an empty directory."""
    with resolve(a_directory(fd).place, path, follow=False) as target:
        target.check_named(Errno.INVAL)
        os.rmdir(target.path, dir_fd=target.fd)


def path_rename(_: Guest, fd: Descriptor, old_path: str, new_fd: Descriptor, new_path: str) -> None:
    """Rename a file or directory."""
    old_place, new_place = a_directory(fd).place, a_directory(new_fd).place
    with resolve(old_place, old_path, follow=False) as old, resolve(new_place, new_path, follow=False) as new:
        old.check_named(Errno.BUSY)
        new.check_named(Errno.BUSY)
        if (old.directory or new.directory) and not stat.S_ISDIR(old.stat().st_mode):
            raise Failure(Errno.NOTDIR)
        os.replace(old.path, new.path, src_dir_fd=old.fd, dst_dir_fd=new.fd)


def path_symlink(_: Guest, old_path: str, fd: Descriptor, new_path: str) -> None:
    """Create a symbolic link; one whose text leads out of the directory that the guest was given is refused."""
    directory = a_directory(fd)
    with resolve(directory.place, new_path, follow=False) as target:
        target.check_new()
        if leads_out(old_path, directory.depth(target.inside)):
            raise Failure(Errno.PERM)
        os.symlink(old_path, target.path, dir_fd=target.fd)


def path_unlink_file(_: Guest, fd: Descriptor, path: str) -> None:
    """Remove a file's name."""
    with resolve(a_directory(fd).place, path, follow=False) as target:
        if stat.S_ISDIR(target.stat().st_mode):
            raise Failure(Errno.ISDIR)
        os.unlink(target.path, dir_fd=target.fd)
