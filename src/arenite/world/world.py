"""What one guest has of its host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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

    def close(self) -> None:
        """Give back what the host gave."""
        while self.roots:
            self.roots.pop().dir.close()
