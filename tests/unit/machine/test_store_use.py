"""A store that is closed, in use by another thread, or busy refuses with an error of arenite's; it never crashes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Memory,
    MemoryType,
    Store,
    Table,
    TableType,
)
from marks import EACH_TIER
from unit.machine.guests import FUNCREF, I32, engine, fresh, module

if TYPE_CHECKING:
    from collections.abc import Callable

WAT = """(module
  (import "host" "f" (func $f (param i32)))
  (memory (export "memory") 1 3)
  (table (export "table") 2 4 funcref)
  (global (export "global") (mut i32) (i32.const 7))
  (func (export "call") (param $a i32)
    local.get $a
    call $f)
  (func (export "spin") (param $a i32)
    (loop $l (br_if $l (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))))"""

USES: dict[str, Callable[[Store, dict[str, Any]], object]] = {
    "call": lambda store, e: e["call"](store, 1),
    "call without arguments to pack": lambda store, e: e["spin"].call_bits(store, [1]),
    "read": lambda store, e: e["memory"].read(store),
    "write": lambda store, e: e["memory"].write(store, b"x"),
    "view": lambda store, e: e["memory"].view(store),
    "size": lambda store, e: e["memory"].size(store),
    "grow": lambda store, e: e["memory"].grow(store, 1),
    "table get": lambda store, e: e["table"].get(store, 0),
    "table set": lambda store, e: e["table"].set(store, 0, None),
    "table grow": lambda store, e: e["table"].grow(store, 1, None),
    "table size": lambda store, e: e["table"].size(store),
    "global get": lambda store, e: e["global"].value(store),
    "global set": lambda store, e: e["global"].set_value(store, 1),
    "new function": lambda store, _: Func(store, FuncType([], []), lambda: None),
    "new memory": lambda store, _: Memory(store, MemoryType(Limits(1, None))),
    "new table": lambda store, _: Table(store, TableType(FUNCREF, Limits(1, None)), None),
    "new global": lambda store, _: Global(store, GlobalType(I32, True), 1),
    "instance": lambda store, _: Instance(store, module(store.engine, '(module (func (export "f")))'), []),
}


def nothing(_caller: object, _n: int) -> None:
    """A host function."""


@EACH_TIER
@pytest.mark.parametrize("use", USES)
def test_a_closed_store_refuses(tier: str, use: str) -> None:
    store, exports = fresh(WAT, ([I32], [], nothing), tier=tier)
    store.close()
    store.close()
    with pytest.raises(AreniteError, match="the store is closed"):
        USES[use](store, exports)


@EACH_TIER
def test_a_view_keeps_a_store_open(tier: str) -> None:
    store, exports = fresh(WAT, ([I32], [], nothing), tier=tier)
    view = exports["memory"].view(store)
    with pytest.raises(BufferError):
        store.close()
    view[0] = 9
    assert exports["memory"].read(store, 0, 1) == b"\x09"
    exports["call"](store, 1)
    view.release()
    store.close()


@EACH_TIER
def test_a_store_is_not_closed_under_its_guest(tier: str) -> None:
    def close(_caller: object, _n: int) -> None:
        with pytest.raises(AreniteError, match="while its guest runs"):
            store.close()

    store, exports = fresh(WAT, ([I32], [], close), tier=tier)
    exports["call"](store, 1)
    store.close()


@EACH_TIER
@pytest.mark.parametrize("use", ["call", "grow", "table grow", "new function", "new memory", "instance"])
def test_two_threads_at_once_are_an_error(tier: str, use: str) -> None:
    """One thread's guest waits in a host function; another thread comes."""
    inside, leave, seen = threading.Event(), threading.Event(), list[BaseException]()

    def wait(_caller: object, _n: int) -> None:
        inside.set()
        assert leave.wait(20)

    def visit() -> None:
        assert inside.wait(20)
        attempts: tuple[Callable[[], object], ...] = (lambda: USES[use](store, exports), store.close)
        for attempt in attempts:
            try:
                attempt()
            except AreniteError as error:
                seen.append(error)
        leave.set()

    store, exports = fresh(WAT, ([I32], [], wait), tier=tier)
    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        exports["call"](store, 1)
    finally:
        visitor.join()
    assert [str(error) for error in seen] == ["the store is in use by another thread"] * 2
    exports["spin"](store, 1)  # nothing is left behind
    store.close()


def test_a_store_goes_from_thread_to_thread() -> None:
    store, exports = fresh(WAT, ([I32], [], nothing))
    thread = threading.Thread(target=exports["call"], args=(store, 1))
    thread.start()
    thread.join()
    exports["call"](store, 1)
    store.close()


def test_stores_of_one_engine_run_in_threads() -> None:
    """New types of host functions appear while others' guests run: windows and thunks are shared."""
    of, failures = engine(), list[BaseException]()

    def work(number: int) -> None:
        try:
            for size in range(number, 40, 4):
                with Store(of) as store:
                    params = [I32] * size
                    func = Func(store, FuncType(params, [I32]), lambda *args: sum(args))
                    assert func(store, *range(size)) == sum(range(size))
        except BaseException as error:  # noqa: BLE001 (reported by the main thread)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
