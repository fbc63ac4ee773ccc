"""Where what a guest has open came from, by which it is found again where the guest goes on.

- An `Origin` is a way from a directory that the guest was given, recorded when something is opened.  It has no links and no dots, so
  it leads to the same file as long as nobody renames anything; whether it does is asked when the guest is frozen.
- A `Standard` is a standard stream: it has a role, whatever the guest does with it.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from arenite.errors import NotReady, SnapshotError
from arenite.light import NamedTuple
from arenite.world.refused import Reason, Refused
from arenite.world.sandbox import LONGEST_WAY, resolve
from arenite.world.travel import KeptInput, KeptOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.world.place import Place
    from arenite.world.stat import Stat
    from arenite.world.travel import Kept

MOST_SHOWN = 200  # characters of a path in a message


class Root(NamedTuple):
    """A directory that the guest was given.  `dir` is open as long as the guest lives, also when it closes its descriptor."""

    name: bytes
    dir: Place
    read_only: bool


class Origin(NamedTuple):
    """A path from a root; "." is the root itself."""

    root: Root
    path: str = "."

    def step(self, inside: str) -> Origin:
        """Where a path from here leads, which is said without links and dots.  Raises: `Refused` for one that is too long to travel."""
        path = inside if self.path == "." else self.path if inside == "." else f"{self.path}/{inside}"
        if len(os.fsencode(path)) > LONGEST_WAY:
            raise Refused(Reason.TOO_LONG)
        return Origin(self.root, path)

    def __str__(self) -> str:
        path = self.path if len(self.path) <= MOST_SHOWN else f"{self.path[:MOST_SHOWN]}…"
        return f"{path!r} in {self.root.name.decode(errors='replace')!r}"

    def holds(self, stat: Callable[[], Stat]) -> bool:
        """Whether the path still leads to what is open, of which `stat` tells."""
        try:
            opened = stat()
            with resolve(self.root.dir, self.path, follow=False) as target:
                there = target.stat()
        except (Refused, OSError):
            return False
        return (there.device, there.inode) == (opened.device, opened.inode)

    def check(self, stat: Callable[[], Stat]) -> None:
        """Refuse unless it `holds`.  Raises: `SnapshotError`."""
        if not self.holds(stat):
            raise SnapshotError(f"{self}, was renamed or removed")


class InputPosition(NamedTuple):
    """How far an input is read that begins anew each time it is opened: bytes, or a file given by its path.

    `sort` and `identity`: what tells it from others.
    """

    sort: str
    identity: bytes
    tell: Callable[[], int]
    seek: Callable[[int], object]

    def freeze(self) -> tuple[int, bytes]:
        """How much is consumed, and the input's digest; of an input that nothing was taken from, none is needed."""
        consumed = self.tell()
        return consumed, self.digest() if consumed else b""

    def thaw(self, consumed: int, digest: bytes) -> None:
        """Go on there if the input is the same; another one begins at its beginning."""
        if consumed and self.digest() == digest:
            self.seek(consumed)

    def digest(self) -> bytes:
        """What is equal for equal inputs."""
        digest = hashlib.sha256(f"{self.sort}\0".encode())
        digest.update(self.identity)
        return digest.digest()


class Standard:
    """A standard stream's part of its descriptor.  `role`: "stdin", "stdout" or "stderr".

    `left`: what was taken from the source and the guest has not read; it comes before all else.
    """

    def __init__(self, role: str, position: InputPosition | None = None) -> None:
        self.role = role
        self.position = position
        self.left = memoryview(b"")

    def read_left(self, buffers: Sequence[memoryview]) -> int:
        """Fill buffers with what is left; how many bytes."""
        done = 0
        for buffer in buffers:
            piece = self.left[: len(buffer)]
            buffer[: len(piece)] = piece
            self.left = self.left[len(piece) :]
            done += len(piece)
        return done

    def freeze(self, unwritten: bytes = b"") -> Kept:
        """What finds it again.  `unwritten`: what a taker of text waits with."""
        if self.role != "stdin":
            return KeptOutput(role=self.role, left=unwritten)
        consumed, digest = (0, b"") if self.position is None else self.position.freeze()
        return KeptInput(left=bytes(self.left), consumed=consumed, digest=digest)

    def not_ready(self) -> NotReady:
        """What is raised when there is nothing to read."""
        return NotReady("standard input has nothing to read", stream=self.role)
