"""What the machine asks of a tier: to go on where the store context says, until it stops.

A tier reads and writes the same records, frames and store context as every other; which one runs is never visible in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window

Runner = Callable[[], None]
"""Goes on at `StoreContext.pc`; comes back when `StoreContext.status` (and pc, sp, vmctx, fuel) say why it stopped."""


class Tier(Protocol):
    """One way to run bytecode."""

    name: str
    portable: bool  # it wants ordinary buffers, not an address
    tables: int  # bytes that it wants before a window's bytecode

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store; made again when the cage's buffers or the window change, so it must be cheap."""

    def settle(self, window: Window, status: int, pc: int) -> tuple[int, int]:
        """A run stopped with COMPILE or FAULT: with what status it goes on, and where."""

    def sample(self, window: Window, pc: int) -> None:
        """A slice of fuel ended at `pc`: something there runs long."""
