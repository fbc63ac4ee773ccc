"""FrozenMachine on this CPU in the middle of a call, resumed on another: the same end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Finished, Func, Instance, Module, Store
from property import travellers
from snapshots.kept import HERE, INDEX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESUME = """
import json, sys, warnings
from arenite import Config, Engine, FuncType, Linker, Snapshot, ValType
warnings.simplefilter("error")  # the tier that was asked for, no other
engine = Engine(Config(tier=sys.argv[1], deterministic=True))
linker, I32 = Linker(engine), ValType.i32()
linker.define_func("env", "add", FuncType([I32, I32], [I32]), lambda a, b: (a + b) & 0xFFFFFFFF)
for path in sys.argv[2:]:
    store = Snapshot.open(path, engine, verify=True).link(linker).fork()
    values = store.execution.run().values
    exports = store.instances[0].exports(store)
    calls = exports["calls"].value(store) if "calls" in list(exports) else None
    print(json.dumps([values, calls]))
"""
FLOATS = """(module
  (memory (export "memory") 1)
  (func (export "f") (param $n i32) (result i64) (local $x f64) (local $sum i64)
    (loop $next
      (local.set $x (f64.div (f64.convert_i32_s (i32.and (local.get $n) (i32.const 7))) (f64.convert_i32_s (i32.and (local.get $n) (i32.const 3)))))
      (f64.store (i32.shl (i32.and (local.get $n) (i32.const 63)) (i32.const 3)) (f64.sqrt (f64.sub (local.get $x) (f64.const 2))))
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.reinterpret_f64 (f64.min (local.get $x) (f64.const 1)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (loop $add
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 3)) (i64.load (i32.shl (local.get $n) (i32.const 3)))))
      (br_if $add (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 64))))
    (local.get $sum)))"""


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("tier", ["threaded", "baseline", "auto", "safe"])
def test_kept_snapshots_end_alike(elsewhere: Callable[..., str], tier: str) -> None:
    ends = json.loads(INDEX.read_text())
    found = lines(elsewhere(RESUME, tier, *(HERE / name for name in ends)))
    assert found == [[end["values"], end["calls"]] for end in ends.values()]


@pytest.mark.parametrize(("tier", "large"), [("threaded", True), ("baseline", False), ("safe", False)])
def test_travellers_end_alike(elsewhere: Callable[..., str], tmp_path: Path, tier: str, large: bool) -> None:  # noqa: FBT001
    """Kernels, linked instances, a start function; and CoreMark, QuickJS and CPython: frozen at random points, in every form."""
    try:
        travellers.write(tmp_path, large=large, seed=3)
    except FileNotFoundError as error:
        pytest.skip(f"{error}: the programs' list is not at hand")
    program = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    said = elsewhere(program, travellers.__file__, "resume", tmp_path, "--tier", tier)
    assert said.splitlines()[-1] == f"0 failures on {tier}", said


@pytest.mark.parametrize("tier", ["threaded", "baseline", "auto", "safe"])
def test_floats_end_alike(elsewhere: Callable[..., str], tmp_path: Path, tier: str) -> None:
    """NaNs on the way are canonical on either CPU."""
    engine = Engine(Config(deterministic=True, max_wasm_stack=1 << 16))
    store = Store(engine)
    function = Instance(store, Module(engine, FLOATS), []).exports(store)["f"]
    assert isinstance(function, Func)
    execution = function.start(store, 500)
    paths = []
    for number in range(3):
        execution.run(fuel=130)
        paths.append(tmp_path / f"{number}.arn")
        store.snapshot().save(paths[-1])
    outcome = execution.run()
    assert isinstance(outcome, Finished)
    assert lines(elsewhere(RESUME, tier, *paths)) == [[list(outcome.values), None]] * 3
