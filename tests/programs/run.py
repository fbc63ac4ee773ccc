"""Run one program of programs.toml in this process:  python tests/programs/run.py ENGINE PROGRAM MANIFEST FOLDER

`ENGINE` is a tier of arenite or `wasmtime`: both have the same names, so the same lines run on either.  The folder is `/w`
of the guest.  The guest's standard output is this process's; so is its exit code, 134 after a trap.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from programs.fetch import Fetched, fetch, programs

if TYPE_CHECKING:
    from collections.abc import Callable


def run(engine: str, fetched: Fetched, folder: Path) -> int:
    """The guest's exit code."""
    api: Any = importlib.import_module("wasmtime" if engine == "wasmtime" else "arenite")
    config = api.Config() if engine == "wasmtime" else api.Config(tier=engine)
    wasi = api.WasiConfig()
    wasi.argv = fetched.program.argv
    wasi.env = fetched.program.environment.items()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    wasi.preopen_dir(str(folder), "/w")
    for guest, inside in fetched.program.preopens.items():
        wasi.preopen_dir(str(fetched.folder / inside), guest)
    store = api.Store(api.Engine(config))
    store.set_wasi(wasi)
    linker = api.Linker(store.engine)
    linker.define_wasi()
    module = api.Module.from_file(store.engine, str(fetched.wasm))
    for item in module.imports:
        if not item.module.startswith("wasi"):  # functions of an embedding that this run never calls
            linker.define_func(item.module, item.name, item.type, uncalled(item.name))
    exports, entry = linker.instantiate(store, module).exports(store), fetched.program.entry
    try:
        if entry != "_start":
            exports["_initialize"](store)
        return int(exports[entry](store) or 0)
    except api.ExitTrap as exit_:
        return int(exit_.code)
    except api.Trap as trap:
        print(trap, file=sys.stderr)
        return 134


def uncalled(name: str) -> Callable[..., object]:
    """A host function that must not be called."""

    def fail(*_args: object) -> object:
        raise AssertionError(f"the program calls {name}")

    return fail


def main(engine: str, name: str, manifest: str, folder: str) -> int:
    """Run it."""
    return run(engine, fetch(programs(Path(manifest))[name]), Path(folder))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
