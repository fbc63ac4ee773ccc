"""Who called a host function."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from arenite.api import numbers
from arenite.api.bound import ProcessBound
from arenite.api.extern import exported
from arenite.api.numbers import integer
from arenite.errors import Failure
from arenite.layout.types import MAX_U64
from arenite.machine.run import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.api.extern import AnyExtern
    from arenite.machine.machine import Machine
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.sharing import Wanted


class Caller(ProcessBound):
    """Who called a host function: usable wherever a store is, while that call lasts."""

    __slots__ = ("_activation", "_machine", "_vmctx")

    def __init__(self, machine: Machine, vmctx: int) -> None:
        self._machine: Machine | None = machine
        self._vmctx = vmctx

    def paused(self, activation: Activation) -> None:
        """The host function is awaited; this is its guest's call, and is there from now on."""
        self._activation = activation

    def _running(self) -> Machine:
        """The machine.  Raises: `Failure` in an `async def` host function: to wait otherwise than by `await` is to have the whole event loop wait."""
        machine = self.machine
        if not machine.depth and hasattr(self, "_activation"):
            raise Failure("an async host function waits by await, not by its Caller")
        return machine

    @property
    def machine(self) -> Machine:
        """The store's machine.  Raises: `Failure` once the call is over."""
        if self._machine is None:
            raise Failure("a Caller is valid during its host function's call only")
        return self._machine

    def leave(self) -> None:
        """The call is over."""
        self._machine = None

    def data(self) -> object:
        """The store's `data`."""
        return self.machine.data

    def host(self, name: str) -> Any:  # noqa: ANN401 (whatever the store was given)
        """The store's host module of that name (`Store.set_host`; WASI's is "wasi").  Raises: `Failure` if there is none."""
        found = self.machine.hosts.get(name)
        if found is None:
            raise Failure(f"the store has no host module {name!r}")
        return found

    @property
    def can_pause(self) -> bool:
        """Whether the host function may raise `NotReady`: an execution runs, so it pauses and asks again later."""
        machine = self.machine
        return machine.can_pause or (not machine.depth and hasattr(self, "_activation"))

    @property
    def progress(self) -> int:
        """How far this call has come: 0, or what the host function had set when it paused; 0 .. 2**64 - 1.

        It travels with the execution.  A host function that gives way half done finds it when it is asked again.
        """
        machine = self.machine
        if machine.depth or not hasattr(self, "_activation"):
            return machine.progress
        return self._activation.rest[0] if self._activation.rest else 0

    @progress.setter
    def progress(self, progress: int) -> None:
        units, machine = integer("progress", progress, 0, MAX_U64), self.machine
        if machine.depth or not hasattr(self, "_activation"):
            machine.progress = units
        else:
            self._activation.rest = (units,)

    def checkpoint(self) -> None:
        """To be called about every millisecond by a host function that takes long: here the guest stops if its time is up.

        An execution pauses, and asks the host function again later; an ordinary call traps.  Either leaves the host function by an
        exception that is no `Exception`: let it pass.
        """
        waiting.checkpoint(self._running())

    def sleep(self, seconds: float) -> None:
        """Let time pass; other threads run.  Where the guest's time is up before, it stops as at a `checkpoint`.

        What has passed is this call's `progress`, in nanoseconds, so one that is asked again sleeps for the rest.
        Raises: `TypeError`, `ValueError` for what are no seconds; infinity is, and without an epoch or a deadline it lasts.
        """
        self.wait(waiting.nap, seconds)

    def wait(
        self,
        step: Callable[[float | None], bool],
        seconds: float | None = None,
        *,
        wanted: Callable[[], Wanted] | None = None,
    ) -> bool:
        """Wait for something, as `sleep` does; whether it has come.

        `step(limit)` waits for it, `limit` seconds at most (None: any time), and says whether it has come; it is called again and
        again.  `seconds`: how long in all.  `wanted`: what it waits for, so that an event loop can do that; it may be left out.  Raises: as `sleep`, and what `step` raises.
        """
        machine = self._running()
        limit = math.inf if seconds is None else numbers.seconds("seconds", seconds)
        return waiting.wait(machine, step, None if limit == math.inf else limit, wanted)

    @property
    def shares(self) -> bool:
        """Whether the guest shares its thread with the tasks of an event loop: where it would wait, it pauses, and they run."""
        return waiting.shares(self.machine)

    @property
    def hurried(self) -> bool:
        """Whether an epoch or a deadline may come while the host function waits, so that it must `wait` in steps."""
        return waiting.hurried(self.machine)

    def get(self, name: str) -> AnyExtern | None:
        """An export of the calling instance, or None."""
        instance = self.machine.registry.by_record.get(self._vmctx)
        return None if instance is None else exported(self.machine, instance, name)

    def __getitem__(self, name: str) -> AnyExtern:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get_fuel(self) -> int:
        """Units of fuel left.  Raises: `Failure` where none is counted."""
        return self.machine.fuel.total()

    def set_fuel(self, fuel: int) -> None:
        """Units of fuel from now on, 0 .. 2**64 - 1."""
        self.machine.fuel.set(integer("fuel", fuel, 0, MAX_U64))
