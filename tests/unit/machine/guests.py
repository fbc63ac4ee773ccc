"""Small programs and stores that several tests use.

Example:  World('(module (func (export "f") (result i32) (i32.const 3)))', tier="safe").call("f") == 3
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

from arenite import Config, Engine, Func, FuncType, Instance, Linker, Module, Store, ValType
from arenite.features import SWITCHES

if TYPE_CHECKING:
    from arenite import Execution

I32 = ValType.i32()
I64 = ValType.i64()
F64 = ValType.f64()
FUNCREF = ValType.funcref()
EXTERNREF = ValType.externref()
HostFunction: TypeAlias = tuple[list[ValType], list[ValType], Any]  # params, results, callable


@functools.cache
def engine(**options: Any) -> Engine:
    """The engine with these options, also switches of features: compiled once."""
    config = Config(**{name: value for name, value in options.items() if name not in SWITCHES})
    for name in options.keys() & SWITCHES.keys():
        setattr(config, name, options[name])
    return Engine(config)


@functools.cache
def module(of: Engine, wat: str) -> Module:
    """A module of an engine."""
    return Module(of, wat)


class World:
    """A store with an instance, and its exports by name; these also work in every fork of the store.

    `functions`: the host functions that it imports, in order: params, results, callable.  `callers`: which are given their caller, all of
    them or those of these names; `linked`: whether a linker has them, or the store.  `fuel`: of the store, which then counts it.  Options: the engine's.
    """

    def __init__(
        self,
        wat: str,
        *functions: HostFunction,
        callers: bool | tuple[str, ...] = False,
        linked: bool = False,
        fuel: int | None = None,
        **options: Any,
    ) -> None:
        self.engine: Engine = engine(**options) if fuel is None else engine(consume_fuel=True, **options)
        self.store, self.linker = Store(self.engine), Linker(self.engine)
        if fuel is not None:
            self.store.set_fuel(fuel)
        guest = self.module(wat)
        imports: list[Any] = []
        for wanted, (params, results, call) in zip(guest.imports, functions, strict=True):
            type_ = FuncType(params, results)
            access = callers if isinstance(callers, bool) else str(wanted.name) in callers
            if linked:
                self.linker.define_func(wanted.module, str(wanted.name), type_, call, access_caller=access)
            else:
                imports.append(Func(self.store, type_, call, access_caller=access))
        self.instance = self.linker.instantiate(self.store, guest) if linked else Instance(self.store, guest, imports)
        self.exports: dict[str, Any] = dict(self.instance.exports(self.store))

    def module(self, wat: str) -> Module:
        """A module of the engine."""
        return module(self.engine, wat)

    def call(self, name: str, *args: object, store: Store | None = None) -> Any:
        """What an export gives, here or in a fork."""
        return self.exports[name](store or self.store, *args)

    def start(self, name: str, *args: object) -> Execution:
        """A call of an export that has begun."""
        execution: Execution = self.exports[name].start(self.store, *args)
        return execution


class Stores:
    """An engine of its own with a module of its own, to make one store after the other; the linker has these host functions, without caller."""

    def __init__(self, wat: str, *functions: HostFunction, **options: Any) -> None:
        self.engine = Engine(Config(**options))
        self.module, self.linker = Module(self.engine, wat), Linker(self.engine)
        for wanted, (params, results, call) in zip(self.module.imports, functions, strict=False):
            self.linker.define_func(wanted.module, str(wanted.name), FuncType(params, results), call)

    def store(self) -> tuple[Store, dict[str, Any]]:
        """One more store with an instance, and its exports."""
        store = Store(self.engine)
        return store, dict(self.linker.instantiate(store, self.module).exports(store))


def fresh(wat: str, *functions: HostFunction, **options: Any) -> tuple[Store, dict[str, Any]]:
    """A world's store and exports, whose host functions are given their caller."""
    world = World(wat, *functions, callers=True, **options)
    return world.store, world.exports
