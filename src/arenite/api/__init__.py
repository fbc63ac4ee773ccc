"""What users hold.  `arenite` exports all of it; nothing else is public."""

from arenite.api.engine import Engine
from arenite.api.externs import Caller, Func, Global, Memory, Table
from arenite.api.instance import Instance, InstanceExports
from arenite.api.linker import Linker
from arenite.api.module import Module
from arenite.api.store import WASI, HostModule, Store
from arenite.api.text import wat2wasm
from arenite.api.types import ExportType, FuncType, GlobalType, ImportType, Limits, MemoryType, TableType, ValType
from arenite.api.val import Val
from arenite.config import Config
from arenite.errors import NotReady, SnapshotError
from arenite.machine.backtrace import GuestFrame as Frame
from arenite.machine.hosts import HostModuleConfig
from arenite.machine.hosts import State as HostState

__all__ = [
    "WASI",
    "Caller",
    "Config",
    "Engine",
    "ExportType",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "HostModule",
    "HostModuleConfig",
    "HostState",
    "ImportType",
    "Instance",
    "InstanceExports",
    "Limits",
    "Linker",
    "Memory",
    "MemoryType",
    "Module",
    "NotReady",
    "SnapshotError",
    "Store",
    "Table",
    "TableType",
    "Val",
    "ValType",
    "wat2wasm",
]
