"""Functions, of guests and of the host."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from arenite.api.caller import Caller
from arenite.api.execution import Execution
from arenite.api.extern import Extern, from_core, machine_of, to_core, to_core_arguments, to_core_results, which_argument
from arenite.api.numbers import expect
from arenite.api.types import FuncType
from arenite.errors import Failure
from arenite.layout.types import REFERENCES
from arenite.machine.records.functions import add_host_function
from arenite.machine.records.objects import FuncAddr, HostFunction
from arenite.machine.run.calls import call
from arenite.machine.run.collect import tidy
from arenite.machine.run.execution import start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.api.extern import Storelike
    from arenite.machine.machine import Machine
    from arenite.machine.run.sharing import AsyncFunction

CO_COROUTINE: Final = 0x80  # as the module `inspect` says


class Func(Extern, of=FuncAddr):
    """A function of a guest or of the host.

    `Func(store, FuncType([...], [...]), callable)`; with `access_caller` the callable gets a `Caller` first.
    """

    __slots__ = ()

    addr: FuncAddr

    def __init__(self, store: Storelike, ty: FuncType, func: Callable[..., object], access_caller: bool = False) -> None:  # noqa: FBT001, FBT002
        expect(ty, FuncType)
        if not callable(func):
            raise TypeError(f"expected a callable, found {type(func).__name__}")
        machine = machine_of(store)
        self.addr, self.lineage = (
            add_host_function(machine, host_function(ty, func, access_caller=access_caller)),
            machine.lineage,
        )

    def type(self, store: Storelike) -> FuncType:
        """Its type."""
        self.machine_in(store)
        return FuncType.of(self.addr.type)

    def __call__(self, store: Storelike, *params: Any) -> Any:  # noqa: ANN401 (a guest's values)
        """Call it.  No result: None; one: its value; several: a list.

        Raises: `Trap`, `Exit`, what a host function raised, `TypeError` and `OverflowError` for arguments of another type.
        """
        try:
            machine = store.machine
            elsewhere = machine.lineage is not self.lineage
        except AttributeError:  # what is no store
            elsewhere = True
        if elsewhere:
            machine = self.machine_in(store)
        addr = self.addr
        kind = addr.codec
        if kind.plain_params and kind.plain_results:
            results = call(machine, addr, params)
        else:
            tidy(machine)
            try:  # written out: it is what short calls cost
                arguments = [to_core(machine, p) for p in params]
            except Failure as error:
                raise which_argument(machine, params, error) from None
            results = [from_core(machine, r) for r in call(machine, addr, arguments)]
        count = len(results)
        return results[0] if count == 1 else None if count == 0 else list(results)

    async def call_async(self, store: Storelike, *params: Any) -> Any:  # noqa: ANN401 (a guest's values)
        """Call it as a task of an event loop, as `Execution.run_async` goes on; the task that is cancelled ends the call.

        Raises: as calling it does; `ImportError` without anyio.
        """
        from arenite.api import asynchronous  # noqa: PLC0415 (it imports anyio, for few)

        machine = self.machine_in(store)
        activation = start(machine, self.addr, to_core_arguments(machine, params))
        results = [from_core(machine, r) for r in await asynchronous.call(machine, activation)]
        return results[0] if len(results) == 1 else results or None

    def start(self, store: Storelike, *params: Any) -> Execution:  # noqa: ANN401 (a guest's values)
        """Begin a call that can stop in the middle; nothing of it has run.  Raises: as calling it does, before it runs."""
        machine = self.machine_in(store)
        return Execution(machine, start(machine, self.addr, to_core_arguments(machine, params)))

    def call_bits(self, store: Storelike, params: list[Any]) -> list[Any]:
        """Call it with bit patterns: i32 and f32 as 32-bit, i64 and f64 as 64-bit, v128 as 128-bit unsigned ints, references as objects.

        Raises: as calling it does; also for what has more bits, or a sign.
        """
        machine = self.machine_in(store)
        tidy(machine)
        results = cast("Sequence[int]", call(machine, self.addr, to_core_arguments(machine, params), bits=True))
        return [
            from_core(machine, machine.from_guest(t, r)) if t in REFERENCES else r
            for r, t in zip(results, self.addr.type.results, strict=True)
        ]


def named_function(
    key: tuple[str, str], type_: FuncType, func: Callable[..., object], *, access_caller: bool = False
) -> HostFunction:
    """A `host_function` that a linker has under this module and name."""
    found = host_function(type_, func, access_caller=access_caller)
    found.name = key
    return found


def is_async(func: object) -> bool:
    """Whether calling it gives something to await: it is an `async def` function, or a method, a part or an object that calls one."""
    while isinstance(func, partial):
        func = func.func
    if not hasattr(func, "__code__"):
        func = getattr(type(func), "__call__", None)  # noqa: B004 (whether it is callable is not asked)
    return bool(getattr(getattr(func, "__code__", None), "co_flags", 0) & CO_COROUTINE)


def host_function(type_: FuncType, func: Callable[..., object], *, access_caller: bool) -> HostFunction:
    """A user's callable as the machine wants it.  It refers to no store, so a store and its functions go together."""
    if is_async(func):
        from arenite.api.awaited import asking  # noqa: PLC0415 (for few)

        return asking(type_, cast("AsyncFunction", func), access_caller=access_caller)
    references = any(t in REFERENCES for t in (*type_.core.params, *type_.core.results))
    count = len(type_.core.results)
    if not access_caller and not references:
        return HostFunction(type_.core, func)

    def with_caller(machine: Machine, vmctx: int, args: Sequence[object]) -> Sequence[object]:
        return (Caller(machine, vmctx), *args)

    def without_caller(_machine: Machine, args: Sequence[Any], result: object) -> object:
        args[0]._machine = None  # noqa: SLF001  `Caller.leave`, written out
        return result

    if not references:
        return HostFunction(type_.core, func, with_caller, without_caller)

    def before(machine: Machine, vmctx: int, args: Sequence[object]) -> Sequence[object]:
        found = [from_core(machine, a) for a in args]
        return (Caller(machine, vmctx), *found) if access_caller else found

    def after(machine: Machine, args: Sequence[object], result: object) -> object:
        if access_caller:
            cast("Caller", args[0]).leave()
        return to_core_results(machine, result, count)

    return HostFunction(type_.core, func, before, after)
