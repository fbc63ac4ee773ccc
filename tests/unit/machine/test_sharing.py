"""A snapshot and its store share what they know of what was made, until one of them makes something: the other never sees that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Store,
    Table,
    TableType,
    Tag,
    TagType,
    ValType,
    WasmException,
)
from marks import EACH_TIER
from unit.machine.guests import EXTERNREF, FUNCREF, I32, I64, engine, module

if TYPE_CHECKING:
    from collections.abc import Callable

EXNREF = ValType.exnref()
WAT = '(module (func (export "one") (result i32) (i32.const 1)) (table (export "t") 2 externref))'


def known(registry: Any) -> dict[str, object]:
    """Everything that a registry knows, as values to compare."""
    kept = registry.exceptions
    names = [name for name in type(registry).__slots__ if name not in {"references", "exceptions"}]
    return {name: list(getattr(registry, name)) for name in names} | {
        "references": list(registry.references.objects),
        "exceptions": [*kept.regions, *kept.gaps, *kept.known],
    }


def table(store: Store) -> Table:
    """The table of the first instance."""
    found = store.instances[0].exports(store)["t"]
    assert isinstance(found, Table)
    return found


def keep_exception(store: Store) -> None:
    """A global of the host's that holds an exception of its."""
    error = WasmException(Tag(store, TagType(FuncType([I32], []))), [7])
    Global(store, GlobalType(EXNREF, True), error)


def let_go(store: Store) -> None:
    """The one object that the guest holds."""
    table(store).set(store, 1, None)
    store.gc()


ACTIONS: dict[str, Callable[[Store], object]] = {
    "a host function": lambda store: Func(store, FuncType([], []), lambda: None),
    "a host function of a new type": lambda store: Func(store, FuncType([I64, I32], [I64]), lambda a, _: a),
    "an instance": lambda store: Instance(store, module(store.engine, WAT), []),
    "a table": lambda store: Table(store, TableType(FUNCREF, Limits(1, None)), None),
    "a global with an object": lambda store: Global(store, GlobalType(EXTERNREF, True), object()),
    "an object in a table": lambda store: table(store).set(store, 0, object()),
    "objects let go": let_go,
    "a tag": lambda store: Tag(store, TagType(FuncType([I32], []))),
    "an exception in a global": keep_exception,
    "a binding": lambda store: Tag(store, TagType(FuncType([], []))).bind(store, KeyError),
}


@pytest.mark.parametrize("maker", ["store", "fork"])
@pytest.mark.parametrize("action", ACTIONS)
@EACH_TIER
def test_what_is_made_is_made_in_one(tier: str, action: str, maker: str) -> None:
    store = Store(engine(tier=tier))
    Func(store, FuncType([], []), lambda: None)
    Instance(store, module(store.engine, WAT), [])
    table(store).set(store, 1, "held")
    snapshot = store.snapshot()
    fork, other = snapshot.fork(2)
    before = known(snapshot.frozen().registry)
    making = store if maker == "store" else fork
    ACTIONS[action](making)
    assert known(making.machine.registry) != before
    for unchanged in (snapshot.frozen().registry, other.machine.registry, (fork if maker == "store" else store).machine.registry):
        assert known(unchanged) == before
    assert known(snapshot.fork().machine.registry) == before


@EACH_TIER
def test_a_snapshot_is_saved_whatever_its_store_has_made_since(tier: str) -> None:
    """A function that nobody has imported could not travel; that of the store is none of the snapshot's."""
    store = Store(engine(tier=tier))
    of = module(store.engine, '(module (import "host" "f" (func)))')
    Instance(store, of, [Func(store, FuncType([], []), lambda: None)])
    snapshot = store.snapshot()
    Func(store, FuncType([], []), lambda: None)
    assert snapshot.dumps()
