"""The smallest whole program: a module as text, an instance of it, a call."""

from __future__ import annotations

from arenite import Engine, Func, Instance, Module, Store

WAT = """
(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
"""

engine = Engine()  # made once; keeps what its modules and stores share
module = Module(engine, WAT)  # decoded, validated, translated
with Store(engine) as store:  # holds a whole machine: instances, memories, tables, the stack
    add = Instance(store, module, []).exports(store)["add"]
    assert isinstance(add, Func)
    print("40 + 2 =", add(store, 40, 2))
    print("integers wrap:", add(store, 2**31 - 1, 1))

# Output:
# 40 + 2 = 42
# integers wrap: -2147483648
