"""Files that nobody sees: descriptors that go with their objects, and writes that are whole."""

from __future__ import annotations

import os
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from arenite import platform

if TYPE_CHECKING:
    from collections.abc import Iterator


class File:
    """A descriptor that is closed with the object."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        weakref.finalize(self, os.close, fd)


@contextmanager
def sealed(name: str, size: int) -> Iterator[int]:
    """A new file in memory, of so many zeros, to be filled inside and sealed then: the caller's, or closed where that fails."""
    fd = platform.memfd(name)
    try:
        os.ftruncate(fd, size)
        yield fd
        platform.seal(fd)
    except BaseException:
        os.close(fd)
        raise


def data_in(fd: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of the parts of a range that may not be zero: those that the file has data for, as far as the system tells."""
    if not hasattr(os, "SEEK_DATA"):
        yield start, stop
        return
    while start < stop:
        try:
            start = os.lseek(fd, start, os.SEEK_DATA)
            hole = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError:  # ENXIO: no data behind
            return
        if start < stop:
            yield start, min(hole, stop)
        start = hole


def write(fd: int, data: bytes | memoryview, at: int) -> None:
    """Put all of the bytes at an offset of a file: a system that is short of room takes a part."""
    with memoryview(data) as rest:
        done = 0
        while done < len(rest):
            done += os.pwrite(fd, rest[done:], at + done)
