"""However fuel is sliced, a guest's results, traps and consumption stay the same, on every tier.

A slice ends in the middle of calls and loops, so this is the property that suspension rests on: an op that has done its work when
it stops owes its unit, a call is asked again.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arenite import Func, FuncType, Instance, Module, Store, Trap, ValType
from tiers import WAYS, Way, engine_of

GUEST = """
(module
  (import "host" "twice" (func $twice (param i32) (result i32)))
  (memory 4)
  (table 2 funcref) (elem (i32.const 0) $fib $count)
  (type $unary (func (param i32) (result i32)))
  (global $calls (mut i32) (i32.const 0))
  (func $fib (export "fib") (param i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
    (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
             (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0))))
  (func $count (export "count") (param i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $twice (local.get 0))))
      (i32.store (i32.shl (local.get 0) (i32.const 2)) (local.get $sum))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func (export "bulk") (param i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 200000))
    (memory.copy (i32.const 1) (i32.const 0) (i32.const 131072))
    (i32.load (local.get 0)))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
  (func (export "trap") (param i32) (result i32)
    (loop $again
      (drop (i32.load (i32.mul (local.get 0) (i32.const 1000))))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br $again))
    (unreachable)))
"""
CALLS = (("fib", 12), ("count", 50), ("bulk", 64), ("deep", 200), ("trap", 0))
OPTIONS: dict[str, tuple[Way, dict[str, Any]]] = {way: (way, {}) for way in WAYS} | {
    "spaces": ("threaded", {"addressing": "spaces"}),
    "baseline, spaces": ("baseline", {"addressing": "spaces"}),
}
FUEL = 1_000_000


@functools.cache
def module(tier: str) -> Module:
    """The guest, translated for a tier once."""
    way, options = OPTIONS[tier]
    return Module(engine_of(way, consume_fuel=True, **options), GUEST)


def outcome(tier: str, name: str, argument: int, slices: int | None, fuel: int = FUEL) -> tuple[object, int]:
    """(result or trap, fuel left) of a call on a fresh store whose slices are `slices` units long."""
    guest = module(tier)
    with Store(guest.engine) as store:
        store.set_fuel(fuel)
        twice = Func(store, FuncType([ValType.i32()], [ValType.i32()]), lambda x: 2 * x)
        func = Instance(store, guest, [twice]).exports(store)[name]
        assert isinstance(func, Func)
        if slices is not None:
            store.machine.fuel.slice = slices
        try:
            result: object = func(store, argument)
        except Trap as trap:
            result = trap.code, [(frame.func_index, frame.module_offset) for frame in trap.frames]
        return result, store.get_fuel()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
@pytest.mark.parametrize("tier", OPTIONS)
@settings(max_examples=15, deadline=None)
@given(slices=st.integers(1, 60))
def test_slices_change_nothing(tier: str, call: tuple[str, int], slices: int) -> None:
    """A slice of any length gives what the default one gives on the first tier."""
    assert outcome(tier, *call, slices) == outcome("threaded", *call, None)


@settings(max_examples=40, deadline=None)
@given(fuel=st.integers(0, 900), slices=st.integers(1, 60), call=st.sampled_from(CALLS))
def test_running_dry_is_the_same_everywhere(fuel: int, slices: int, call: tuple[str, int]) -> None:
    """A guest that runs out of fuel stops at the same op of the same function, on every tier."""
    first = outcome("threaded", *call, None, fuel)
    for tier in OPTIONS:
        assert outcome(tier, *call, slices, fuel) == first
