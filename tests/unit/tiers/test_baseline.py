"""When functions are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Module, Store
from arenite.machine.run import watch as watches
from arenite.machine.run.fuel import SLICE, UNATTENDED
from arenite.platform import HAS_OBJECTS
from tiers import engine_of

if TYPE_CHECKING:
    from arenite.tiers.baseline import BaselineTier
    from arenite.tiers.baseline.code import CodeOfWindow

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

SUM = """
(module
  (func $add (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))
  (func (export "sum") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (call $add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "never")))
"""


def run(engine: Engine, n: int) -> tuple[object, Store]:
    """The sum of the numbers to `n`, and the store."""
    store = Store(engine)
    return Instance(store, Module(engine, SUM), []).call(store, "sum", n), store


def code_of(store: Store) -> CodeOfWindow:
    """What is compiled of the store's window."""
    tier: BaselineTier = store.engine.tier  # type: ignore[assignment]
    return tier.code_of(store.machine.window)


def compiled(store: Store) -> set[int]:
    """Numbers of the functions that are compiled."""
    return {placed.module.code.function_at(placed.begin) or 0 for placed in code_of(store).placed}


def test_what_is_called_often_or_runs_long_is_compiled() -> None:
    result, store = run(engine_of("auto"), 100)
    assert result == 5050
    assert compiled(store) == {0, 1}


def test_all_is_compiled_where_that_was_asked_for() -> None:
    _, store = run(Engine(Config(tier="baseline")), 1)
    assert compiled(store) == {0, 1, 2}


def test_few_calls_are_interpreted() -> None:
    _, store = run(Engine(Config(tier="auto")), 10)
    assert compiled(store) == set()
    assert code_of(store).space is None  # nothing was set aside for it


def test_slices_stay_short_where_nobody_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches.Watch, "attend", lambda _self, _machine: False)
    _, store = run(engine_of("auto"), 1_000_000)
    assert store.machine.fuel.slice == UNATTENDED < SLICE
