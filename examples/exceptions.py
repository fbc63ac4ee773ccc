"""Exceptions, both ways: what a guest throws reaches Python, and what Python raises is caught in the guest."""

from arenite import Engine, Func, FuncType, Linker, Memory, Module, Store, Tag, TagType, ValType, WasmException

GUEST = """(module
  (import "env" "setting" (func $setting (param i32) (result i32)))
  (import "env" "not_found" (tag $not_found (param i32)))

  ;; as compilers of C++ do it: the exception is an object in memory, and its address is thrown
  (tag $cpp (export "__cpp_exception") (param i32))
  (memory (export "memory") 1)
  (data (i32.const 16) "negative amount\\00")
  (func (export "withdraw") (param $amount i32) (result i32)
    (if (i32.lt_s (local.get $amount) (i32.const 0))
      (then (throw $cpp (i32.const 16))))
    (i32.sub (i32.const 100) (local.get $amount)))

  (func (export "setting_or") (param $key i32) (param $default i32) (result i32)
    (block $missing (result i32)
      (return (try_table (result i32) (catch $not_found $missing)
        (call $setting (local.get $key)))))
    (drop)
    (local.get $default)))"""

i32 = ValType.i32()
engine = Engine()
store, linker = Store(engine), Linker(engine)

settings = {1: 10}
linker.define_func("env", "setting", FuncType([i32], [i32]), settings.__getitem__)

not_found = Tag(store, TagType(FuncType([i32], [])))
not_found.bind(store, KeyError)  # a KeyError is thrown in the guest, with its arguments as values
linker.define(store, "env", "not_found", not_found)

guest = linker.instantiate(store, Module(engine, GUEST)).exports(store)
setting_or, withdraw, memory = guest["setting_or"], guest["withdraw"], guest["memory"]
assert isinstance(setting_or, Func)
assert isinstance(withdraw, Func)
assert isinstance(memory, Memory)

print(setting_or(store, 1, 5), setting_or(store, 2, 5))

try:
    withdraw(store, -3)
except WasmException as error:
    (address,) = error.values
    assert isinstance(address, int)
    text = memory.read(store, address, address + 64).partition(b"\0")[0]
    print(f"{error.name}: {text.decode()}")
    print(error.tag == guest["__cpp_exception"], len(error.frames))

# Output:
# 10 5
# __cpp_exception: negative amount
# True 1
