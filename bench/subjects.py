"""The engines to compare, behind one interface: run a workload in a fresh world, tell the seconds of the guest's call and its result.

The seconds are this thread's own (`thread_time`): every engine here runs a guest in the thread that calls it, and what other programs
take of the machine meanwhile does not count.

arenite and wasmtime share their names, so one class serves both.  Engines that are not installed are left out.

Example:  subject("threaded").run(OWN[0], 20)
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import io
import os
from time import thread_time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from bench import variants

import arenite
from arenite.machine.frozen.births import Births

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bench.workloads import Workload

STACK: Final = 8 << 20
NEVER: Final = 1 << 30  # epochs
WARM: Final = 3  # runs after which `auto` has compiled what a workload needs
Result = int | float | None


class Timed(NamedTuple):
    """One run."""

    seconds: float
    result: Result


class RefusedError(Exception):
    """An engine lacks what a workload needs."""


class Subject(Protocol):
    """An engine."""

    def run(self, work: Workload, size: int) -> Timed:
        """Run a workload once; only the guest's call is timed.  `size`: a kernel's argument.  Raises: `RefusedError`."""


def comparable(result: object) -> Result:
    """A result in the form in which engines agree: integers without sign, to 32 bits."""
    return result & 0xFFFFFFFF if isinstance(result, int) else result if isinstance(result, float) else None


class Package:
    """An engine with the names of the package wasmtime: `api` is that package, or arenite.

    `epochs`: they have a deadline, never reached.  `warm`: runs of a workload that come before those that are timed.
    What arenite compiles meanwhile stays with the module, for all its stores.
    """

    def __init__(self, api: ModuleType, engine: object, *, epochs: bool = False, warm: int = 0) -> None:
        self.api = api
        self.engine = engine
        self.epochs = epochs
        self.warm = warm
        self._modules: dict[str, object] = {}

    def module(self, work: Workload) -> object:
        """The workload, compiled once."""
        if work.name not in self._modules:
            self._modules[work.name] = self.api.Module(self.engine, work.wasm)
        return self._modules[work.name]

    def run(self, work: Workload, size: int) -> Timed:
        """Run a workload once, the first time after `warm` other runs."""
        if work.name not in self._modules:
            for _ in range(self.warm):
                self._run(work, size)
        return self._run(work, size)

    def _run(self, work: Workload, size: int) -> Timed:
        api, module = self.api, self.module(work)
        store, linker = api.Store(self.engine), api.Linker(self.engine)
        if self.epochs:
            store.set_epoch_deadline(NEVER)
        if work.argv:
            wasi = api.WasiConfig()
            wasi.argv = list(work.argv)
            wasi.stdout_file = wasi.stderr_file = os.devnull
            store.set_wasi(wasi)
            linker.define_wasi()
        exports = linker.instantiate(store, module).exports(store)
        function, args = (exports["_start"], ()) if work.argv else (exports["run"], (size,))
        begin = thread_time()
        try:
            result = function(store, *args)
        except api.ExitTrap as ended:
            result = ended.code
        return Timed(thread_time() - begin, comparable(result))


def forget(module: arenite.Module) -> None:
    """Let what was compiled of a module go; nothing else may have a store of it."""
    module.window, module.births = None, Births()
    gc.collect()


class Fresh(Package):
    """An engine of arenite's for which each run of a workload is the first: nothing is compiled yet, but all is translated."""

    def module(self, work: Workload) -> object:
        """The workload, translated once."""
        found = super().module(work)
        assert isinstance(found, arenite.Module)
        forget(found)
        return found


class Wasm3:
    """wasm3 through pywasm3: kernels only, since it offers Python no WASI."""

    def run(self, work: Workload, size: int) -> Timed:
        """Run a kernel once.  Raises: `RefusedError`; it compiles what it calls when that is called."""
        wasm3 = importlib.import_module("wasm3")
        environment = wasm3.Environment()
        runtime = environment.new_runtime(STACK)
        try:
            runtime.load(environment.parse_module(work.wasm))
            function = runtime.find_function("run")
            begin = thread_time()
            result = function(size)
        except RuntimeError as error:
            raise RefusedError(str(error)) from None
        return Timed(thread_time() - begin, comparable(result))


class Pywasm:
    """pywasm, an interpreter in plain Python: kernels only, since programs take it minutes."""

    def run(self, work: Workload, size: int) -> Timed:
        """Run a kernel once."""
        pywasm = importlib.import_module("pywasm")
        runtime = pywasm.core.Runtime()
        instance = runtime.instance(pywasm.core.ModuleDesc.from_reader(io.BytesIO(work.wasm)))
        begin = thread_time()
        result = runtime.invocate(instance, "run", [size])
        return Timed(thread_time() - begin, comparable(result[0]))


def tier(name: str = "threaded", warm: int = 0, **options: object) -> Package:
    """A tier of arenite."""
    config = arenite.Config(tier=name, **options)  # type: ignore[arg-type]  # checked by running
    return Package(arenite, arenite.Engine(config), epochs=config.epoch_interruption, warm=warm)


def without_fuel() -> Package:
    """The threaded tier with an interpreter that never looks at fuel: what the check costs."""
    of = arenite.Engine(arenite.Config(tier="threaded"))
    of.tier = variants.without_fuel()
    return Package(arenite, of)


def wasmtime(target: str | None = None) -> Package:
    """wasmtime: native code, or the target `pulley64`, its interpreter."""
    api = importlib.import_module("wasmtime")
    config = api.Config()
    if target is not None:
        config.target = target
    return Package(api, api.Engine(config))


# name -> (what it is, package it needs, how it is made)
SUBJECTS: Final[dict[str, tuple[str, str, Callable[[], Subject]]]] = {
    "threaded": ("arenite's threaded tier, one base", "arenite", tier),
    "spaces": ("the same with a base per address space", "arenite", lambda: tier(addressing="spaces")),
    "epoch": ("the same with epoch interruption", "arenite", lambda: tier(epoch_interruption=True)),
    "no fuel": ("control: the same without any check of fuel", "arenite", without_fuel),
    "baseline": (
        "arenite's baseline tier; compiled in a run before, as Module does it for native",
        "arenite",
        lambda: tier("baseline", 1),
    ),
    "auto": (
        f"threaded, baseline when warm; after {WARM} runs in other stores of the same module",
        "arenite",
        lambda: tier("auto", WARM),
    ),
    "fresh": (
        "auto in a first run: interpreting, counting and compiling together",
        "arenite",
        lambda: Fresh(arenite, tier("auto").engine),
    ),
    "safe": ("arenite's safe tier", "arenite", lambda: tier("safe")),
    "pulley": ("wasmtime's interpreter", "wasmtime", lambda: wasmtime("pulley64")),
    "wasm3": ("wasm3, kernels only", "wasm3", Wasm3),
    "native": ("wasmtime's native code", "wasmtime", wasmtime),
    "pywasm": ("pywasm, plain Python", "pywasm", Pywasm),
}
KERNELS_ONLY: Final = frozenset({"wasm3", "pywasm"})


def subject(name: str) -> Subject | None:
    """The engine of that name, None where its package is missing."""
    _, package, make = SUBJECTS[name]
    return make() if importlib.util.find_spec(package) else None
