"""Arguments and results that run code of the user's when they are asked for their value.

`__index__` may do what a host function may: call guests, also those whose frame is being written.  What a host function must not do
(reset or close its store, take a snapshot, begin an execution) is refused there too, and leaves the call as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    AreniteError,
    Finished,
    Global,
    GlobalType,
    Limit,
    Limits,
    Memory,
    MemoryType,
    Table,
    TableType,
    Val,
    ValType,
)
from tiers import TIERS
from unit.machine.guests import I32, I64, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAT = """(module
  (import "h" "give" (func $give (result i64 i64)))
  (import "h" "one" (func $one (result i64)))
  (func (export "list") (param $a i32) (param $b i64) (param $c i32) (result i32 i64 i32)
    (local.get $a)
    (local.get $b)
    (local.get $c))
  (func (export "things") (param $a externref) (param $b i32) (param $c externref) (result externref i32 externref)
    (local.get $a)
    (local.get $b)
    (local.get $c))
  (func (export "given") (result i64 i64) (call $give))
  (func (export "single") (result i64) (call $one))
  (func $deep (export "deep") (param $a i32) (result i32)
    (if (result i32) (local.get $a)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $a) (i32.const 1)))))
      (else (i32.const 0)))))"""


class Late:
    """A number that calls something before it says what it is."""

    def __init__(self, number: int, first: Callable[[], object]) -> None:
        self.number = number
        self.first = first

    def __index__(self) -> int:
        self.first()
        return self.number


class Answering(World):
    """A fork of a store with an instance; `answers` are what the host function gives."""

    def __init__(self, tier: str) -> None:
        self.answers: list[Any] = [1, 2]
        super().__init__(WAT, ([], [I64, I64], lambda: self.answers), ([], [I64], lambda: self.answers[-1]), tier=tier)
        self.store = self.store.snapshot().fork()

    def churn(self) -> None:
        """Use the stack above, and let the store grow."""
        assert self.call("deep", 50) == 50
        assert self.call("list", 7, 8, 9) == [7, 8, 9]
        Table(self.store, TableType(ValType.funcref(), Limits(1 << 16, None)), None)
        Memory(self.store, MemoryType(Limits(1, None)))


@pytest.fixture(params=TIERS)
def world(request: Any) -> Iterator[Answering]:
    answering = Answering(request.param)
    yield answering
    answering.store.close()


def test_an_argument_calls_the_same_function(world: Answering) -> None:
    late = Late(2, world.churn)
    assert world.call("list", 1, late, 3) == [1, 2, 3]
    assert world.call("list", 1, 2, Late(3, lambda: world.call("list", 4, late, 6))) == [1, 2, 3]
    assert world.call("list", Val.i32(1), late, 3) == [1, 2, 3]


HEAVY: dict[str, Callable[[World], object]] = {  # what makes the store move: its memories, or in Python its arena
    "generated": lambda w: [Memory(w.store, MemoryType(Limits(1, 1))) for _ in range(40)],
    "safe": lambda w: Table(w.store, TableType(ValType.funcref(), Limits(1 << 20, None)), None),
}


def test_a_store_does_not_move_under_arguments(world: Answering) -> None:
    """What was put there before would be left behind."""
    move = HEAVY["safe" if world.store.engine.config.tier == "safe" else "generated"]
    world.answers = [5, Late(6, lambda: move(world))]
    for name, arguments in (("list", (1, Late(2, lambda: move(world)), 3)), ("single", ())):
        with pytest.raises(Limit, match="arguments are being put into it"):
            world.call(name, *arguments)
    assert world.call("list", 1, 2, 3) == [1, 2, 3]
    assert world.call("given") == [5, 6]  # which are asked for their values before
    assert world.call("list", 1, 2, 3) == [1, 2, 3]


def test_an_argument_calls_when_an_execution_begins(world: Answering) -> None:
    execution = world.instance.exports(world.store)["list"].start(world.store, 1, Late(2, world.churn), 3)  # type: ignore[union-attr]
    world.churn()
    assert execution.run() == Finished((1, 2, 3))


def test_an_argument_lets_go_of_what_nobody_holds_yet(world: Answering) -> None:
    """A reference that has been made for the argument before lies in no frame, and its number must not be given to another object."""

    def collect() -> None:
        with pytest.raises(AreniteError, match="while it runs"):
            world.store.gc()
        assert world.call("things", "other", 1, "others") == ["other", 1, "others"]

    assert world.call("things", "first", Late(5, collect), "last") == ["first", 5, "last"]
    world.store.gc()


def test_a_result_calls_guests(world: Answering) -> None:
    world.answers = [5, Late(6, world.churn)]
    assert world.call("given") == [5, 6]
    world.answers = [Late(7, world.churn), Val.i64(8)]
    assert world.call("given") == [7, 8]


def test_the_value_of_a_global_calls_guests(world: Answering) -> None:
    number = Global(world.store, GlobalType(I32, mutable=True), Late(3, world.churn))
    assert number.value(world.store) == 3
    number.set_value(world.store, Late(4, world.churn))
    assert number.value(world.store) == 4


FORBIDDEN: dict[str, Callable[[World], object]] = {
    "reset": lambda w: w.store.reset(),
    "close": lambda w: w.store.close(),
    "snapshot": lambda w: w.store.snapshot(),
    "start": lambda w: w.instance.exports(w.store)["given"].start(w.store),  # type: ignore[union-attr]
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("slow", [False, True])
def test_what_a_host_function_must_not_do(world: Answering, what: str, *, slow: bool) -> None:
    refused = []

    def attempt() -> None:
        try:
            FORBIDDEN[what](world)
        except AreniteError as error:
            refused.append(error)

    assert world.call("list", Val.i32(1) if slow else 1, Late(2, attempt), 3) == [1, 2, 3]
    assert len(refused) >= 1
    world.store.reset()
    assert world.call("list", 4, 5, 6) == [4, 5, 6]


@pytest.mark.parametrize("value", [Late(1, lambda: 1 / 0), Late(1 << 70, int), "text", None])
def test_an_argument_that_fails_leaves_nothing_behind(world: Answering, value: object) -> None:
    machine = world.store.machine
    before = machine.top, machine.depth, machine.users
    with pytest.raises((ZeroDivisionError, OverflowError, TypeError)):
        world.call("list", 1, value, 3)
    with pytest.raises((ZeroDivisionError, OverflowError, TypeError)):
        world.instance.exports(world.store)["list"].start(world.store, 1, value, 3)  # type: ignore[union-attr]
    assert (machine.top, machine.depth, machine.users) == before
    world.churn()


def test_arguments_that_nest_without_end(world: Answering) -> None:
    def again() -> object:
        return world.call("list", 1, Late(2, again), 3)

    with pytest.raises((RecursionError, AreniteError)):  # whichever limit comes first
        again()
    world.churn()


def test_a_thing_may_be_a_late_number(world: Answering) -> None:
    thing = Late(1, lambda: pytest.fail("nobody wants its value"))
    first, _, last = world.call("things", thing, 2, Val.externref(thing))
    assert first is last is thing
