"""What one run of a guest has: arguments, environment, descriptors, clocks, random bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arenite.wasi.clocks import freeze_clocks
from arenite.wasi.descriptors import DescriptorTable
from arenite.wasi.randomness import freeze_random
from arenite.wasi.travel import FrozenGuest, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.api import HostState
    from arenite.wasi.clocks import Clocks
    from arenite.wasi.origin import Root


@dataclass(frozen=True, slots=True)
class State:
    """A guest's side of the world.  `args` and `env` are in the form the guest copies, each with its final zero byte.

    `roots`: the directories that it was given, which outlive its descriptors of them.
    """

    args: Sequence[bytes]
    env: Sequence[bytes]
    clocks: Clocks
    random: Callable[[int], bytes]
    descriptors: DescriptorTable = field(default_factory=DescriptorTable)
    roots: list[Root] = field(default_factory=list)

    def freeze(self) -> HostState:
        """All of it as data.  Raises: `SnapshotError`."""
        return encode(
            FrozenGuest(
                args=tuple(argument[:-1] for argument in self.args),
                env=tuple(variable[:-1] for variable in self.env),
                descriptors=self.descriptors.freeze(),
                clocks=freeze_clocks(self.clocks),
                random=freeze_random(self.random),
            )
        )

    def close(self) -> None:
        """Give back what the host gave."""
        self.descriptors.close_all()
        while self.roots:
            self.roots.pop().place.close()
