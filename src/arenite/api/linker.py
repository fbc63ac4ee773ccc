"""A linker: names for what modules may import.

linker = Linker(engine)
linker.define_func("env", "now", FuncType([], [ValType.i64()]), time.monotonic_ns)
linker.define_module(store, "library", library)
instance = linker.instantiate(store, module)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from arenite.api.bound import Unclosed
from arenite.api.engine import Engine
from arenite.api.extern import Extern, machine_of, wrap
from arenite.api.func import Func, host_function, named_function
from arenite.api.globals import Global
from arenite.api.hosts import SUPPLIED, WASI, lacking, serves
from arenite.api.instance import Instance
from arenite.api.memory import Memory
from arenite.api.module import Module
from arenite.api.numbers import expect
from arenite.api.table import Table
from arenite.api.tag import Tag, binding, check_binding
from arenite.api.types import FuncType, GlobalType, MemoryType, TableType, TagType, wrapped
from arenite.errors import Failure, LinkError
from arenite.layout import types as core
from arenite.machine.records.functions import add_host_function
from arenite.machine.records.objects import HostFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from arenite.api.caller import Caller
    from arenite.api.execution import Execution
    from arenite.api.extern import AnyExtern, Storelike
    from arenite.api.tag import ErrorClass, Values
    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr
    from arenite.machine.records.registry import Registry


START: Final = "_start"  # what a command exports, to be called once per instance
INITIALIZE: Final = "_initialize"  # what a reactor exports, to be called first
LEFT_OUT: Final = {  # what a command may export beside functions, for debuggers and older tools
    core.MemoryType: {"memory"},
    core.TableType: {"table", "__indirect_function_table"},
    core.GlobalType: {"__data_end", "__heap_base", "__dso_handle"},
}


class Linker(Unclosed):
    """Definitions by (module, name): things of a store, and host functions for any store."""

    def __init__(self, engine: Engine) -> None:
        expect(engine, Engine)
        self.engine = engine
        self.allow_shadowing = False
        self._items: dict[tuple[str, str], AnyExtern] = {}
        self._functions: dict[tuple[str, str], HostFunction] = {}
        self._bindings: dict[tuple[str, str], dict[ErrorClass, Values | None]] = {}
        self._hosts: list[str] = []
        self._unknown: dict[tuple[str, str], HostFunction] = {}  # in place of what is defined nowhere else

    def _free(self, module: str, name: str) -> tuple[str, str]:
        """The key of a new definition.  Raises: `Failure` if there is one already."""
        key = module, name
        if not self.allow_shadowing and (key in self._items or key in self._functions):
            raise Failure(f"import of {module!r} {name!r} defined twice; set allow_shadowing to replace it")
        self._items.pop(key, None)
        self._functions.pop(key, None)
        return key

    def define(self, store: Storelike, module: str, name: str, item: AnyExtern) -> None:
        """Define a thing of a store."""
        if not isinstance(item, Extern):
            raise TypeError(f"expected a Func, Memory, Table, Global or Tag, found {type(item).__name__}")
        item.machine_in(store)
        self._items[self._free(module, name)] = item

    def define_func(self, module: str, name: str, ty: FuncType, func: Callable[..., object], access_caller: bool = False) -> None:  # noqa: FBT001, FBT002
        """Define a host function for any store."""
        expect(ty, FuncType)
        key = self._free(module, name)
        self._functions[key] = named_function(key, ty, func, access_caller=access_caller)

    def bind_tag(self, module: str, name: str, error: ErrorClass, values: Values | None = None) -> None:
        """Let guests that import a tag under this name catch exceptions of this class by it, as `Tag.bind` does.

        It holds for every store in which an instance is made from here on, and for stores out of a file that is linked with this linker
        (`Snapshot.link`).   Raises: `TypeError`, as `Tag.bind`.
        """
        check_binding(error, values)
        self._bindings.setdefault((module, name), {})[error] = values

    def bind_tags(self, registry: Registry, imports: Iterable[core.ImportType], tags: Iterable[TagAddr]) -> None:
        """Note in a registry, which is to be changed, what is bound here to the tags that serve a module's imports: `tags`, in order."""
        for one, tag in zip((one for one in imports if isinstance(one.type, core.TagType)), tags, strict=False):
            self._bind(registry, one, tag)

    def _bind(self, registry: Registry, wanted: core.ImportType, tag: TagAddr) -> None:
        for error, values in self._bindings.get((wanted.module, wanted.name), {}).items():
            registry.bindings[error] = binding(tag, values)

    def define_instance(self, store: Storelike, name: str, instance: Instance) -> None:
        """Define all exports of an instance under one module name."""
        expect(instance, Instance)
        for field, item in instance.exports(store).items():
            self.define(store, name, field, item)

    def define_wasi(self) -> None:
        """Let instantiation ask the store's WASI state (`Store.set_wasi`) for what is defined nowhere else."""
        self.define_host(WASI)

    def define_hosts(self) -> None:
        """Let instantiation ask every host module that comes with arenite, as `define_wasi` does WASI."""
        for name in SUPPLIED:
            self.define_host(name)

    def define_host(self, name: str) -> None:
        """Let instantiation ask the store's host module of that name (`Store.set_host`) for what is defined nowhere else."""
        if name not in self._hosts:
            self._hosts.append(name)

    def define_module(self, store: Storelike, name: str, module: Module) -> None:
        """Define the exports of a module under `name`.

        A WASI command (it exports `_start`) is for one use: each call of one of its functions makes an instance of its own, in the
        caller's store, where it stays.  Any other module is instantiated now, and a reactor's `_initialize` is called.
        Raises: as `instantiate`, `Failure` for a module that is neither the one nor the other, `Trap`.
        """
        machine_of(store)
        expect(module, Module)
        kinds = {export.name: export.type for export in module.code.exports}
        for field in (START, INITIALIZE):
            if not isinstance(kinds.get(field, core.FuncType((), ())), core.FuncType):
                raise Failure(f"`{field}` must be a function")
        if START not in kinds:
            self._define_reactor(store, name, module, first=kinds.get(INITIALIZE))
        elif INITIALIZE in kinds:
            raise Failure("a module cannot be both a command and a reactor: it exports `_start` and `_initialize`")
        else:
            self._define_command(name, module)

    def _define_reactor(self, store: Storelike, name: str, module: Module, *, first: core.ExternType | None) -> None:
        instance = self.instantiate(store, module)
        if first is not None:
            if first != core.FuncType((), ()):
                raise Failure(f"`{INITIALIZE}` has the type {first}; expected () -> ()")
            instance.call(store, INITIALIZE)
        self.define_instance(store, name, instance)

    def _define_command(self, name: str, module: Module) -> None:
        before, found = self.instantiate_pre(module), {}
        for export in module.code.exports:
            if isinstance(export.type, core.FuncType):
                key, call = (name, export.name), _once(before, export.name)
                found[export.name] = named_function(key, FuncType.of(export.type), call, access_caller=True)
            elif export.name not in LEFT_OUT.get(type(export.type), ()):
                raise Failure(f"command export {export.name!r} is not a function")
        self._functions.update({self._free(name, field): function for field, function in found.items()})

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Functions that this module imports and that are defined nowhere become such as raise a `LinkError` when they are called."""
        self._define_unknown(module, lambda wanted: _missing(wanted.module, wanted.name))

    def define_unknown_imports_as_default_values(self, store: Storelike, module: Module) -> None:
        """What this module imports and is defined nowhere gets a default: functions that give zeros and nulls, and in this store
        globals of such values, memories and tables of their least size, and tags.
        """
        machine_of(store)
        self._define_unknown(module, lambda wanted: _giving(wanted.type))
        for wanted in module.code.imports:
            key = wanted.module, wanted.name
            if key not in self._items and not isinstance(wanted.type, core.FuncType):
                self._items[key] = _default(store, wanted.type)

    def _define_unknown(self, module: Module, make: Callable[[core.ImportType], Callable[..., object]]) -> None:
        expect(module, Module)
        for wanted in module.code.imports:
            key = wanted.module, wanted.name
            known = any(key in found for found in (self._items, self._functions, self._unknown))
            if isinstance(wanted.type, core.FuncType) and not known:
                self._unknown[key] = named_function(key, FuncType.of(wanted.type), make(wanted))

    def instantiate(self, store: Storelike, module: Module) -> Instance:
        """An instance with its imports found here.  Raises: `LinkError` naming the first that is not, and as `Instance`."""
        return Instance(store, module, self._imports(store, module))

    def instantiate_pre(self, module: Module) -> InstancePre:
        """What is defined here now, ready for any number of instances of this module.

        Raises: `LinkError` naming the first import that no store could find here, or a function of another type.
        """
        expect(module, Module)
        now = Linker(self.engine)
        now._items, now._functions, now._unknown = self._items.copy(), self._functions.copy(), self._unknown.copy()
        now._hosts = self._hosts.copy()
        now._bindings = {key: found.copy() for key, found in self._bindings.items()}
        for wanted in module.code.imports:
            key = wanted.module, wanted.name
            function = self._functions.get(key)
            if function is not None and not core.match_extern(function.type, wanted.type):
                raise LinkError(
                    f"incompatible import type for {wanted.module!r} {wanted.name!r}: expected {wanted.type}, found {function.type}"
                )
            hosts = [host for host in self._hosts if serves(host, wanted.module)]
            if function is None and key not in self._items and key not in self._unknown and not hosts:
                raise LinkError(f"unknown import: {wanted.module!r} {wanted.name!r} has not been defined")
        return InstancePre(now, module)

    def start(self, store: Storelike, module: Module) -> Execution:
        """As `instantiate`, with a start function that can stop in the middle; `Execution.instance` is the instance."""
        return Instance.start(store, module, self._imports(store, module))

    def _imports(self, store: Storelike, module: Module) -> list[AnyExtern]:
        """What a module's imports are here.  Raises: `LinkError`."""
        machine = machine_of(store)
        expect(module, Module)
        functions = self._functions
        found = [  # all, before any is added
            functions.get((wanted.module, wanted.name)) or self._known(machine, wanted.module, wanted.name)
            for wanted in module.code.imports
        ]
        items = [wrap(machine, add_host_function(machine, one)) if isinstance(one, HostFunction) else one for one in found]
        if self._bindings:
            for wanted, item in zip(module.code.imports, items, strict=True):
                if isinstance(item, Tag) and machine.lineage.knows(
                    item.lineage, item.addr.at
                ):  # else it is refused by whoever asks
                    self._bind(machine.registry_to_change(), wanted, item.addr)
        return items

    def _known(self, machine: Machine, module: str, name: str) -> HostFunction | AnyExtern:
        """What there is for an import.  Raises: `LinkError`."""
        key = module, name
        return self._functions.get(key) or self._items.get(key) or self._find(machine, module, name)

    def _find(self, machine: Machine, module: str, name: str) -> HostFunction:
        """The function for an import that is not defined here.  Raises: `LinkError`."""
        function = self._offered(module, name, machine.hosts.get) or self._unknown.get((module, name))
        if function is None:
            missing = lacking((host for host in self._hosts if machine.hosts.get(host) is None), module)
            hint = "" if missing is None else f" ({missing.missing})"
            raise LinkError(f"unknown import: {module!r} {name!r} has not been defined{hint}")
        return function

    def _offered(self, module: str, name: str, hosts: Callable[[str], object | None]) -> HostFunction | None:
        """What the first of the host modules named here that has it offers for an import."""
        for host_name in self._hosts:
            function = getattr(hosts(host_name), "function", None)
            found = None if function is None else function(module, name)
            if found is not None:
                return named_function((module, name), found[0], found[1], access_caller=True)
        return None

    def host_function(self, module: str, name: str, hosts: Mapping[str, object]) -> HostFunction:
        """The host function that is defined for any store under a name, or that one of `hosts` offers, or in place of an unknown one.

        Raises: `LinkError`.
        """
        key = module, name
        found = self._functions.get(key) or self._offered(module, name, hosts.get) or self._unknown.get(key)
        if found is None:
            missing = lacking((host for host in SUPPLIED if host not in hosts or host not in self._hosts), module)
            hint = "" if missing is None else f" ({missing.unlinked if missing.name in hosts else missing.frozen})"
            raise LinkError(
                f"unknown import: {module!r} {name!r} has not been defined, and the snapshot's guest imports it{hint}"
            )
        return found

    def get(self, store: Storelike, module: str, name: str) -> AnyExtern:
        """What is defined under a name.  Raises: `LinkError`."""
        machine = machine_of(store)
        item = self._items.get((module, name))
        if item is not None:
            item.machine_in(store)
            return item
        return _added(machine, self._known(machine, module, name))

    def get_default(self, store: Storelike, name: str) -> Func:
        """The function that a module's name stands for: the unnamed export, `_start`, or else one that does nothing.

        Raises: `LinkError` when nothing is defined under that name, `Failure` when it is no function.
        """
        machine = machine_of(store)
        defined = {field for module, field in (*self._items, *self._functions) if module == name}
        for field in ("", START):
            if field in defined:
                item = self.get(store, name, field)
                if not isinstance(item, Func):
                    raise Failure(f"the default export {field!r} of {name!r} is not a function")
                return item
        if not defined:
            raise LinkError(f"nothing has been defined under the name {name!r}")
        return cast("Func", _added(machine, NOTHING))


class InstancePre(Unclosed):
    """A module with what it imports, out of `Linker.instantiate_pre`: later definitions of the linker's make no difference to it."""

    def __init__(self, linker: Linker, module: Module) -> None:
        self._linker = linker
        self.module = module

    def instantiate(self, store: Storelike) -> Instance:
        """An instance in a store: in that of what was defined of a store's.  Raises: as `Linker.instantiate`."""
        return self._linker.instantiate(store, self.module)


def _added(machine: Machine, found: HostFunction | AnyExtern) -> AnyExtern:
    """What a linker has, in a store."""
    return wrap(machine, add_host_function(machine, found)) if isinstance(found, HostFunction) else found


def _once(before: InstancePre, name: str) -> Callable[..., object]:
    """Calls a function of a command, in an instance for this call."""

    def call(caller: Caller, *args: object) -> object:
        return before.instantiate(caller).call(caller, name, *args)

    return call


def _missing(module: str, name: str) -> Callable[..., object]:
    def call(*_args: object) -> object:
        raise LinkError(f"unknown import: {module!r} {name!r} has not been defined, and was called")

    return call


def _zero(type_: int) -> Any:  # noqa: ANN401 (a guest's value)
    return None if type_ in core.REFERENCES else 0


def _giving(type_: core.ExternType) -> Callable[..., object]:
    """A function that gives what is zero or null."""
    values = [_zero(t) for t in type_.results] if isinstance(type_, core.FuncType) else []
    result = values if len(values) > 1 else values[0] if values else None

    def call(*_args: object) -> object:
        return result

    return call


def _default(store: Storelike, type_: core.ExternType) -> AnyExtern:
    """A global, memory, table or tag of a type, with nothing in it."""
    ty = wrapped(type_)
    if isinstance(ty, GlobalType):
        return Global(store, ty, _zero(ty.content.code))
    if isinstance(ty, MemoryType):
        return Memory(store, ty)
    if isinstance(ty, TagType):
        return Tag(store, ty)
    assert isinstance(ty, TableType), "functions are for others"
    return Table(store, ty, None)


NOTHING: Final = host_function(FuncType([], []), lambda: None, access_caller=False)
