"""Which pages of a mapping this process has a copy of its own of, as Linux tells it (`/proc/self/pagemap`).

In a private mapping of a file these are the pages that were written since; in anonymous memory, those that were touched.  The answer is
exact and asks for no privilege.  `PAGEMAP_SCAN` (Linux 6.7) finds them without visiting the others; older kernels are read page by page.

    for start, stop in dirty_pages(address, size): ...
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import functools
import os
from typing import TYPE_CHECKING, Final

from arenite.platform.reserve import page_size

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = 1 << 2  # categories of PAGEMAP_SCAN
PRESENT: Final = 1 << 3
SWAPPED: Final = 1 << 4
RANGES: Final = 512  # of one call: the kernel loses its place when it fills more
ENTRY_FILE: Final = 1 << 61  # bits of an entry of the file itself
ENTRY_OWN: Final = 1 << 63 | 1 << 62
ENTRY: Final = 8
ENTRIES: Final = 1 << 16  # read at a time


class Scan(ctypes.Structure):
    """`struct pm_scan_arg`."""

    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in (
            "size",
            "flags",
            "start",
            "end",
            "walk_end",
            "vec",
            "vec_len",
            "max_pages",
            "category_inverted",
            "category_mask",
            "category_anyof_mask",
            "return_mask",
        )
    )
    start: int
    walk_end: int


PAGEMAP_SCAN: Final = 3 << 30 | ctypes.sizeof(Scan) << 16 | ord("f") << 8 | 16


@functools.cache
def _pagemap() -> int:
    """The file, opened once.  Raises: OSError."""
    return os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC)


def dirty_pages(address: int, size: int) -> list[tuple[int, int]]:
    """(start, stop) of each run of pages of one's own, as byte offsets from `address`.  Raises: OSError where the system does not tell."""
    fd = _child_safe(os.getpid())
    try:
        return list(_scan(fd, address, size))
    except OSError as error:
        if error.errno not in {errno.ENOTTY, errno.EINVAL, errno.ENOSYS}:
            raise
    return list(_read(fd, address, size))


@functools.lru_cache(maxsize=1)
def _child_safe(pid: int) -> int:
    """The file of this process: a child after `os.fork` must not ask about its parent."""
    del pid
    _pagemap.cache_clear()
    return _pagemap()


def _scan(fd: int, address: int, size: int) -> Iterator[tuple[int, int]]:
    """By `PAGEMAP_SCAN`: not of the file, and present or swapped out."""
    found = (ctypes.c_uint64 * (3 * RANGES))()
    there = PRESENT | SWAPPED
    scan = Scan(ctypes.sizeof(Scan), 0, address, address + size, 0, ctypes.addressof(found), RANGES, 0, FILE, FILE, there, there)
    while True:
        count = fcntl.ioctl(fd, PAGEMAP_SCAN, scan)
        words = memoryview(found).cast("B").cast("Q")[: 3 * count].tolist()
        yield from [(begin - address, end - address) for begin, end in zip(words[::3], words[1::3], strict=True)]
        if count < RANGES:
            return
        scan.start = scan.walk_end


def _read(fd: int, address: int, size: int) -> Iterator[tuple[int, int]]:
    """By the file's entries, one for each page."""
    first, count = address // page_size, size // page_size
    for begin in range(0, count, ENTRIES):
        entries = array.array("Q", os.pread(fd, ENTRY * min(ENTRIES, count - begin), ENTRY * (first + begin)))
        start = -1
        for i, entry in enumerate(entries):
            if entry & ENTRY_OWN and not entry & ENTRY_FILE:
                if start < 0:
                    start = i
            elif start >= 0:
                yield (begin + start) * page_size, (begin + i) * page_size
                start = -1
        if start >= 0:
            yield (begin + start) * page_size, (begin + len(entries)) * page_size
