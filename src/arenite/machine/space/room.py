"""Address space for cages: what is needed, and while few cages live, room for more memories behind it.

A memory that is added to a cage without room makes it move, which it cannot while somebody holds a view.  Address space costs nothing
but itself: 47 bits of it are 128 TiB, of which 10,000 cages with one memory area take 90.  So the first cages get more than they ask for,
and the many that may come behind them do not.
"""

from __future__ import annotations

import weakref
from typing import Final

from arenite import platform
from arenite.errors import Limit
from arenite.layout.cage import MAX_AREAS, cage_size
from arenite.layout.raw import RAW
from arenite.machine.space import spares

LADDER: Final = ((64, 15), (256, 7))
"""(as long as fewer cages than this have room, one more gets so many areas beyond what it needs): at most 19 TiB in all.

Not more for each: the system looks at every gigabyte of a reservation when it is made.
"""
MOST_ROOMY: Final = LADDER[-1][0]
WIDE: Final = 1 << 46  # where address space is wide and far from used up, cages lie above this address


ROOM: Final = 256  # areas of any cage in the raw layout, where none can move


class _Roomy:
    """The reservations that have room, and whether the system has ever refused one."""

    def __init__(self) -> None:
        self.alive: set[weakref.ref[platform.Reservation]] = set()  # each takes itself out
        self.refused = False


_roomy = _Roomy()


def reserve(areas: int) -> tuple[platform.Reservation, int]:
    """Address space for a cage with so many memory areas; for how many it has room.  Raises: `Limit`."""
    if RAW:
        from arenite.machine.space.aligned import AlignedReservation  # noqa: PLC0415 (no other layout has use for it)

        return AlignedReservation(cage_size(max(areas, ROOM))), max(areas, ROOM)
    roomy = len(_roomy.alive)
    spare = 0 if roomy >= MOST_ROOMY else next((more for cages, more in LADDER if roomy < cages), 0)
    if spare and areas < MAX_AREAS and not _roomy.refused:
        room = min(areas + spare, MAX_AREAS)
        try:
            space = platform.Reservation(cage_size(room))
        except Limit:
            _roomy.refused = True
        else:
            if space.address >= WIDE:
                _roomy.alive.add(weakref.ref(space, _roomy.alive.discard))
                return space, room
            space.close()
    try:
        return platform.Reservation(cage_size(areas)), areas
    except Limit:
        spares.forget()
        return platform.Reservation(cage_size(areas)), areas
