"""What an execution leaves when it pauses that shares its thread with others, as tasks of an event loop do: for whoever drives it.

sharing = Sharing()
go_on(machine, activation, Until(deadline=end_of_slice, sharing=sharing))
sharing.asked       # the call of a host function that is to be awaited, if there is one
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Sequence

    from arenite.errors import NotReady


class AsyncFunction(Protocol):
    """An `async def` host function."""

    def __call__(self, *args: object) -> Awaitable[object]:
        """Begin a call, with the guest's arguments, behind a caller if it wants that."""


class Asked(NamedTuple):
    """A call of an `async def` host function, of which nothing has run.  `vmctx`: of the caller; `args`: as the machine has them."""

    function: AsyncFunction
    vmctx: int
    args: Sequence[object]
    access_caller: bool


class Wanted(NamedTuple):
    """What a host function waits for that is to be asked again then.  `seconds`: at most, None: any time; the others: descriptors of the host."""

    seconds: float | None = None
    readable: Collection[int] = ()
    writable: Collection[int] = ()


PACE: Final = 0.002
"""Seconds between two looks at the clock, about, of a guest that shares its thread.  It looks by itself: where others are busy, a watch may come late."""
FIRST: Final = 1 << 10  # units of fuel up to the first look: a millisecond of the slowest tier


class Sharing:
    """Of one run up to its pause, and for the next.

    `asked`: what is to be awaited.   `wanted`: what is to be waited for.   `error`: what a host function raised that is not ready, also the one that is to be awaited.
    `fuel`: units that are left of what the run was allowed; None where it was allowed any.
    """

    __slots__ = ("_looked_at", "_units", "asked", "error", "fuel", "wanted")

    def __init__(self) -> None:
        self._units = FIRST
        self._looked_at = 0.0
        self.begin()

    def begin(self) -> None:
        """A run begins."""
        self.asked: Asked | None = None
        self.wanted: Wanted | None = None
        self.error: NotReady | None = None
        self.fuel: int | None = None

    def first(self, now: float) -> int:
        """Units of fuel up to the first look at the clock."""
        self._looked_at = now
        return self._units

    def next(self, now: float, longest: int, *, used_up: bool) -> int:
        """Units up to the next look: as many as last time, more or fewer where those did not take about `PACE`; at most `longest`.

        `used_up`: they were, so if that took little time they were few.
        """
        passed, self._looked_at = now - self._looked_at, now
        if used_up or passed > PACE:
            change = (
                min(max(PACE / passed, 0.25), 2.0) if passed > 0 else 2.0
            )  # a look may come late for reasons that are not the guest's
            self._units = min(max(round(self._units * change), 1), longest)
        return self._units
