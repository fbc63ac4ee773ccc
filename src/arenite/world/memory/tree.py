"""A tree of files in memory: nodes by number, how much there may be of them, and copies of it that cost nothing.

- `frozen` and `fork` share everything; whoever writes copies what is written then: a table's pages, a node, a block.
- What is asked for is paid before it is done: `max_bytes` bounds the sizes of all files and links together, holes included;
  `max_entries` the names, and what is open without one.
- What has no name lives as long as somebody has it open (`hold`, `release`).

    tree = Tree(max_bytes=1 << 20, max_entries=100)
    number = tree.add(ROOT, "a.txt", FileNode(tree.owner, now), now)
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from arenite.world.memory.nodes import DeviceNode, DirectoryNode, FileNode, encoded
from arenite.world.memory.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from arenite.machine.run.chunks import Chunk
    from arenite.world.memory.lower import Lower
    from arenite.world.memory.nodes import Node

ROOT: Final = 1
LONGEST_NAME: Final = 255  # bytes
MOST_ENTRIES: Final = 1 << 20
MOST_BYTES: Final = 1 << 36
MOST_REQUEST: Final = 1 << 20  # bytes that can be written to a device
MOST_ANSWER: Final = 1 << 24  # bytes that it can be answered


def refusal(code: int) -> OSError:
    """The error of that number, as the host would raise it."""
    return OSError(code, os.strerror(code))


class Owner:
    """Nobody in particular: who may write what was made since the last fork."""

    __slots__ = ()


class Tree:
    """Files in memory.  `owner`: of what may be written in place.   `bytes`, `entries`: how much there is; `nameless`: of it, without a name.

    `lower`: the folder that lies under it, if files of that are among its own (`lies_over`).
    `devices`: numbers of the devices, by name; a tree has them for good.
    `sealed`: pages of nodes as they have travelled, with what they were made of; shared by all forks.
    """

    def __init__(self, *, max_bytes: int, max_entries: int, now: int = 0) -> None:
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.owner = Owner()
        self.nodes: Table[Node] = Table(self.owner)
        self.following = ROOT + 1
        self.bytes = self.entries = 0
        self.nameless: frozenset[int] = frozenset()
        self.held: dict[int, int] = {}
        self.sealed: dict[int, tuple[object, Chunk]] = {}
        self.lower: Lower | None = None
        self.lies_over = False
        self.devices: Mapping[str, int] = {}
        root = DirectoryNode(self.owner, ROOT, now)
        root.links = 1
        self.nodes.put(ROOT, root)

    def fork(self) -> Tree:
        """Another with the same files.  Nobody has anything open in it."""
        new = Tree.__new__(Tree)
        new.max_bytes, new.max_entries = self.max_bytes, self.max_entries
        new.nodes, new.following, new.bytes, new.entries = self.nodes, self.following, self.bytes, self.entries
        new.nameless, new.sealed = self.nameless, self.sealed
        new.lower, new.lies_over, new.devices = self.lower, self.lies_over, self.devices
        new.held = {}
        self.owner, new.owner = Owner(), Owner()
        return new

    def node(self, number: int) -> Node:
        """To look at.  Raises: OSError."""
        found = self.nodes.get(number)
        if found is None:
            raise refusal(errno.ENOENT)
        return found

    def directory(self, number: int) -> DirectoryNode:
        """To look at.  Raises: OSError."""
        found = self.node(number)
        if not isinstance(found, DirectoryNode):
            raise refusal(errno.ENOTDIR)
        return found

    def own(self, number: int) -> Node:
        """To write."""
        found = self.node(number)
        if found.owner is not self.owner:
            found = found.copy(self.owner)
            self._put(number, found)
        return found

    def own_directory(self, number: int) -> DirectoryNode:
        """To write."""
        found = self.own(number)
        assert isinstance(found, DirectoryNode)
        return found

    def own_file(self, number: int) -> FileNode:
        """To write."""
        found = self.own(number)
        assert isinstance(found, FileNode)
        return found

    def own_device(self, number: int) -> DeviceNode:
        """To write."""
        found = self.own(number)
        assert isinstance(found, DeviceNode)
        return found

    def _put(self, number: int, node: Node) -> None:
        self.nodes = self.nodes.of(self.owner)
        self.nodes.put(number, node)

    # how much there may be

    def pay(self, *, size: int = 0, entries: int = 0) -> None:
        """Take room, or give it back.  Raises: OSError (ENOSPC), and takes none."""
        if (size > 0 and self.bytes + size > self.max_bytes) or (entries > 0 and self.entries + entries > self.max_entries):
            raise refusal(errno.ENOSPC)
        self.bytes += size
        self.entries += entries

    def room(self, node: FileNode) -> int:
        """How large a file may become."""
        return node.paid + max(0, self.max_bytes - self.bytes)

    def resize(self, number: int, size: int, now: int) -> None:
        """Cut a file off, or let a hole be its end.  Raises: OSError."""
        node = self.own_file(number)
        self.pay(size=size - node.paid)
        node.resize(size)
        self.bytes += node.paid - size  # nothing, if it is again what lies below
        node.modified = node.changed = now

    # names

    def find(self, directory: int, name: str) -> int:
        """The number of what has that name there.  Raises: OSError."""
        check_name(name)
        found = self.directory(directory).find(name)
        if found is None:
            raise refusal(errno.ENOENT)
        return found

    def add(self, directory: int, name: str, node: Node, now: int) -> int:
        """Put something new under a name that nothing has.  Its number.  Raises: OSError."""
        self._check_new(directory, name)
        self.pay(size=node.paid, entries=1)
        number = self.following
        self.following += 1
        node.links = 1
        self._put(number, node)
        self._name(directory, name, number, now)
        return number

    def _check_new(self, directory: int, name: str) -> None:
        check_name(name)
        there = self.directory(directory)
        if there.find(name) is not None:
            raise refusal(errno.EEXIST)
        if not there.links:  # it was removed, and is only open
            raise refusal(errno.ENOENT)

    def _name(self, directory: int, name: str, number: int, now: int) -> None:
        there = self.own_directory(directory)
        there.put(name, number)
        there.modified = there.changed = now

    def add_name(self, number: int, directory: int, name: str, now: int) -> None:
        """Give what is no directory another name.  Raises: OSError."""
        self._check_new(directory, name)
        if isinstance(self.node(number), (DirectoryNode, DeviceNode)):
            raise refusal(errno.EPERM)
        self.pay(entries=1)
        node = self.own(number)
        node.links += 1
        node.changed = now
        self._name(directory, name, number, now)

    def remove(self, directory: int, name: str, now: int, *, is_directory: bool) -> None:
        """Remove a name: of an empty directory, or of what is none.  Raises: OSError."""
        number = self.find(directory, name)
        self._check_gone(number, is_directory=is_directory)
        there = self.own_directory(directory)
        there.remove(name)
        there.modified = there.changed = now
        self._unname(number, now)

    def _check_gone(self, number: int, *, is_directory: bool) -> None:
        """Whether it can lose a name.  A device keeps the one that it has."""
        node = self.node(number)
        if isinstance(node, DeviceNode):
            raise refusal(errno.EBUSY)
        if not isinstance(node, DirectoryNode):
            if is_directory:
                raise refusal(errno.ENOTDIR)
        elif not is_directory:
            raise refusal(errno.EISDIR)
        elif node.count:
            raise refusal(errno.ENOTEMPTY)

    def _unname(self, number: int, now: int) -> None:
        """One name less."""
        node = self.own(number)
        node.links -= 1
        node.changed = now
        if node.links:
            self.entries -= 1
        elif self.held.get(number):
            self.nameless |= {number}
        else:
            self._forget(number)

    def _forget(self, number: int) -> None:
        node = self.node(number)
        self.nodes = self.nodes.of(self.owner)
        self.nodes.remove(number)
        self.bytes -= node.paid
        self.entries -= 1

    def rename(self, directory: int, name: str, new_directory: int, new_name: str, now: int) -> None:
        """Move a name, in place of an other of the same sort: all of it or, where a signal's handler raises, nothing.  Raises: OSError."""
        new = self.fork()
        new.held = self.held
        new._rename(directory, name, new_directory, new_name, now)  # noqa: SLF001 - it is one of ours
        self.owner, self.nodes = new.owner, new.nodes
        self.bytes, self.entries, self.nameless = new.bytes, new.entries, new.nameless

    def _rename(self, directory: int, name: str, new_directory: int, new_name: str, now: int) -> None:
        number = self.find(directory, name)
        check_name(new_name)
        there = self.directory(new_directory)
        if not there.links:
            raise refusal(errno.ENOENT)
        node = self.node(number)
        if isinstance(node, DeviceNode):
            raise refusal(errno.EBUSY)
        is_directory = isinstance(node, DirectoryNode)
        if is_directory and self._lies_in(new_directory, number):
            raise refusal(errno.EINVAL)
        replaced = there.find(new_name)
        if replaced == number:
            return
        if replaced is not None:
            if self._lies_in(directory, replaced):
                raise refusal(errno.ENOTEMPTY)
            self._check_gone(replaced, is_directory=is_directory)
        self.own_directory(directory).remove(name)
        self._name(new_directory, new_name, number, now)
        old = self.own_directory(directory)
        old.modified = old.changed = now
        node = self.own(number)
        node.changed = now
        if isinstance(node, DirectoryNode):
            node.parent = new_directory
        if replaced is not None:
            self._unname(replaced, now)

    def _lies_in(self, number: int, above: int) -> bool:
        """Whether a directory is `above`, or lies in it."""
        while number not in {above, ROOT}:
            number = self.directory(number).parent
        return number == above

    def listed(self) -> Iterator[tuple[str, Node]]:
        """Paths of all files and links, and what they name: those of a directory in the order of their names, then those below."""
        todo = [("", ROOT)]
        while todo:
            path, directory = todo.pop()
            below = []
            for _, name, number in sorted(self.directory(directory).names(), key=lambda one: one[1]):
                node = self.node(number)
                if isinstance(node, DirectoryNode):
                    below.append((f"{path}{name}/", number))
                else:
                    yield path + name, node
            todo += reversed(below)

    # what is open

    def hold(self, number: int) -> None:
        """Somebody has it open."""
        self.held[number] = self.held.get(number, 0) + 1

    def release(self, number: int) -> None:
        """Somebody has it open no more."""
        left = self.held.pop(number) - 1
        if left:
            self.held[number] = left
        elif number in self.nameless:
            self.nameless -= {number}
            self._forget(number)

    def drop_nameless(self) -> None:
        """Forget what has no name and nobody has open: of a fork, whose guest has everything open again that it had."""
        for number in self.nameless - self.held.keys():
            self.nameless -= {number}
            self._forget(number)


def check_name(name: str) -> None:
    """Refuse what can be no name.  Raises: OSError."""
    if len(encoded(name)) > LONGEST_NAME:
        raise refusal(errno.ENAMETOOLONG)
