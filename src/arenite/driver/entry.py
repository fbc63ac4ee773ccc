"""What of an instance is called, once it is up: a command's `_start`, or an export by its name.

Example:  Driver.begin(module, entry=lambda store, instance: exported(store, instance, "total", 0, 8))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from arenite import Func, Instance, Store
from arenite.errors import Failure

Call: TypeAlias = tuple[Func, Sequence[object]]
Entry: TypeAlias = Callable[[Store, Instance], Iterable[Call]]
"""What to call of an instance, in order."""


def function(store: Store, instance: Instance, name: str) -> Func:
    """The function that is exported as `name`.  Raises: `Failure` that tells which there are."""
    exports = instance.exports(store)
    found = exports.get(name)
    if isinstance(found, Func):
        return found
    names = [n for n, item in exports.items() if isinstance(item, Func)]
    raise Failure(f"no function {name!r} is exported; there are: {', '.join(names) or 'none'}")


def program(store: Store, instance: Instance) -> list[Call]:
    """A command as a whole: its `_start`.  Raises: `Failure` when the module is no command."""
    return [_alone(store, "_start", function(store, instance, "_start"))]


def _alone(store: Store, name: str, func: Func) -> Call:
    """A call without arguments.  Raises: `Failure` when the function wants some."""
    type_ = func.type(store)
    if type_.params:
        raise Failure(f"its export {name!r} is of the type {type_.core}; expected one without parameters")
    return func, ()


def exported(store: Store, instance: Instance, name: str, *arguments: object) -> list[Call]:
    """One function; before it `_initialize`, where the module has that.  Raises: `Failure`."""
    chosen = function(store, instance, name)
    initialize = instance.exports(store).get("_initialize")
    return [*([_alone(store, "_initialize", initialize)] if isinstance(initialize, Func) else []), (chosen, arguments)]
