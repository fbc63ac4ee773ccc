"""The safe tier: pure Python on memoryviews of the arena.  No address, no machine code; Python itself checks every access.

    block      a straight line of ops as one Python function, made when its pc is first reached
    runner     the loop that runs blocks, with the views of one store

Example:  SafeTier().runner(cage, window)()
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from arenite.errors import Limit
from arenite.layout.raw import refuse
from arenite.machine.run.tier import Tier
from arenite.tiers.safe.block import Blocks
from arenite.tiers.safe.runner import SafeRunner

if TYPE_CHECKING:
    from arenite.machine.run.tier import Runner
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window


class SafeTier(Tier):
    """Runs bytecode as Python; `deterministic`: every NaN that arithmetic makes is the canonical one.

    Raises: `Limit` on a big-endian machine, whose views would read records the wrong way round.
    """

    name = "safe"
    portable = True

    def __init__(self, *, deterministic: bool = False) -> None:
        refuse("tier='safe'")
        if sys.byteorder != "little":
            raise Limit("the safe tier runs on little-endian machines only")
        self.deterministic = deterministic
        self._blocks: WeakKeyDictionary[Window, Blocks] = WeakKeyDictionary()

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store; what was compiled for the window is kept as long as the window."""
        blocks = self._blocks.get(window)
        if blocks is None:
            blocks = self._blocks[window] = Blocks(deterministic=self.deterministic)
        return SafeRunner(cage, window, blocks)
