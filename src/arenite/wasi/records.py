"""The types of preview 1 that lie in guest memory or are passed as numbers: enumerations, flags and records, declared once.

Records are little endian and padded as C pads them; a test holds sizes and offsets to the standard's.

    IOVEC.unpack_from(memory, at)   # (address, length)
"""

from __future__ import annotations

import os
from enum import IntEnum, IntFlag
from struct import Struct

from arenite.world import stat
from arenite.world.clocks import Clock


class Rights(IntFlag):
    """What may be done through a descriptor."""

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29


NO_RIGHTS = Rights(0)
READING = Rights.FD_READ
WRITING = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
READ_OR_WRITE = int(Rights.FD_READ | Rights.FD_WRITE)
SEEKING = Rights.FD_SEEK | Rights.FD_TELL | Rights.FD_ADVISE
STREAM_RIGHTS = (
    Rights.FD_READ
    | Rights.FD_WRITE
    | Rights.FD_DATASYNC
    | Rights.FD_SYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_FILESTAT_GET
    | Rights.POLL_FD_READWRITE
)
FILE_RIGHTS = STREAM_RIGHTS | WRITING | SEEKING | Rights.FD_FILESTAT_SET_TIMES
CHANGING_DIRECTORY = (
    Rights.PATH_CREATE_DIRECTORY
    | Rights.PATH_CREATE_FILE
    | Rights.PATH_LINK_TARGET
    | Rights.PATH_RENAME_SOURCE
    | Rights.PATH_RENAME_TARGET
    | Rights.PATH_FILESTAT_SET_SIZE
    | Rights.PATH_FILESTAT_SET_TIMES
    | Rights.PATH_SYMLINK
    | Rights.PATH_REMOVE_DIRECTORY
    | Rights.PATH_UNLINK_FILE
)
DIRECTORY_RIGHTS = (
    CHANGING_DIRECTORY
    | Rights.PATH_LINK_SOURCE
    | Rights.PATH_OPEN
    | Rights.FD_READDIR
    | Rights.PATH_READLINK
    | Rights.PATH_FILESTAT_GET
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_DATASYNC
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
)
# What a read-only directory, and all that is opened through it, refuses; also another name for a file, through which it could be written.
CHANGING = CHANGING_DIRECTORY | WRITING | Rights.FD_FILESTAT_SET_TIMES | Rights.PATH_LINK_SOURCE


class FileType(IntEnum):
    """What kind of thing a descriptor or a path names."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7


FILE_TYPES = {one: FileType[one.name] for one in stat.FileType}

# What the standard passes as a number, in its order.
CLOCKS = (Clock.REALTIME, Clock.MONOTONIC, Clock.PROCESS_CPUTIME, Clock.THREAD_CPUTIME)
WHENCES = (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END)
ADVICE = ("NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE")  # hosts number some of it otherwise


class FdFlags(IntFlag):
    """How a descriptor behaves."""

    APPEND = 1 << 0
    DSYNC = 1 << 1
    NONBLOCK = 1 << 2
    RSYNC = 1 << 3
    SYNC = 1 << 4


class OFlags(IntFlag):
    """How `path_open` opens."""

    CREAT = 1 << 0
    DIRECTORY = 1 << 1
    EXCL = 1 << 2
    TRUNC = 1 << 3


class LookupFlags(IntFlag):
    """How a path is followed."""

    SYMLINK_FOLLOW = 1 << 0


class FstFlags(IntFlag):
    """Which times are set, and to what."""

    ATIM = 1 << 0
    ATIM_NOW = 1 << 1
    MTIM = 1 << 2
    MTIM_NOW = 1 << 3


class EventType(IntEnum):
    """What a subscription waits for."""

    CLOCK = 0
    FD_READ = 1
    FD_WRITE = 2


SUBSCRIPTION_CLOCK_ABSTIME = 1  # the only subclockflag: the timeout is a point in time
EVENT_FD_READWRITE_HANGUP = 1  # the only eventrwflag: the peer is gone
PREOPENTYPE_DIR = 0  # the only preopentype

U16 = Struct("<H")
U32 = Struct("<I")
U64 = Struct("<Q")
IOVEC = Struct("<II")  # buf, buf_len
FDSTAT = Struct("<BxHxxxxQQ")  # fs_filetype, fs_flags, fs_rights_base, fs_rights_inheriting
FILESTAT = Struct("<QQBxxxxxxxQQQQQ")  # dev, ino, filetype, nlink, size, atim, mtim, ctim
PRESTAT = Struct("<BxxxI")  # tag, pr_name_len
DIRENT = Struct("<QQIBxxx")  # d_next, d_ino, d_namlen, d_type; the name follows
SUBSCRIPTION = Struct("<QBxxxxxxxIxxxxQQHxxxxxx")  # userdata, tag, clock id or fd, timeout, precision, flags
EVENT = Struct("<QHBxxxxxQHxxxxxx")  # userdata, error, type, nbytes, flags
