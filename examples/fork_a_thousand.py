"""A running guest, forked a thousand times in the middle of a call; each fork goes on by itself."""

from __future__ import annotations

from arenite import Engine, Finished, Func, FuncType, Linker, Module, Store, ValType

WAT = """
(module
  (import "host" "choose" (func $choose (param i32) (result i32)))
  (memory (export "memory") 16)
  (func (export "walk") (param $steps i32) (result i32) (local $at i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 1000000)) ;; a long preparation
    (loop $next
      (local.set $at (i32.add (local.get $at) (call $choose (local.get $steps))))
      (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
      (br_if $next (local.get $steps)))
    (i32.add (local.get $at) (i32.load8_u (i32.const 999999)))))
"""

engine = Engine()
linker = Linker(engine)
linker.define_func("host", "choose", FuncType([ValType.i32()], [ValType.i32()]), lambda _step: 1)
store = Store(engine)
walk = linker.instantiate(store, Module(engine, WAT)).exports(store)["walk"]
assert isinstance(walk, Func)

paused = walk.start(store, 3).run(pause_at=["host.choose"])
print("stopped", paused.what if not isinstance(paused, Finished) else "never")
snapshot = store.snapshot()

results = []
for n, fork in enumerate(snapshot.fork(1000)):
    execution = fork.execution
    assert execution is not None
    outcome = execution.resume(10 * n)  # each fork gets another answer
    assert isinstance(outcome, Finished)
    results.append(outcome.values[0])
print(results[:4], "…", results[-1])
print("and the first one:", store.execution.run() if store.execution else None)

# Output:
# stopped before the call of host.choose
# [9, 19, 29, 39] … 9999
# and the first one: Finished(values=(10,))
