"""Guests that want too much are stopped: recursion, loops, memory, nesting.  Their store stays usable, and no other store notices."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Exit, Instance, Limit, Limits, Memory, MemoryType, Store, Trap
from arenite.traps import TrapCode
from tiers import TIERS
from unit.machine.guests import I32, engine, fresh, module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (func $deep (export "deep") (param i64 i64 i64) (result i64)
    (call $deep (local.get 1) (local.get 2) (i64.add (local.get 0) (i64.const 1))))
  (func (export "forever") (loop $l (br $l)))
  (func $calls (export "calls") (loop $l (call $nothing) (br $l)))
  (func $nothing)
  (func (export "host") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "all") (result i32) (local i32)
    (loop $l (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (local.get 0))
  (func (export "fill") (param i32 i32) (memory.fill (i32.const 0) (local.get 0) (local.get 1)))
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0))))"""

TURNS = 50  # of a thread beside a guest


def same(_caller: object, n: int) -> int:
    """A host function."""
    return n


def stopped(code: TrapCode, call: Callable[[], object]) -> Trap:
    """The trap that a call ends in."""
    with pytest.raises(Trap) as caught:
        call()
    assert caught.value.code == code
    return caught.value


@pytest.fixture(autouse=True, params=TIERS)
def tier(request: Any) -> Iterator[str]:
    """The tier; and a store beside the one under stress, which must not notice."""
    other, exports = fresh(WAT, ([I32], [I32], same), tier=request.param)
    exports["memory"].write(other, b"unharmed", 0)
    yield request.param
    assert exports["memory"].read(other, 0, 8) == b"unharmed"
    assert exports["memory"].size(other) == 1
    assert exports["host"](other, 41) == 42
    other.close()


def test_recursion(tier: str) -> None:
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier)
    for _ in range(3):
        trap = stopped(TrapCode.STACK_OVERFLOW, lambda: exports["deep"](store, 1, 2, 3))
        assert len(trap.frames) == 64
    assert exports["host"](store, 1) == 2
    store.close()


@pytest.mark.parametrize("loop", ["forever", "calls"])
def test_fuel_ends_a_loop(tier: str, loop: str) -> None:
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier, consume_fuel=True)
    for fuel in (0, 1, 2, 1000, 300_001):
        store.set_fuel(fuel)
        stopped(TrapCode.OUT_OF_FUEL, lambda: exports[loop](store))
        assert store.get_fuel() == 0
    store.set_fuel(10)
    assert exports["host"](store, 1) == 2
    store.close()


def test_an_epoch_ends_a_loop(tier: str) -> None:
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier, epoch_interruption=True)
    store.set_epoch_deadline(1)
    due = threading.Event()

    def end() -> None:
        due.set()
        store.engine.increment_epoch()

    timer = threading.Timer(0.1, end)
    timer.start()
    stopped(TrapCode.INTERRUPT, lambda: exports["forever"](store))
    assert due.is_set(), "nothing else has ended it"
    timer.join()
    store.set_epoch_deadline(1)
    assert exports["host"](store, 1) == 2
    store.close()


@pytest.mark.parametrize("loop", ["forever", "calls"])
def test_ctrl_c_ends_a_loop_and_threads_run_meanwhile(tier: str, loop: str) -> None:
    """The signal comes from a thread, once that has had its turn often."""
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier)
    guest, turns = threading.get_ident(), 0

    def interrupt() -> None:
        nonlocal turns
        while turns < TURNS:
            turns += 1
            time.sleep(0.001)  # lets go of the interpreter, which the guest's thread has to give back
        signal.pthread_kill(guest, signal.SIGALRM)

    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            exports[loop](store)
    finally:
        thread.join()
        signal.signal(signal.SIGALRM, before)
    assert turns == TURNS
    assert exports["host"](store, 1) == 2
    store.close()


def test_memory_ends_where_the_configuration_says(tier: str) -> None:
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier, max_memory=1 << 20)
    assert exports["all"](store) == 16
    assert exports["grow"](store, 0) == 16
    assert exports["grow"](store, -1) == -1
    assert exports["grow"](store, 1) == -1
    with pytest.raises(Limit):
        Memory(store, MemoryType(Limits(17, None)))
    with pytest.raises(Limit):
        Instance(store, module(store.engine, "(module (memory 17))"), [])
    Memory(store, MemoryType(Limits(16, None)))
    assert exports["host"](store, 1) == 2
    store.close()


def test_a_whole_memory(tier: str) -> None:
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier)
    assert exports["grow"](store, 65535) == 1
    assert exports["grow"](store, 1) == -1
    exports["memory"].write(store, b"end", (1 << 32) - 3)
    assert exports["peek"](store, -1) == ord("d")
    store.close()


def test_nesting_of_host_and_guest(tier: str) -> None:
    deepest = 0

    def again(caller: Any, n: int) -> int:
        nonlocal deepest
        deepest = n
        result: int = caller["host"](caller, n + 1)
        return result

    store, exports = fresh(WAT, ([I32], [I32], again), tier=tier, max_nesting=100)
    for _ in range(3):
        stopped(TrapCode.STACK_OVERFLOW, lambda: exports["host"](store, 1))
        assert deepest == 100
    assert exports["peek"](store, 0) == 0
    store.close()


@pytest.mark.parametrize("error", [ValueError("mine"), Exit(4), KeyboardInterrupt(), MemoryError()])
def test_an_exception_passes_through_all_levels(tier: str, error: BaseException) -> None:
    def down(caller: Any, n: int) -> int:
        if n == 0:
            raise error
        return int(caller["host"](caller, n - 1)) + 1

    store, exports = fresh(WAT, ([I32], [I32], down), tier=tier, consume_fuel=True)
    for depth in (0, 1, 30):
        store.set_fuel(1000)
        with pytest.raises(type(error)) as caught:
            exports["host"](store, depth)
        assert caught.value is error
        assert store.get_fuel() == 1000 - 2 * (depth + 1)
    error = ValueError()
    assert exports["peek"](store, 0) == 0
    store.close()


def test_a_host_that_catches_goes_on(tier: str) -> None:
    """Traps of inner calls are the host's to handle; the outer call goes on where it was."""

    def attempt(caller: Any, n: int) -> int:
        if n > 3:
            stopped(
                TrapCode.STACK_OVERFLOW, lambda: caller["calls" if n < 0 else "host"](caller, n) if n > 200 else overflow(caller)
            )
        return n

    store, exports = fresh(
        WAT.replace("(func $nothing)", '(func $nothing) (func $down (export "down") (call $down))'),
        ([I32], [I32], attempt),
        tier=tier,
    )

    def overflow(caller: Any) -> None:
        caller["down"](caller)

    assert exports["host"](store, 9) == 10
    store.close()


def test_bulk_work_costs_fuel(tier: str) -> None:
    store, exports = fresh(WAT, ([I32], [I32], same), tier=tier, consume_fuel=True)
    store.set_fuel(100)
    assert exports["grow"](store, 31) == 1
    left = store.get_fuel()
    exports["fill"](store, 7, 32 << 16)
    assert left - store.get_fuel() == 1 + 32
    store.set_fuel(20)
    stopped(TrapCode.OUT_OF_FUEL, lambda: exports["fill"](store, 8, 32 << 16))
    assert store.get_fuel() == 0
    done = exports["memory"].read(store, 0, 32 << 16)
    assert done == b"\x08" * (19 << 16) + b"\x07" * (13 << 16), "19 units behind the function's own: all that was paid, no more"
    store.close()


def test_many_stores_at_once(tier: str) -> None:
    """Each is a world of its own."""
    of = engine(tier=tier)
    stores = [Store(of) for _ in range(100)]
    plain = module(
        of, '(module (memory (export "m") 1) (func (export "put") (param i32) (i32.store (i32.const 0) (local.get 0))))'
    )
    instances = [Instance(store, plain, []) for store in stores]
    for number, (store, instance) in enumerate(zip(stores, instances, strict=True)):
        instance.call(store, "put", number)
    for number, (store, instance) in enumerate(zip(stores, instances, strict=True)):
        memory: Any = instance.exports(store)["m"]
        assert memory.read(store, 0, 4) == number.to_bytes(4, "little")
        store.close()
