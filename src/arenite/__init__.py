"""arenite: a WebAssembly engine in which everything the virtual machine knows lies in one arena.

    from arenite import Engine, Module, Store, Instance

    engine = Engine()
    module = Module(engine, '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')
    store = Store(engine)
    add = Instance(store, module, []).exports(store)["add"]
    print(add(store, 2, 3))

The names and shapes are those of the `wasmtime` package, so most programs run after changing the import.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.api.caller import Caller as Caller
    from arenite.api.engine import Engine as Engine
    from arenite.api.execution import ASK_AGAIN as ASK_AGAIN
    from arenite.api.execution import Execution as Execution
    from arenite.api.execution import Finished as Finished
    from arenite.api.execution import Paused as Paused
    from arenite.api.func import Func as Func
    from arenite.api.globals import Global as Global
    from arenite.api.hosts import HostModule as HostModule
    from arenite.api.instance import Instance as Instance
    from arenite.api.instance import InstanceExports as InstanceExports
    from arenite.api.linker import InstancePre as InstancePre
    from arenite.api.linker import Linker as Linker
    from arenite.api.memory import Memory as Memory
    from arenite.api.module import Module as Module
    from arenite.api.store import Snapshot as Snapshot
    from arenite.api.store import Store as Store
    from arenite.api.store import Storelike as Storelike
    from arenite.api.table import Table as Table
    from arenite.api.tag import Tag as Tag
    from arenite.api.text import wat2wasm as wat2wasm
    from arenite.api.types import ExportType as ExportType
    from arenite.api.types import FuncType as FuncType
    from arenite.api.types import GlobalType as GlobalType
    from arenite.api.types import ImportType as ImportType
    from arenite.api.types import Limits as Limits
    from arenite.api.types import MemoryType as MemoryType
    from arenite.api.types import TableType as TableType
    from arenite.api.types import TagType as TagType
    from arenite.api.types import ValType as ValType
    from arenite.api.val import Val as Val
    from arenite.compat.wasmtime import ExitTrap as ExitTrap
    from arenite.compat.wasmtime import WasmtimeError as WasmtimeError
    from arenite.config import Config as Config
    from arenite.errors import AreniteError as AreniteError
    from arenite.errors import DecodeError as DecodeError
    from arenite.errors import Exit as Exit
    from arenite.errors import Failure as Failure
    from arenite.errors import InternalError as InternalError
    from arenite.errors import Limit as Limit
    from arenite.errors import LinkError as LinkError
    from arenite.errors import NotReady as NotReady
    from arenite.errors import SnapshotError as SnapshotError
    from arenite.errors import Trap as Trap
    from arenite.errors import ValidationError as ValidationError
    from arenite.errors import WasmException as WasmException
    from arenite.machine.run.activation import HostCall as HostCall
    from arenite.machine.run.activation import PauseReason as PauseReason
    from arenite.machine.run.backtrace import GuestFrame
    from arenite.machine.run.hosts import HostModuleConfig as HostModuleConfig
    from arenite.sandbox.sandbox import Sandbox as Sandbox
    from arenite.traps import TrapCode as TrapCode
    from arenite.wasi.config import WasiConfig as WasiConfig
    from arenite.world.feed import Feed as Feed
    from arenite.world.memory.fs import MemoryFS as MemoryFS

    Frame = GuestFrame
else:
    from arenite.lazy import lazily

    HOMES = {
        "ASK_AGAIN": "arenite.api.execution.ASK_AGAIN",
        "AreniteError": "arenite.errors.AreniteError",
        "Caller": "arenite.api.caller.Caller",
        "Config": "arenite.config.Config",
        "DecodeError": "arenite.errors.DecodeError",
        "Engine": "arenite.api.engine.Engine",
        "Execution": "arenite.api.execution.Execution",
        "Exit": "arenite.errors.Exit",
        "ExitTrap": "arenite.compat.wasmtime.ExitTrap",
        "ExportType": "arenite.api.types.ExportType",
        "Failure": "arenite.errors.Failure",
        "Feed": "arenite.world.feed.Feed",
        "Finished": "arenite.api.execution.Finished",
        "Frame": "arenite.machine.run.backtrace.GuestFrame",
        "Func": "arenite.api.func.Func",
        "FuncType": "arenite.api.types.FuncType",
        "Global": "arenite.api.globals.Global",
        "GlobalType": "arenite.api.types.GlobalType",
        "HostCall": "arenite.machine.run.activation.HostCall",
        "HostModule": "arenite.api.hosts.HostModule",
        "HostModuleConfig": "arenite.machine.run.hosts.HostModuleConfig",
        "ImportType": "arenite.api.types.ImportType",
        "Instance": "arenite.api.instance.Instance",
        "InstanceExports": "arenite.api.instance.InstanceExports",
        "InstancePre": "arenite.api.linker.InstancePre",
        "InternalError": "arenite.errors.InternalError",
        "Limit": "arenite.errors.Limit",
        "Limits": "arenite.api.types.Limits",
        "LinkError": "arenite.errors.LinkError",
        "Linker": "arenite.api.linker.Linker",
        "Memory": "arenite.api.memory.Memory",
        "MemoryFS": "arenite.world.memory.fs.MemoryFS",
        "MemoryType": "arenite.api.types.MemoryType",
        "Module": "arenite.api.module.Module",
        "NotReady": "arenite.errors.NotReady",
        "PauseReason": "arenite.machine.run.activation.PauseReason",
        "Paused": "arenite.api.execution.Paused",
        "Sandbox": "arenite.sandbox.sandbox.Sandbox",
        "Snapshot": "arenite.api.store.Snapshot",
        "SnapshotError": "arenite.errors.SnapshotError",
        "Store": "arenite.api.store.Store",
        "Storelike": "arenite.api.store.Storelike",
        "Table": "arenite.api.table.Table",
        "TableType": "arenite.api.types.TableType",
        "Tag": "arenite.api.tag.Tag",
        "TagType": "arenite.api.types.TagType",
        "Trap": "arenite.errors.Trap",
        "TrapCode": "arenite.traps.TrapCode",
        "Val": "arenite.api.val.Val",
        "ValType": "arenite.api.types.ValType",
        "ValidationError": "arenite.errors.ValidationError",
        "WasmException": "arenite.errors.WasmException",
        "WasiConfig": "arenite.wasi.config.WasiConfig",
        "WasmtimeError": "arenite.compat.wasmtime.WasmtimeError",
        "wat2wasm": "arenite.api.text.wat2wasm",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
