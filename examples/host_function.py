"""Functions of Python that a guest calls: one that takes numbers, one that reads the guest's memory."""

from __future__ import annotations

from arenite import Caller, Engine, Func, FuncType, Linker, Memory, Module, Store, ValType

WAT = """
(module
  (import "host" "double" (func $double (param i32) (result i32)))
  (import "host" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "a message from the guest")
  (func (export "run") (result i32)
    (call $log (i32.const 16) (i32.const 24))
    (call $double (i32.const 21))))
"""

I32 = ValType.i32()


def double(number: int) -> int:
    """Numbers come and go as Python's own."""
    return 2 * number


def log(caller: Caller, start: int, size: int) -> None:
    """A string is a place in the guest's memory; asked for by `access_caller`, the caller says which memory."""
    memory = caller["memory"]
    assert isinstance(memory, Memory)
    print("guest says:", memory.read(caller, start, start + size).decode())


def refuse(_number: int) -> int:
    """An exception goes through the guest, unchanged, to whoever called it."""
    raise PermissionError("not today")


engine = Engine()
module = Module(engine, WAT)
linker = Linker(engine)
linker.allow_shadowing = True
linker.define_func("host", "log", FuncType([I32, I32], []), log, access_caller=True)
for function in (double, refuse):
    linker.define_func("host", "double", FuncType([I32], [I32]), function)
    with Store(engine) as store:
        run = linker.instantiate(store, module).exports(store)["run"]
        assert isinstance(run, Func)
        try:
            print("result:", run(store))
        except PermissionError as error:
            print("the host refused:", error)

# Output:
# guest says: a message from the guest
# result: 42
# guest says: a message from the guest
# the host refused: not today
