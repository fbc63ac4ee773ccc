"""Directories in memory, as places: what a guest's path meets there."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from arenite.world.directories import Directory
from arenite.world.memory.device import MemoryDevice
from arenite.world.memory.file import MemoryFile
from arenite.world.memory.nodes import DOTS, DeviceNode, DirectoryNode, FileNode, LinkNode, encoded
from arenite.world.memory.travel import Contents
from arenite.world.memory.tree import ROOT, refusal
from arenite.world.place import Entry
from arenite.world.stat import FileType, Stat
from arenite.world.travel import KeptMemoryDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from arenite.world.memory.nodes import Node
    from arenite.world.memory.tree import Tree
    from arenite.world.origin import Origin
    from arenite.world.place import How, Place, Wait
    from arenite.world.travel import Kept


class MemoryPlace:
    """A directory of a tree.

    `now`: the time, for those of files.   `device`: what tells trees apart that one guest has.   `held`: it is open, so it lives on without a name.
    """

    __slots__ = ("device", "held", "now", "number", "tree")

    def __init__(self, tree: Tree, now: Callable[[], int], device: int, number: int = ROOT, *, held: bool = False) -> None:
        self.tree = tree
        self.now = now
        self.device = device
        self.number = number
        self.held = held
        if held:
            tree.hold(number)

    def _number(self, name: str) -> int:
        """Of what has that name.  Raises: OSError."""
        return self.number if name == "." else self.tree.find(self.number, name)

    def child(self, name: str) -> MemoryPlace:
        """The directory `name` in this one."""
        number = self._number(name)
        self.tree.directory(number)
        return MemoryPlace(self.tree, self.now, self.device, number)

    def link(self, name: str) -> str | None:
        """What the symbolic link `name` says."""
        try:
            node = self.tree.node(self._number(name))
        except OSError:
            return None
        return node.text if isinstance(node, LinkNode) else None

    def stat(self) -> Stat:
        """Of the directory itself."""
        return self.stat_at(self.number)

    def stat_of(self, name: str) -> Stat:
        """Of what has that name."""
        return self.stat_at(self._number(name))

    def stat_at(self, number: int) -> Stat:
        """Of what has that number."""
        node = self.tree.node(number)
        return Stat(self.device, number, node.type, node.links, node.size, node.accessed, node.modified, node.changed)

    def open(
        self, name: str, origin: Origin, how: How, *, only_directory: bool, wait: Wait | None
    ) -> Directory | MemoryFile | MemoryDevice:
        """Open it, as POSIX opens."""
        del wait  # there is nobody to wait for
        return self.open_number(self._opened(name, how), origin, how, only_directory=only_directory)

    def open_number(
        self, number: int, origin: Origin, how: How, *, only_directory: bool = False
    ) -> Directory | MemoryFile | MemoryDevice:
        """Open what has that number."""
        node = self.tree.node(number)
        if isinstance(node, LinkNode):
            raise refusal(errno.ENOTDIR if only_directory else errno.ELOOP)
        if isinstance(node, DirectoryNode):
            if how.write or how.truncate or how.create:
                raise refusal(errno.EISDIR)
            return Directory(MemoryPlace(self.tree, self.now, self.device, number, held=True), origin, waits=how.waits)
        if only_directory:
            raise refusal(errno.ENOTDIR)
        if isinstance(node, DeviceNode):
            return MemoryDevice(self, number, origin, how)
        if how.truncate:
            self.tree.resize(number, 0, self.now())
        return MemoryFile(self, number, origin, how)

    def _opened(self, name: str, how: How) -> int:
        """The number of what is opened, made if that is asked for.  Raises: OSError."""
        if not how.create:
            return self._number(name)
        try:
            number = self._number(name)
        except FileNotFoundError:
            now = self.now()
            return self.tree.add(self.number, name, FileNode(self.tree.owner, now), now)
        if how.exclusive:
            raise refusal(errno.EEXIST)
        return number

    def listing(self) -> MemoryListing:
        """Begin to read it."""
        return MemoryListing(self)

    def create_directory(self, name: str) -> None:
        """Make one."""
        now = self.now()
        self._add(name, DirectoryNode(self.tree.owner, self.number, now), now)

    def create_device(self, name: str, device: str, most: int) -> None:
        """Make a device, which a tree knows by a name of its own."""
        now = self.now()
        self._add(name, DeviceNode(self.tree.owner, device, most, now), now)
        self.tree.devices = {**self.tree.devices, device: self._number(name)}

    def create_link(self, name: str, text: str) -> None:
        """Make a symbolic link."""
        now = self.now()
        self._add(name, LinkNode(self.tree.owner, text, now), now)

    def _add(self, name: str, node: Node, now: int) -> None:
        if name == ".":
            raise refusal(errno.EEXIST)
        self.tree.add(self.number, name, node, now)

    def read_link(self, name: str) -> bytes:
        """What a symbolic link says."""
        node = self.tree.node(self._number(name))
        if not isinstance(node, LinkNode):
            raise refusal(errno.EINVAL)
        return encoded(node.text)

    def add_name(self, name: str, new: Place, new_name: str) -> None:
        """Give a file another name."""
        there = self._same(new)
        if new_name == ".":
            raise refusal(errno.EEXIST)
        self.tree.add_name(self._number(name), there.number, new_name, self.now())

    def rename(self, name: str, new: Place, new_name: str) -> None:
        """Rename."""
        there = self._same(new)
        self.tree.rename(self.number, name, there.number, new_name, self.now())

    def _same(self, place: Place) -> MemoryPlace:
        """A place of this tree.  Raises: OSError (EXDEV)."""
        if not isinstance(place, MemoryPlace) or place.tree is not self.tree:
            raise refusal(errno.EXDEV)
        return place

    def remove_directory(self, name: str) -> None:
        """Remove an empty one."""
        self.tree.remove(self.number, name, self.now(), is_directory=True)

    def remove_name(self, name: str) -> None:
        """Remove a name."""
        self.tree.remove(self.number, name, self.now(), is_directory=False)

    def set_times_of(self, name: str, times: tuple[int, int]) -> None:
        """Set access and modification time."""
        self.set_times_at(self._number(name), times)

    def set_times(self, times: tuple[int, int]) -> None:
        """The same of the directory itself."""
        self.set_times_at(self.number, times)

    def set_times_at(self, number: int, times: tuple[int, int]) -> None:
        """The same of what has that number."""
        node = self.tree.own(number)
        node.accessed, node.modified = times
        node.changed = self.now()

    def sync(self) -> None:
        """There is no disk."""

    def freeze(self, origin: Origin) -> Kept:
        """By its number in the tree, which travels too."""
        return KeptMemoryDirectory(directory=origin.root.name, path=os.fsencode(origin.path), inode=self.number)

    def contents(self, *, live: bool) -> Contents:
        """All of the tree."""
        return Contents.of(self.tree, live=live)

    def shares(self, other: Place) -> bool:
        """Whether the other lies in the same tree."""
        return isinstance(other, MemoryPlace) and other.tree is self.tree

    def settle(self) -> None:
        """What has no name and is not open goes."""
        self.tree.drop_nameless()

    def close(self) -> None:
        """Nobody has it open any more."""
        if self.held:
            self.held = False
            self.tree.release(self.number)


class MemoryListing:
    """A directory that is read: entries are found by serial numbers, so nothing is kept and nothing is lost when others come and go."""

    first = 0

    def __init__(self, place: MemoryPlace) -> None:
        self.place = place

    def since(self, start: int, checkpoint: Callable[[], object]) -> Iterator[Entry]:
        """The entries from a serial number on; none is passed over."""
        del checkpoint
        place = self.place
        for serial, dots in enumerate((b".", b"..")):
            if start <= serial:
                yield Entry(dots, place.number, FileType.DIRECTORY, serial + 1)
        for serial, name, number in place.tree.directory(place.number).names(max(start, DOTS)):
            yield Entry(encoded(name), number, place.tree.node(number).type, serial + 1)

    def close(self) -> None:
        """Nothing is kept."""
