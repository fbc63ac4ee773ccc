"""Plugins from people you do not trust: each gets text and gives text; a broken or greedy one harms nobody but itself."""

from __future__ import annotations

from arenite import AreniteError, Config, Engine, Func, Instance, Memory, Module, Store

UPPER = """
(module
  (memory (export "memory") 1)
  (func (export "process") (param $at i32) (param $end i32) (local $c i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $c (i32.load8_u (local.get $at)))
      (if (i32.and (i32.ge_u (local.get $c) (i32.const 97)) (i32.le_u (local.get $c) (i32.const 122)))
        (then (i32.store8 (local.get $at) (i32.sub (local.get $c) (i32.const 32)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))))
"""
STUCK = '(module (memory (export "memory") 1) (func (export "process") (param i32 i32) (loop (br 0))))'
WILD = '(module (memory (export "memory") 1) (func (export "process") (param i32 i32) (i32.store (i32.const -4) (i32.const 1))))'

engine = Engine(Config(consume_fuel=True, max_memory=1 << 20))


def process(plugin: Module, text: str) -> str:
    """Hand `text` to the plugin through its memory, in a machine of its own, and take what it made of it."""
    with Store(engine) as store:
        store.set_fuel(100_000)
        exports = Instance(store, plugin, []).exports(store)
        memory, function = exports["memory"], exports["process"]
        assert isinstance(memory, Memory)
        assert isinstance(function, Func)
        size = memory.write(store, text.encode(), 0)
        function(store, 0, size)
        return memory.read(store, 0, size).decode()


for name, source in {"upper": UPPER, "stuck": STUCK, "wild": WILD}.items():
    try:
        print(f"{name}: {process(Module(engine, source), 'sand turns to stone')}")
    except AreniteError as error:
        print(f"{name}: {str(error).splitlines()[0]}")

# Output:
# upper: SAND TURNS TO STONE
# stuck: all fuel consumed by WebAssembly
# wild: out of bounds memory access
