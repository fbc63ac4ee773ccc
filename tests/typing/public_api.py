"""The types of the public API, as users' checkers see them.  mypy checks this file (`make check`); it does not run."""

from __future__ import annotations

from typing import assert_type

import arenite
from arenite import (
    Caller,
    Config,
    Engine,
    Exit,
    Failure,
    Func,
    FuncType,
    Global,
    Instance,
    InstancePre,
    Limits,
    Linker,
    Memory,
    MemoryType,
    Module,
    Store,
    Storelike,
    Table,
    Tag,
    Trap,
    TrapCode,
    Val,
    ValType,
    WasiConfig,
    WasmtimeError,
)


def objects(engine: Engine, wasm: bytes) -> None:
    """What constructors and methods give."""
    module = Module(engine, wasm)
    with Store(engine, data={"anything": 1}) as store:
        assert_type(store, Store)
        assert_type(store.get_fuel(), int)
        store.set_wasi(WasiConfig(argv=["a"], env={"b": "c"}, stdout=bytearray(), dirs={"/": ("here", "ro")}))
        linker = Linker(engine)
        linker.define_func("m", "f", FuncType([ValType.i32()], []), lambda _n: None)
        instance = linker.instantiate(store, module)
        assert_type(instance, Instance)
        assert_type(instance.exports(store)["x"], Func | Memory | Table | Global | Tag)
    assert_type(Module.from_file(engine, "a.wasm"), Module)
    assert_type(Engine(Config(tier="safe")), Engine)
    assert_type(arenite.Engine(), Engine)
    _ = arenite.Motor  # type: ignore[attr-defined]  # a name that is imported when it is touched must be one
    Config(tier="fast")  # type: ignore[arg-type]  # there is no such tier


def memories(store: Store) -> None:
    """What a memory gives."""
    memory = Memory(store, MemoryType(Limits(1, None)))
    assert_type(memory.read(store, 0, 4), bytearray)
    assert_type(memory.write(store, b"abcd", 0), int)
    assert_type(memory.view(store), memoryview)
    assert_type(memory.size(store), int)
    assert_type(memory.grow(store, 1), int)


def called_by_guests(caller: Caller) -> int:
    """A caller stands wherever a store does."""
    memory = caller["memory"]
    assert isinstance(memory, Memory)
    return memory.data_len(caller)


def more_of_the_wasmtime_package(engine: Engine, store: Storelike, module: Module) -> None:
    """What programs for that package use."""
    assert_type(Val.i32(3).as_i32(), int | None)
    assert_type(Val.ref_null(ValType.funcref()).as_funcref(), Func | None)
    assert_type(Linker(engine).instantiate_pre(module), InstancePre)
    assert_type(Linker(engine).instantiate_pre(module).instantiate(store), Instance)
    assert_type(Module.deserialize(engine, module.serialize()), Module)
    with Engine() as other:
        assert_type(other, Engine)
    Store(engine).set_limits(memory_size=65536)
    assert_type(WasmtimeError(""), Failure)


def errors(trap: Trap, ended: Exit) -> None:
    """What errors carry."""
    assert_type(trap.code, TrapCode | None)
    assert_type(trap.message, str)
    assert_type(ended.code, int)
