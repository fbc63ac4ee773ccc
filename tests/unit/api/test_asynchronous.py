"""Calls as tasks of an event loop, on each loop and each tier: what is awaited, whose turn it is, what is left of a cancelled one."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import threading
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from arenite import Exit, Failure, Finished, FuncType, NotReady, Paused, PauseReason, Snapshot, Trap, TrapCode, WasmException
from tiers import TIERS
from unit.machine.guests import I32, HostFunction, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

WAT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (import "host" "plain" (func $plain (param i32) (result i32)))
  (import "host" "none" (func $none))
  (import "host" "two" (func $two (result i32 i32)))
  (memory (export "memory") 1)
  (func (export "ask") (param $a i32) (result i32)
    (i32.add (i32.const 1000) (call $f (local.get $a))))
  (func (export "ask twice") (param $a i32) (result i32)
    (i32.add (call $f (local.get $a)) (call $f (i32.add (local.get $a) (i32.const 1)))))
  (func (export "plain") (param $a i32) (result i32) (call $plain (local.get $a)))
  (func (export "none") (call $none))
  (func (export "two") (result i32 i32) (call $two))
  (func (export "double") (param $a i32) (result i32) (i32.mul (local.get $a) (i32.const 2)))
  (func $count (export "count") (param $a i32) (result i32) (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
    (local.get $n))
  (func (export "count and ask") (param $a i32) (result i32)
    (i32.add (call $count (local.get $a)) (call $f (i32.const 1))))
  (func (export "ask and go on for ever") (param $a i32)
    (drop (call $f (local.get $a)))
    (loop $l (br $l)))
  (func (export "forever") (loop $l (br $l))))"""
NAMES = "f", "plain", "none", "two"


class Guest(World):
    """A store with the guest.  `f` and `plain` are what it calls as "host.f", which is async, and "host.plain", which is not."""

    def __init__(self, tier: str, **options: Any) -> None:
        self.f: Callable[[Any, int], Awaitable[Any]] = self.later
        self.plain: Callable[[Any, int], Any] = lambda _caller, n: n
        self.asked: list[int] = []
        functions: list[HostFunction] = [
            ([I32], [I32], self._f),
            ([I32], [I32], self._plain),
            ([], [], self._none),
            ([], [I32, I32], self._two),
        ]
        super().__init__(WAT, *functions, callers=("f", "plain"), linked=True, tier=tier, **options)

    @staticmethod
    async def later(_caller: Any, n: int) -> int:
        await anyio.sleep(0.001)
        return n * 2

    async def _f(self, caller: Any, n: int) -> Any:
        self.asked.append(n)
        return await self.f(caller, n)

    def _plain(self, caller: Any, n: int) -> Any:
        return self.plain(caller, n)

    async def _none(self) -> None:
        await anyio.lowlevel.checkpoint()

    async def _two(self) -> list[int]:
        await anyio.lowlevel.checkpoint()
        return [3, 4]

    async def call_async(self, name: str, *args: object) -> Any:
        return await self.exports[name].call_async(self.store, *args)

    def is_usable(self) -> bool:
        """Nothing is left of a call, and others can be made."""
        machine = self.store.machine
        assert (machine.depth, machine.users, machine.activations, machine.host_stack) == (0, set(), [], [])
        return bool(self.call("double", 4) == 8)


@pytest.fixture(params=TIERS)
def guest(request: pytest.FixtureRequest) -> Guest:
    return Guest(request.param)


@pytest.fixture(params=["asyncio", "trio"])
def loop(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs an async function in an event loop of one kind."""
    return functools.partial(anyio.run, backend=request.param)


class Gate:
    """Host functions that wait until they are let go."""

    def __init__(self) -> None:
        self.reached, self.open = anyio.Event(), anyio.Event()

    async def __call__(self, _caller: Any, n: int) -> int:
        self.reached.set()
        await self.open.wait()
        return n * 2


# ---- what is awaited


def test_the_guest_gets_what_is_awaited(loop: Any, guest: Guest) -> None:
    assert loop(guest.call_async, "ask", 4) == 1008
    assert loop(guest.call_async, "ask twice", 1) == 6
    assert loop(guest.call_async, "none") is None
    assert loop(guest.call_async, "two") == [3, 4]
    assert guest.asked == [4, 1, 2]
    assert guest.is_usable()


def test_an_execution_gives_its_outcome(loop: Any, guest: Guest) -> None:
    assert loop(guest.start("ask", 4).run_async) == Finished((1008,))
    assert guest.is_usable()


def test_what_is_no_guest_can_be_called(loop: Any, guest: Guest) -> None:
    func = guest.linker.get(guest.store, "host", "f")

    async def main() -> object:
        return await func.call_async(guest.store, 5)  # type: ignore[union-attr]  # it is a function

    assert loop(main) == 10


def test_functions_that_are_async_in_other_ways(loop: Any, guest: Guest) -> None:
    class Method:
        async def __call__(self, n: int) -> int:
            return n + 1

        async def method(self, n: int) -> int:
            return n + 2

    async def third(more: int, n: int) -> int:
        return n + more

    functions: list[tuple[Any, int]] = [(Method(), 6), (Method().method, 7), (functools.partial(third, 3), 8)]
    for function, result in functions:
        guest.linker.allow_shadowing = True
        guest.linker.define_func("host", "f", FuncType([I32], [I32]), function)
        instance = guest.linker.instantiate(guest.store, guest.module(WAT))
        ask: Any = instance.exports(guest.store)["ask"]
        assert loop(ask.call_async, guest.store, 5) == 1000 + result


def test_a_hundred_guests_wait_at_once(loop: Any, guest: Guest) -> None:
    forks = guest.store.snapshot().fork(100)
    everybody = anyio.Event
    found: dict[int, int] = {}

    async def one(index: int) -> None:
        found[index] = await guest.exports["ask"].call_async(forks[index], index)

    async def main() -> None:
        waiting, go = 0, everybody()

        async def f(_caller: Any, n: int) -> int:
            nonlocal waiting
            waiting += 1
            if waiting == len(forks):
                go.set()
            await go.wait()
            return n

        guest.f = f
        before = threading.active_count()
        async with anyio.create_task_group() as tasks:
            for index in range(len(forks)):
                tasks.start_soon(one, index)
            await go.wait()
            assert threading.active_count() <= before + 1, "the watch alone"

    loop(main)
    assert found == {index: 1000 + index for index in range(100)}


# ---- what it raises


@pytest.mark.parametrize("error", [KeyError("k"), Exit(3), KeyboardInterrupt()], ids=lambda error: type(error).__name__)
def test_what_it_raises_comes_to_the_caller(loop: Any, guest: Guest, error: BaseException) -> None:
    async def f(_caller: Any, _n: int) -> int:
        await anyio.lowlevel.checkpoint()
        raise error

    async def main() -> None:
        execution = guest.start("ask", 1)
        with pytest.raises(type(error)) as raised:
            await execution.run_async()
        assert raised.value is error
        assert execution.over

    guest.f = f
    loop(main)
    assert guest.is_usable()


@pytest.mark.parametrize("result", ["text", 1 << 40, [1, 2]], ids=str)
def test_a_result_of_another_type_ends_the_call(loop: Any, guest: Guest, result: object) -> None:
    async def f(_caller: Any, _n: int) -> object:
        return result

    guest.f = f
    with pytest.raises((TypeError, OverflowError)):
        loop(guest.call_async, "ask", 1)
    assert guest.is_usable()


@pytest.mark.parametrize("tier", TIERS)
def test_guests_catch_what_it_raises(loop: Any, tier: str) -> None:
    async def f(n: int) -> int:
        await anyio.lowlevel.checkpoint()
        if n:
            raise KeyError(n) if n == 1 else WasmException(tag, [n])
        return 0

    world = World(
        """(module
          (import "host" "f" (func $f (param i32) (result i32)))
          (tag $t (export "t") (param i32))
          (tag $k (export "k"))
          (func (export "ask") (param i32) (result i32)
            (block $caught (result i32)
              (block $bound
                (try_table (result i32) (catch $t $caught) (catch $k $bound) (call $f (local.get 0)))
                (return))
              (i32.const -1))
            (i32.const 100) (i32.add)))""",
        ([I32], [I32], f),
        linked=True,
        tier=tier,
        wasm_exceptions=True,
    )
    tag = world.exports["t"]
    bound = world.exports["k"]
    bound.bind(world.store, KeyError)
    ask = world.exports["ask"]
    assert [loop(ask.call_async, world.store, n) for n in (0, 1, 2)] == [0, 99, 102]


def test_not_ready_pauses_as_it_does_elsewhere(loop: Any, guest: Guest) -> None:
    async def f(_caller: Any, n: int) -> int:
        if len(guest.asked) == 1:
            raise NotReady("not today")
        return n

    async def main() -> None:
        execution = guest.start("ask", 1)
        outcome = await execution.run_async()
        assert isinstance(outcome, Paused)
        assert (outcome.reason, outcome.what) == (PauseReason.NOT_READY, "not today")
        assert await execution.run_async() == Finished((1001,))
        guest.asked.clear()
        with pytest.raises(NotReady, match="not today"):
            await guest.call_async("ask", 1)

    guest.f = f
    loop(main)
    assert guest.is_usable()


# ---- where nobody awaits


def test_other_calls_say_which_function_it_is(guest: Guest) -> None:
    with pytest.raises(Failure, match=r"the host function host\.f is async: call_async"):
        guest.call("ask", 1)
    assert guest.asked == []
    assert guest.is_usable()


def test_so_do_guests_that_a_host_function_calls(loop: Any, guest: Guest) -> None:
    guest.plain = guest.exports["ask"]
    with pytest.raises(Failure, match=r"host\.f is async"):
        loop(guest.call_async, "plain", 1)
    assert guest.is_usable()


def test_run_pauses_there_and_takes_an_answer(loop: Any, guest: Guest) -> None:
    execution = guest.start("ask twice", 1)
    outcome = execution.run()
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.NOT_READY
    assert "host.f" in outcome.what
    assert outcome.call is not None
    assert (str(outcome.call), outcome.call.params) == ("host.f", (1,))
    execution.answer(50)
    assert loop(execution.run_async) == Finished((54,))
    assert guest.asked == [2]


def test_an_answer_may_be_an_error(guest: Guest) -> None:
    execution = guest.start("ask", 1)
    execution.run()
    with pytest.raises(KeyError, match="lost"):
        execution.fail(KeyError("lost"))
    assert execution.over
    assert guest.is_usable()


# ---- whose turn it is


def test_another_task_is_refused_while_a_guest_waits(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        guest.f = gate = Gate()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guest.call_async, "ask", 1, name="the first")
            await gate.reached.wait()
            waiting = guest.store.execution
            assert waiting is not None
            for attempt in (
                lambda: guest.call("double", 1),
                lambda: guest.start("double", 1),
                waiting.run,
                lambda: waiting.answer(1),
                lambda: waiting.fail(KeyError()),
                waiting.close,
                lambda: guest.exports["memory"].grow(guest.store, 1),
                guest.store.close,
            ):
                with pytest.raises(Failure, match=r"in use by the task 'the first', whose guest waits: .*host\.f"):
                    attempt()
            for again in (guest.call_async("ask", 2), waiting.run_async()):
                with pytest.raises(Failure, match="in use by the task 'the first'"):
                    await again
            gate.open.set()

    loop(main)
    assert guest.asked == [1]
    assert guest.is_usable()


def test_what_a_guest_waits_for_may_call_guests(loop: Any, guest: Guest) -> None:
    async def f(caller: Any, n: int) -> int:
        if n == 0:
            return 5
        await anyio.lowlevel.checkpoint()
        doubled = guest.exports["double"](caller, n)
        inner = await guest.exports["ask"].call_async(caller, 0)
        return int(doubled + inner + await anyio.to_thread.run_sync(guest.exports["double"], guest.store, 100))

    guest.f = f
    assert loop(guest.call_async, "ask", 3) == 1000 + 6 + 1005 + 200
    assert guest.is_usable()


def test_of_its_own_tasks_one_at_a_time(loop: Any, guest: Guest) -> None:
    refused = []

    async def child(n: int) -> None:
        try:
            await guest.call_async("ask", n)
        except Failure as error:
            refused.append(str(error))

    async def f(_caller: Any, n: int) -> int:
        await anyio.sleep(0.001)
        if n == 1:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(child, 2)
                tasks.start_soon(child, 2)
        return n

    guest.f = f
    assert loop(guest.call_async, "ask", 1) == 1001
    assert len(refused) == 1
    assert guest.is_usable()


def test_a_task_that_outlives_the_call_it_came_from_is_an_other(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        gate, late = Gate(), anyio.Event()

        async def child() -> None:
            await late.wait()
            with pytest.raises(Failure, match="in use by the task"):
                guest.call("double", 1)
            gate.open.set()

        async def f(_caller: Any, n: int) -> int:
            if n == 1:
                tasks.start_soon(child)
                return 1
            late.set()
            return await gate(_caller, n)

        guest.f = f
        async with anyio.create_task_group() as tasks:
            assert await guest.call_async("ask", 1) == 1001
            assert await guest.call_async("ask", 2) == 1004

    loop(main)
    assert guest.is_usable()


def test_what_an_earlier_host_function_began_is_an_other_while_the_guest_computes(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        refused = anyio.Event()

        async def child() -> None:
            while guest.store.execution is None or "slice" not in getattr(guest.store.execution.paused, "what", ""):
                await anyio.lowlevel.checkpoint()
            with pytest.raises(Failure, match="in use by the task"):
                guest.call("double", 1)
            refused.set()

        async def f(_caller: Any, n: int) -> int:
            tasks.start_soon(child)
            await anyio.lowlevel.checkpoint()
            return n

        guest.f = f
        async with anyio.create_task_group() as tasks, anyio.create_task_group() as others:
            others.start_soon(guest.call_async, "ask and go on for ever", 1)
            await refused.wait()
            others.cancel_scope.cancel()

    loop(main)
    assert guest.is_usable()


def test_stores_that_call_each_other(loop: Any, guest: Guest) -> None:
    other = guest.store.snapshot().fork()

    async def f(caller: Any, n: int) -> int:
        await anyio.lowlevel.checkpoint()
        if n == 1:  # of the first store: through the other, back into the first
            return int(await guest.exports["ask"].call_async(other, 2))
        return int(guest.exports["double"](guest.store, 7))

    guest.f = f
    assert loop(guest.call_async, "ask", 1) == 1000 + 1000 + 14


def test_threads_are_refused_as_ever(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        guest.f = gate = Gate()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guest.call_async, "ask", 1, name="the first")
            await gate.reached.wait()
            with pytest.raises(Failure, match="in use by the task 'the first'"):
                await anyio.to_thread.run_sync(guest.call, "double", 1)
            gate.open.set()

    loop(main)
    assert guest.is_usable()


# ---- what is frozen


def test_a_waiting_guest_can_be_frozen_by_anybody_and_goes_on_anywhere(loop: Any, guest: Guest, tmp_path: Path) -> None:
    async def main() -> Snapshot:
        guest.f = gate = Gate()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(guest.call_async, "ask", 21)
            await gate.reached.wait()
            snapshot = guest.store.snapshot()
            gate.open.set()
        return snapshot

    async def f(_caller: Any, n: int) -> int:
        await anyio.lowlevel.checkpoint()
        return n + 1

    snapshot = loop(main)
    guest.f = f
    snapshot.save(tmp_path / "x.arn")
    opened = Snapshot.open(tmp_path / "x.arn", guest.engine)
    opened.link(guest.linker)
    for origin in (snapshot, opened):
        again, answered = origin.fork(2)
        assert again.execution is not None
        assert answered.execution is not None
        assert loop(again.execution.run_async) == Finished((1022,)), "it is asked again"
        paused = answered.execution.paused
        assert paused is not None
        assert paused.call is not None
        assert (str(paused.call), paused.call.params) == ("host.f", (21,))
        assert answered.execution.resume(7) == Finished((1007,))
    assert guest.is_usable()


# ---- slices, fuel, deadlines


def test_a_busy_guest_lets_others_run(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        ticks = 0
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(guest.call_async, "forever")
                while ticks < 5:
                    await anyio.lowlevel.checkpoint()
                    ticks += 1
                scope.cancel()
        assert ticks == 5

    loop(main)
    assert guest.is_usable()


@pytest.mark.parametrize("tier", TIERS)
def test_fuel_is_the_same_number_in_slices(loop: Any, tier: str) -> None:
    used = []
    for shared in (False, True):
        guest = Guest(tier, fuel=10_000_000)
        assert (loop(guest.call_async, "count", 200_000) if shared else guest.call("count", 200_000)) == 200_000
        used.append(guest.store.get_fuel())
    assert used[0] == used[1]


@pytest.mark.parametrize("tier", TIERS)
def test_no_more_fuel_is_a_trap_for_a_call_and_a_pause_for_an_execution(loop: Any, tier: str) -> None:
    guest = Guest(tier, fuel=100)
    with pytest.raises(Trap) as trapped:
        loop(guest.call_async, "count", 1000)
    assert trapped.value.code is TrapCode.OUT_OF_FUEL
    guest.store.set_fuel(100)
    assert guest.is_usable()
    execution = guest.start("count", 50)
    assert loop(functools.partial(execution.run_async, fuel=10)) == execution.paused
    paused = execution.paused
    assert paused is not None
    assert paused.reason is PauseReason.FUEL
    assert loop(execution.run_async) == Finished((50,))


def test_a_limit_of_fuel_holds_over_what_is_awaited(loop: Any, guest: Guest) -> None:
    async def finishes(fuel: int) -> bool:
        execution = guest.start("ask twice", 1)
        finished = await execution.run_async(fuel=fuel) == Finished((6,))
        execution.close()
        return finished

    async def main() -> None:
        execution, units = guest.start("ask twice", 1), 1
        while (outcome := await execution.run_async(fuel=1)) != Finished((6,)):
            assert isinstance(outcome, Paused)
            assert outcome.reason is PauseReason.FUEL
            units += 1
        assert units > 1
        assert [await finishes(fuel) for fuel in range(units + 2)] == [False] * units + [True, True]

    loop(main)
    assert guest.is_usable()


def test_a_deadline_also_ends_what_is_awaited(loop: Any, guest: Guest) -> None:
    cancelled = []

    async def f(_caller: Any, n: int) -> int:
        if len(guest.asked) > 1:
            return n
        try:
            await anyio.sleep(60)
        finally:
            cancelled.append(n)
        return 0

    async def main() -> None:
        execution = guest.start("ask", 3)
        outcome = await execution.run_async(deadline=0.05)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.DEADLINE
        assert outcome.call is not None
        assert cancelled == [3]
        assert await execution.run_async() == Finished((1003,))
        busy = guest.start("forever")
        outcome = await busy.run_async(deadline=0.01)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.DEADLINE
        busy.close()

    guest.f = f
    loop(main)
    assert guest.is_usable()


def test_it_stops_before_calls_that_are_named(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        execution = guest.start("ask", 3)
        outcome = await execution.run_async(pause_at=["host.f"])
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.CALL
        assert guest.asked == []
        assert await execution.run_async(pause_at=["host.f"]) == Finished((1006,))

    loop(main)


# ---- cancelling


def test_a_cancelled_execution_goes_on_later(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        guest.f = gate = Gate()
        execution = guest.start("ask", 3)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(execution.run_async)
                await gate.reached.wait()
                scope.cancel()
        paused = execution.paused
        assert paused is not None
        assert paused.reason is PauseReason.NOT_READY
        assert guest.call("double", 2) == 4
        gate.open.set()
        assert await execution.run_async() == Finished((1006,))

    loop(main)
    assert guest.asked == [3, 3]
    assert guest.is_usable()


def test_a_cancelled_execution_that_computes_goes_on_later(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        execution = guest.start("forever")
        with anyio.move_on_after(0.01):
            await execution.run_async()
        paused = execution.paused
        assert paused is not None
        assert paused.reason is PauseReason.DEADLINE
        assert "slice" in paused.what
        with anyio.move_on_after(0.01) as scope:
            await execution.run_async()
        assert scope.cancelled_caught
        execution.close()

    loop(main)
    assert guest.is_usable()


def test_a_cancelled_call_is_thrown_away(loop: Any, guest: Guest) -> None:
    async def main() -> None:
        guest.f = gate = Gate()
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(guest.call_async, "ask", 3)
                await gate.reached.wait()
                scope.cancel()
        assert guest.is_usable()

    loop(main)


def test_a_task_of_asyncio_that_is_cancelled(guest: Guest) -> None:
    async def main() -> None:
        guest.f = gate = Gate()
        task = asyncio.create_task(guest.call_async("ask", 3))
        await gate.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guest.call_async("forever"), 0.01)

    asyncio.run(main())
    assert guest.is_usable()


def until_asked(coroutine: Any) -> object:
    """What the host function yields.  The guest's slice may be over before it comes there."""
    while (yielded := coroutine.send(None)) is None:
        pass
    return yielded


def test_a_coroutine_that_is_never_awaited_to_its_end(guest: Guest) -> None:
    async def f(_caller: Any, _n: int) -> int:
        await Never()
        return 0

    class Never:
        def __await__(self) -> Any:
            yield "nobody asks"

    async def main() -> None:
        guest.f = f
        coroutine = guest.call_async("ask", 3)
        assert until_asked(coroutine) == "nobody asks"
        contextvars.Context().run(coroutine.close)
        assert guest.is_usable()
        coroutine = guest.call_async("ask", 3)
        until_asked(coroutine)
        del coroutine
        gc.collect()
        assert guest.is_usable()
        execution = guest.start("ask", 3)
        waiting = execution.run_async()
        assert until_asked(waiting) == "nobody asks"
        del waiting
        gc.collect()
        assert guest.call("double", 2) == 4
        execution.close()

    asyncio.run(main())
    assert guest.is_usable()
