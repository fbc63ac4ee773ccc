"""What one guest has of its host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arenite.world.travel import KeptContents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.world.clocks import Clocks
    from arenite.world.origin import Root


@dataclass(frozen=True, slots=True)
class World:
    """A guest's side of the world, but for what it has open, which dialects number.

    `args`: the program's name first.   `env`: b"NAME=value".   `roots`: the directories that it was given, open as long as it lives.
    """

    args: Sequence[bytes]
    env: Sequence[bytes]
    clocks: Clocks
    random: Callable[[int], bytes]
    roots: list[Root] = field(default_factory=list)

    def give(self, root: Root) -> Root:
        """Give the guest a directory.  Raises: `ValueError` for files in memory that it has already: where it goes on they would be two."""
        if any(root.dir.shares(other.dir) for other in self.roots):
            raise ValueError(f"{root.name.decode()!r} is a MemoryFS that the guest is given under another name, too")
        self.roots.append(root)
        return root

    def contents(self, *, live: bool) -> tuple[KeptContents, ...]:
        """The files that the guest has in memory.  `live`: for whoever goes on here in its place, which has the very files."""
        found = ((root.name, root.dir.contents(live=live)) for root in self.roots)
        return tuple(KeptContents(directory=name, files=files) for name, files in found if files is not None)

    def settle(self) -> None:
        """A guest that goes on has everything open again: what nobody can reach may go."""
        for root in self.roots:
            root.dir.settle()

    def close(self) -> None:
        """Give back what the host gave."""
        while self.roots:
            self.roots.pop().dir.close()
