"""A folder of the host under files in memory: it is read and never changed; what a guest changes lies above it, in memory.

- Its names are taken over once, when it is given; what is in its files is read when somebody reads it, by the rules of paths, so nothing outside is.
- A file that has changed since on the host is refused (ESTALE), not mixed with what it was.
"""

from __future__ import annotations

import errno
import os
import weakref
from contextlib import closing
from typing import TYPE_CHECKING, Final

from arenite.world.directories import Directory
from arenite.world.files import File
from arenite.world.host_place import HostPlace
from arenite.world.memory.copying import opened
from arenite.world.memory.nodes import Below, DirectoryNode, FileNode, LinkNode, encoded
from arenite.world.memory.tree import ROOT, refusal
from arenite.world.place import How
from arenite.world.refused import Reason, Refused
from arenite.world.sandbox import resolve
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.world.memory.tree import Tree
    from arenite.world.stat import Stat

LONGEST_PATH: Final = 1024  # bytes, from the folder


class Lower:
    """The folder, open as long as somebody has files over it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.place = HostPlace.of(os.fspath(folder))
        weakref.finalize(self, self.place.close)

    def read(self, below: Below, at: int, size: int) -> bytes:
        """So many bytes of a file.  Raises: OSError, also (ESTALE) if it is not what it was."""
        try:
            with resolve(self.place, below.path, follow=False) as target:
                if target.stat().type is not FileType.REGULAR_FILE:  # asked before, for opening a pipe would wait
                    raise refusal(errno.ESTALE)
                with closing(opened(target.place, target.name, How(read=True))) as file:
                    stat = file.stat()
                    data = bytearray(size)
                    if (stat.type, stat.size, stat.modified) != (FileType.REGULAR_FILE, below.size, below.modified):
                        raise refusal(errno.ESTALE)
                    assert isinstance(file, File)
                    with memoryview(data) as view:
                        if file.read_at([view], at) < size:
                            raise refusal(errno.ESTALE)
                    return bytes(data)
        except (Refused, FileNotFoundError, NotADirectoryError):
            raise refusal(errno.ESTALE) from None

    def take_over(self, tree: Tree) -> None:
        """Give a tree that is empty everything that the folder has.  Raises: OSError, `Refused`."""
        todo = [(".", ROOT)]
        while todo:
            path, number = todo.pop()
            for name, stat, text in self.names(path):
                full = name if path == "." else f"{path}/{name}"
                if len(encoded(full)) > LONGEST_PATH:
                    raise Refused(Reason.TOO_LONG)
                node: FileNode | DirectoryNode | LinkNode
                if stat.type is FileType.DIRECTORY:
                    node = DirectoryNode(tree.owner, number)
                elif stat.type is FileType.SYMBOLIC_LINK:
                    node = LinkNode(tree.owner, text)
                elif stat.type is FileType.REGULAR_FILE:
                    node = FileNode(tree.owner)
                    node.below, node.size = Below(full, stat.size, stat.modified, stat.size), stat.size
                else:
                    continue
                new = tree.add(number, name, node, stat.modified)
                node.accessed, node.modified, node.changed = stat.accessed, stat.modified, stat.changed
                if stat.type is FileType.DIRECTORY:
                    todo.append((full, new))

    def names(self, path: str) -> Iterator[tuple[str, Stat, str]]:
        """What a directory of the folder has: name, what is known of it, what it says if it is a link."""
        with (
            resolve(self.place, f"{path}/.", follow=False) as target,
            closing(opened(target.place, ".", How(read=True, directory=True))) as reading,
        ):
            assert isinstance(reading, Directory)
            for entry in sorted(list(reading.entries(0, lambda: None))[2:]):
                name = os.fsdecode(entry.name)
                stat = target.place.stat_of(name)
                yield name, stat, (target.place.link(name) or "") if stat.type is FileType.SYMBOLIC_LINK else ""
