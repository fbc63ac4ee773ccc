"""Fuel of executions: what the store has, what a run may use, and what host functions see and change of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import (
    AreniteError,
    Caller,
    Config,
    Engine,
    Finished,
    Func,
    FuncType,
    Linker,
    Module,
    Paused,
    PauseReason,
    Store,
)
from marks import EACH_TIER
from tiers import TIERS
from unit.machine.guests import World

if TYPE_CHECKING:
    from arenite.config import TierName

WAT = """
(module
  (import "env" "f" (func $f))
  (memory 64)
  (func (export "loop") (param $n i32)
    (loop $next
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (call $f))
  (func (export "fill")
    (call $f)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 2097152))
    (call $f)))
"""


class Metered(World):
    """A store with 1,000 units, whose host function does what the test says."""

    def __init__(self, tier: str) -> None:
        self.seen: list[int] = []
        self.new: int | None = None
        super().__init__(WAT, ([], [], self.f), callers=True, linked=True, fuel=1000, tier=tier)

    def f(self, caller: Caller) -> None:
        self.seen.append(caller.get_fuel())
        if self.new is not None:
            caller.set_fuel(self.new)


@pytest.fixture(params=TIERS)
def world(request: pytest.FixtureRequest) -> Metered:
    return Metered(request.param)


def test_a_host_function_sees_the_store_s_fuel_not_the_run_s(world: Metered) -> None:
    assert world.start("loop", 1).run(fuel=100) == Finished(())
    assert world.seen == [998]  # two functions entered
    assert world.store.get_fuel() == 998


def test_a_host_function_sets_the_store_s_fuel(world: Metered) -> None:
    world.new = 500
    assert world.start("loop", 1).run(fuel=100) == Finished(())
    assert world.store.get_fuel() == 500
    world.new = 3  # less than the run may use
    assert world.start("loop", 1).run(fuel=100) == Finished(())
    assert world.store.get_fuel() == 3


def test_setting_it_lets_a_run_use_no_more(world: Metered) -> None:
    world.new = 900
    execution = world.start("fill")
    outcome = execution.run(fuel=10)  # the fill costs 32
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.FUEL
    execution.close()
    assert world.store.get_fuel() == 900 - 8  # two of the ten went before it was set; what was not paid was not done


@EACH_TIER
def test_where_no_fuel_is_counted_a_host_function_neither_sees_nor_sets_any(tier: TierName) -> None:
    engine = Engine(Config(tier=tier))
    store, linker, refused = Store(engine), Linker(engine), []

    def f(caller: Caller) -> None:
        for use in (caller.get_fuel, lambda: caller.set_fuel(5)):
            with pytest.raises(AreniteError, match="fuel is not configured") as error:
                use()
            refused.append(error)

    linker.define_func("env", "f", FuncType([], []), f, access_caller=True)
    exports = linker.instantiate(store, Module(engine, WAT)).exports(store)
    function = exports["loop"]
    assert isinstance(function, Func)
    function(store, 1000)
    assert len(refused) == 2
