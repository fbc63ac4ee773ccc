"""Address space for cages of the raw layout, whose base is a multiple of 4 GiB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import platform
from arenite.layout.cage import LOW
from arenite.layout.raw import GRAIN
from arenite.platform.reserve import round_up

if TYPE_CHECKING:
    from collections.abc import Sequence


class AlignedReservation(platform.Reservation):
    """A reservation that begins where a cage's base is aligned.  Raises: `Limit` when the system refuses it."""

    __slots__ = ("_skew",)

    def __init__(self, size: int) -> None:
        super().__init__(size + GRAIN)
        begin = self.address - LOW
        self._skew = round_up(begin, GRAIN) - begin
        self.address += self._skew
        self.size = round_up(size)

    def view(self, start: int, stop: int) -> memoryview:
        """A writable view of the bytes."""
        return super().view(start + self._skew, stop + self._skew) if 0 <= start <= stop <= self.size else super().view(start, -1)

    def wipe(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Forget what was written to the pages."""
        super().wipe([(start + self._skew, stop + self._skew) for start, stop in ranges])
