"""What is known of what a path or an open resource names."""

from __future__ import annotations

import stat
from enum import Enum, auto
from typing import TYPE_CHECKING

from arenite.light import NamedTuple

if TYPE_CHECKING:
    import os

MASK64 = (1 << 64) - 1


class FileType(Enum):
    """What kind of thing it is."""

    UNKNOWN = auto()
    BLOCK_DEVICE = auto()
    CHARACTER_DEVICE = auto()
    DIRECTORY = auto()
    REGULAR_FILE = auto()
    SOCKET_STREAM = auto()
    SYMBOLIC_LINK = auto()


FILE_TYPES = {
    stat.S_IFBLK: FileType.BLOCK_DEVICE,
    stat.S_IFCHR: FileType.CHARACTER_DEVICE,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFREG: FileType.REGULAR_FILE,
    stat.S_IFSOCK: FileType.SOCKET_STREAM,
    stat.S_IFLNK: FileType.SYMBOLIC_LINK,
}


def file_type(mode: int) -> FileType:
    """The type that a host's `st_mode` says; a pipe has none of its own."""
    return FILE_TYPES.get(stat.S_IFMT(mode), FileType.UNKNOWN)


class Stat(NamedTuple):
    """Numbers of 64 bits without sign; times in nanoseconds since 1970.  The defaults are those of what the host knows nothing about."""

    device: int = 0
    inode: int = 0
    type: FileType = FileType.UNKNOWN
    links: int = 1
    size: int = 0
    accessed: int = 0
    modified: int = 0
    changed: int = 0

    @classmethod
    def of(cls, found: os.stat_result) -> Stat:
        """What the host says.  Times before 1970 do not exist here: they are 0."""
        times = (max(0, ns) & MASK64 for ns in (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns))
        size = max(0, found.st_size)
        return cls(found.st_dev & MASK64, found.st_ino & MASK64, file_type(found.st_mode), found.st_nlink, size, *times)
