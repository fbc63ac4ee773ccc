"""Executions as users have them: each reason to pause, answers, nesting, ends, on each tier."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Exit,
    Finished,
    Func,
    FuncType,
    Instance,
    NotReady,
    Paused,
    PauseReason,
    SnapshotError,
    Store,
    Trap,
    TrapCode,
)
from marks import EACH_TIER
from tiers import TIERS
from unit.machine.guests import EXTERNREF, F64, FUNCREF, I32, I64, HostFunction, World, engine, module

if TYPE_CHECKING:
    from collections.abc import Callable

WAT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (import "host" "none" (func $none))
  (import "host" "two" (func $two (param f64 externref) (result i64 funcref)))
  (memory (export "memory") 40)
  (global $n (export "n") (mut i32) (i32.const 0))
  (func $count (export "count") (param $a i32) (result i32)
    (loop $again
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (br_if $again (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
    (global.get $n))
  (func (export "forever") (loop $l (br $l)))
  (func (export "ask") (param $a i32) (result i32)
    (i32.add (i32.const 1000) (call $f (local.get $a))))
  (func (export "ask twice") (param $a i32) (result i32)
    (i32.add (call $f (local.get $a)) (call $f (i32.const 7))))
  (func (export "nothing") (call $none))
  (func (export "two") (param $a f64) (param $b externref) (result i64 funcref)
    (call $two (local.get $a) (local.get $b)))
  (func (export "trap") (param $a i32) (call $go (local.get $a)))
  (func $go (param $a i32)
    (drop (call $count (local.get $a)))
    (unreachable))
  (func (export "fill") (param $a i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.mul (local.get $a) (i32.const 65536))))
  (func (export "fill and count") (param $a i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.mul (local.get $a) (i32.const 65536)))
    (call $count (i32.const 5)))
  (func $deep (export "deep") (param $a i32) (result i32)
    (if (result i32) (local.get $a)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $a) (i32.const 1)))))
      (else (call $count (i32.const 3))))))"""


class Asking(World):
    """A store with the guest; `f` is called for "host.f", `seen` are the arguments that it got."""

    def __init__(self, tier: str, **options: Any) -> None:
        self.f: Callable[[Any, int], Any] = lambda _caller, n: n * 2
        self.seen: list[int] = []
        functions: list[HostFunction] = [
            ([I32], [I32], self._f),
            ([], [], lambda: None),
            ([F64, EXTERNREF], [I64, FUNCREF], lambda _f, _o: [1, None]),
        ]
        super().__init__(WAT, *functions, callers=("f",), linked=True, tier=tier, **options)

    def _f(self, caller: Any, n: int) -> Any:
        self.seen.append(n)
        return self.f(caller, n)

    def n(self) -> int:
        value: int = self.exports["n"].value(self.store)
        return value


@pytest.fixture(params=TIERS)
def world(request: pytest.FixtureRequest) -> Asking:
    """A world without fuel of its own."""
    return Asking(request.param)


@pytest.fixture(params=TIERS)
def metered(request: pytest.FixtureRequest) -> Asking:
    """A world whose store has 1,000 units."""
    return Asking(request.param, fuel=1000)


def paused(outcome: object) -> Paused:
    """The outcome, which is a pause."""
    assert isinstance(outcome, Paused), outcome
    return outcome


# ---- fuel


def test_nothing_runs_before_run(world: Asking) -> None:
    execution = world.start("count", 3)
    assert world.n() == 0
    assert (execution.over, execution.paused, execution.instance) == (False, None, None)
    assert execution.run() == Finished((3,))
    assert (execution.over, execution.paused) == (True, None)
    assert world.n() == 3


def test_fuel_pauses_to_the_unit(world: Asking) -> None:
    """A unit for the function, then one for each round but the last, which does not go back."""
    execution = world.start("count", 100)
    outcome = paused(execution.run(fuel=0))
    assert (outcome.reason, outcome.what, outcome.call) == (PauseReason.FUEL, "all fuel is used up", None)
    assert execution.paused == outcome
    assert world.n() == 0
    paused(execution.run(fuel=1))
    assert world.n() == 1
    for rounds in range(2, 30):
        paused(execution.run(fuel=1))
        assert world.n() == rounds
    paused(execution.run(fuel=0))
    assert world.n() == 29
    assert execution.run(fuel=71) == Finished((100,))


def test_a_store_s_fuel_and_the_run_s(metered: Asking) -> None:
    store, execution = metered.store, metered.start("count", 50)
    paused(execution.run(fuel=20))
    assert store.get_fuel() == 980
    store.set_fuel(5)
    paused(execution.run(fuel=100))  # the store has less
    assert store.get_fuel() == 0
    paused(execution.run())
    store.set_fuel(1000)
    assert execution.run(fuel=900) == Finished((50,))
    assert store.get_fuel() == 1000 - (50 - 20 - 5)


def test_a_run_without_fuel_of_the_store_leaves_it_unlimited(world: Asking) -> None:
    paused(world.start("count", 50).run(fuel=3))
    with pytest.raises(AreniteError, match="not configured"):
        world.store.get_fuel()
    assert world.exports["count"](world.store, 10_000) > 10_000


def test_negative_fuel_is_refused(metered: Asking) -> None:
    execution = metered.start("count", 5)
    with pytest.raises(ValueError, match="fuel -1"):
        execution.run(fuel=-1)
    assert metered.store.get_fuel() == 1000
    assert execution.run() == Finished((5,))


@pytest.mark.parametrize("name", ["fill", "fill and count"])
def test_a_bulk_operation_pauses_in_the_middle(metered: Asking, name: str) -> None:
    """It costs 32 units, each of which is paid before what it pays for is done."""
    unbroken = Asking(metered.engine.config.tier, consume_fuel=True)
    unbroken.store.set_fuel(1000)
    unbroken.exports[name](unbroken.store, 32)
    price = 1000 - unbroken.store.get_fuel()
    execution, pauses = metered.start(name, 32), 0
    while not isinstance(outcome := execution.run(fuel=2), Finished):
        pauses += 1
        filled = min(2 * pauses - 1, 32) << 16  # the function's entry has cost one
        assert metered.exports["memory"].read(metered.store, filled - 1, filled) == b"\7"
        assert metered.exports["memory"].read(metered.store, filled, filled + 1) == b"\0"
        assert paused(outcome).reason is PauseReason.FUEL
        assert metered.store.get_fuel() == 1000 - 2 * pauses
    assert pauses == (price - 1) // 2
    assert metered.store.get_fuel() == unbroken.store.get_fuel()


# ---- deadlines, epochs


def test_a_deadline(world: Asking) -> None:
    execution, began = world.start("forever"), time.monotonic()
    for _ in range(2):
        outcome = paused(execution.run(deadline=0.05))
        assert (outcome.reason, outcome.what) == (PauseReason.DEADLINE, "the deadline has come")
    assert time.monotonic() - began >= 0.1
    assert world.start("count", 5).run(deadline=60) == Finished((5,))


def test_a_deadline_waits_for_a_guest_that_a_host_function_calls(world: Asking) -> None:
    """It cannot pause, and its time was not limited: it comes to its end, and the execution pauses behind the host function."""

    def f(caller: Any, n: int) -> int:
        while time.monotonic() < until:
            time.sleep(0.01)
        world.store.machine.interrupt()  # as the watch would: it is to look up
        inner.append(caller["count"](caller, 1000))
        world.store.machine.interrupt()
        return n * 2

    inner: list[int] = []
    execution, until = world.start("ask", 4), time.monotonic() + 0.1
    world.f = f
    outcome = paused(execution.run(deadline=0.1))
    assert (outcome.reason, inner) == (PauseReason.DEADLINE, [1000])
    assert execution.run() == Finished((1008,))
    assert (world.seen, inner) == ([4], [1000])


@EACH_TIER
def test_an_epoch(tier: str) -> None:
    world = Asking(tier, epoch_interruption=True)
    world.store.set_epoch_deadline(1)
    execution = world.start("forever")
    timer = threading.Timer(0.05, world.engine.increment_epoch)
    timer.start()
    outcome = paused(execution.run())
    timer.join()
    assert (outcome.reason, outcome.what) == (PauseReason.EPOCH, "the epoch's deadline has come")
    assert paused(execution.run()).reason is PauseReason.EPOCH
    world.store.set_epoch_deadline(1)
    assert paused(execution.run(fuel=10)).reason is PauseReason.FUEL
    world.engine.increment_epoch()
    with pytest.raises(Trap) as caught:  # an ordinary call
        world.exports["count"](world.store, 5)
    assert caught.value.code is TrapCode.INTERRUPT


# ---- host functions


def not_ready(_caller: object, _n: int) -> int:
    raise NotReady("nothing there yet")


def test_not_ready_is_asked_again(world: Asking) -> None:
    execution = world.start("ask", 5)
    world.f = not_ready
    for times in (1, 2, 3):
        outcome = paused(execution.run())
        assert (outcome.reason, outcome.what) == (PauseReason.NOT_READY, "nothing there yet")
        assert outcome.call is not None
        assert (str(outcome.call), outcome.call.params) == ("host.f", (5,))
        assert world.seen == [5] * times
    world.f = lambda _caller, n: n
    assert execution.run() == Finished((1005,))
    assert world.seen == [5] * 4


def test_not_ready_in_an_ordinary_call_is_an_error(world: Asking) -> None:
    world.f = not_ready
    with pytest.raises(NotReady):
        world.exports["ask"](world.store, 5)
    execution = world.start("ask", 5)
    world.f = lambda caller, n: not_ready(caller, n) if n == 6 else caller["ask"](caller, 6)
    outcome = paused(execution.run())  # the inner call ends, the host function that made it is asked again
    assert outcome.call is not None
    assert outcome.call.params == (5,)
    assert world.seen == [5, 5, 6]


@pytest.mark.parametrize("way", ["not ready", "pause at"])
def test_an_answer(world: Asking, way: str) -> None:
    execution = world.start("ask twice", 5)
    world.f = not_ready
    names = ["host.f"] if way == "pause at" else []
    assert paused(execution.run(pause_at=names)).call is not None
    second = paused(execution.resume(30, pause_at=names))
    assert second.call is not None
    assert second.call.params == (7,)
    assert execution.resume(-4) == Finished((26,))
    assert world.seen == ([5, 7] if way == "not ready" else [])


@pytest.mark.parametrize("value", ["text", 1.5, None, (1, 2), 1 << 32])
def test_a_wrong_answer_leaves_it_waiting(world: Asking, value: object) -> None:
    execution = world.start("ask", 5)
    outcome = paused(execution.run(pause_at=["host.f"]))
    with pytest.raises((TypeError, OverflowError)):
        execution.resume(value)
    assert execution.paused == outcome
    assert not execution.over
    assert execution.resume(1) == Finished((1001,))


def test_pausing_at_a_call_and_making_it(world: Asking) -> None:
    """`run` after the pause makes the call; the next one pauses again."""
    execution = world.start("ask twice", 5)
    first = paused(execution.run(pause_at=["host.f", "host.none"]))
    assert (first.reason, first.what) == (PauseReason.CALL, "before the call of host.f")
    assert world.seen == []
    second = paused(execution.run(pause_at=["host.f"]))
    assert world.seen == [5]
    assert second.call is not None
    assert second.call.params == (7,)
    assert execution.run() == Finished((24,))


def test_only_named_functions_pause(world: Asking) -> None:
    assert world.start("ask", 5).run(pause_at=["host.none", "other.f"]) == Finished((1010,))
    with pytest.raises(ValueError, match=r"module\.name"):
        world.start("ask", 5).run(pause_at=["f"])


def test_answers_of_no_and_of_several_results(world: Asking) -> None:
    execution = world.start("nothing")
    paused(execution.run(pause_at=["host.none"]))
    with pytest.raises(TypeError):
        execution.resume(3)
    assert execution.resume(None) == Finished(())
    thing = object()
    execution = world.start("two", 2.5, thing)
    waiting = paused(execution.run(pause_at=["host.two"]))
    assert waiting.call is not None
    assert waiting.call.params == (2.5, thing)
    for wrong in (3, [3], [None, 3], ["a", None]):
        with pytest.raises(TypeError):
            execution.resume(wrong)
    outcome = execution.resume([-(1 << 40), world.exports["count"]])
    assert outcome == Finished((-(1 << 40), world.exports["count"]))


def test_an_answer_that_nobody_waits_for(world: Asking) -> None:
    execution = world.start("count", 5)
    with pytest.raises(AreniteError, match="does not wait"):
        execution.resume(1)
    paused(execution.run(fuel=2))
    with pytest.raises(AreniteError, match="does not wait"):
        execution.resume(1)
    assert execution.resume() == Finished((5,))


def test_a_host_function_itself_can_be_started(world: Asking) -> None:
    double = Func(world.store, FuncType([I32], [I32]), lambda n: 2 * n)
    assert double.start(world.store, 21).run() == Finished((42,))
    assert double.start(world.store, 21).run(fuel=0) != Finished((42,))


# ---- nesting


def test_only_the_newest_goes_on(world: Asking) -> None:
    older = world.start("count", 10)
    paused(older.run(fuel=3))
    newer = world.start("deep", 20)
    paused(newer.run(fuel=5))
    for refused in (older.run, older.resume):
        with pytest.raises(AreniteError, match="newer execution"):
            refused()
    assert not older.over
    newer.run()
    assert older.run() == Finished((13,))


def test_ordinary_calls_above_a_paused_one(world: Asking) -> None:
    execution = world.start("deep", 30)
    paused(execution.run(fuel=20))
    for _ in range(3):
        assert world.exports["ask"](world.store, 4) == 1008
        assert world.exports["deep"](world.store, 100) >= 100
    with pytest.raises(Trap):
        world.exports["trap"](world.store, 1)
    assert execution.run() == Finished((30 + world.n(),))


def test_many_executions_nest(world: Asking) -> None:
    top = world.store.machine.top
    nested = [world.start("deep", 5) for _ in range(50)]
    for execution in reversed(nested):
        paused(execution.run(fuel=7))
        execution.run()
    assert world.store.machine.top == top
    nested = [world.start("deep", 5) for _ in range(5)]
    nested[0].close()
    assert all(execution.over for execution in nested)
    assert world.store.machine.top == top


def test_executions_by_a_host_function_are_refused(world: Asking) -> None:
    """The guest that goes on after it would take the place of their frames."""
    lower, outer = world.start("count", 3), world.start("ask", 1)
    refused = []

    def f(caller: Any, n: int) -> int:
        for use in (lambda: caller["count"].start(caller, 42), outer.run, outer.close, lower.close):
            with pytest.raises(AreniteError, match=r"inside a host function|a newer execution"):
                use()
            refused.append(use)
        return n

    world.f = f
    top = world.store.machine.top
    assert outer.run() == Finished((1001,))
    assert len(refused) == 4
    assert world.store.machine.top < top
    assert lower.run() == Finished((3,))


def test_a_call_by_a_host_function_does_not_pause(metered: Asking) -> None:
    def f(caller: Any, n: int) -> int:
        assert caller.can_pause
        with pytest.raises(Trap) as caught:
            caller["count"](caller, 100_000)
        assert caught.value.code is TrapCode.OUT_OF_FUEL
        return n

    metered.f = f
    assert metered.start("ask", 1).run(fuel=50) == Finished((1001,))
    assert metered.store.get_fuel() == 950


# ---- ends


def test_what_is_over_stays_over(world: Asking) -> None:
    execution = world.start("count", 3)
    execution.run()
    for use in (execution.run, execution.resume, lambda: execution.resume(1), execution.backtrace):
        with pytest.raises(AreniteError, match="is over"):
            use()
    execution.close()
    assert execution.paused is None


def test_closing(world: Asking) -> None:
    top = world.store.machine.top
    execution = world.start("deep", 30)
    paused(execution.run(fuel=20))
    assert world.store.machine.top > top
    execution.close()
    assert execution.over
    assert world.store.machine.top == top
    with pytest.raises(AreniteError, match="is over"):
        execution.run()


def test_one_that_is_over_is_not_the_next_that_looks_like_it(world: Asking) -> None:
    old = world.start("count", 3)
    old.close()
    new = world.start("count", 3)
    assert old.over
    old.close()
    assert not new.over
    assert new.run() == Finished((3,))


@pytest.mark.parametrize("error", [ValueError("mine"), Exit(4), KeyboardInterrupt()])
def test_errors_end_it(world: Asking, error: BaseException) -> None:
    def fail(_caller: object, _n: int) -> int:
        raise error

    top, execution = world.store.machine.top, world.start("ask", 3)
    world.f = fail
    with pytest.raises(type(error)) as caught:
        execution.run()
    assert caught.value is error
    assert execution.over
    assert world.store.machine.top == top
    assert world.exports["count"](world.store, 2) == 2


def test_a_trap_ends_it(world: Asking) -> None:
    execution = world.start("trap", 10)
    paused(execution.run(fuel=5))
    with pytest.raises(Trap) as caught:
        execution.run()
    assert caught.value.code is TrapCode.UNREACHABLE
    assert [frame.func_name for frame in caught.value.frames] == ["go", "trap"]
    assert execution.over
    assert execution.paused is None


@EACH_TIER
def test_the_stack_s_end(tier: str) -> None:
    world = Asking(tier, max_wasm_stack=1 << 16)
    execution = world.start("deep", 10_000_000)
    pauses = 0
    with pytest.raises(Trap) as caught:  # noqa: PT012 (which of the runs is the last is not known)
        while True:
            paused(execution.run(fuel=300))
            pauses += 1
    assert caught.value.code is TrapCode.STACK_OVERFLOW
    assert execution.over
    assert pauses > 2


def test_a_frame_that_finds_no_room(world: Asking) -> None:
    """It can be begun, frozen and closed; running it is the trap of an ordinary call; nothing else is touched."""
    of = engine(tier=world.engine.config.tier, max_wasm_stack=4096)
    store = Store(of)
    wat = f'(module (memory 1) (func (export "f") (local {"i64 " * 2000})) (func (export "ok") (result i32) (i32.load (i32.const 0))))'
    instance = Instance(store, module(of, wat), [])
    large: Any = instance.exports(store)["f"]
    execution = large.start(store)
    store.snapshot()
    with pytest.raises(Trap) as caught:
        instance.call(store, "ok")
    assert caught.value.code is TrapCode.STACK_OVERFLOW
    with pytest.raises(Trap) as caught:
        execution.run()
    assert caught.value.code is TrapCode.STACK_OVERFLOW
    assert instance.call(store, "ok") == 0


def test_backtraces(world: Asking) -> None:
    execution = world.start("deep", 3)
    assert [frame.func_name for frame in execution.backtrace()] == ["deep"]
    paused(execution.run(fuel=6))
    frames = execution.backtrace()
    assert [frame.func_name for frame in frames] == ["count"] + ["deep"] * 4
    assert all(frame.module_offset for frame in frames)
    other = world.start("ask", 1)
    paused(other.run(pause_at=["host.f"]))
    assert [frame.func_name for frame in other.backtrace()] == ["ask"]
    assert execution.backtrace() == frames


# ---- instantiation


STARTS = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (global $n (export "n") (mut i32) (i32.const 0))
  (func $start
    (global.set $n (call $f (i32.const 9)))
    (loop $l
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (br_if $l (i32.lt_s (global.get $n) (i32.const 50)))))
  (start $start))"""


def test_a_start_function_that_pauses(world: Asking) -> None:
    world.f = not_ready
    execution = world.linker.start(world.store, module(world.engine, STARTS))
    assert paused(execution.run()).reason is PauseReason.NOT_READY
    instance = execution.instance
    assert instance is not None
    n: Any = instance.exports(world.store)["n"]
    assert n.value(world.store) == 0
    assert paused(execution.resume(10, fuel=5)).reason is PauseReason.FUEL
    assert n.value(world.store) > 10
    assert execution.run() == Finished(())
    assert n.value(world.store) == 50


def test_no_start_function_finishes_at_once(world: Asking) -> None:
    execution = Instance.start(world.store, module(world.engine, '(module (func (export "f") (result i32) (i32.const 3)))'), [])
    assert execution.instance is not None
    assert execution.run(fuel=0) == Finished(())
    assert execution.instance.call(world.store, "f") == 3


# ---- snapshots, threads


def test_a_snapshot_inside_a_host_function_names_it(world: Asking) -> None:
    def f(_caller: object, n: int) -> int:
        with pytest.raises(SnapshotError, match=r"'host\.f'"):
            world.store.snapshot()
        return n

    world.f = f
    assert world.exports["ask"](world.store, 1) == 1001
    assert world.start("ask", 1).run() == Finished((1001,))
    world.store.snapshot()


def test_all_host_functions_on_the_stack_are_named(world: Asking) -> None:
    def f(caller: Any, n: int) -> int:
        if n == 1:
            caller["ask"](caller, 2)
            with pytest.raises(SnapshotError, match=r"stack: 'host\.f'$"):
                world.store.snapshot()
        else:
            with pytest.raises(SnapshotError, match=r"stack: 'host\.f', 'host\.f'$"):
                world.store.snapshot()
        return n

    world.f = f
    assert world.start("ask", 1).run() == Finished((1001,))


def test_another_thread_is_refused(world: Asking) -> None:
    running, stop = threading.Event(), threading.Event()

    def f(_caller: object, n: int) -> int:
        running.set()
        stop.wait(10)
        return n

    world.f = f
    execution, waiting = world.start("ask", 1), []
    thread = threading.Thread(target=lambda: waiting.append(execution.run()))
    thread.start()
    running.wait(10)
    for use in (execution.run, execution.close, world.store.snapshot, lambda: world.start("count", 1)):
        with pytest.raises(AreniteError, match="another thread"):
            use()
    stop.set()
    thread.join()
    assert waiting == [Finished((1001,))]


def test_threads_take_turns(world: Asking) -> None:
    """An execution goes on in whatever thread asks it to."""
    execution, outcomes = world.start("count", 30), list[object]()
    for _ in range(3):
        thread = threading.Thread(target=lambda: outcomes.append(execution.run(fuel=8)))
        thread.start()
        thread.join()
    assert all(isinstance(outcome, Paused) for outcome in outcomes)
    assert execution.run() == Finished((30,))
