"""What a tree in memory is made of: files, directories, symbolic links and devices, known by number.

- A node belongs to an owner, as a `Table` does: only that one writes it, others `copy` it first.  So do the blocks of a file.
- Sizes are what `ls -l` shows.  What was never written of a file is a hole: it reads as zeros and takes no memory.
- A directory's names have serial numbers, which only grow, so reading it can go on anywhere while names come and go.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite.light import NamedTuple
from arenite.world.memory.table import Table
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.machine.run.chunks import Chunk
    from arenite.world.memory.lower import Lower

BLOCK: Final = 1 << 14
"""Bytes of a file that are shared or copied at once, and travel at once."""

NAMES_PER_BUCKET: Final = 16
DOTS: Final = 2  # serial numbers that `.` and `..` have


class Block:
    """A piece of a file, shorter than `BLOCK` if the rest is zero.  `sealed`: as it travels, once it has."""

    __slots__ = ("data", "owner", "sealed")

    def __init__(self, owner: object, data: bytearray | bytes, sealed: Chunk | None = None) -> None:
        self.owner = owner
        self.data = data
        self.sealed = sealed


class Below(NamedTuple):
    """A file of the folder that lies under the tree (`lower`).  `path`: from there; `size`, `modified`: what it must still have.

    `shown`: how many of its bytes are still to be seen, where no block lies above them.
    """

    path: str
    size: int
    modified: int
    shown: int


class Base:
    """What every node has.  Times are in nanoseconds.   `links`: how many names it has."""

    __slots__ = ("accessed", "changed", "links", "modified", "owner")

    def __init__(self, owner: object, now: int) -> None:
        self.owner = owner
        self.links = 0
        self.accessed = self.modified = self.changed = now

    def like(self, other: Base) -> None:
        """Take over what every node has."""
        self.links, self.accessed, self.modified, self.changed = other.links, other.accessed, other.modified, other.changed


class FileNode(Base):
    """A regular file.  `below`: the host's that it was, and still is where it has no blocks."""

    __slots__ = ("below", "blocks", "size")
    type: Final = FileType.REGULAR_FILE

    def __init__(self, owner: object, now: int = 0) -> None:
        super().__init__(owner, now)
        self.size = 0
        self.blocks: Table[Block] = Table(owner)
        self.below: Below | None = None

    def copy(self, owner: object) -> FileNode:
        """For another owner to write."""
        new = FileNode(owner)
        new.like(self)
        new.size, new.blocks, new.below = self.size, self.blocks, self.below
        return new

    @property
    def paid(self) -> int:
        """Bytes that it counts for: a file of the host's that nobody has changed counts for none."""
        below = self.below
        return 0 if below is not None and below.shown == below.size == self.size and not self.blocks.pages else self.size

    def read(self, at: int, view: memoryview, lower: Lower | None) -> int:
        """Fill a buffer with what lies from `at` on; how many bytes, fewer at the end.  `lower`: what lies under the tree."""
        length = max(0, min(len(view), self.size - at))
        done = 0
        while done < length:
            number, start = divmod(at + done, BLOCK)
            piece = min(BLOCK - start, length - done)
            block = self.blocks.get(number)
            data = self._shown(at + done, piece, lower) if block is None else block.data[start : start + piece]
            view[done : done + len(data)] = data
            if len(data) < piece:
                view[done + len(data) : done + piece] = bytes(piece - len(data))
            done += piece
        return length

    def _shown(self, at: int, size: int, lower: Lower | None) -> bytes:
        """Up to so many bytes of what lies below."""
        size = 0 if self.below is None else min(size, self.below.shown - at)
        if size <= 0:
            return b""
        assert self.below is not None
        assert lower is not None, "who has files over a folder is given it"
        return lower.read(self.below, at, size)

    def write(self, at: int, view: memoryview, lower: Lower | None) -> None:
        """Put bytes there; the file grows to hold them."""
        blocks = self.blocks = self.blocks.of(self.owner)
        done, length = 0, len(view)
        while done < length:
            number, start = divmod(at + done, BLOCK)
            piece = min(BLOCK - start, length - done)
            if piece == BLOCK:
                blocks.put(number, Block(self.owner, bytearray(view[done : done + piece])))
            else:
                data = self._own_block(number, lower)
                if len(data) < start:
                    data.extend(bytes(start - len(data)))
                data[start : start + piece] = view[done : done + piece]
            done += piece
        self.size = max(self.size, at + length)

    def _own_block(self, number: int, lower: Lower | None) -> bytearray:
        """The bytes of a block, to be written."""
        block = self.blocks.get(number)
        if block is None or block.owner is not self.owner or not isinstance(block.data, bytearray):
            data = self._shown(number * BLOCK, BLOCK, lower) if block is None else block.data
            block = Block(self.owner, bytearray(data))
            self.blocks.put(number, block)
        block.sealed = None
        return block.data  # type: ignore[return-value]  # it is one: seen above

    def resize(self, size: int) -> None:
        """Cut it off, or let a hole be its end."""
        if size < self.size:
            if self.below is not None:
                self.below = self.below._replace(shown=min(self.below.shown, size))
            blocks = self.blocks = self.blocks.of(self.owner)
            number, rest = divmod(size, BLOCK)
            for beyond, _ in list(blocks.since(number if rest == 0 else number + 1)):
                blocks.remove(beyond)
            last = blocks.get(number)
            if last is not None and len(last.data) > rest:
                del self._own_block(number, None)[rest:]
        self.size = size


class LinkNode(Base):
    """A symbolic link."""

    __slots__ = ("text",)
    type: Final = FileType.SYMBOLIC_LINK

    def __init__(self, owner: object, text: str, now: int = 0) -> None:
        super().__init__(owner, now)
        self.text = text

    @property
    def size(self) -> int:
        """Bytes of what it says."""
        return len(encoded(self.text))

    @property
    def paid(self) -> int:
        """The same."""
        return self.size

    def copy(self, owner: object) -> LinkNode:
        """For another owner to write."""
        new = LinkNode(owner, self.text)
        new.like(self)
        return new


class Stage(IntEnum):
    """How far a device's request has come."""

    IDLE = 0
    BEGUN = 1  # it is being written
    ASKED = 2  # it is whole: somebody has read on, and waits
    ANSWERED = 3


class DeviceNode(Base):
    """A device: what is written to it is a request, which the host answers.  `name`: the host's for it.   `most`: bytes of a request.

    `data`: the request, in pieces that come one by one a bytearray, or what it was answered; `at`: how much of that answer was read.
    """

    __slots__ = ("at", "data", "most", "name", "stage")
    type: Final = FileType.CHARACTER_DEVICE
    size: Final = 0
    paid: Final = 0

    def __init__(self, owner: object, name: str, most: int, now: int = 0) -> None:
        super().__init__(owner, now)
        self.name = name
        self.most = most
        self.stage = Stage.IDLE
        self.data: bytes | bytearray = b""
        self.at = 0

    def begin(self, piece: bytes) -> None:
        """A request, or more of the one that has begun."""
        if self.stage is not Stage.BEGUN:
            self.turn(Stage.BEGUN)
        if not isinstance(self.data, bytearray):
            self.data = bytearray(self.data)
        self.data += piece

    def turn(self, stage: Stage, data: bytes = b"", at: int = 0) -> None:
        """Go on to another stage."""
        self.stage, self.data, self.at = stage, data, at

    def copy(self, owner: object) -> DeviceNode:
        """For another owner to write."""
        new = DeviceNode(owner, self.name, self.most)
        new.like(self)
        new.turn(self.stage, bytes(self.data), self.at)
        return new


class DirectoryNode(Base):
    """A directory.  `parent`: the number of the one that it lies in.   `order`: (name, number) by serial number."""

    __slots__ = ("_buckets", "_mask", "count", "following", "order", "parent")
    type: Final = FileType.DIRECTORY
    size: Final = 0
    paid: Final = 0

    def __init__(self, owner: object, parent: int, now: int = 0) -> None:
        super().__init__(owner, now)
        self.parent = parent
        self.count = 0
        self.following = DOTS
        self.order: Table[tuple[str, int]] = Table(owner)
        self._mask = 0
        self._buckets: Table[dict[str, int]] = Table(owner)  # serial numbers by name; a bucket is replaced, never written

    def copy(self, owner: object) -> DirectoryNode:
        """For another owner to write."""
        new = DirectoryNode(owner, self.parent)
        new.like(self)
        new.count, new.following, new.order = self.count, self.following, self.order
        new._mask, new._buckets = self._mask, self._buckets
        return new

    def find(self, name: str) -> int | None:
        """The number of what has that name."""
        bucket = self._buckets.get(hash(name) & self._mask)
        serial = None if bucket is None else bucket.get(name)
        if serial is None:
            return None
        found = self.order.get(serial)
        assert found is not None
        return found[1]

    def put(self, name: str, number: int) -> None:
        """Give something a name, instead of what had it."""
        at = hash(name) & self._mask
        bucket = self._buckets.get(at) or {}
        serial = bucket.get(name)
        if serial is None:
            self.add(name, number, self.following)
        else:
            self.order = self.order.of(self.owner)
            self.order.put(serial, (name, number))

    def add(self, name: str, number: int, serial: int) -> None:
        """Give something a name that nothing has, under a serial number that is not used."""
        self.order = self.order.of(self.owner)
        self.order.put(serial, (name, number))
        self.following = max(self.following, serial + 1)
        self.count += 1
        if self.count > (self._mask + 1) * NAMES_PER_BUCKET:
            self._spread()
        else:
            self._enter(name, serial)

    def _enter(self, name: str, serial: int) -> None:
        at = hash(name) & self._mask
        self._buckets = self._buckets.of(self.owner)
        self._buckets.put(at, {**(self._buckets.get(at) or {}), name: serial})

    def _spread(self) -> None:
        """Have four times as many buckets."""
        self._mask = 4 * self._mask + 3
        self._buckets = Table(self.owner)
        buckets: dict[int, dict[str, int]] = {}
        for serial, (name, _) in self.order.since(0):
            buckets.setdefault(hash(name) & self._mask, {})[name] = serial
        for at, bucket in buckets.items():
            self._buckets.put(at, bucket)

    def remove(self, name: str) -> None:
        """Forget a name that there is."""
        at = hash(name) & self._mask
        bucket = dict(self._buckets.get(at) or {})
        serial = bucket.pop(name)
        self._buckets = self._buckets.of(self.owner)
        if bucket:
            self._buckets.put(at, bucket)
        else:
            self._buckets.remove(at)
        self.order = self.order.of(self.owner)
        self.order.remove(serial)
        self.count -= 1

    def names(self, start: int = 0) -> Iterator[tuple[int, str, int]]:
        """(serial number, name, number) from a serial number on."""
        for serial, (name, number) in self.order.since(start):
            yield serial, name, number


Node: TypeAlias = FileNode | DirectoryNode | LinkNode | DeviceNode


def encoded(name: str) -> bytes:
    """A name or a link's text as the guest sees it; what of a host's name is no UTF-8 stays as it was."""
    return name.encode("utf-8", "surrogateescape")
