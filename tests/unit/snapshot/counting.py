"""A guest frozen in the middle of a loop, for tests of snapshot files: it counts, and writes numbers over several pages.

Example:  store = paused(); store.snapshot().save(path); ended(Snapshot.open(path, of())) == ended_unbroken()
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from arenite import Config, Engine, Finished, Func, FuncType, Linker, Module, Snapshot, Store, ValType

if TYPE_CHECKING:
    from arenite.config import TierName

I32 = ValType.i32()
TOTAL = 600
WAT = """(module $counting
  (import "host" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (table (export "things") 2 externref)
  (type $binary (func (param i32 i32) (result i32)))
  (table $t 1 funcref) (elem (table $t) (i32.const 0) func $own)
  (func $own (type $binary) (call $add (local.get 0) (local.get 1)))
  (func (export "keep") (param i32 externref) (table.set 0 (local.get 0) (local.get 1)))
  (func (export "run") (result i32) (local i32 i32)
    (loop $l
      (local.set 1 (call_indirect $t (type $binary) (local.get 1) (local.get 0) (i32.const 0)))
      (i32.store (i32.mul (local.get 0) (i32.const 400)) (local.get 1))
      (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 600))))
    (local.get 1)))"""


@functools.cache
def of(tier: TierName = "threaded") -> Engine:
    return Engine(Config(tier=tier, consume_fuel=True, max_wasm_stack=1 << 16))


@functools.cache
def module(engine: Engine) -> Module:
    return Module(engine, WAT)


def linker(engine: Engine, **functions: Any) -> Linker:
    """A linker with the guest's one import, or with others of its type."""
    found = Linker(engine)
    for name, call in (functions or {"add": lambda a, b: a + b}).items():
        found.define_func("host", name, FuncType([I32, I32], [I32]), call)
    return found


def paused(units: int = 300, engine: Engine | None = None) -> Store:
    """A store whose guest has run so far."""
    engine = engine or of()
    store = Store(engine)
    store.set_fuel(1 << 40)
    run = linker(engine).instantiate(store, module(engine)).exports(store)["run"]
    assert isinstance(run, Func)
    run.start(store).run(fuel=units)
    return store


def further(store: Store, units: int) -> Store:
    """The guest runs on a little."""
    assert store.execution is not None
    store.execution.run(fuel=units)
    return store


def ended(snapshot: Snapshot) -> int:
    """What the guest gives when it goes on from there."""
    if snapshot._opened is not None:
        snapshot.link(linker(snapshot.engine))
    with snapshot.fork() as fork:
        execution = fork.execution
        assert execution is not None
        outcome = execution.run()
        assert isinstance(outcome, Finished)
        result: int = outcome.values[0]
        return result


RESULT = sum(range(TOTAL))
