"""What a store has in place of its cage: before somebody wants one, behind the end, and while it is being reset.

Whoever asks one of these for anything of a cage gets it of the cage that is made then, or is refused.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final, NoReturn

from arenite.errors import Failure
from arenite.machine.space.cage import NOTHING_LOST

if TYPE_CHECKING:
    from arenite.machine.machine import Machine
    from arenite.machine.space.cage import AnyCage


class Unborn:
    """What a store has in place of a cage until somebody wants something of it.

    So far there are only references to host functions, which the registry knows all about.
    Whoever still holds this when the machine is born gets at the cage through it.
    """

    def __init__(self, machine: Machine, areas: int) -> None:
        self._machine = weakref.ref(machine)  # not a cycle: a store that nobody uses goes at once
        self.areas = areas

    def __getattr__(self, name: str) -> object:
        machine = self._machine()
        assert machine is not None, "whoever asks has the machine"
        return getattr(machine.born(), name)

    def close(self) -> None:
        """There is nothing to give back."""


class ClosedCage:
    """What a closed store has in place of a cage: whoever wants something of it is refused."""

    lost = NOTHING_LOST

    def __getattr__(self, name: str) -> NoReturn:
        raise Failure("the store is closed")

    def raise_floor(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Again: nothing to do."""


CLOSED: Final = ClosedCage()


class InterruptedCage:
    """What a store has in place of its cage while that is being reset; it stays when an exception of a signal's handler comes then."""

    def __init__(self, cage: AnyCage) -> None:
        self.cage = cage

    def __getattr__(self, name: str) -> NoReturn:
        raise Failure("the store was interrupted while it was being reset: reset it again or close it")

    def raise_floor(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Give everything back.  Raises: as the cage's."""
        self.cage.close()
