"""What of a host module's state is too large for a manifest: chunks, each known by what is in it.

- A chunk is bytes, and the chunks that they refer to by number, its children.  Its address is the SHA-256 of both: equal chunks are one, wherever
  they come from, and a snapshot that is a delta of another has those alone that the other has not.
- A state may hold a `Chunked`; out of a file it has the `Chunk` instead.

    Chunk(b"two files", (Chunk(b"one"), Chunk(b"two"))).address
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST: Final = 1 << 20  # bytes of one chunk
MOST_CHILDREN: Final = 1 << 15
HEAD: Final = struct.Struct("<II")  # children, bytes; the children's addresses follow, and the bytes
ADDRESS_SIZE: Final = 32


class Chunk:
    """Bytes that are never changed.  `made`: what whoever asks for them has made of them, so that it is made once."""

    __slots__ = ("_address", "children", "data", "made")

    def __init__(self, data: bytes | bytearray | memoryview, children: Sequence[Chunk] = (), address: bytes = b"") -> None:
        assert len(data) <= LARGEST
        assert len(children) <= MOST_CHILDREN
        self.data = data
        self.children = children
        self.made: object = None
        self._address = address

    def chunk(self) -> Chunk:
        """Itself."""
        return self

    @property
    def size(self) -> int:
        """Bytes that it takes in a file."""
        return HEAD.size + ADDRESS_SIZE * len(self.children) + len(self.data)

    def head(self) -> bytes:
        """What comes before the data in a file."""
        return HEAD.pack(len(self.children), len(self.data)) + b"".join(child.address for child in self.children)

    @property
    def address(self) -> bytes:
        """What it is known by."""
        if not self._address:
            digest = hashlib.sha256(self.head())
            digest.update(self.data)
            self._address = digest.digest()
        return self._address


@runtime_checkable
class Chunked(Protocol):
    """What travels as chunks."""

    def chunk(self) -> Chunk:
        """The one that refers to all others."""
