"""A guest's memory without copying: `Memory.view` is a writable memoryview of the bytes themselves."""

from __future__ import annotations

from arenite import Engine, Func, Instance, Memory, Module, Store

WAT = """
(module
  (memory (export "memory") 1)
  (func (export "sum") (param $at i32) (param $count i32) (result i64) (local $total i64)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (local.set $total (i64.add (local.get $total) (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
    (local.get $total)))
"""

engine = Engine()
with Store(engine) as store:
    exports = Instance(store, Module(engine, WAT), []).exports(store)
    memory, total = exports["memory"], exports["sum"]
    assert isinstance(memory, Memory)
    assert isinstance(total, Func)
    with memory.view(store) as view, view.cast("q") as numbers:
        for i in range(1000):
            numbers[i] = i * i
        print("the guest adds up:", total(store, 0, 1000))
        numbers[0] = 10_000
        print("and sees the change:", total(store, 0, 1000))

# Output:
# the guest adds up: 332833500
# and sees the change: 332843500
