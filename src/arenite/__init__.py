"""arenite: a WebAssembly engine in which everything the virtual machine knows lies in one arena.

    from arenite import Engine, Module, Store, Instance

    engine = Engine()
    module = Module(engine, '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')
    store = Store(engine)
    add = Instance(store, module, []).exports(store)["add"]
    print(add(store, 2, 3))

The names and shapes are those of the `wasmtime` package, so most programs run after changing the import.
"""

from arenite.api import (
    ASK_AGAIN,
    Caller,
    Config,
    Engine,
    Execution,
    ExportType,
    Finished,
    Frame,
    Func,
    FuncType,
    Global,
    GlobalType,
    HostCall,
    HostModule,
    HostModuleConfig,
    ImportType,
    Instance,
    InstanceExports,
    InstancePre,
    Limits,
    Linker,
    Memory,
    MemoryType,
    Module,
    Paused,
    PauseReason,
    Snapshot,
    Store,
    Storelike,
    Table,
    TableType,
    Val,
    ValType,
    wat2wasm,
)
from arenite.compat.wasmtime import ExitTrap, WasmtimeError
from arenite.errors import (
    AreniteError,
    DecodeError,
    Exit,
    Failure,
    InternalError,
    Limit,
    LinkError,
    NotReady,
    SnapshotError,
    Trap,
    ValidationError,
)
from arenite.traps import TrapCode
from arenite.wasi import Feed, WasiConfig

__all__ = [
    "ASK_AGAIN",
    "AreniteError",
    "Caller",
    "Config",
    "DecodeError",
    "Engine",
    "Execution",
    "Exit",
    "ExitTrap",
    "ExportType",
    "Failure",
    "Feed",
    "Finished",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "HostCall",
    "HostModule",
    "HostModuleConfig",
    "ImportType",
    "Instance",
    "InstanceExports",
    "InstancePre",
    "InternalError",
    "Limit",
    "Limits",
    "LinkError",
    "Linker",
    "Memory",
    "MemoryType",
    "Module",
    "NotReady",
    "PauseReason",
    "Paused",
    "Snapshot",
    "SnapshotError",
    "Store",
    "Storelike",
    "Table",
    "TableType",
    "Trap",
    "TrapCode",
    "Val",
    "ValType",
    "ValidationError",
    "WasiConfig",
    "WasmtimeError",
    "wat2wasm",
]
