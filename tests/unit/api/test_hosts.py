"""A host module of somebody's own: its state is each store's, travels in snapshots, and is distrusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Config,
    Engine,
    Finished,
    Func,
    FuncType,
    Linker,
    LinkError,
    Module,
    NotReady,
    Paused,
    Snapshot,
    SnapshotError,
    Store,
    ValType,
)
from marks import EACH_TIER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite import Caller
    from arenite.config import TierName

I32 = ValType.i32()
WAT = """(module
  (import "counter" "next" (func $next (result i32)))
  (func (export "twice") (result i32) (i32.add (i32.mul (call $next) (i32.const 100)) (call $next)))
  (func (export "next") (result i32) (call $next)))"""


def following(caller: Caller) -> int:
    counter = caller.host("counter")
    assert isinstance(counter, Counter)
    if counter.waiting and caller.can_pause:
        raise NotReady("the counter waits")
    counter.now += counter.step
    return counter.now


class Counter:
    """The module of one store."""

    def __init__(self, now: int, step: int) -> None:
        self.now = now
        self.step = step
        self.waiting = False
        self.closed = False

    def function(self, module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
        return Counting.function(module, name)

    def freeze(self) -> Any:
        if self.step == 0:
            raise SnapshotError("a counter without a step stays where it is")
        return {"now": self.now, "raw": bytes([self.now])}

    def close(self) -> None:
        self.closed = True


class Counting:
    """Its options."""

    def __init__(self, step: int = 1) -> None:
        self.step = step

    @staticmethod
    def function(module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
        return (FuncType([], [I32]), following) if (module, name) == ("counter", "next") else None

    def open(self) -> Counter:
        return Counter(0, self.step)

    def thaw(self, state: Any, *, reseed: bool) -> Counter:
        if not isinstance(state, dict) or not isinstance(state.get("now"), int) or state.get("raw") != bytes([state["now"]]):
            raise SnapshotError("no state of a counter")
        return Counter(1000 if reseed else state["now"], self.step)


def linked(engine: Engine, step: int = 1) -> tuple[Store, Func, Func]:
    store, linker = Store(engine), Linker(engine)
    store.set_host("counter", Counting(step))
    linker.define_host("counter")
    exports = linker.instantiate(store, Module(engine, WAT)).exports(store)
    twice, following_ = exports["twice"], exports["next"]
    assert isinstance(twice, Func)
    assert isinstance(following_, Func)
    return store, twice, following_


@EACH_TIER
def test_each_fork_has_a_state_of_its_own(tier: TierName) -> None:
    store, _, following_ = linked(Engine(Config(tier=tier)))
    assert following_(store) == 1
    snapshot = store.snapshot()
    first, second = snapshot.fork(reseed=False), snapshot.fork(reseed=False)
    assert [following_(first), following_(first), following_(second), following_(store)] == [2, 3, 2, 2]
    assert following_(snapshot.fork()) == 1001  # fresh


@EACH_TIER
def test_a_reset_reseeds_as_the_fork_was_told(tier: TierName) -> None:
    store, _, following_ = linked(Engine(Config(tier=tier)))
    following_(store)
    snapshot = store.snapshot()
    for reseed, first in ((False, 2), (True, 1001)):
        fork = snapshot.fork(reseed=reseed)
        for _ in range(3):
            assert [following_(fork), following_(fork)] == [first, first + 1]
            fork.reset()


def test_the_state_travels_through_a_file_and_in_the_middle_of_a_call(tmp_path: Path) -> None:
    engine = Engine()
    store, twice, _ = linked(engine)
    paused = twice.start(store).run(pause_at=["counter.next"])
    assert isinstance(paused, Paused)
    assert store.execution is not None
    store.execution.run(pause_at=["counter.next"])
    store.snapshot().save(tmp_path / "s.arn")
    snapshot = Snapshot.open(tmp_path / "s.arn", Engine(Config(tier="safe")))
    linker = Linker(snapshot.engine)
    linker.define_host("counter")
    with pytest.raises(LinkError, match=r"'counter' 'next' has not been defined"):
        snapshot.link(linker)
    fork = snapshot.link(linker, hosts={"counter": Counting(step=5)}).fork(reseed=False)
    assert fork.execution is not None
    assert fork.execution.run() == Finished((106,))
    assert store.execution.run() == Finished((102,))


def test_it_may_wait() -> None:
    store, twice, following_ = linked(Engine())
    counter = store.machine.hosts.get("counter")
    assert isinstance(counter, Counter)
    counter.waiting = True
    execution = twice.start(store)
    outcome = execution.run()
    assert isinstance(outcome, Paused)
    assert outcome.what == "the counter waits"
    assert following_(store) == 1  # an ordinary call cannot pause, so it does not wait
    counter.waiting = False
    assert execution.run() == Finished((203,))


def test_what_cannot_travel_says_so() -> None:
    store, _, _ = linked(Engine(), step=0)
    with pytest.raises(SnapshotError, match="without a step"):
        store.snapshot()

    class Bare:
        def open(self) -> object:
            return object()

    store.set_host("counter", Bare())
    with pytest.raises(SnapshotError, match="'counter' does not take part in snapshots"):
        store.snapshot()


def test_a_module_is_closed_with_its_store_and_when_it_is_replaced() -> None:
    store, _, _ = linked(Engine())
    first = store.machine.hosts.get("counter")
    store.rebind_host("counter", Counting(3))
    second = store.machine.hosts.get("counter")
    assert isinstance(first, Counter)
    assert isinstance(second, Counter)
    assert (first.closed, second.closed) == (True, False)
    store.close()
    assert second.closed
