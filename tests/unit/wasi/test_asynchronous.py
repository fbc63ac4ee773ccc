"""What guests wait for as tasks of an event loop: their sleep is the loop's, and so is what is not there to be read yet."""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from arenite import Caller, Failure, Feed, Finished, Func, FuncType, Linker, NotReady, Paused, PauseReason, Store, WasiConfig
from tiers import TIERS
from unit.machine.guests import I32, engine, module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAT = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "host" "wait" (func $wait (param i32) (result i32)))
  (memory (export "memory") 1)
  (func $clock (param $at i32) (param $ns i64)
    (i64.store (local.get $at) (i64.const 7))
    (i64.store (i32.add (local.get $at) (i32.const 24)) (local.get $ns)))
  (func (export "sleep") (param $ns i64) (result i32)
    (call $clock (i32.const 0) (local.get $ns))
    (call $poll (i32.const 0) (i32.const 200) (i32.const 1) (i32.const 300)))
  (func (export "poll") (param $ns i64) (result i32)  ;; events: 1 of the clock, 2 of standard input, 3 of both
    (call $clock (i32.const 0) (local.get $ns))
    (i64.store (i32.const 48) (i64.const 8))
    (i32.store8 (i32.const 56) (i32.const 1))
    (drop (call $poll (i32.const 0) (i32.const 200) (i32.const 2) (i32.const 300)))
    (i32.sub (i32.load (i32.const 200)) (i32.const 6)))
  (func (export "poll input") (result i32)
    (i64.store (i32.const 0) (i64.const 8))
    (i32.store8 (i32.const 8) (i32.const 1))
    (call $poll (i32.const 0) (i32.const 200) (i32.const 1) (i32.const 300)))
  (func (export "read") (result i32)
    (i32.store (i32.const 0) (i32.const 1000))
    (i32.store (i32.const 4) (i32.const 100))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func (export "wait") (param i32) (result i32) (call $wait (local.get 0))))"""
LONG = 3_600_000_000_000  # nanoseconds


class Guest:
    """A guest whose standard input is a pipe; `wait` is its host function."""

    def __init__(self, tier: str, stdin: Any, **options: Any) -> None:
        self.wait: Callable[[Caller, int], Any] = lambda _caller, n: n
        of = engine(tier=tier, **options)
        self.linker = Linker(of)
        self.linker.define_wasi()
        self.linker.define_func("host", "wait", FuncType([I32], [I32]), self._wait, access_caller=True)
        self.store = Store(of)
        if options:
            self.store.set_epoch_deadline(1)
        self.store.set_wasi(WasiConfig(stdin=stdin))
        self.exports = self.linker.instantiate(self.store, module(of, WAT)).exports(self.store)

    def _wait(self, caller: Caller, n: int) -> Any:
        return self.wait(caller, n)

    def __getitem__(self, name: str) -> Func:
        found = self.exports[name]
        assert isinstance(found, Func)
        return found

    async def call(self, name: str, *args: int) -> Any:
        return await self[name].call_async(self.store, *args)


@pytest.fixture
def pipe() -> Iterator[tuple[Any, int]]:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as file:  # noqa: PTH123 (a descriptor)
        yield file, writing
    os.close(writing)


@pytest.fixture(params=TIERS)
def guest(request: pytest.FixtureRequest, pipe: tuple[Any, int]) -> Guest:
    return Guest(request.param, pipe[0])


@pytest.fixture(params=["asyncio", "trio"])
def loop(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return functools.partial(anyio.run, backend=request.param)


async def ticks_beside(call: Callable[[], Any], then: Callable[[], object]) -> Any:
    """What a call gives; other tasks have had their turns while it waited, and then `then` has been called."""
    found = []

    async def whole() -> None:
        found.append(await call())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(whole)
        for _ in range(20):
            await anyio.sleep(0.001)
        then()
    return found[0]


def test_a_sleep_is_the_loops(loop: Any, guest: Guest) -> None:
    begin = time.monotonic_ns()
    assert loop(guest.call, "sleep", 20_000_000) == 0
    assert time.monotonic_ns() - begin >= 20_000_000


def test_many_sleep_at_once_without_a_thread_each(loop: Any, guest: Guest) -> None:
    forks = guest.store.snapshot().fork(40)

    async def main() -> None:
        before = threading.active_count()
        async with anyio.create_task_group() as tasks:
            for fork in forks:
                tasks.start_soon(guest["sleep"].call_async, fork, LONG)
            await anyio.sleep(0.02)
            for fork in forks:
                assert fork.execution is not None
                assert fork.execution.paused is not None
                assert fork.execution.paused.reason is PauseReason.NOT_READY
            assert threading.active_count() <= before + 1
            tasks.cancel_scope.cancel()

    loop(main)


@pytest.mark.parametrize("name", ["read", "poll input"])
def test_input_is_waited_for(loop: Any, guest: Guest, pipe: tuple[Any, int], name: str) -> None:
    result = loop(ticks_beside, functools.partial(guest.call, name), lambda: os.write(pipe[1], b"hello"))
    assert result == {"read": 5, "poll input": 0}[name]


def test_the_first_of_several_ends_a_wait(loop: Any, guest: Guest, pipe: tuple[Any, int]) -> None:
    assert loop(guest.call, "poll", 1_000_000) == 1
    assert loop(ticks_beside, functools.partial(guest.call, "poll", LONG), lambda: os.write(pipe[1], b"x")) == 2


def test_guests_wait_for_the_same_input(loop: Any, guest: Guest, pipe: tuple[Any, int]) -> None:
    forks = guest.store.snapshot().fork(2)

    async def both() -> int:
        async with anyio.create_task_group() as tasks:
            for fork in forks:
                tasks.start_soon(guest["poll input"].call_async, fork)
        return 0

    assert loop(ticks_beside, both, lambda: os.write(pipe[1], b"x")) == 0


def test_input_that_python_gives_pauses_as_ever(loop: Any) -> None:
    feed = Feed()
    guest = Guest("threaded", feed)

    async def main() -> None:
        execution = guest["read"].start(guest.store)
        outcome = await execution.run_async()
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.NOT_READY
        feed.write(b"abc")
        assert await execution.run_async() == Finished((3,))
        with pytest.raises(NotReady, match="standard input"):
            await guest.call("read")

    loop(main)


def test_what_was_slept_before_a_deadline_counts(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        execution, begin = guest["sleep"].start(guest.store, 60_000_000), time.monotonic_ns()
        pauses = 0
        while isinstance(outcome := await execution.run_async(deadline=0.005), Paused):
            assert outcome.reason is PauseReason.DEADLINE
            pauses += 1
        assert outcome == Finished((0,))
        assert time.monotonic_ns() - begin >= 60_000_000
        assert pauses >= 1

    loop(main)


def test_what_was_slept_before_it_was_cancelled_counts(loop: Any, guest: Guest) -> None:
    async def main() -> int:
        execution = guest["sleep"].start(guest.store, LONG)
        with anyio.move_on_after(0.01):
            await execution.run_async()
        slept: int = execution._activation.rest[0]
        execution.close()
        return slept

    assert 0 < loop(main) < LONG


@pytest.mark.parametrize("tier", TIERS)
def test_an_epoch_ends_a_sleep(loop: Any, tier: str) -> None:
    guest = Guest(tier, b"", epoch_interruption=True)

    async def main() -> None:
        execution = guest["sleep"].start(guest.store, LONG)
        outcome = await ticks_beside(execution.run_async, guest.store.engine.increment_epoch)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.EPOCH

    loop(main)


# ---- host functions that are not async


def test_a_host_function_that_sleeps_by_its_caller_lets_others_run(loop: Any, guest: Guest) -> None:
    began: list[int] = []

    def wait(caller: Caller, n: int) -> int:
        began.append(caller.progress)
        caller.sleep(0.03)
        return n

    guest.wait = wait
    assert loop(ticks_beside, functools.partial(guest.call, "wait", 5), lambda: None) == 5
    assert len(began) >= 2
    assert began == sorted(began)


def test_a_host_function_that_waits_in_steps_is_asked_again(loop: Any, guest: Guest) -> None:
    come: list[int] = []

    def wait(caller: Caller, n: int) -> int:
        return n if caller.wait(lambda _limit: bool(come)) else 0

    guest.wait = wait
    assert loop(ticks_beside, functools.partial(guest.call, "wait", 5), lambda: come.append(1)) == 5
    guest.wait = lambda caller, _n: caller.wait(lambda _limit: False, 0.01)
    assert loop(guest.call, "wait", 5) == 0


# ---- callers of those that are


def async_guest(tier: str, wait: Any) -> Guest:
    """Its "host.wait" is an async function that takes its caller."""
    guest = Guest(tier, b"")
    guest.linker.allow_shadowing = True
    guest.linker.define_func("host", "wait", FuncType([I32], [I32]), wait, access_caller=True)
    guest.exports = guest.linker.instantiate(guest.store, module(guest.store.engine, WAT)).exports(guest.store)
    return guest


@pytest.mark.parametrize("tier", TIERS)
def test_a_caller_is_valid_until_the_answer(loop: Any, tier: str) -> None:
    kept = []

    async def wait(caller: Caller, n: int) -> int:
        kept.append(caller)
        assert caller.can_pause
        memory: Any = caller["memory"]
        await anyio.lowlevel.checkpoint()
        memory.write(caller, bytes([n]), 5)
        return int(memory.read(caller, 5, 6)[0])

    assert loop(async_guest(tier, wait).call, "wait", 9) == 9
    with pytest.raises(Failure, match="during its host function's call only"):
        kept[0].get("memory")


@pytest.mark.parametrize("tier", TIERS)
def test_it_does_not_wait_for_the_whole_loop(loop: Any, tier: str) -> None:
    for blocking in (lambda c: c.sleep(1), lambda c: c.wait(lambda _: True), lambda c: c.checkpoint()):

        async def wait(caller: Caller, n: int, blocking: Any = blocking) -> int:
            blocking(caller)
            return n

        with pytest.raises(Failure, match="waits by await"):
            loop(async_guest(tier, wait).call, "wait", 1)


@pytest.mark.parametrize("tier", TIERS)
def test_what_it_leaves_as_progress_it_finds_when_it_is_asked_again(loop: Any, tier: str) -> None:
    found = []

    async def wait(caller: Caller, n: int) -> int:
        found.append(caller.progress)
        caller.progress += 7
        await (anyio.sleep_forever() if len(found) == 1 else anyio.lowlevel.checkpoint())
        return n

    guest = async_guest(tier, wait)

    async def main() -> None:
        execution = guest["wait"].start(guest.store, 4)
        await execution.run_async(deadline=0.05)
        fork = guest.store.snapshot().fork()
        assert fork.execution is not None
        assert await fork.execution.run_async() == Finished((4,))
        assert await execution.run_async() == Finished((4,))

    loop(main)
    assert found == [0, 7, 7]
