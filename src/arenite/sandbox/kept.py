"""What a box knows beside its guest, as it travels with snapshots: a host module of its store.

What is read is untrusted: it is of these shapes, or a `SnapshotError`.  Whatever it says, it is said of a guest in a box.

Example:  store.rebind_host(NAME, Keeper(channel))
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Final, Protocol

from arenite.errors import SnapshotError
from arenite.light import dataclass
from arenite.machine.run.chunks import Chunk
from arenite.world.travel import LARGEST_OFFSET, decode, encode, integer, ruled

if TYPE_CHECKING:
    from arenite.machine.run.hosts import HostState

NAME: Final = "sandbox"
PIECE: Final = 1 << 18  # bytes of a chunk
TAIL: Final = 3  # bytes of a character whose end has not come


def chunked(data: bytes) -> Chunk:
    """Bytes of any length."""
    return Chunk(b"", [Chunk(data[at : at + PIECE]) for at in range(0, len(data), PIECE)])


def joined(value: object, where: str) -> bytes:
    """Those bytes."""
    if not isinstance(value, Chunk) or value.data or any(child.children for child in value.children):
        raise SnapshotError(f"{where}: expected a list of chunks")
    return b"".join(child.data for child in value.children)


def name(value: object, where: str) -> str:
    """What an id or a digest can be."""
    if type(value) is not str or not re.fullmatch("[0-9a-f-]{0,100}", value):
        raise SnapshotError(f"{where}: expected digits")
    return value


def tails(value: object, where: str) -> dict[str, bytes]:
    """What is left of each stream."""
    if type(value) is not dict or value.keys() != {"stdout", "stderr"}:
        raise SnapshotError(f"{where}: expected one for each stream")
    if not all(type(tail) is bytes and len(tail) <= TAIL for tail in value.values()):
        raise SnapshotError(f"{where}: expected {TAIL} bytes at most")
    return dict(value)


@dataclass(frozen=True, kw_only=True)
class KeptBox:
    """A box.

    `id`: by which its calls of tools are known; `calls`: how many there were; `call`: the id of the one that waits for an answer, empty without one.
    `tools`: the digest of what it was told of its tools, empty before.
    `asked`: it is in the middle of a run; `request`: what of it the guest has not read; `tails`: beginnings of characters that it has printed.
    """

    id: str = field(metadata=ruled(name))
    calls: int = field(metadata=integer(LARGEST_OFFSET))
    call: str = field(metadata=ruled(name))
    tools: str = field(metadata=ruled(name))
    asked: int = field(metadata=integer(1))
    request: HostState = field(metadata=ruled(joined))
    tails: HostState = field(metadata=ruled(tails))


class Holder(Protocol):
    """Who has such a state."""

    def keep(self) -> KeptBox:
        """It as it is now, its request as a chunk."""

    def take_up(self, kept: KeptBox) -> None:
        """Go on from there."""


class Kept:
    """The host module."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder

    def freeze(self) -> HostState:
        """As data."""
        return encode(self.holder.keep())


class Keeper:
    """The host module's options.  `found`: whether there was such a state."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.found = False

    def open(self) -> Kept:
        """Of a box that has never been one."""
        return Kept(self.holder)

    def thaw(self, state: HostState, *, reseed: bool) -> Kept:
        """Of one that goes on.  Raises: `SnapshotError`."""
        del reseed
        self.holder.take_up(decode(KeptBox, state, "the box's state"))
        self.found = True
        return Kept(self.holder)
