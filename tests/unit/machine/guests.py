"""Small programs and stores that several tests use.

Example:  store, instance = fresh("threaded", WAT, [("f", [ValType.i32()], [], callable)])
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from arenite import Config, Engine, Func, FuncType, Instance, Module, Store, ValType

if TYPE_CHECKING:
    from arenite.config import TierName

TIERS: tuple[TierName, ...] = ("threaded", "safe")
I32 = ValType.i32()
I64 = ValType.i64()
F64 = ValType.f64()
FUNCREF = ValType.funcref()
EXTERNREF = ValType.externref()


@functools.cache
def engine(**options: Any) -> Engine:
    """The engine with these options: compiled once."""
    return Engine(Config(**options))


@functools.cache
def module(of: Engine, wat: str) -> Module:
    """A module of an engine."""
    return Module(of, wat)


def fresh(wat: str, *functions: tuple[list[ValType], list[ValType], Any], **options: Any) -> tuple[Store, dict[str, Any]]:
    """A store with an instance that imports these host functions (params, results, callable), and its exports."""
    of = engine(**options)
    store = Store(of)
    imports = [Func(store, FuncType(params, results), call, access_caller=True) for params, results, call in functions]
    return store, dict(Instance(store, module(of, wat), imports).exports(store))
