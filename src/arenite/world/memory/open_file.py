"""A file in memory as Python's `io` has files."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from arenite.world.memory.file import MemoryFile


class OpenFile(io.RawIOBase):
    """What `io.BufferedReader` and its like read and write."""

    def __init__(self, file: MemoryFile, name: str, mode: str) -> None:
        super().__init__()
        self.file = file
        self.name = name
        self.mode = mode

    def readable(self) -> bool:
        """Whether it was opened to read."""
        return self.file.readable

    def writable(self) -> bool:
        """Whether it was opened to write."""
        return self.file.writable

    def seekable(self) -> bool:
        """It has places."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """At the position."""
        with memoryview(buffer).cast("B") as view:
            return self.file.read([view], pause=False)

    def write(self, buffer: ReadableBuffer) -> int:
        """At the position, or at the end."""
        with memoryview(buffer).cast("B") as view:
            return self.file.write([view])

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position."""
        return self.file.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Cut it off, or let a hole be its end."""
        size = self.file.position if size is None else size
        self.file.set_size(size)
        return size

    def close(self) -> None:
        """Nobody has it open any more."""
        if not self.closed:
            super().close()
            self.file.close()
