"""An instance and its exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from arenite.api.execution import Execution
from arenite.api.extern import AnyExtern, Extern, Handle, exported, machine_of
from arenite.api.func import Func
from arenite.api.module import Module
from arenite.api.numbers import expect
from arenite.errors import AreniteError, LinkError
from arenite.machine.records.functions import start_function
from arenite.machine.records.objects import InstanceAddr
from arenite.machine.run.calls import call
from arenite.machine.run.execution import start_instance

if TYPE_CHECKING:
    from arenite.api.extern import Storelike
    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import Addr


class InstanceExports(Mapping[str, AnyExtern]):
    """An instance's exports by name, in the module's order; wrappers are made when asked for."""

    def __init__(self, machine: Machine, instance: InstanceAddr) -> None:
        self._machine = machine
        self._instance = instance

    @property
    def by_index(self) -> Sequence[AnyExtern]:
        """The exports in order."""
        return [self[e.name] for e in self._instance.code.exports]

    def __getitem__(self, name: str) -> AnyExtern:
        found = exported(self._machine, self._instance, name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (e.name for e in self._instance.code.exports)

    def __len__(self) -> int:
        return len(self._instance.code.exports)


class Instance(Handle, of=InstanceAddr):
    """A module's instance in a store: `Instance(store, module, [imports in order])`.

    Raises: `LinkError` when an import does not fit, `Trap` when initialisation or the start function traps, `Limit`; `ValidationError` when
    another engine made the module and it uses a feature that is switched off in the store's.
    """

    __slots__ = ()

    addr: InstanceAddr

    def __init__(self, store: Storelike, module: Module, imports: Sequence[AnyExtern]) -> None:
        machine = machine_of(store)
        expect(module, Module)
        if machine.features is not module.engine.config.features:
            module.check_features(machine.features)
        self.addr, self.lineage = _prepared(machine, module, imports), machine.lineage
        start = start_function(machine, self.addr)
        if start is not None:
            call(machine, start, ())
        _keep_window(machine, module)

    @classmethod
    def start(cls, store: Storelike, module: Module, imports: Sequence[AnyExtern]) -> Execution:
        """Make an instance whose start function can stop in the middle; `Execution.instance` is the instance.

        Without a start function the execution has nothing to do, and `run` finishes at once.
        Raises: as the constructor, before anything of the start function runs.
        """
        machine = machine_of(store)
        expect(module, Module)
        if machine.features is not module.engine.config.features:
            module.check_features(machine.features)
        instance = _prepared(machine, module, imports)
        _keep_window(machine, module)
        return Execution(machine, start_instance(machine, instance))

    def exports(self, store: Storelike) -> InstanceExports:
        """Its exports, a mapping by name."""
        return InstanceExports(self.machine_in(store), self.addr)

    def call(self, store: Storelike, name: str, *params: object) -> object:
        """Call an exported function by its name.  Raises: as `Func`, `KeyError`, `TypeError` if it is no function."""
        func = self.exports(store)[name]
        if not isinstance(func, Func):
            raise TypeError(f"export {name!r} is no function")
        return func(store, *params)


def _prepared(machine: Machine, module: Module, imports: Sequence[AnyExtern]) -> InstanceAddr:
    """An instance, its start function not yet run.  Raises: as the constructor."""
    try:
        return module.births.prepare(machine, module.code, _addresses(machine, module, imports))
    except (AreniteError, TypeError):
        _name_functions(machine, module, imports)
        raise


def _name_functions(machine: Machine, module: Module, imports: Sequence[AnyExtern]) -> None:
    """Note what functions of the host's were to be imported as by an instance that there is not: they stay in the store, which can be saved so."""
    for wanted, item in zip(module.code.imports, imports, strict=False):
        index = machine.registry.host_function_at.get(item.addr.at) if isinstance(item, Func) else None
        if index is not None and item.addr.type == wanted.type and machine.lineage.knows(item.lineage, item.addr.at):
            function = machine.registry.host_functions[index]
            function.name = function.name or (wanted.module, wanted.name)


def _addresses(machine: Machine, module: Module, imports: Sequence[AnyExtern]) -> list[Addr]:
    """Where imports lie.  Raises: `TypeError`, `LinkError`."""
    lineage = machine.lineage
    for number, item in enumerate(imports):
        if not isinstance(item, Extern):
            raise TypeError(f"expected a Func, Memory, Table, Global or Tag{_for(module, number)}, found {type(item).__name__}")
        if item.lineage is not lineage and not lineage.knows(item.lineage, item.addr.at):
            raise LinkError(f"the {type(item).__name__.lower()}{_for(module, number)} belongs to another store")
    return [item.addr for item in imports]


def _for(module: Module, number: int) -> str:
    """Which import something is given for, if that many are wanted."""
    found = module.code.imports[number : number + 1]
    return f" for {found[0].module!r} {found[0].name!r}" if found else ""


def _keep_window(machine: Machine, module: Module) -> None:
    """The next store with this module alone finds its window made."""
    if machine.modules == (module.code,):
        module.window = machine.window
