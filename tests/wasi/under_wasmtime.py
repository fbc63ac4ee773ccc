"""arenite's WASI under an outside engine, so that its faults and arenite's can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import wasmtime

from arenite.api.hosts import WASI
from arenite.wasi.preview1 import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite.wasi import WasiConfig
    from arenite.wasi.host import HostModule

ENGINE = wasmtime.Engine()
VALUE_TYPES = {"i32": wasmtime.ValType.i32, "i64": wasmtime.ValType.i64}


class Memory:
    """A memory with `view`."""

    def __init__(self, memory: wasmtime.Memory) -> None:
        self.memory = memory

    def view(self, store: Caller) -> memoryview:
        return memoryview(self.memory.get_buffer_ptr(store.caller)).cast("B")


class Caller:
    """A caller whose memories have `view`, and which knows WASI; nothing can ask a second time."""

    can_pause = False
    hurried = False
    progress = 0

    def __init__(self, caller: wasmtime.Caller, module: HostModule) -> None:
        self.caller = caller
        self.module = module

    def host(self, name: str) -> HostModule:
        assert name == WASI
        return self.module

    def checkpoint(self) -> None:
        pass

    def wait(self, step: Callable[[float | None], bool], seconds: float | None = None, *, wanted: object = None) -> bool:
        del seconds, wanted
        while not step(None):
            pass
        return True

    def get(self, name: str) -> Memory | None:
        found = self.caller.get(name)
        return Memory(found) if isinstance(found, wasmtime.Memory) else None


def adapted(call: Any, module: HostModule) -> Any:
    return lambda caller, *arguments: call(Caller(caller, module), *arguments)


def run(path: Path, config: WasiConfig) -> None:
    """Run a command.  Raises: arenite's Exit, wasmtime's Trap."""
    host = config.open()
    module = wasmtime.Module.from_file(ENGINE, str(path))
    linker = wasmtime.Linker(ENGINE)
    linker.allow_shadowing = True  # some modules import a function twice
    for wanted in module.imports:
        found = host.function(wanted.module, wanted.name or "")
        if found is None:
            continue
        row = TABLE[wanted.name or ""]
        functype = wasmtime.FuncType([VALUE_TYPES[word]() for word in row.words], [VALUE_TYPES[word]() for word in row.returns])
        linker.define_func(wanted.module, wanted.name or "", functype, adapted(found[1], host), access_caller=True)
    store = wasmtime.Store(ENGINE)
    try:
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        start(store)
    finally:
        host.close()
