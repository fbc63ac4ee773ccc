"""What an execution leaves when it pauses that shares its thread with others, as tasks of an event loop do: for whoever drives it.

sharing = Sharing()
go_on(machine, activation, Until(deadline=end_of_slice, sharing=sharing))
sharing.asked       # the call of a host function that is to be awaited, if there is one
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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


class Sharing:
    """Of one run up to its pause.

    `asked`: what is to be awaited.   `wanted`: what is to be waited for.   `error`: what a host function raised that is not ready, also the one that is to be awaited.
    `fuel`: units that are left of what the run was allowed; None where it was allowed any.
    """

    __slots__ = ("asked", "error", "fuel", "wanted")

    def __init__(self) -> None:
        self.asked: Asked | None = None
        self.wanted: Wanted | None = None
        self.error: NotReady | None = None
        self.fuel: int | None = None
