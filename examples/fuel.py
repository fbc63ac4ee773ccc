"""A limit on how long a guest runs: fuel, a unit for each call and each round of a loop, exact on every tier."""

from __future__ import annotations

from arenite import Config, Engine, Func, Instance, Module, Store, Trap

WAT = """
(module
  (func (export "count") (param $n i64) (result i64) (local $i i64)
    (loop $again
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (local.get $n))))
    (local.get $i)))
"""

for tier in ("threaded", "safe"):
    engine = Engine(Config(tier=tier, consume_fuel=True))
    with Store(engine) as store:
        count = Instance(store, Module(engine, WAT), []).exports(store)["count"]
        assert isinstance(count, Func)
        store.set_fuel(10_000)
        print(f"{tier}: counted to {count(store, 1000)}, {store.get_fuel()} units are left")
        try:
            count(store, 2**62)
        except Trap as trap:
            print(f"{tier}: stopped: {trap.message}")

# Output:
# threaded: counted to 1000, 9000 units are left
# threaded: stopped: all fuel consumed by WebAssembly
# safe: counted to 1000, 9000 units are left
# safe: stopped: all fuel consumed by WebAssembly
