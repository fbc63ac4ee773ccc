"""The watch: whoever runs is attended, nobody is kept alive, and its thread comes and goes.  Its periods are played by hand."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Func, Instance, Module, Paused, PauseReason, Store
from arenite.machine.run import watch as watches
from arenite.machine.run.watch import Watch
from marks import EACH_TIER
from unit.machine.guests import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.config import TierName

MODULE = """
(module
  (import "" "f" (func $f))
  (func (export "nothing"))
  (func (export "host")
    (call $f)))
"""


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A watch whose periods pass when the test says so."""
    ours = Watch()
    ours.awake = True
    monkeypatch.setattr("arenite.machine.run.calls.watch", ours)
    yield ours
    ours.awake = False


def watched(tier: TierName, host: object = None) -> tuple[Store, dict[str, Any]]:
    """A store whose host function is called for "host", and its exports."""
    world = World(MODULE, ([], [], host or (lambda: None)), tier=tier)
    return world.store, world.exports


@EACH_TIER
def test_a_machine_is_attended_from_its_run_until_a_period_without(tier: TierName, watch: Watch) -> None:
    store, calls = watched(tier)
    seen = [store.machine.attended]
    calls["nothing"](store)
    seen.append(store.machine.attended)
    assert watch.attended == {weakref.ref(store.machine)}
    watch._interrupt()
    seen.append(store.machine.attended)
    assert not watch.attended
    assert not store.machine.due
    calls["nothing"](store)
    assert [*seen, store.machine.attended] == [False, True, False, True]


@EACH_TIER
def test_one_that_runs_looks_up_and_stays_attended(tier: TierName, watch: Watch) -> None:
    seen: list[tuple[bool, bool]] = []

    def host() -> None:
        watch._interrupt()
        seen.append((store.machine.due, store.machine.attended))

    store, calls = watched(tier, host)
    calls["host"](store)
    assert seen == [(True, True)]
    assert not store.machine.due, "it has looked up behind the host function"


def test_one_that_begins_while_it_is_forgotten_stays_attended(watch: Watch) -> None:
    store, calls = watched("safe")
    calls["nothing"](store)
    machine = store.machine

    class Begins:
        """Its depth is asked twice: before it is forgotten and behind."""

        def __init__(self) -> None:
            self.asked = 0

        def __get__(self, *_: object) -> int:
            self.asked += 1
            return int(self.asked > 1)

        def __set__(self, *_: object) -> None:
            """Never."""

    kind = type("Machine", (type(machine),), {"__slots__": (), "depth": Begins()})
    machine.__class__ = kind
    watch._interrupt()
    assert machine.attended
    assert watch.attended == {weakref.ref(machine)}


def test_it_keeps_no_machine_alive(watch: Watch) -> None:
    store, calls = watched("safe")
    calls["nothing"](store)
    machine = weakref.ref(store.machine)
    del store, calls
    gc.collect()
    assert machine() is None
    watch._interrupt()
    assert not watch.attended


def test_the_thread_ends_when_nobody_runs_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "PERIOD", 0.001)
    monkeypatch.setattr(watches, "IDLE_PERIODS", 2)
    ours = Watch()
    monkeypatch.setattr("arenite.machine.run.calls.watch", ours)
    store, calls = watched("safe")
    for _ in range(2):
        calls["nothing"](store)
        thread = ours._thread
        assert thread is not None
        thread.join(30)
        assert not thread.is_alive()
        assert not ours.awake
        assert not store.machine.attended, "so its next run begins another thread"


def test_whoever_comes_while_the_thread_ends_is_attended(watch: Watch) -> None:
    store, _ = watched("safe")
    watch.attended.add(weakref.ref(store.machine))  # it has seen that the watch is awake
    assert watch._goes_on(watches.IDLE_PERIODS + 1)
    assert watch.awake


def test_a_thread_that_fails_leaves_nobody_unattended(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: failed.set())
    ours = Watch()
    monkeypatch.setattr("arenite.machine.run.calls.watch", ours)
    store, calls = watched("safe")

    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(ours, "_interrupt", broken)
    calls["nothing"](store)
    assert failed.wait(30)
    monkeypatch.undo()
    monkeypatch.setattr("arenite.machine.run.calls.watch", ours)
    assert not ours.awake
    assert not store.machine.attended
    calls["nothing"](store)
    assert ours.awake


@EACH_TIER
def test_periods_without_memory_are_not_the_last(tier: TierName, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest runs on meanwhile, and nobody else would ever make it look up."""
    ours = Watch()
    monkeypatch.setattr("arenite.machine.run.calls.watch", ours)
    interrupt, failures = ours._interrupt, [1, 2, 3]

    def failing() -> None:
        if failures:
            failures.pop()
            raise MemoryError
        interrupt()

    monkeypatch.setattr(ours, "_interrupt", failing)
    engine = Engine(Config(tier=tier, consume_fuel=True))
    store = Store(engine)
    store.set_fuel(1 << 33 if tier != "safe" else 1 << 24)  # it ends some day in any case
    spin = Instance(store, Module(engine, '(module (func (export "spin") (loop (br 0))))'), []).exports(store)["spin"]
    assert isinstance(spin, Func)
    outcome = spin.start(store).run(deadline=0.01)
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.DEADLINE
    assert not failures
