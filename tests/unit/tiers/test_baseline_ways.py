"""How control comes together in compiled code, with what accumulators hold, and where it may come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Instance, Module, Store
from arenite.layout.frame import is_return_point
from arenite.platform import HAS_OBJECTS
from tiers import GENERATED, engine_of
from unit.tiers.test_baseline import code_of

if TYPE_CHECKING:
    from tiers import Way

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

MODULE = """
(module
  (memory 1 2)
  (func $same (param i32) (result i32) (local.get 0))

  ;; $x is written last on the way through the arm alone
  (func (export "an arm") (param $p i32) (param $q i32) (result i32)
    (local $x i32) (local $y i32)
    (local.set $x (i32.add (local.get $q) (i32.const 3)))
    (block $out
      (br_if $out (local.get $p))
      (local.set $y (i32.mul (local.get $q) (i32.const 5)))
      (local.set $x (i32.mul (local.get $y) (i32.const 7))))
    (i32.sub (local.get $x) (local.get $y)))

  ;; the loop's counter is an argument, and not what was computed last before it
  (func (export "a counter") (param $n i32) (param $q i32) (result i32)
    (local $sum i32)
    (local.set $sum (i32.mul (local.get $q) (i32.const 3)))
    (loop $next
      (local.set $sum (i32.add (local.get $n) (i32.mul (local.get $sum) (i32.const 31))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (local.get $sum) (local.get $n)))

  ;; rounds that go on from the middle, where something else was computed last
  (func (export "two ways round") (param $n i32) (param $q i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 7)) (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $q (i32.xor (local.get $q) (local.get $sum)))
      (br_if $next (i32.and (local.get $q) (i32.const 1)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))
    (i32.add (local.get $sum) (local.get $n)))

  (func (export "behind a call") (param $n i32) (param $q i32) (result i32)
    (local $x i32)
    (local.set $x (i32.add (local.get $n) (i32.const 9)))
    (i32.sub (call $same (local.get $q)) (local.get $x)))

  (func (export "behind a builtin") (param $n i32) (param $q i32) (result i32)
    (local $x i32)
    (local.set $x (i32.add (local.get $n) (i32.const 9)))
    (i32.sub (memory.grow (i32.const 0)) (local.get $x))))
"""
NAMES = ("an arm", "a counter", "two ways round", "behind a call", "behind a builtin")


def results(way: Way) -> list[object]:
    """Of each function, for several arguments."""
    engine = engine_of(way)
    store = Store(engine)
    instance = Instance(store, Module(engine, MODULE), [])
    return [
        instance.call(store, name, n, q) for name in NAMES for n in (0, 1, 2, 9) for q in (1, 6, 1000) if n or name != "a counter"
    ]


@pytest.mark.parametrize("way", GENERATED)
def test_values_where_control_comes_together(way: Way) -> None:
    assert results(way) == results("safe")


@pytest.mark.parametrize("way", ["baseline", "auto"])
def test_frames_come_back_at_return_points_alone(way: Way) -> None:
    """The table that compiled code looks a frame's return pc up in has nothing else."""
    engine = engine_of(way)
    store = Store(engine)
    instance = Instance(store, Module(engine, MODULE), [])
    for name in NAMES * 4:
        instance.call(store, name, 9, 6)
    window, code = store.machine.window, code_of(store)
    found = {pc for pc in range(0, len(window.code), 8) if code.returns[pc >> 3]}
    assert found == {pc for pc in range(window.modules[0].origin, len(window.code), 8) if is_return_point(window.returns, pc)}
    assert found
    entered = {pc for pc in range(0, len(window.code), 8) if code.entries[pc >> 3]}
    assert found < entered
