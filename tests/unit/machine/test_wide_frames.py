"""Locals of functions whose frames are wide (scratch slots lie before them) survive a snapshot, the first and the last as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Finished, Func, FuncType, Linker, Module, Paused, Store
from arenite.bytecode.locals import locals_at
from arenite.layout.records import FrameHeader
from arenite.translate.writer import SCRATCH
from marks import EACH_TIER

if TYPE_CHECKING:
    from arenite.config import TierName

TEXT = """(module
  (import "host" "f" (func $f))
  (func (export "run") (param i64) (result i64 i64 i64) (local {types})
    (local.set 1 (i64.const 5)) (local.set {last} (i64.const 7))
    (call $f)
    (local.get 0) (local.get 1) (local.get {last})))"""
NARROW, WIDE = (15, 16, 17, 4096), (8190, 8192, 9000)


@pytest.mark.parametrize("count", NARROW + WIDE)
def test_where_locals_begin(count: int) -> None:
    code = Module(Engine(), TEXT.format(types="i64 " * count, last=count)).code
    assert locals_at(code, 0) - code.function(0).header - FrameHeader.size == 8 * SCRATCH * (count in WIDE)


def test_a_function_without_locals_keeps_operands_there() -> None:
    code = Module(Engine(), "(module (func (param i32)))").code
    assert locals_at(code, 0) == 8 + FrameHeader.size


@EACH_TIER
@pytest.mark.parametrize("count", [16, *WIDE])
def test_locals_survive_a_snapshot(tier: TierName, count: int) -> None:
    engine = Engine(Config(tier=tier))
    store, linker = Store(engine), Linker(engine)
    linker.define_func("host", "f", FuncType([], []), lambda: None)
    run = linker.instantiate(store, Module(engine, TEXT.format(types="i64 " * count, last=count))).exports(store)["run"]
    assert isinstance(run, Func)
    execution = run.start(store, 3)
    assert isinstance(execution.run(pause_at=["host.f"]), Paused)
    (fork,) = store.snapshot().fork(1)
    assert fork.execution is not None
    assert fork.execution.resume() == execution.resume() == Finished((3, 5, 7))
