"""A tree in memory as chunks and back, so that a snapshot holds each piece once and a delta what has changed.

    root       version, the number of the next node; its children: shelves
    shelf      its children: pages, up to 1024
    page       records of nodes, of 64 numbers, each followed by its parts; its children: those of all records, in their order
    file       where its blocks are; children: the blocks, or, if there are many, groups of 256 that say it themselves
    directory  names with serial number and number; or, if there are many, children that say it
    link       what it says
    device     its name, how much may be asked, how far a request has come; children: pieces of that, or of the answer

Behind the parts of a file that lies over one of the host's comes which that is; its content does not travel.

What is read is untrusted: it is a tree, of which every directory is in one other, names are such, blocks lie in their file, and it is no
larger than is allowed; otherwise it is a `SnapshotError`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.errors import SnapshotError
from arenite.light import NamedTuple
from arenite.machine.run.chunks import Chunk
from arenite.world.memory.nodes import (
    BLOCK,
    DOTS,
    Below,
    Block,
    DeviceNode,
    DirectoryNode,
    FileNode,
    LinkNode,
    Stage,
    encoded,
)
from arenite.world.memory.table import BITS, Table
from arenite.world.memory.tree import LONGEST_NAME, MOST_ANSWER, MOST_REQUEST, ROOT, Owner, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arenite.world.memory.lower import Lower
    from arenite.world.memory.nodes import Node

VERSION: Final = 1
HEADER: Final = struct.Struct("<IQ")
RECORD: Final = struct.Struct(
    "<QBBQQQQI"
)  # number, kind, whether parts lie in children, three times, a size, how many parts follow
NUMBER: Final = struct.Struct("<Q")
NAME: Final = struct.Struct("<QQH")  # serial number, number, length; the name follows
KINDS: Final[tuple[type, ...]] = (FileNode, DirectoryNode, LinkNode)
OVER: Final = len(KINDS)  # the kind of a file that lies over one of the host's: behind its parts comes which
DEVICE: Final = OVER + 1  # of a device: its parts are children, its size is what was read of an answer
ASKED: Final = struct.Struct("<IBH")  # behind it: bytes of a request, stage, length of the name, which follows
PIECE: Final = 1 << 18  # bytes of a request or an answer
BELOW: Final = struct.Struct("<QQQH")  # size, modification time, how much is shown, length of the path, which follows
DIRECT: Final = 8  # blocks of a file that its record says
DIRECT_NAMES: Final = 32  # of a directory
GROUP: Final = 256  # blocks, or names, that a chunk of what is larger says
SHELF: Final = 1024  # pages
LARGEST_NUMBER: Final = 1 << 62
LONGEST_LINK: Final = 4096


class Contents:
    """The files of a tree as they were at one moment, out of this process or out of a file.

    `live`: the very tree, for a guest that takes another's place.
    """

    def __init__(self, tree: Tree | None, chunk: Chunk | None = None, *, live: bool = False) -> None:
        self._tree = tree
        self._chunk = chunk
        self._live = live

    @classmethod
    def of(cls, tree: Tree, *, live: bool = False) -> Contents:
        """What a tree has now, or it."""
        return cls(tree if live else tree.fork(), live=live)

    @classmethod
    def loaded(cls, chunk: Chunk) -> Contents:
        """Those of a file."""
        if not isinstance(chunk.made, cls):
            chunk.made = cls(None, chunk)
        assert isinstance(chunk.made, cls)
        return chunk.made

    def chunk(self) -> Chunk:
        """As chunks."""
        if self._tree is not None and self._live:
            return sealed_tree(self._tree.fork())
        if self._chunk is None:
            assert self._tree is not None
            self._chunk = sealed_tree(self._tree)
        return self._chunk

    def fork(self, *, max_bytes: int, max_entries: int, lower: Lower | None = None) -> Tree:
        """A tree of its own for whoever goes on.  Raises: `SnapshotError` if there is more than is allowed, or the folder below is missing."""
        if self._tree is None:
            assert self._chunk is not None
            self._tree = read_tree(self._chunk, max_bytes, max_entries)
        tree = self._tree
        if tree.bytes > max_bytes or tree.entries > max_entries:
            raise SnapshotError(
                f"{tree.entries} files in memory with {tree.bytes} bytes; {max_entries} with {max_bytes} are allowed"
            )
        if tree.lies_over and lower is None:
            raise SnapshotError("files in memory lie over a folder of the host: say which (MemoryFS(lower=…))")
        new = tree if self._live else tree.fork()
        new.lower = lower
        new.max_bytes, new.max_entries = max_bytes, max_entries
        return new


# to chunks


def sealed_tree(tree: Tree) -> Chunk:
    """The root.  Pages that have not changed since another fork of the tree travelled are known."""
    pages = []
    for at, page in sorted(tree.nodes.pages.items()):
        known = tree.sealed.get(at)
        if known is None or known[0] is not page:
            known = tree.sealed[at] = page, sealed_page(page)
        pages.append(known[1])
    for gone in tree.sealed.keys() - tree.nodes.pages.keys():
        del tree.sealed[gone]
    return Chunk(HEADER.pack(VERSION, tree.following), [Chunk(b"", pages[at : at + SHELF]) for at in range(0, len(pages), SHELF)])


def sealed_page(page: dict[int, Node]) -> Chunk:
    """A page of nodes."""
    data, children = bytearray(), list[Chunk]()
    for number in sorted(page):
        node = page[number]
        parts = sealed_parts(node)
        size = node.following if isinstance(node, DirectoryNode) else node.size
        times = node.accessed, node.modified, node.changed
        below = node.below if isinstance(node, FileNode) else None
        kind = DEVICE if isinstance(node, DeviceNode) else KINDS.index(type(node)) if below is None else OVER
        size = node.at if isinstance(node, DeviceNode) else size
        data += RECORD.pack(number, kind, parts.grouped, *times, size, parts.number) + parts.data
        if below is not None:
            path = encoded(below.path)
            data += BELOW.pack(below.size, below.modified, below.shown, len(path)) + path
        children += parts.children
    return Chunk(data, children)


class Parts(NamedTuple):
    """What a node is made of: how many parts, what follows its record, its children.  `grouped`: the parts are children that say more."""

    number: int
    data: bytes
    children: list[Chunk]
    grouped: bool = False


def sealed_parts(node: Node) -> Parts:
    """The parts of a node."""
    if isinstance(node, LinkNode):
        text = encoded(node.text)
        return Parts(len(text), text, [])
    if isinstance(node, DirectoryNode):
        names = list(node.names())
        if len(names) <= DIRECT_NAMES:
            return Parts(len(names), sealed_names(names), [])
        below = [Chunk(sealed_names(names[at : at + GROUP])) for at in range(0, len(names), GROUP)]
        return Parts(len(below), b"", below, grouped=True)
    if isinstance(node, DeviceNode):
        name = encoded(node.name)
        pieces = [Chunk(bytes(node.data[at : at + PIECE])) for at in range(0, len(node.data), PIECE)]
        return Parts(len(pieces), ASKED.pack(node.most, node.stage, len(name)) + name, pieces)
    blocks = list(node.blocks.since(0))
    if len(blocks) <= DIRECT:
        return Parts(len(blocks), *sealed_blocks(blocks))
    groups: dict[int, list[tuple[int, Block]]] = {}
    for at, block in blocks:
        groups.setdefault(at // GROUP, []).append((at, block))
    below = [Chunk(*sealed_blocks(group)) for group in groups.values()]
    return Parts(len(below), b"", below, grouped=True)


def sealed_names(names: Iterable[tuple[int, str, int]]) -> bytes:
    """Names of a directory."""
    texts = ((serial, number, encoded(name)) for serial, name, number in names)
    return b"".join(NAME.pack(serial, number, len(name)) + name for serial, number, name in texts)


def sealed_blocks(blocks: list[tuple[int, Block]]) -> tuple[bytes, list[Chunk]]:
    """Where blocks are, and the blocks."""
    for _, block in blocks:
        if block.sealed is None:
            block.sealed = Chunk(block.data)
    return b"".join(NUMBER.pack(at) for at, _ in blocks), [block.sealed for _, block in blocks if block.sealed is not None]


# and back


class Reader:
    """The data of a chunk, from beginning to end, and its children in their order.  Raises: `SnapshotError`."""

    def __init__(self, chunk: Chunk) -> None:
        self.data = chunk.data
        self.at = 0
        self.children = iter(chunk.children)

    def unpack(self, struct_: struct.Struct) -> tuple[int, ...]:
        """Numbers."""
        if self.at + struct_.size > len(self.data):
            raise damaged("a chunk ends too early")
        self.at += struct_.size
        return struct_.unpack_from(self.data, self.at - struct_.size)

    def text(self, size: int) -> str:
        """A name or what a link says."""
        found = bytes(self.data[self.at : self.at + size])
        self.at += size
        if len(found) < size or 0 in found:
            raise damaged("a name is none")
        try:
            return found.decode("utf-8", "surrogateescape")
        except UnicodeDecodeError as error:  # half a character that was escaped already
            raise damaged("a name is none") from error

    def child(self) -> Chunk:
        """The next one."""
        found = next(self.children, None)
        if found is None:
            raise damaged("a chunk has too few children")
        return found

    @property
    def more(self) -> bool:
        """Whether there is data left."""
        return self.at < len(self.data)

    def end(self) -> None:
        """Nothing may be left."""
        if self.more or next(self.children, None) is not None:
            raise damaged("a chunk has more than it says")


def damaged(what: str) -> SnapshotError:
    """What to raise."""
    return SnapshotError(f"files in memory: {what}")


def read_tree(root: Chunk, max_bytes: int, max_entries: int) -> Tree:
    """The tree.  Raises: `SnapshotError`."""
    tree = Tree(max_bytes=max_bytes, max_entries=max_entries)
    tree.nodes = Table(tree.owner)
    reader = Reader(root)
    version, tree.following = reader.unpack(HEADER)
    if version != VERSION or not ROOT < tree.following <= LARGEST_NUMBER:
        raise damaged("they were written by another version")
    reading = Reading(tree, max_entries)
    for page in (page for shelf in root.children for page in shelf.children):
        at = reading.page(page)
        tree.sealed[at] = tree.nodes.pages[at], page
    reading.check_names()
    return tree


class Reading:
    """A tree that is being read.  `names`: how many each node has; `above`: a directory that it lies in."""

    def __init__(self, tree: Tree, max_entries: int) -> None:
        self.tree = tree
        self.left = max_entries + 1  # the root is none
        self.last = 0
        self.names: dict[int, int] = {}
        self.above: dict[int, int] = {}

    def page(self, chunk: Chunk) -> int:
        """A page of nodes; which."""
        reader, at = Reader(chunk), None
        while reader.more:
            number, kind, grouped, accessed, modified, changed, size, count = reader.unpack(RECORD)
            if not self.last < number < self.tree.following or kind > DEVICE or grouped > 1:
                raise damaged("a node is none")
            if at is not None and number >> BITS != at:
                raise damaged("a node is on the page of others")
            at, self.last = number >> BITS, number
            self.left -= 1
            if self.left < 0:
                raise damaged(f"there are more than the {self.tree.max_entries} that are allowed")
            if kind == DEVICE:
                node: Node = self.device(number, reader, size, count)
            else:
                node = self.node(FileNode if kind == OVER else KINDS[kind], reader, size, count, grouped=bool(grouped))
            if kind == OVER:
                self.lay_over(node, reader)
            self.pay(node)
            node.accessed, node.modified, node.changed = accessed, modified, changed
            self.tree.nodes.put(number, node)
            if isinstance(node, DirectoryNode):
                for _, _, inner in node.names():
                    self.names[inner] = self.names.get(inner, 0) + 1
                    self.above[inner] = number
        if at is None:
            raise damaged("a page is empty")
        reader.end()
        return at

    def node(self, kind: type, reader: Reader, size: int, count: int, *, grouped: bool) -> Node:
        """One of a kind."""
        tree = self.tree
        if kind is DirectoryNode:
            directory = DirectoryNode(tree.owner, ROOT)
            for part in [Reader(reader.child()) for _ in range(count)] if grouped else [reader]:
                self.read_names(directory, part, None if grouped else count)
            if not directory.following <= size <= LARGEST_NUMBER:
                raise damaged("a directory is none")
            directory.following = size
            return directory
        if kind is LinkNode:
            if grouped or count != size or not 0 < count <= LONGEST_LINK:
                raise damaged("a link is none")
            return LinkNode(tree.owner, reader.text(count))
        file = FileNode(tree.owner)
        file.size = size
        if size > LARGEST_NUMBER:
            raise damaged("a file is none")
        last = -1
        for part in [Reader(reader.child()) for _ in range(count)] if grouped else [reader]:
            last = self.read_blocks(file, part, last, None if grouped else count)
        return file

    def device(self, number: int, reader: Reader, at: int, count: int) -> DeviceNode:
        """A device.  One without a name in a directory is found out with the others."""
        most, stage, length = reader.unpack(ASKED)
        name = reader.text(length)
        if not name or name in self.tree.devices or most > MOST_REQUEST or stage > max(Stage):
            raise damaged("a device is none, or it is there twice")
        pieces, size = list[Chunk](), 0
        for _ in range(count):
            pieces.append(reader.child())
            size += len(pieces[-1].data)
            if size > MOST_ANSWER or pieces[-1].children:
                raise damaged("a device has more than there may be")
        node = DeviceNode(self.tree.owner, name, most)
        node.turn(Stage(stage), b"".join(piece.data for piece in pieces), at)
        answered = node.stage is Stage.ANSWERED
        if (size and node.stage is Stage.IDLE) or (size > most and not answered) or at > (size if answered else 0):
            raise damaged("a device has more than there may be")
        self.tree.devices = {**self.tree.devices, name: number}
        return node

    def lay_over(self, node: Node, reader: Reader) -> None:
        """What of the host's a file lies over."""
        assert isinstance(node, FileNode)
        size, modified, shown, length = reader.unpack(BELOW)
        path = reader.text(length)
        if not path or shown > min(size, node.size):
            raise damaged("a file lies over none")
        node.below = Below(path, size, modified, shown)
        self.tree.lies_over = True

    def pay(self, node: Node) -> None:
        """What a node counts for."""
        tree = self.tree
        if tree.bytes + node.paid > tree.max_bytes:
            raise damaged(f"they have more than the {tree.max_bytes} bytes that are allowed")
        tree.bytes += node.paid

    def read_names(self, directory: DirectoryNode, reader: Reader, count: int | None) -> None:
        """Names of a directory: so many, or all that there are."""
        while reader.more if count is None else directory.count < count:
            serial, number, length = reader.unpack(NAME)
            name = reader.text(length)
            if name in {"", ".", ".."} or "/" in name or length > LONGEST_NAME or directory.find(name) is not None:
                raise damaged("a name is none, or it is there twice")
            if not max(directory.following, DOTS) <= serial < LARGEST_NUMBER:
                raise damaged("a directory's names are in disorder")
            self.tree.entries += 1
            if self.tree.entries > self.tree.max_entries:
                raise damaged(f"there are more than the {self.tree.max_entries} that are allowed")
            directory.add(name, number, serial)
        if count is None:
            reader.end()

    def read_blocks(self, file: FileNode, reader: Reader, last: int, count: int | None) -> int:
        """Blocks of a file behind the `last`: so many, or all that there are; the last of these."""
        done = 0
        while reader.more if count is None else done < count:
            (at,) = reader.unpack(NUMBER)
            chunk = reader.child()
            if at <= last or not 0 < len(chunk.data) <= min(BLOCK, file.size - at * BLOCK) or chunk.children:
                raise damaged("a file has a block that does not lie in it")
            file.blocks.put(at, Block(SHARED, chunk.data if isinstance(chunk.data, bytes) else bytes(chunk.data), chunk))
            last, done = at, done + 1
        if count is None:
            reader.end()
        return last

    def check_names(self) -> None:
        """Every name names something, every directory is in one other, and leads to the root; the rest has none."""
        tree = self.tree
        self.names[ROOT] = self.names.get(ROOT, 0) + 1
        nameless = []
        for number, node in tree.nodes.since(0):
            node.links = self.names.pop(number, 0)
            if not isinstance(node, DirectoryNode):
                pass
            elif node.links > 1 or (not node.links and node.count):
                raise damaged("a directory has more than one name, or none and is not empty")
            elif node.links:
                node.parent = self.above.get(number, ROOT)
            if not node.links:
                if isinstance(node, DeviceNode):
                    raise damaged("a device has no name")
                nameless.append(number)
        if self.names or not isinstance(tree.nodes.get(ROOT), DirectoryNode):
            raise damaged("a name names nothing")
        self._check_ways()
        tree.nameless = frozenset(nameless)
        tree.entries += len(nameless)

    def _check_ways(self) -> None:
        """Every directory that has a name is reached from the root."""
        todo, reached = [ROOT], {ROOT}
        while todo:
            for _, _, number in self.tree.directory(todo.pop()).names():
                if isinstance(self.tree.node(number), DirectoryNode):
                    reached.add(number)
                    todo.append(number)
        for number, node in self.tree.nodes.since(0):
            if isinstance(node, DirectoryNode) and node.links and number not in reached:
                raise damaged("a directory lies in itself")


SHARED: Final = Owner()
"""Who owns blocks that nobody may write."""
