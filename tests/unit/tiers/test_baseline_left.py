"""Functions with a number that no stencil has room for run on in the interpreter, among compiled ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from arenite import Instance, Module, Store
from arenite.bytecode.ops import ROWS
from arenite.platform import HAS_OBJECTS
from tiers import engine_of
from unit.tiers.test_baseline import compiled

if TYPE_CHECKING:
    from tiers import Way

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

MODULE = """
(module
  (memory 1)
  (data $d "x")
  (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $wide (param i32) (result i32)
    (if (i32.gt_u (local.get 0) (i32.const 1000)) (then (data.drop $d)))
    (call $double (call $double (local.get 0))))
  (func (export "go") (param $n i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $wide (local.get $n))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
"""
DROP = ROWS["data.drop"]


def with_segment(module: Module, number: int) -> Module:
    """The module, its `data.drop` with another segment; it is never reached."""
    code = module.code
    at = code.bytecode.index(DROP.code.to_bytes(2, "little"), code.function(1).begin)
    assert at % 8 == 0
    at += next(o.at for o in DROP.encoded if o.name == "segment")
    module.code = replace(code, bytecode=code.bytecode[:at] + number.to_bytes(4, "little") + code.bytecode[at + 4 :])
    return module


@pytest.mark.parametrize("way", ["baseline", "auto"])
@pytest.mark.parametrize(("number", "fits"), [((1 << 30) - 1, True), (1 << 30, False), ((1 << 32) - 1, False)])
def test_the_interpreter_runs_them(way: Way, number: int, fits: bool) -> None:  # noqa: FBT001
    engine = engine_of(way)
    store = Store(engine)
    instance = Instance(store, with_segment(Module(engine, MODULE), number), [])
    assert instance.call(store, "go", 100) == 4 * sum(range(101))
    assert compiled(store) == ({0, 1, 2} if fits else {0, 2})
    assert instance.call(store, "go", 100) == 4 * sum(range(101))
