"""A linker: names for what modules may import."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from arenite.api.externs import AnyExtern, Extern, Func, host_function, machine_of, wrap
from arenite.api.here import Here
from arenite.api.instance import Instance
from arenite.api.store import WASI
from arenite.api.types import FuncType
from arenite.errors import Failure, LinkError, Trap
from arenite.layout import types as core

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arenite.api.engine import Engine
    from arenite.api.execution import Execution
    from arenite.api.externs import Storelike
    from arenite.api.module import Module
    from arenite.api.store import HostModule
    from arenite.machine.machine import Machine
    from arenite.machine.objects import HostFunction


class Linker(Here):
    """Definitions by (module, name): things of a store, and host functions for any store."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.allow_shadowing = False
        self._items: dict[tuple[str, str], AnyExtern] = {}
        self._functions: dict[tuple[str, str], HostFunction] = {}
        self._hosts: list[str] = []
        self._unknown_as_traps: set[tuple[str, str]] = set()

    def _free(self, module: str, name: str) -> tuple[str, str]:
        """The key of a new definition.  Raises: `Failure` if there is one already."""
        key = module, name
        if not self.allow_shadowing and (key in self._items or key in self._functions):
            raise Failure(f"import of {module!r} {name!r} defined twice; set allow_shadowing to replace it")
        self._items.pop(key, None)
        self._functions.pop(key, None)
        return key

    def define(self, store: Storelike, module: str, name: str, item: AnyExtern | Instance) -> None:
        """Define a thing of a store."""
        if not isinstance(item, Extern):
            raise TypeError(f"expected a Func, Memory, Table or Global, found {type(item).__name__}")
        item.machine_in(store)
        self._items[self._free(module, name)] = item

    def define_func(self, module: str, name: str, ty: FuncType, func: Callable[..., object], access_caller: bool = False) -> None:  # noqa: FBT001, FBT002
        """Define a host function for any store."""
        if not isinstance(ty, FuncType):
            raise TypeError(f"expected a FuncType, found {type(ty).__name__}")
        self._functions[self._free(module, name)] = host_function(ty, func, access_caller=access_caller)

    def define_instance(self, store: Storelike, name: str, instance: Instance) -> None:
        """Define all exports of an instance under one module name."""
        for field, item in instance.exports(store).items():
            self.define(store, name, field, item)

    def define_wasi(self) -> None:
        """Let instantiation ask the store's WASI state (`Store.set_wasi`) for what is defined nowhere else."""
        self.define_host(WASI)

    def define_host(self, name: str) -> None:
        """Let instantiation ask the store's host module of that name (`Store.set_host`) for what is defined nowhere else."""
        if name not in self._hosts:
            self._hosts.append(name)

    def define_module(self, store: Storelike, name: str, module: Module) -> None:
        """Instantiate a module and define its exports under `name`."""
        self.define_instance(store, name, self.instantiate(store, module))

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Imports of this module that are defined nowhere become functions that trap when they are called."""
        self._unknown_as_traps |= {(i.module, i.name) for i in module.code.imports if isinstance(i.type, core.FuncType)}

    def instantiate(self, store: Storelike, module: Module) -> Instance:
        """An instance with its imports found here.  Raises: `LinkError` naming the first that is not, and as `Instance`."""
        return Instance(store, module, self._imports(store, module))

    def start(self, store: Storelike, module: Module) -> Execution:
        """As `instantiate`, with a start function that can stop in the middle; `Execution.instance` is the instance."""
        return Instance.start(store, module, self._imports(store, module))

    def _imports(self, store: Storelike, module: Module) -> list[AnyExtern]:
        """What a module's imports are here.  Raises: `LinkError`."""
        machine = machine_of(store)
        found = []
        for wanted in module.code.imports:
            key = wanted.module, wanted.name
            known = self._functions.get(key)
            if known is not None:
                found.append(wrap(machine, machine.add_host_function(known)))
            else:
                found.append(self._items.get(key) or self._find(store, machine, *key, wanted.type))
        return found

    def _find(self, store: Storelike, machine: Machine, module: str, name: str, type_: core.ExternType) -> AnyExtern:
        function = self._from_host(store, module, name)
        if function is None and (module, name) in self._unknown_as_traps and isinstance(type_, core.FuncType):
            function = host_function(FuncType.of(type_), _trapping(module, name), access_caller=False)
        if function is None:
            lacking = WASI in self._hosts and module.startswith("wasi_") and machine.hosts.get(WASI) is None
            hint = " (the store has no WASI: store.set_wasi(WasiConfig()))" if lacking else ""
            raise LinkError(f"unknown import: {module!r} {name!r} has not been defined{hint}")
        return wrap(machine, machine.add_host_function(function))

    def _from_host(self, store: Storelike, module: str, name: str) -> HostFunction | None:
        for host_name in self._hosts:
            host = machine_of(store).hosts.get(host_name)
            found = None if host is None else cast("HostModule", host).function(module, name)
            if found is not None:
                return host_function(found[0], found[1], access_caller=True)
        return None

    def host_function(self, module: str, name: str, hosts: Mapping[str, object]) -> HostFunction | None:
        """The host function that is defined for any store under a name, or that one of `hosts` offers, if there is one."""
        found = self._functions.get((module, name))
        for host_name in self._hosts if found is None else ():
            function = getattr(hosts.get(host_name), "function", None)
            offered = None if function is None else function(module, name)
            if offered is not None:
                return host_function(offered[0], offered[1], access_caller=True)
        return found

    def get(self, store: Storelike, module: str, name: str) -> AnyExtern:
        """What is defined under a name.  Raises: `LinkError`."""
        machine = machine_of(store)
        item = self._items.get((module, name))
        function = self._functions.get((module, name)) or self._from_host(store, module, name)
        if item is None and function is None:
            raise LinkError(f"unknown import: {module!r} {name!r} has not been defined")
        return item if item is not None else wrap(machine, machine.add_host_function(function))  # type: ignore[arg-type]  # not None

    def get_default(self, store: Storelike, name: str) -> Func:
        """The function that a module's name stands for: its `_start`, or the unnamed export.  Raises: `LinkError`."""
        for field in ("", "_start"):
            item = self._items.get((name, field))
            if isinstance(item, Func):
                item.machine_in(store)
                return item
        raise LinkError(f"module {name!r} has no default function")


def _trapping(module: str, name: str) -> Callable[..., object]:
    def call(*_args: object) -> object:
        raise Trap(f"unknown import: {module!r} {name!r} was called")

    return call
