"""A store can be saved after whatever did not become an instance in it; where it cannot, the error says what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Config,
    Engine,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Linker,
    Memory,
    MemoryType,
    Snapshot,
    SnapshotError,
    Store,
    Table,
    TableType,
    Tag,
    TagType,
    ValType,
)
from unit.machine.guests import EXTERNREF, I32, I64, module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNARY = FuncType([I32], [I32])
GOOD = '(module (import "env" "f" (func $f (param i32) (result i32))) (func (export "g") (result i32) (call $f (i32.const 4))))'
IMPORT = '(module (import "env" "f" (func $f (param i32) (result i32))) '
BAD = {
    "an unknown import": IMPORT + '(import "env" "none" (func)))',
    "an import of another type": IMPORT + '(import "env" "h" (func (param i64))))',
    "a memory that is too small": IMPORT + '(import "env" "memory" (memory 9)))',
    "a memory too large": IMPORT + "(memory 9))",
    "a segment outside": IMPORT + '(memory 1) (data (i32.const 65536) "x"))',
    "a start that traps": IMPORT + "(func $s unreachable) (start $s))",
    "a start that is the host's": '(module (import "env" "h" (func $h)) (start $h))',
}


def twice(number: int) -> int:
    return 2 * number


def stop(*_: object) -> None:
    raise KeyError("of the host")


def linked(engine: Engine, store: Store | None = None) -> Linker:
    """Functions, and in a store a memory."""
    linker = Linker(engine)
    linker.define_func("env", "f", UNARY, twice)
    linker.define_func("env", "h", FuncType([], []), stop)
    if store is not None:
        linker.define(store, "env", "memory", Memory(store, MemoryType(Limits(1, 9))))
    return linker


def goes_on(store: Store, path: Path) -> None:
    """The store, with an instance of `GOOD`, can be saved, opened and used."""
    engine = store.engine
    store.snapshot().save(path / "a.arn")
    fork = Snapshot.open(path / "a.arn", engine).link(linked(engine)).fork()
    assert fork.instances[-1].call(fork, "g") == 8


@pytest.mark.parametrize("what", BAD)
def test_a_linker_that_made_no_instance(tmp_path: Path, what: str) -> None:
    engine = Engine(Config(max_memory=8 << 16))
    store = Store(engine)
    linker = linked(engine, store)
    with pytest.raises((AreniteError, KeyError)):
        linker.instantiate(store, module(engine, BAD[what]))
    linker.instantiate(store, module(engine, GOOD))
    goes_on(store, tmp_path)


def test_an_import_that_is_not_there_leaves_nothing_behind() -> None:
    store = Store(Engine())
    with pytest.raises(AreniteError, match="'env' 'none'"):
        linked(store.engine).instantiate(store, module(store.engine, BAD["an unknown import"]))
    assert not store.machine.registry.host_functions


@pytest.mark.parametrize("other", ["another type", "another store", "no extern", "too few"])
def test_imports_in_order_that_made_no_instance(tmp_path: Path, other: str) -> None:
    engine = Engine()
    store = Store(engine)
    code = module(engine, IMPORT + '(import "env" "m" (memory 1)))')
    double = Func(store, UNARY, twice)
    others: dict[str, list[Any]] = {
        "another type": [Global(store, GlobalType(I32, False), 1)],
        "another store": [Memory(Store(engine), MemoryType(Limits(1, None)))],
        "no extern": [5],
        "too few": [],
    }
    with pytest.raises((AreniteError, TypeError)):
        Instance(store, code, [double, *others[other]])
    linked(engine).instantiate(store, module(engine, GOOD))
    goes_on(store, tmp_path)


def test_the_name_of_an_import_counts_more_than_that_of_one_which_failed() -> None:
    engine = Engine()
    store = Store(engine)
    double = Func(store, UNARY, twice)
    with pytest.raises(AreniteError):
        Instance(store, module(engine, IMPORT.replace('"f"', '"other"') + '(import "env" "m" (memory 1)))'), [double])
    instance = Instance(store, module(engine, GOOD), [double])
    execution = instance.exports(store)["g"].start(store)  # type: ignore[union-attr]  # a function
    assert execution.run(pause_at=["env.f"]).call.name == "f"  # type: ignore[union-attr]  # it waits


def unknown(store: Store, linker: Linker) -> None:
    """A function in place of one that is not defined."""
    linker.define_unknown_imports_as_traps(module(store.engine, '(module (import "no" "where" (func)))'))
    linker.get(store, "no", "where")


MADE: dict[str, Callable[[Store, Linker], object]] = {
    "a linker's function": lambda store, linker: linker.get(store, "env", "f")(store, 1),  # type: ignore[operator]  # a function
    "an unknown function": unknown,
    "a table": lambda store, _: Table(store, TableType(ValType.funcref(), Limits(1, 2)), None),
    "a global": lambda store, _: Global(store, GlobalType(I64, True), 7),
    "a memory": lambda store, _: Memory(store, MemoryType(Limits(1, 2))).write(store, b"text", 0),
    "a tag": lambda store, _: Tag(store, TagType(FuncType([EXTERNREF], []))),
}


@pytest.mark.parametrize("what", MADE)
def test_what_the_host_made_for_nobody(tmp_path: Path, what: str) -> None:
    engine = Engine()
    store = Store(engine)
    linker = linked(engine)
    MADE[what](store, linker)
    linker.instantiate(store, module(engine, GOOD))
    store.snapshot().save(tmp_path / "a.arn")
    linker = linked(engine)
    linker.define_unknown_imports_as_traps(module(engine, '(module (import "no" "where" (func)))'))
    fork = Snapshot.open(tmp_path / "a.arn", engine).link(linker).fork()
    assert fork.instances[0].call(fork, "g") == 8


def test_a_function_that_has_no_name_is_named_by_its_own(tmp_path: Path) -> None:
    store = Store(Engine())
    Func(store, UNARY, twice)
    with pytest.raises(SnapshotError, match=r"host function 0, 'twice' of type \(i32\) -> \(i32\), was never imported"):
        store.snapshot().save(tmp_path / "a.arn")
