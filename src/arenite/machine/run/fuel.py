"""How much a store's guests may use: the one home of its numbers.  The loop takes from `left` itself, where a call would cost too much.

A run gets a slice at a time.  An execution may get less than the store has; the rest waits in `reserve` until it stops.
"""

from __future__ import annotations

from typing import Final

from arenite.errors import Failure

SLICE: Final = 1 << 62  # units: the watch ends it
UNATTENDED: Final = 1 << 16  # where there is no watch: a few milliseconds of a guest that calls and loops
NOT_COUNTED: Final = "fuel is not configured: Config(consume_fuel=True)"


class Fuel:
    """A store's fuel, in units.

    `left`: what may be used now; None: unlimited.  `reserve`: what the store has beside that, not for the activation that goes on.
    `limited`: an execution that goes on may use no more than `left`, whatever the store gets.
    `slice`: length of a slice; results never depend on it.
    """

    __slots__ = ("left", "limited", "reserve", "slice")

    def __init__(self, slice_: int = SLICE) -> None:
        self.left: int | None = None
        self.reserve = 0
        self.limited = False
        self.slice = slice_

    def total(self) -> int:
        """What the store has left.  Raises: `Failure` where it is unlimited."""
        if self.left is None:
            raise Failure(NOT_COUNTED)
        return self.reserve + max(self.left, 0)

    def set(self, units: int) -> None:
        """The store has so many from now on; what goes on may use no more of them than before.  Raises: `Failure`."""
        if self.left is None:
            raise Failure(NOT_COUNTED)
        self.left = min(units, self.left) if self.reserve or self.limited else units
        self.reserve = units - self.left

    def lend(self, limit: int | None) -> None:
        """Let an activation use so many at most; whoever calls this gives the rest back."""
        limits = [units for units in (self.left, limit) if units is not None]
        allowed = min(limits, default=0)
        self.reserve = 0 if self.left is None else self.left - allowed
        self.limited = limit is not None
        self.left = allowed if limits else None

    def grant(self) -> int:
        """Units for a slice."""
        return self.slice if self.left is None else max(min(self.slice, self.left), 0)

    def charge(self, granted: int, left: int) -> None:
        """A run was ended by an exception with so many units left, as the store context says: all of them, if that cannot be."""
        if self.left is not None:
            self.left -= granted - left if 0 <= left <= granted else granted

    def take(self, units: int) -> int:
        """Pay for work, as far as there is fuel; how many units were paid."""
        if self.left is not None:
            units = min(units, max(self.left, 0))
            self.left -= units
        return units
