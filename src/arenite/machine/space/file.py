"""Files that nobody sees: descriptors that go with their objects, and writes that are whole."""

from __future__ import annotations

import os
import weakref


class File:
    """A descriptor that is closed with the object."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        weakref.finalize(self, os.close, fd)


def write(fd: int, data: bytes | memoryview, at: int) -> None:
    """Put all of the bytes at an offset of a file: a system that is short of room takes a part."""
    with memoryview(data) as rest:
        done = 0
        while done < len(rest):
            done += os.pwrite(fd, rest[done:], at + done)
