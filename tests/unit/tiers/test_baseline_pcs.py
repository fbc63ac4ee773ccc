"""A trap in compiled code is told at its op, wherever in the function that is, and at whichever access of a fused one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Instance, Module, Store, Trap
from arenite.platform import HAS_OBJECTS
from tiers import GENERATED, engine_of

if TYPE_CHECKING:
    from tiers import Way

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

MODULE = """
(module
  (memory 1)
  (type $nothing (func))
  (table $t 3 funcref)
  (elem (table $t) (i32.const 1) func $other $nothing)
  (func $nothing (export "nothing"))
  (func $other (param i32) (result i32) (local.get 0))
  (func $deep (export "stack") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func $into (param i32) (result i32) (i32.load offset=4 (local.get 0)))

  (func (export "first of two accesses") (param $p i32) (result i32)
    (i32.store (i32.const 8) (i32.const 1))
    (i32.store (i32.const 16) (i32.load (i32.const 65536)))
    (i32.const 0))
  (func (export "second of two accesses") (param $p i32) (result i32)
    (i32.store (i32.const 65533) (i32.load (i32.const 8)))
    (i32.const 0))
  (func (export "second of two accesses by slots") (param $p i32) (result i32)
    (local $q i32)
    (local.set $q (i32.const 65534))
    (i32.store (local.get $q) (i32.add (i32.load (local.get $p)) (i32.const 1)))
    (i32.const 0))
  (func (export "a list that ends outside") (param $p i32) (result i32)
    (i32.store (i32.const 100) (i32.const 200))
    (i32.store (i32.const 200) (i32.const 70000))
    (local.set $p (i32.const 100))
    (loop $next
      (br_if $next (local.tee $p (i32.load (local.get $p)))))
    (local.get $p))
  (func (export "in a loop") (param $p i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $p))))
      (i32.store16 offset=2 (local.get $p) (local.get $sum))
      (local.set $p (i32.add (local.get $p) (i32.const 4096)))
      (br $next))
    (local.get $sum))
  (func (export "behind a loop") (param $p i32) (result i32)
    (loop $next
      (br_if $next (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 4096))) (i32.const 65536))))
    (i32.load (local.get $p)))
  (func (export "in a callee") (param $p i32) (result i32)
    (drop (call $into (local.get $p)))
    (i32.add (call $into (i32.const 8)) (call $into (i32.const -8))))
  (func (export "to null") (param i32) (result i32)
    (call_indirect (type $nothing) (i32.const 2))
    (call_indirect (type $nothing) (local.get 0)) (i32.const 0))
  (func (export "to another type") (param i32) (result i32)
    (call_indirect (type $nothing) (i32.const 2))
    (call_indirect (type $nothing) (i32.const 1)) (i32.const 0))
  (func (export "to no element") (param i32) (result i32)
    (call_indirect (type $nothing) (i32.const 2))
    (call_indirect (type $nothing) (i32.const 3)) (i32.const 0))
  (func (export "table.get") (param i32) (result i32)
    (drop (table.get $t (local.get 0))) (drop (table.get $t (i32.const 3))) (i32.const 0))
  (func (export "table.set") (param i32) (result i32)
    (table.set $t (i32.const 0) (ref.null func)) (table.set $t (i32.const -1) (ref.null func)) (i32.const 0))
  (func (export "unreachable") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then unreachable))
    (unreachable))
  (func (export "memory.fill") (param i32) (result i32)
    (memory.fill (local.get 0) (i32.const 1) (i32.const 8)) (memory.fill (i32.const 65530) (i32.const 1) (i32.const 8)) (i32.const 0))
)
"""
NAMES = [line.split('"')[1] for line in MODULE.splitlines() if "(param" in line and "(export" in line]


def told(way: Way, name: str) -> tuple[str, list[tuple[int | None, int | None]]]:
    """The trap's message, and where it and its callers were."""
    engine = engine_of(way)
    store = Store(engine)
    instance = Instance(store, Module(engine, MODULE), [])
    with pytest.raises(Trap) as caught:
        instance.call(store, name, 0)
    return caught.value.message, [(frame.func_index, frame.module_offset) for frame in caught.value.frames]


@pytest.mark.parametrize("name", NAMES)
def test_places_are_those_of_the_interpreter(name: str) -> None:
    expected = told("safe", name)
    assert expected[1]
    assert {way: told(way, name) for way in GENERATED} == dict.fromkeys(GENERATED, expected)
