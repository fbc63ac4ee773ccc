"""Open files in memory, as resources."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from arenite.world.files import File, check_offset
from arenite.world.memory.nodes import FileNode
from arenite.world.memory.tree import refusal
from arenite.world.resource import not_divided
from arenite.world.stat import FileType, Stat
from arenite.world.travel import KeptMemoryFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.world.memory.place import MemoryPlace
    from arenite.world.origin import Origin
    from arenite.world.place import How
    from arenite.world.resource import Advance
    from arenite.world.travel import Kept


class MemoryFile(File):
    """An open file, with a position of its own.  `place`: any directory of its tree."""

    def __init__(self, place: MemoryPlace, number: int, origin: Origin, how: How) -> None:
        super().__init__(FileType.REGULAR_FILE)
        self.places = True
        self.place = place
        self.tree = place.tree
        self.number = number
        self.origin = origin
        self.read_only = origin.root.read_only
        self.writable = how.write or how.truncate
        self.readable = how.read or not self.writable
        self.append = how.append
        self.waits = how.waits
        self.position = 0
        self.tree.hold(number)

    @property
    def node(self) -> FileNode:
        """To look at."""
        found = self.tree.node(self.number)
        assert isinstance(found, FileNode)
        return found

    def _check_writable(self, code: int) -> None:
        """Refuse what was not opened for it.  Raises: OSError, `Refused`."""
        self.check_changes()
        if not self.writable:
            raise refusal(code)

    def read(self, buffers: Sequence[memoryview], *, pause: bool) -> int:
        """At the position, which moves on."""
        del pause  # it never waits
        done = self.read_at(buffers, self.position)
        self.position += done
        return done

    def read_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """At an offset."""
        check_offset(offset)
        if not self.readable:
            raise refusal(errno.EBADF)
        node, done = self.node, 0
        for buffer in buffers:
            found = node.read(offset + done, buffer, self.tree.lower)
            done += found
            if found < len(buffer):
                break
        return done

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """At the position or, if it is open to append, at the end."""
        del advance  # it is done at once
        if self.append and buffers:
            self.position = self.node.size
        done = self.write_at(buffers, self.position)
        self.position += done
        return done

    def write_at_once(self, buffers: Sequence[memoryview]) -> int:
        """It never waits."""
        return self.write(buffers)

    def write_at(self, buffers: Sequence[memoryview], offset: int) -> int:
        """At an offset, or at the end, as Linux has it, if it is open to append; what there is no room for is not written."""
        check_offset(offset)
        self._check_writable(errno.EBADF)
        length = sum(map(len, buffers))
        if not length:
            return 0
        node = self.tree.own_file(self.number)
        if self.append:
            offset = node.size
        room = self.tree.room(node) - offset
        if room <= 0:
            raise refusal(errno.ENOSPC)
        length = min(length, room)
        paid = max(node.size, offset + length)
        self.tree.pay(size=paid - node.paid)
        done = 0
        try:
            for buffer in buffers:
                piece = min(len(buffer), length - done)
                with buffer[:piece] as part:
                    node.write(offset + done, part, self.tree.lower)
                done += piece
        finally:
            self.tree.bytes += node.paid - paid  # less, if what lies below cannot be read
        node.modified = node.changed = self.place.now()
        return done

    def seek(self, offset: int, whence: int) -> int:
        """Move the position."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.node.size}[whence]
        if start + offset < 0:
            raise refusal(errno.EINVAL)
        check_offset(start + offset)
        self.position = start + offset
        return self.position

    def stat(self) -> Stat:
        """What the tree says."""
        return self.place.stat_at(self.number)

    def set_size(self, size: int) -> None:
        """Cut the file off, or let a hole be its end."""
        check_offset(size)
        self._check_writable(errno.EINVAL)
        self.tree.resize(self.number, size, self.place.now())

    def allocate(self, offset: int, length: int) -> None:
        """The file grows; what it has of the tree's room nobody else takes."""
        self._check_writable(errno.EBADF)
        if offset + length > self.node.size:
            self.set_size(offset + length)

    def advise(self, offset: int, length: int, advice: str) -> None:
        """Nothing is gained by it."""
        del advice
        check_offset(offset, length)

    def set_times(self, times: tuple[int, int]) -> None:
        """Set access and modification time, in nanoseconds."""
        self.check_changes()
        self.place.set_times_at(self.number, times)

    def set_append(self, *, on: bool) -> None:
        """Have each write go to the end, or not."""
        self.append = on

    def sync(self, *, data_only: bool) -> None:
        """There is no disk."""
        del data_only

    def waiting_bytes(self) -> int:
        """What is left of it."""
        return max(0, self.node.size - self.position)

    def freeze(self) -> Kept:
        """By its number in the tree, which travels too."""
        return KeptMemoryFile(
            directory=self.origin.root.name, path=os.fsencode(self.origin.path), inode=self.number, position=self.position
        )

    def close(self) -> None:
        """Nobody has it open any more."""
        self.tree.release(self.number)
