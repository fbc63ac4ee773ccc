"""Devices in memory: a guest writes a request and reads what the host answers; until then it waits, as data.

- What is written is the request, piece by piece, up to the first read: then it is whole.  Until it is answered reading is not ready, and an execution
  pauses; a guest that cannot be paused, or has asked for that (`NONBLOCK`), is told that there is nothing yet.
- The answer is read once, to its end; then the next request may begin.  Whoever writes earlier gives up the rest of it.
- It is the device that asks, not a descriptor: however often it is open, there is one request.
- Everything else is an error for the guest: reading where nothing was asked (ENOMSG), more than there may be (EMSGSIZE, and the request is dropped),
  another request before the answer (EBUSY).  It has no places, no size, and cannot be renamed or removed.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from arenite.errors import NotReady
from arenite.world.memory.nodes import DeviceNode, Stage
from arenite.world.memory.tree import MOST_ANSWER, refusal
from arenite.world.refused import Reason, Refused
from arenite.world.resource import Resource, not_divided
from arenite.world.stat import FileType, Stat
from arenite.world.travel import KeptMemoryDevice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.world.memory.place import MemoryPlace
    from arenite.world.memory.tree import Tree
    from arenite.world.origin import Origin
    from arenite.world.place import How
    from arenite.world.resource import Advance
    from arenite.world.travel import Kept


class Device:
    """A device as its host has it, from `MemoryFS.device`."""

    def __init__(self, tree: Tree, name: str) -> None:
        self._tree = tree
        self._number = tree.devices[name]
        self.name = name

    def _node(self) -> DeviceNode:
        found = self._tree.node(self._number)
        assert isinstance(found, DeviceNode)
        return found

    @property
    def request(self) -> bytes | None:
        """What was asked; None while nobody reads for an answer."""
        node = self._node()
        return bytes(node.data) if node.stage is Stage.ASKED else None

    def answer(self, data: bytes) -> None:
        """What whoever waits reads now.  Raises: `ValueError` where nobody does, or for more than 16 MiB."""
        if self._node().stage is not Stage.ASKED:
            raise ValueError(f"nobody waits for an answer of the device {self.name!r}")
        if len(data) > MOST_ANSWER:
            raise ValueError(f"an answer has at most {MOST_ANSWER} bytes, not {len(data)}")
        self._tree.own_device(self._number).turn(Stage.ANSWERED, bytes(data))

    def reset(self) -> None:
        """Forget request and answer: whoever waits gets an error."""
        if self._node().stage is not Stage.IDLE:
            self._tree.own_device(self._number).turn(Stage.IDLE)


class MemoryDevice(Resource):
    """A device that is open."""

    def __init__(self, place: MemoryPlace, number: int, origin: Origin, how: How) -> None:
        super().__init__(FileType.UNKNOWN)  # to whoever asks a descriptor, which takes any character device for a terminal
        self.place = place
        self.tree = place.tree
        self.number = number
        self.origin = origin
        self.read_only = origin.root.read_only
        self.readable, self.writable = how.read, how.write
        self.waits = how.waits
        self.tree.hold(number)

    def _node(self) -> DeviceNode:
        found = self.tree.node(self.number)
        assert isinstance(found, DeviceNode)
        return found

    def read(self, buffers: Sequence[memoryview], *, pause: bool) -> int:
        """Some of the answer; nothing at its end."""
        if not self.readable:
            raise refusal(errno.EBADF)
        node = self._node()
        if node.stage is Stage.IDLE:
            raise refusal(errno.ENOMSG)
        if not sum(map(len, buffers)):
            return 0
        if node.stage is not Stage.ANSWERED:
            if node.stage is Stage.BEGUN:
                self.tree.own_device(self.number).turn(Stage.ASKED, bytes(node.data))
            if pause and self.waits:
                raise NotReady(f"the device {node.name!r} has not answered")
            raise Refused(Reason.NOT_YET)
        return self._read_answer(buffers)

    def _read_answer(self, buffers: Sequence[memoryview]) -> int:
        node = self.tree.own_device(self.number)
        begin = node.at
        for buffer in buffers:
            piece = node.data[node.at : node.at + len(buffer)]
            buffer[: len(piece)] = piece
            node.at += len(piece)
        done = node.at - begin
        if not done:
            node.turn(Stage.IDLE)
        return done

    def write(self, buffers: Sequence[memoryview], advance: Advance = not_divided) -> int:
        """A piece of a request."""
        del advance  # it is done at once
        self.check_changes()
        if not self.writable:
            raise refusal(errno.EBADF)
        node = self._node()
        if node.stage is Stage.ASKED:
            raise refusal(errno.EBUSY)
        size = sum(map(len, buffers))
        if not size:
            return 0
        begun = len(node.data) if node.stage is Stage.BEGUN else 0
        node = self.tree.own_device(self.number)
        if size > node.most - begun:
            node.turn(Stage.IDLE)
            raise refusal(errno.EMSGSIZE)
        node.begin(b"".join(buffers))
        node.modified = self.place.now()
        return size

    def write_at_once(self, buffers: Sequence[memoryview]) -> int:
        """It never waits."""
        return self.write(buffers)

    def stat(self) -> Stat:
        """What the tree says."""
        return self.place.stat_at(self.number)

    def sync(self, *, data_only: bool) -> None:
        """There is no disk."""
        del data_only

    def freeze(self) -> Kept:
        """By its number in the tree, which travels too."""
        return KeptMemoryDevice(directory=self.origin.root.name, path=os.fsencode(self.origin.path), inode=self.number)

    def close(self) -> None:
        """Nobody has it open any more."""
        self.tree.release(self.number)
