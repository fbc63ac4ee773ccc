"""arenite as a player of scripts: the public API behind `ScriptEngine`, and the suite's `spectest` module.

for result in run_wast(Path("i32.wast"), Config(tier="safe")):
    if result.verdict is Verdict.FAILED:
        print(f"{result.file}:{result.line}: {result.command}: {result.message}")
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import arenite
from arenite.cli.script import Result, ScriptRunner, convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from arenite.api.extern import AnyExtern

PRINTS = {  # functions of the host module `spectest`: names and parameters
    "print": (),
    "print_i32": ("i32",),
    "print_i64": ("i64",),
    "print_f32": ("f32",),
    "print_f64": ("f64",),
    "print_i32_f32": ("i32", "f32"),
    "print_f64_f64": ("f64", "f64"),
}
GLOBALS: dict[str, int | float] = {"i32": 666, "i64": 666, "f32": 666.6, "f64": 666.6}  # spectest's global_…
TABLE = (10, 20)  # limits of spectest's table
MEMORY = (1, 2)  # and of its memory


class AreniteEngine:
    """arenite, on one tier, with one store and the suite's `spectest` module in it."""

    speaks_spec = True

    def __init__(self, engine: arenite.Engine) -> None:
        self.name: str = engine.config.tier
        self.engine = engine
        self.store = arenite.Store(self.engine)
        self.linker = arenite.Linker(self.engine)
        self.linker.allow_shadowing = True
        self._define_spectest()

    def _define_spectest(self) -> None:
        """The host module that scripts import.  Spec: the interpreter's README, "Spectest host module"."""
        types = {name: getattr(arenite.ValType, name)() for name in GLOBALS}
        for name, params in PRINTS.items():
            func = arenite.Func(self.store, arenite.FuncType([types[param] for param in params], []), lambda *_args: None)
            self.linker.define(self.store, "spectest", name, func)
        for name, value in GLOBALS.items():
            item = arenite.Global(self.store, arenite.GlobalType(types[name], mutable=False), value)
            self.linker.define(self.store, "spectest", f"global_{name}", item)
        table = arenite.Table(self.store, arenite.TableType(arenite.ValType.funcref(), arenite.Limits(*TABLE)), None)
        self.linker.define(self.store, "spectest", "table", table)
        wide = arenite.Table(self.store, arenite.TableType(arenite.ValType.funcref(), arenite.Limits(*TABLE), is_64=True), None)
        self.linker.define(self.store, "spectest", "table64", wide)
        self.linker.define(
            self.store, "spectest", "memory", arenite.Memory(self.store, arenite.MemoryType(arenite.Limits(*MEMORY)))
        )

    def compile(self, wasm: bytes) -> arenite.Module:
        """See `ScriptEngine`."""
        return arenite.Module(self.engine, wasm)

    def instantiate(self, module: arenite.Module) -> arenite.Instance:
        """See `ScriptEngine`."""
        return self.linker.instantiate(self.store, module)

    def register(self, name: str, instance: arenite.Instance) -> None:
        """See `ScriptEngine`."""
        self.linker.define_instance(self.store, name, instance)

    def invoke(self, instance: arenite.Instance, field: str, args: Sequence[object]) -> list[object]:
        """See `ScriptEngine`."""
        func = self.exports(instance)[field]
        if not isinstance(func, arenite.Func):
            raise TypeError(f"export {field!r} is no function")
        return func.call_bits(self.store, list(args))

    def get(self, instance: arenite.Instance, field: str) -> object:
        """See `ScriptEngine`."""
        item = self.exports(instance)[field]
        if not isinstance(item, arenite.Global):
            raise TypeError(f"export {field!r} is no global")
        return item.bits(self.store)

    def exports(self, instance: arenite.Instance) -> Mapping[str, AnyExtern]:
        """Everything that an instance exports, by name."""
        return instance.exports(self.store)

    def close(self) -> None:
        """Release the store."""
        self.store.close()


def run_wast(wast: Path, config: arenite.Config) -> Iterator[Result]:
    """Play a script on arenite: each command's result, in order."""
    with tempfile.TemporaryDirectory(prefix="arenite-") as folder:
        engine = AreniteEngine(arenite.Engine(config))
        try:
            yield from ScriptRunner(engine, convert(wast, Path(folder))).run()
        finally:
            engine.close()
