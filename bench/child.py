"""What is measured in a fresh process: `python -m bench.child TASK ENGINE FILE`.

    compile     read a module; prints CPU and wall seconds of each stage as JSON
    start       run CPython's `print(1 + 1)` from nothing; the parent watches its output

TASK does nothing else, so that time and memory of the process are those of the engine.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

PROGRAM: Final = "print(1 + 1)"
PULLEY: Final = "pulley64"


def engine(name: str) -> tuple[ModuleType, object]:
    """The package and its engine: `threaded`, `safe`, `native`, `pulley`."""
    if name in {"native", "pulley"}:
        api = importlib.import_module("wasmtime")
        config = api.Config()
        if name == "pulley":
            config.target = PULLEY
    else:
        api = importlib.import_module("arenite")
        config = api.Config(tier=name)
    return api, api.Engine(config)


def staged(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds, all threads together, and wall seconds."""
    cpu, wall = process_time(), perf_counter()
    work()
    return process_time() - cpu, perf_counter() - wall


def compile_module(name: str, path: Path) -> None:
    """Print the times of the stages."""
    data = path.read_bytes()
    api, made = engine(name)
    stages = {"validate": staged(lambda: api.Module.validate(made, data)), "module": staged(lambda: api.Module(made, data))}
    if api.__name__ == "arenite":
        verifier = importlib.import_module("arenite.bytecode.verify")
        code = api.Module(made, data).code
        stages["verify"] = staged(lambda: verifier.verify_module(code))
    print(json.dumps(stages))


def start(name: str, path: Path) -> None:
    """Run the program."""
    api, made = engine(name)
    module, store, linker, wasi = api.Module.from_file(made, str(path)), api.Store(made), api.Linker(made), api.WasiConfig()
    wasi.argv = ["python", "-c", PROGRAM]
    wasi.inherit_stdout()
    store.set_wasi(wasi)
    linker.define_wasi()
    try:
        linker.instantiate(store, module).exports(store)["_start"](store)
    except api.ExitTrap as ended:
        sys.exit(ended.code)


def peak() -> int:
    """Bytes of memory that this process has used at most.  Not `getrusage`, whose figure includes the parent's before the start."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    TASKS: Final = {"compile": compile_module, "start": start}
    try:
        TASKS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
    finally:
        print(peak(), file=sys.stderr)
