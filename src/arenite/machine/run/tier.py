"""What the machine asks of a tier: to go on where the store context says, until it stops.

A tier reads and writes the same records, frames and store context as every other; which one runs is never visible in them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from arenite.machine.run.fuel import SLICE
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window

Runner = Callable[[], None]
"""Goes on at `StoreContext.pc`; comes back when `StoreContext.status` (and pc, sp, vmctx, fuel) say why it stopped."""


class Tier(ABC):
    """One way to run bytecode."""

    name: str
    portable = False  # it wants ordinary buffers, not an address
    slice = SLICE  # units of fuel in the first slice of stores that nothing is known of
    side_tables_size = 0  # bytes that it wants for tables beside a window's bytecode

    @abstractmethod
    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store; made again when the cage's buffers or the window change, so it must be cheap."""

    def settle(self, window: Window, status: int, pc: int) -> tuple[int, int]:
        """A run stopped with HOT or FAULT: the status with which it goes on, and where.  A tier that compiles nothing is not asked."""
        del window, status
        return Cause.CORRUPT, pc

    def address_of(self, window: Window, pc: int) -> int:
        """What references of the raw layout lead to, of the function that begins at `pc`: its native code, or its bytecode."""
        return window.code_address + pc

    def first_slice(self, window: Window) -> int:
        """Units of fuel in the first slice of a store with that window."""
        del window
        return self.slice

    def sample(self, window: Window, pc: int, slice_: int) -> int:
        """A slice of fuel, so many units, ended at `pc`: something there runs long.  How long the next one is."""
        del window, pc
        return slice_
