"""What one run of a guest has: its world, and numbers for what it has open there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arenite.wasi.descriptors import DescriptorTable
from arenite.wasi.travel import FrozenGuest
from arenite.world.clocks import freeze_clocks
from arenite.world.randomness import freeze_random
from arenite.world.travel import encode

if TYPE_CHECKING:
    from arenite.machine.run.hosts import HostState
    from arenite.world.world import World


@dataclass(frozen=True, slots=True)
class Session:
    """A guest's side of preview 1."""

    world: World
    descriptors: DescriptorTable = field(default_factory=DescriptorTable)

    def freeze(self) -> HostState:
        """All of it as data.  Raises: `SnapshotError`."""
        return encode(
            FrozenGuest(
                args=tuple(self.world.args),
                env=tuple(self.world.env),
                descriptors=self.descriptors.freeze(),
                clocks=freeze_clocks(self.world.clocks),
                random=freeze_random(self.world.random),
            )
        )

    def close(self) -> None:
        """Give back what the host gave."""
        self.descriptors.close_all()
        self.world.close()
