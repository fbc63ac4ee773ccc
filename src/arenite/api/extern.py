"""What is in a store, as users hold it, and values on their way between users and the machine.

Each handle is a place in an arena and a type; it works with the store that it was made in (or a `Caller` of that store), which every
method takes first.  Which class wraps which of the machine's is said by the classes themselves, so whoever gets one out of the arena
needs none of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from arenite.api.bound import ProcessBound
from arenite.api.val import Val
from arenite.errors import Failure
from arenite.machine.machine import Machine
from arenite.machine.records import instantiate
from arenite.machine.records.objects import Addr, FuncAddr, Handles, InstanceAddr, TagAddr
from arenite.machine.records.values import convert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.api.caller import Caller
    from arenite.api.func import Func
    from arenite.api.globals import Global
    from arenite.api.memory import Memory
    from arenite.api.store import Store
    from arenite.api.table import Table
    from arenite.api.tag import Tag
    from arenite.machine.lineage import Lineage

Storelike: TypeAlias = "Store | Caller"
"""What methods take first."""
AnyExtern: TypeAlias = "Func | Memory | Table | Global | Tag"
HANDLES: Final[dict[type, type[Handle]]] = {}
"""The machine's class -> the one that wraps it."""


class Handle(ProcessBound):
    """Something of a store's, as users hold it: a place in the arena (`addr`), and the lineage of stores in which it is one."""

    __slots__ = ("addr", "lineage")

    if TYPE_CHECKING:  # no annotations at run time, where their names are not there
        addr: Addr | InstanceAddr
        lineage: Lineage

    def __init_subclass__(cls, of: type[Addr | InstanceAddr] | None = None) -> None:
        """`of`: the class of the machine's that this one wraps."""
        if of is not None:
            HANDLES[of] = cls

    def machine_in(self, store: Storelike) -> Machine:
        """The store's machine.

        Raises: `Failure` if this was made in another store, `SnapshotError` if a page of the file that it was made from was lost:
        asked before and behind what touches the store's bytes.
        """
        try:
            machine = store.machine
            known = machine.lineage.knows(self.lineage, self.addr.at)
        except AttributeError:
            machine_of(store)  # says so of what is no store
            raise
        if not known:
            raise Failure(f"this {type(self).__name__.lower()} belongs to another store")
        if machine.cage.lost[0]:
            machine.cage.check()
        return machine


class Extern(Handle):
    """What can be imported and exported."""

    __slots__ = ()

    addr: Addr

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Extern) and self.addr == other.addr and self.lineage.knows(other.lineage, self.addr.at)

    def __hash__(self) -> int:
        return hash(self.addr)


def machine_of(store: object) -> Machine:
    """A store's machine.  Raises: `TypeError`."""
    machine = getattr(store, "machine", None)
    if not isinstance(machine, Machine):
        raise TypeError(f"expected a Store, found {type(store).__name__}")
    return machine


def wrap(machine: Machine, addr: Addr | InstanceAddr) -> Any:  # noqa: ANN401 (the class that wraps this one)
    """A place in the arena as users hold it."""
    kind = HANDLES[type(addr)]
    handle = kind.__new__(kind)
    handle.addr, handle.lineage = addr, machine.lineage
    return handle


def exported(machine: Machine, instance: InstanceAddr, name: str) -> AnyExtern | None:
    """An instance's export."""
    found = instance.code.exports_by_name.get(name)
    return None if found is None else wrap(machine, instantiate.export(machine, instance, found.type, found.index))


def to_core(machine: Machine, value: object) -> object:
    """A user's value as the machine wants it: functions as addresses.  A `Val` stays one, for whoever knows which type is wanted."""
    if isinstance(value, Val) and isinstance(value.value, Extern):
        return replace(value, value=to_core(machine, value.value))
    if isinstance(value, Extern) and isinstance(value.addr, FuncAddr):
        if not machine.lineage.knows(value.lineage, value.addr.at):
            raise Failure("this func belongs to another store")
        return value.addr
    return value


def to_core_arguments(machine: Machine, params: Sequence[object]) -> list[object]:
    """Arguments of a call as the machine wants them.  Raises: as `to_core`, which argument it is."""
    try:
        return [to_core(machine, value) for value in params]
    except Failure as error:
        raise which_argument(machine, params, error) from None


def which_argument(machine: Machine, params: Sequence[object], error: Failure) -> Failure:
    """The error about arguments, with the number of the first that `to_core` refuses."""
    for number, value in enumerate(params):
        try:
            to_core(machine, value)
        except Failure:
            return Failure(f"{error} (argument {number} of {len(params)}, counted from 0)")
    return error


def to_core_results(machine: Machine, result: object, count: int) -> object:
    """What a host function of `count` results returned, as the machine wants it: the only result may itself be a list or tuple."""
    several = count > 1 and isinstance(result, (list, tuple))
    return [to_core(machine, r) for r in cast("Sequence[object]", result)] if several else to_core(machine, result)


def reference(machine: Machine, type_: int, value: object) -> int:
    """A user's reference as a slot holds it.  Raises: `TypeError`."""
    return cast("int", convert(to_core(machine, value), type_, machine.to_guest))


def from_core(machine: Machine, value: object) -> Any:  # noqa: ANN401 (a guest's value: an int, a float, any object)
    """A machine's value as users hold it."""
    return wrap(machine, value) if isinstance(value, FuncAddr) else value


class UserHandles(Handles):
    """Those of this API."""

    def wrap(self, machine: Machine, value: object) -> object:
        """See `Handles`."""
        return wrap(machine, value) if isinstance(value, (FuncAddr, TagAddr)) else value

    def core(self, machine: Machine, value: object) -> object:
        """See `Handles`."""
        return to_core(machine, value)

    def tag(self, machine: Machine, value: object) -> TagAddr | None:
        """See `Handles`."""
        if not isinstance(value, Extern) or not isinstance(value.addr, TagAddr):
            return None
        if not machine.lineage.knows(value.lineage, value.addr.at):
            raise Failure("this tag belongs to another store")
        return value.addr


USER_HANDLES: Final = UserHandles()
