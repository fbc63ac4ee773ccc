"""Host functions that wait or take long: where the guest's time is up they stop it, and go on where they were.

Time is a clock of the tests' own: what the machine asks is answered from a list, and a sleep moves the clock.
"""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Caller,
    Finished,
    Func,
    FuncType,
    Instance,
    Linker,
    NotReady,
    Paused,
    PauseReason,
    Snapshot,
    Store,
    Trap,
    TrapCode,
    WasiConfig,
)
from arenite.machine.run.watch import PERIOD
from arenite.traps import Cause
from arenite.wasi import VirtualClocks
from arenite.world import clocks
from arenite.world.clocks import READERS
from marks import EACH_TIER
from unit.machine.guests import I32, engine, module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GUEST = """(module
  (import "host" "f" (func $f (result i32)))
  (func (export "go") (result i32) (i32.add (i32.const 100) (call $f))))"""
SECOND = 10**9


class Clock:
    """In place of the host's monotonic clock and its sleep."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000 * SECOND
        self.slept: list[int] = []
        self.real = time.sleep
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.now / SECOND)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        if seconds == PERIOD:  # the watch
            self.real(seconds)
        else:
            self.slept.append(round(seconds * SECOND))
            self.now += round(seconds * SECOND)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def guest(tier: str, f: Callable[[Caller], int], **options: Any) -> tuple[Store, Any]:
    store = Store(engine(tier=tier, **options))
    function = Func(store, FuncType([], [I32]), f, access_caller=True)
    exports: Any = Instance(store, module(store.engine, GUEST), [function]).exports(store)
    return store, exports["go"]


def going_on(store: Store) -> Any:
    assert store.execution is not None
    return store.execution


def sleeper(caller: Caller) -> int:
    caller.sleep(5.0)
    return 7


@EACH_TIER
def test_a_sleep_is_divided_by_deadlines(tier: str, clock: Clock) -> None:
    store, go = guest(tier, sleeper)
    execution = go.start(store)
    for _ in range(2):
        outcome = execution.run(deadline=2.0)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.DEADLINE
        assert outcome.call is not None
        clock.now += 77 * SECOND  # what passes while it is paused does not count
    store = store.snapshot().fork()
    execution = going_on(store)
    assert execution.run(deadline=2.0) == Finished((107,))
    assert sum(clock.slept) == 5 * SECOND
    assert max(clock.slept) <= 2 * SECOND


@EACH_TIER
def test_an_undisturbed_sleep_is_one(tier: str, clock: Clock) -> None:
    store, go = guest(tier, sleeper)
    assert go(store) == 107
    assert clock.slept == [5 * SECOND]


@EACH_TIER
def test_an_epoch_ends_a_sleep(tier: str, clock: Clock) -> None:
    store, go = guest(tier, sleeper, epoch_interruption=True)
    store.set_epoch_deadline(1)
    asked = iter(range(1000))
    machine = store.machine
    machine.check = lambda: Cause.INTERRUPT if next(asked) == 10 else None
    with pytest.raises(Trap) as trap:
        go(store)
    assert trap.value.code is TrapCode.INTERRUPT
    assert 0 < sum(clock.slept) < SECOND // 2  # it has looked every 20 ms
    assert go(store) == 107  # and the store is as good as before


@EACH_TIER
def test_a_long_host_function_goes_on_where_it_was(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def count(caller: Caller) -> int:
        for n in range(caller.progress, 10):
            done.append(n)
            caller.progress = n + 1
            caller.checkpoint()
        return 0

    store, go = guest(tier, count)
    machine = store.machine
    monkeypatch.setattr(
        type(machine), "interrupt", lambda _: None
    )  # the watch would have it look before the host function is called
    looks = iter(range(100))

    def check() -> Cause | None:
        return Cause.INTERRUPT if next(looks) == 0 else None

    machine.check = check
    execution = go.start(store)
    machine.due = True
    assert execution.run(deadline=3600.0).reason is PauseReason.EPOCH
    assert done == [0]
    assert execution.run() == Finished((100,))
    assert done == list(range(10))


def test_progress_is_a_number() -> None:
    def wrong(caller: Caller) -> int:
        caller.progress = 1.5  # type: ignore[assignment]  # that is the question
        return 0

    store, go = guest("safe", wrong)
    with pytest.raises(TypeError, match=r"progress 1\.5; expected an int"):
        go(store)


@EACH_TIER
def test_not_ready_keeps_the_progress(tier: str) -> None:
    found: list[int] = []

    def f(caller: Caller) -> int:
        found.append(caller.progress)
        if caller.progress < 2:
            caller.progress += 1
            raise NotReady("soon")
        return 0

    store, go = guest(tier, f)
    execution = go.start(store)
    while isinstance(execution.run(), Paused):
        pass
    assert found == [0, 1, 2]


# ---- WASI

WASI_GUEST = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (func (export "poll") (param i32) (result i32)
    (call $poll (i32.const 1024) (i32.const 2048) (local.get 0) (i32.const 0)))
  (func (export "random") (result i32) (call $random (i32.const 4096) (i32.const 1000000))))
"""
CLOCK = struct.Struct("<QB7xI4xQQHxxxxxx")
FD = struct.Struct("<QB7xI28x")


def program(tier: str, config: WasiConfig, *subscriptions: bytes, **options: Any) -> tuple[Store, Any, Linker]:
    store = Store(engine(tier=tier, **options))
    store.set_wasi(config)
    linker = Linker(store.engine)
    linker.define_wasi()
    exports: Any = linker.instantiate(store, module(store.engine, WASI_GUEST)).exports(store)
    exports["memory"].write(store, b"".join(subscriptions), 1024)
    return store, exports, linker


def relative(seconds: int) -> bytes:
    return CLOCK.pack(11, 0, 1, seconds * SECOND, 0, 0)


@EACH_TIER
def test_poll_is_divided_and_travels(tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setitem(READERS, clocks.Clock.MONOTONIC, lambda: clock.now)
    store, exports, _ = program(tier, WasiConfig(), relative(5), relative(9))
    execution = exports["poll"].start(store, 2)
    assert execution.run(deadline=2.0).reason is PauseReason.DEADLINE
    store.snapshot().save(tmp_path / "asleep.arn")
    clock.now += 1000 * SECOND
    store = Snapshot.open(tmp_path / "asleep.arn", store.engine).fork(wasi=WasiConfig())
    execution = going_on(store)
    assert execution.run(deadline=2.0).reason is PauseReason.DEADLINE
    assert execution.run() == Finished((0,))
    assert sum(clock.slept) == 5 * SECOND
    memory: Any = store.instances[0].exports(store)["memory"]
    assert memory.read(store, 2048, 2048 + 11) == struct.pack("<QHB", 11, 0, 0)


@EACH_TIER
def test_poll_on_a_pipe_and_a_clock(tier: str) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb", 0) as stdin, os.fdopen(write, "wb", 0) as pipe:
        store, exports, _ = program(tier, WasiConfig(stdin=stdin), relative(3600), FD.pack(12, 1, 0))
        execution = exports["poll"].start(store, 2)
        assert execution.run(deadline=0.03).reason is PauseReason.DEADLINE
        pipe.write(b"x")
        assert execution.run(deadline=3600) == Finished((0,))
        assert exports["memory"].read(store, 2048, 2056) == struct.pack("<Q", 12)


@EACH_TIER
def test_virtual_clocks_jump_also_in_a_hurry(tier: str) -> None:
    """A year, whose steps would never end."""
    store, exports, _ = program(tier, WasiConfig(clocks=VirtualClocks()), relative(365 * 86400), epoch_interruption=True)
    store.set_epoch_deadline(10)
    assert exports["poll"].start(store, 1).run(deadline=3600) == Finished((0,))


@EACH_TIER
def test_random_bytes_come_in_pieces(tier: str) -> None:
    def random_bytes(deadlines: int) -> bytes:
        store, exports, _ = program(tier, WasiConfig(random=5))
        machine, looks = store.machine, iter(range(1000))

        def check() -> Cause | None:
            machine.due = True
            return Cause.INTERRUPT if next(looks) % 3 == 2 and deadlines else None

        machine.check, machine.due = check, True
        execution = exports["random"].start(store)
        stops = 0
        while isinstance(execution.run(), Paused):
            stops += 1
            if stops == 2:
                store = store.snapshot().fork(reseed=False)
                store.machine.due = True
                execution, exports = going_on(store), store.instances[0].exports(store)
        assert (stops > 1) is (deadlines > 0)
        return bytes(exports["memory"].read(store, 0, None))

    assert random_bytes(0) == random_bytes(1)


@EACH_TIER
def test_what_are_no_seconds_is_no_sleep(tier: str, clock: Clock) -> None:
    seconds: list[Any] = [float("nan"), "1", True, None]

    def f(caller: Caller) -> int:
        caller.sleep(seconds[0])
        return 1

    store, go = guest(tier, f)
    with pytest.raises(ValueError, match="seconds nan; expected seconds"):
        go(store)
    for _ in range(2):
        del seconds[0]
        with pytest.raises(TypeError, match="expected seconds, found"):
            go(store)
    assert not clock.slept


@EACH_TIER
@pytest.mark.parametrize("seconds", [float("inf"), 1e300])
def test_a_sleep_without_end(tier: str, seconds: float, clock: Clock) -> None:
    def f(caller: Caller) -> int:
        caller.sleep(seconds)
        return 1

    store, go = guest(tier, f)
    execution = go.start(store)
    outcome = execution.run(deadline=3e6)
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.DEADLINE
    assert sum(clock.slept) == 3 * 10**6 * SECOND


@EACH_TIER
def test_progress_that_a_wait_counts_stays_a_u64(tier: str, clock: Clock) -> None:
    """As much as fits has passed already, so a file says; what is saved afterwards can still be opened."""
    del clock
    begun: list[int] = []

    def f(caller: Caller) -> int:
        if not begun:
            begun.append(1)
            caller.progress = (1 << 64) - 1
        caller.sleep(float("inf"))
        return 1

    store, go = guest(tier, f)
    execution = go.start(store)
    assert isinstance(execution.run(deadline=2.0), Paused)
    assert store.machine.activations[0].rest == ((1 << 64) - 1,)
