"""The calls on descriptors.  The caller has checked the rights of `preview1`'s table; what they imply is asserted by the types.

`READ` and the like work on every kind; seeking and its kin reach files alone, for no other kind can have the right.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from arenite.wasi.abi import MOST_BYTES
from arenite.wasi.errno import Errno, Failure
from arenite.wasi.records import DIRENT, FILE_TYPES, PREOPENTYPE_DIR, FstFlags
from arenite.world import blocking
from arenite.world.clocks import Clock
from arenite.world.directories import Directory
from arenite.world.files import File

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.wasi.abi import Guest
    from arenite.wasi.descriptors import Descriptor
    from arenite.wasi.records import FdFlags
    from arenite.world.stat import Stat

ENTRIES = 256  # of a directory between two looks at the clock
MASK32 = (1 << 32) - 1
CONTRADICTIONS = (FstFlags.ATIM | FstFlags.ATIM_NOW, FstFlags.MTIM | FstFlags.MTIM_NOW)


def a_file(fd: Descriptor) -> File:
    """The file of a descriptor."""
    if isinstance(fd.resource, File):
        return fd.resource
    raise Failure(Errno.INVAL)


def a_directory(fd: Descriptor) -> Directory:
    """The directory of a descriptor."""
    if isinstance(fd.resource, Directory):
        return fd.resource
    raise Failure(Errno.NOTDIR)


def fd_advise(_: Guest, fd: Descriptor, offset: int, length: int, advice: str) -> None:
    """Say how a range of a file will be used."""
    a_file(fd).advise(offset, length, advice)


def fd_allocate(guest: Guest, fd: Descriptor, offset: int, length: int) -> None:
    """Make sure that a range of a file has room."""
    blocking.allocate(guest.caller, a_file(fd), offset, length)


def fd_close(guest: Guest, fd: int) -> None:
    """Close a descriptor."""
    guest.session.descriptors.close(fd)


def fd_datasync(_: Guest, fd: Descriptor) -> None:
    """Write a file's data to the disk."""
    fd.resource.sync(data_only=True)


def fd_fdstat_get(_: Guest, fd: Descriptor) -> tuple[int, ...]:
    """Type, flags and rights of a descriptor."""
    return FILE_TYPES[fd.resource.type], fd.flags, fd.shown, fd.inheriting


def fd_fdstat_set_flags(_: Guest, fd: Descriptor, flags: FdFlags) -> None:
    """Change how a descriptor behaves."""
    fd.set_flags(flags)


def fd_fdstat_set_rights(_: Guest, fd: Descriptor, rights: int, inheriting: int) -> None:
    """Give up rights; none can be won."""
    if rights & ~fd.rights or inheriting & ~fd.inheriting:
        raise Failure(Errno.NOTCAPABLE)
    fd.rights, fd.inheriting = rights, inheriting


def filestat(stat: Stat) -> tuple[int, ...]:
    """The fields of `FILESTAT`."""
    return *stat[:2], FILE_TYPES[stat.type], *stat[3:]


def fd_filestat_get(_: Guest, fd: Descriptor) -> tuple[int, ...]:
    """What is known of an open file."""
    return filestat(fd.resource.stat())


def fd_filestat_set_size(_: Guest, fd: Descriptor, size: int) -> None:
    """Cut a file off, or fill it with zeros."""
    a_file(fd).set_size(size)


def fd_filestat_set_times(guest: Guest, fd: Descriptor, atim: int, mtim: int, flags: FstFlags) -> None:
    """Set the times of an open file."""
    if not isinstance(fd.resource, (File, Directory)):
        raise Failure(Errno.INVAL)
    times = chosen_times(guest, atim, mtim, flags, fd.resource.stat())
    if times is not None:
        fd.resource.set_times(times)


def chosen_times(guest: Guest, atim: int, mtim: int, flags: FstFlags, stat: Stat) -> tuple[int, int] | None:
    """Access and modification time as flags and present times have them; None when neither changes."""
    if any(flags & both == both for both in CONTRADICTIONS):
        raise Failure(Errno.INVAL)
    if not flags:
        return None
    now = guest.session.world.clocks.now(Clock.REALTIME) if flags & (FstFlags.ATIM_NOW | FstFlags.MTIM_NOW) else 0
    return (
        now if flags & FstFlags.ATIM_NOW else atim if flags & FstFlags.ATIM else stat.accessed,
        now if flags & FstFlags.MTIM_NOW else mtim if flags & FstFlags.MTIM else stat.modified,
    )


def fd_pread(_: Guest, fd: Descriptor, iovs: Sequence[memoryview], offset: int) -> int:
    """Read at an offset; the position stays."""
    return a_file(fd).read_at(iovs, offset)  # what has offsets never waits, so there is nothing to pause for


def fd_prestat_get(_: Guest, fd: Descriptor) -> tuple[int, int]:
    """What a preopened descriptor is."""
    return PREOPENTYPE_DIR, len(preopen_name(fd))


def fd_prestat_dir_name(_: Guest, fd: Descriptor, path: memoryview) -> None:
    """The name that the guest knows a preopened directory by."""
    name = preopen_name(fd)
    if len(path) < len(name):
        raise Failure(Errno.NAMETOOLONG)
    path[: len(name)] = name


def preopen_name(fd: Descriptor) -> bytes:
    """A preopened directory's name; guests find their directories by asking one number after the other until it is `BADF`."""
    if isinstance(fd.resource, Directory) and fd.resource.preopen is not None:
        return fd.resource.preopen
    raise Failure(Errno.BADF)


def fd_pwrite(_: Guest, fd: Descriptor, iovs: Sequence[memoryview], offset: int) -> int:
    """Write at an offset; the position stays."""
    return a_file(fd).write_at(iovs, offset)


def fd_read(guest: Guest, fd: Descriptor, iovs: Sequence[memoryview]) -> int:
    """Read at the position."""
    return blocking.read(guest.caller, fd.resource, iovs)


def fd_readdir(guest: Guest, fd: Descriptor, buf: memoryview, cookie: int) -> int:
    """Read entries of a directory; the last may be cut off, and a buffer that is not full says that there are no more."""
    caller = guest.caller
    used, read = caller.progress >> 32, caller.progress & MASK32  # bytes and entries, if it is asked again
    start = cookie + read
    for seen, (name, inode, type_, following) in enumerate(a_directory(fd).entries(start, caller.checkpoint), 1):
        piece = (DIRENT.pack(following, inode, len(name), FILE_TYPES[type_]) + name)[: max(0, len(buf) - used)]
        buf[used : used + len(piece)] = piece
        used += len(piece)
        if used >= len(buf):
            break
        if seen % ENTRIES == 0:
            caller.progress = used << 32 | (following - cookie) & MASK32
            caller.checkpoint()
    return min(used, len(buf))


def fd_renumber(guest: Guest, fd: int, to: int) -> None:
    """Move a descriptor to the number of another, which is closed."""
    guest.session.descriptors.renumber(fd, to)


def fd_seek(_: Guest, fd: Descriptor, offset: int, whence: int) -> int:
    """Move the position."""
    return a_file(fd).seek(offset, whence)


def fd_sync(_: Guest, fd: Descriptor) -> None:
    """Write a file to the disk."""
    fd.resource.sync(data_only=False)


def fd_tell(_: Guest, fd: Descriptor) -> int:
    """The position."""
    return a_file(fd).seek(0, os.SEEK_CUR)


def fd_write(guest: Guest, fd: Descriptor, iovs: Sequence[memoryview]) -> int:
    """Write at the position; where time may run out meanwhile no more than is taken without waiting."""
    done = guest.caller.progress  # bytes, if it is asked again
    if done:
        done = guest.caller.progress = min(done, sum(map(len, iovs)))
        iovs = guest.part(iovs, done, MOST_BYTES)
    return blocking.write(guest.caller, fd.resource, iovs, done)
