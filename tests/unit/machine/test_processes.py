"""Stores that live on in a forked process, and in the processes of pools: parent and child never see each other."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pickle
import signal
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Func, FuncType, Instance, Limits, Memory, MemoryType, Paused, Snapshot, Store, Trap, ValType
from arenite.machine.space import window as windows
from marks import EACH_TIER
from unit.machine.guests import engine, fresh, module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no os.fork")

F32, I32, I64 = ValType.f32(), ValType.i32(), ValType.i64()
WAT = """(module
  (import "host" "f" (func $f (param i32)))
  (memory (export "memory") 1)
  (table (export "table") 4 funcref)
  (global $n (mut i32) (i32.const 0))
  (type $floats (func (param f32))) (type $longs (func (param i64)))
  (func (export "floats") (call_indirect (type $floats) (f32.const 1) (i32.const 0)))
  (func (export "longs") (call_indirect (type $longs) (i64.const 1) (i32.const 0)))
  (func (export "next") (result i32)
    (call $f (global.get $n))
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.const 8) (global.get $n))
    (i32.load (i32.const 8)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1))))"""

COUNTER = """(module
  (global $n (mut i32) (i32.const 0))
  (func (export "next") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.get $n)))"""


def world(tier: str) -> tuple[Store, dict[str, Any]]:
    """A store whose guest counts."""
    return fresh(WAT, ([I32], [], lambda _caller, _n: None), tier=tier)


class Child:
    """A forked process that does something, in steps that its parent allows."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        down, self._down = os.pipe()
        self._up, up = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on Python warns where there are threads
            self.pid = os.fork()
        if not self.pid:
            code = 1
            try:
                for step in steps:
                    os.read(down, 1)
                    try:
                        result = step()
                    except BaseException as error:  # noqa: BLE001  whatever it is, the parent is to see it
                        result = repr(error)
                    os.write(up, pickle.dumps(result).ljust(4096, b"\0"))
                code = 0
            finally:
                os._exit(code)

    def step(self) -> Any:  # what the step returned
        """Let it do one."""
        os.write(self._down, b".")
        return pickle.loads(os.read(self._up, 4096))

    def end(self) -> None:
        """It has ended well."""
        assert os.waitpid(self.pid, 0)[1] == 0
        os.close(self._down)
        os.close(self._up)


def host(store: Store, exports: dict[str, Any], type_: ValType, called: list[object]) -> Func:
    """A new host function in the guest's table."""
    function = Func(store, FuncType([type_], []), called.append)
    exports["table"].set(store, 0, function)
    return function


@EACH_TIER
def test_a_guest_whose_host_function_forks_is_stopped_in_both(tier: str) -> None:
    """In the child, too, somebody must make it look up."""
    children: list[int] = []

    def forks() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            children.append(os.fork())
        if not children[0]:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)  # a child that nobody stops

    wat = '(module (import "host" "f" (func $f)) (func (export "run") (call $f) (loop (br 0))))'
    store, exports = fresh(wat, ([], [], lambda _caller: forks()), tier=tier)
    execution = exports["run"].start(store)
    try:
        outcome = execution.run(deadline=0.2)
        stopped = isinstance(outcome, Paused) and outcome.reason == "deadline"
    finally:
        if children == [0]:
            os._exit(0 if stopped else 1)
    assert stopped
    assert os.waitpid(children[0], 0)[1] == 0


@EACH_TIER
def test_new_host_types_in_parent_and_child(tier: str) -> None:
    store, exports = world(tier)
    called: list[object] = []

    def made() -> object:
        host(store, exports, F32, called)(store, 2.0)
        exports["floats"](store)
        return called

    def again() -> object:
        exports["floats"](store)
        with pytest.raises(Trap, match="indirect call type mismatch"):
            exports["longs"](store)
        return called

    child = Child(made, again)
    assert child.step() == [2.0, 1.0]
    host(store, exports, I64, called)(store, 3)
    exports["longs"](store)
    assert called == [3, 1]
    assert child.step() == [2.0, 1.0, 1.0]
    exports["longs"](store)
    with pytest.raises(Trap, match="indirect call type mismatch"):
        exports["floats"](store)
    child.end()


@EACH_TIER
def test_memories_snapshots_and_forks_in_both(tier: str) -> None:
    store, exports = world(tier)
    first = exports["next"](store)
    snapshot = store.snapshot()
    fork = snapshot.fork()

    def on() -> object:
        seen = [exports["next"](store), exports["next"](store), exports["next"](fork), exports["grow"](fork)]
        again = store.snapshot().fork()
        fork.reset()
        new = Memory(again, MemoryType(Limits(1, None)))
        new.write(again, b"child")
        return [*seen, exports["next"](again), exports["next"](fork), exports["next"](snapshot.fork())]

    child = Child(on, on)
    assert exports["next"](store) == first + 1
    assert child.step() == [2, 3, 2, 1, 4, 2, 2]
    assert exports["next"](store) == first + 2
    assert exports["next"](fork) == 2
    assert child.step() == [4, 5, 3, 1, 6, 2, 2]
    assert exports["next"](store.snapshot().fork()) == first + 3
    fork.reset()
    assert exports["next"](fork) == 2
    child.end()


@EACH_TIER
def test_a_paused_execution_goes_on_in_both(tier: str) -> None:
    store, exports = world(tier)
    execution = exports["next"].start(store)
    assert execution.run(pause_at=["host.f"]).reason == "call"
    child = Child(lambda: execution.run().values)
    assert execution.run().values == (1,)
    assert child.step() == (1,)
    child.end()


@EACH_TIER
def test_a_child_of_a_child(tier: str) -> None:
    store, exports = world(tier)
    called: list[object] = []

    def middle() -> object:
        def innermost() -> object:
            host(store, exports, I64, called)
            exports["longs"](store)
            return called

        child = Child(innermost)
        host(store, exports, F32, called)
        exports["floats"](store)
        found = [child.step(), called]
        exports["floats"](store)
        child.end()
        return found

    child = Child(middle)
    assert child.step() == [[1], [1.0, 1.0]]
    child.end()
    assert exports["next"](store) == 1


def test_a_fork_waits_for_threads_that_change_windows() -> None:
    begun, go = threading.Event(), threading.Event()

    def change() -> None:
        with windows.changing:
            begun.set()
            go.wait()

    thread = threading.Thread(target=change)
    thread.start()
    assert begun.wait(30)
    threading.Timer(0.05, go.set).start()
    child = Child(lambda: own("safe"))
    thread.join()
    assert child.step() == 1
    child.end()


def own(tier: str) -> object:
    """What a worker does with a store that it makes."""
    store, exports = world(tier)
    return exports["next"](store)


INHERITED: dict[str, tuple[Store, dict[str, Any]]] = {}


def inherited(tier: str) -> object:
    """What a forked worker does with its parent's store."""
    store, exports = INHERITED[tier]
    called: list[object] = []
    host(store, exports, F32, called)
    exports["floats"](store)
    return exports["next"](store), exports["next"](store.snapshot().fork()), called


def travelled(snapshot: Snapshot) -> object:
    """What a worker does with a snapshot that was sent to it."""
    store = snapshot.fork()
    next_: Any = store.instances[0].exports(store)["next"]
    return next_(store), next_(store)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Without the warnings about threads and `os.fork`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@pytest.mark.usefixtures("quiet")
@EACH_TIER
def test_pools_of_forked_processes(tier: str) -> None:
    store, exports = INHERITED[tier] = world(tier)
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(inherited, [tier] * 2, chunksize=1) in ([(1, 2, [1.0])] * 2, [(1, 2, [1.0]), (2, 3, [1.0])])
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(inherited, tier).result(60) == (1, 2, [1.0])
        assert exports["next"](store) == 1
        assert executor.submit(inherited, tier).result(60) == (2, 3, [1.0])


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@EACH_TIER
def test_workers_with_stores_of_their_own_and_with_snapshots(tier: str, method: str) -> None:
    of = engine(tier=tier)
    store = Store(of)
    next_: Any = Instance(store, module(of, COUNTER), []).exports(store)["next"]
    assert next_(store) == 1
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as executor:
        assert executor.submit(own, tier).result(60) == 1
        assert executor.submit(travelled, store.snapshot()).result(60) == (2, 3)
    assert next_(store) == 2
