"""What users hold.  `arenite` exports what is public of it, with errors and WASI's options; beside that there is `arenite.driver`."""

from typing import TypeAlias

from arenite.api.caller import Caller
from arenite.api.engine import Engine
from arenite.api.execution import ASK_AGAIN, Execution, Finished, Paused
from arenite.api.func import Func
from arenite.api.globals import Global
from arenite.api.hosts import WASI, HostModule
from arenite.api.instance import Instance, InstanceExports
from arenite.api.linker import InstancePre, Linker
from arenite.api.memory import Memory
from arenite.api.module import Module
from arenite.api.store import Snapshot, Store
from arenite.api.table import Table
from arenite.api.text import wat2wasm
from arenite.api.types import ExportType, FuncType, GlobalType, ImportType, Limits, MemoryType, TableType, ValType
from arenite.api.val import Val
from arenite.config import Config
from arenite.errors import NotReady, SnapshotError
from arenite.machine.run.activation import HostCall, PauseReason
from arenite.machine.run.backtrace import GuestFrame as Frame
from arenite.machine.run.hosts import HostModuleConfig
from arenite.machine.run.hosts import State as HostState
from arenite.snapshot.private import LONGEST_KEY, SHORTEST_KEY, checked_key

Storelike: TypeAlias = Store | Caller
"""What methods take first."""

__all__ = [
    "ASK_AGAIN",
    "LONGEST_KEY",
    "SHORTEST_KEY",
    "WASI",
    "Caller",
    "Config",
    "Engine",
    "Execution",
    "ExportType",
    "Finished",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "HostCall",
    "HostModule",
    "HostModuleConfig",
    "HostState",
    "ImportType",
    "Instance",
    "InstanceExports",
    "InstancePre",
    "Limits",
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
    "Val",
    "ValType",
    "checked_key",
    "wat2wasm",
]
