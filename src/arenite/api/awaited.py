"""`async def` host functions, as the machine has them: functions that are never ready.  What they ask for, `asynchronous` awaits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import Failure, NotReady
from arenite.machine.records.objects import HostFunction
from arenite.machine.run.host_calls import named
from arenite.machine.run.sharing import Asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.api.types import FuncType
    from arenite.machine.machine import Machine
    from arenite.machine.run.sharing import AsyncFunction


def asking(type_: FuncType, function: AsyncFunction, *, access_caller: bool) -> HostFunction:
    """An `async def` host function as the machine wants it: one that is not ready before it has been awaited."""

    def before(machine: Machine, vmctx: int, args: Sequence[object]) -> Sequence[object]:
        return machine, Asked(function, vmctx, args, access_caller)

    return HostFunction(type_.core, _ask, before)


def _ask(machine: Machine, asked: Asked) -> None:
    """The call of an `async def` host function.  Raises: `NotReady` where the guest can pause, and `Failure` where it cannot."""
    what = f"the host function {named(machine, machine.host_stack[-1][0])} is async"
    if not machine.can_pause:
        raise Failure(
            f"{what}: call_async and run_async wait for it, other calls cannot, nor can guests called by a host function"
        )
    sharing = machine.until.sharing
    if sharing is None:
        raise NotReady(f"{what}, and is asked by run_async")
    sharing.asked = asked
    raise NotReady(f"{what}, and is awaited")
