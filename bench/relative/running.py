"""A kernel, run once in this process, for those who count what a process does: `python -m bench.relative.running WAY TIER KERNEL FOLDER SIZE`.

FOLDER has the kernel's parts as `NAME.wasm`, so that the process does nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import thread_time
from typing import TYPE_CHECKING
from unittest.mock import patch

from bench.relative.kernels import KERNELS, Kernel
from bench.relative.ways import RAW, WAYS

from arenite import Config, Engine, Func, Linker, Module, Store
from arenite.layout import raw

if TYPE_CHECKING:
    from arenite.config import TierName


def check(way: str) -> None:
    """See that this process has the layout of a way.  Raises: `RuntimeError`."""
    if raw.RAW is not (way == RAW):
        raise RuntimeError(f"this process has not the layout of {way}")


def engine_of(way: str, tier: TierName) -> Engine:
    """An engine of this process's way."""
    return Engine(Config(tier=tier, **WAYS[way].options))  # type: ignore[arg-type]  # names of options, checked by running


def kernel_of(name: str) -> Kernel:
    """The kernel of that name."""
    return next(kernel for kernel in KERNELS if kernel.name == name)


def built(engine: Engine, kernel: Kernel, modules: dict[str, Module]) -> tuple[Store, Func]:
    """A kernel's parts, instantiated and linked, and its `run`.  `modules`: those that are already translated, by the part's name."""
    store, linker, run = Store(engine), Linker(engine), None
    for part in kernel.parts:
        if part.name not in modules:
            modules[part.name] = Module(engine, part.text)
        for number in range(part.copies):
            instance = linker.instantiate(store, modules[part.name])
            exports = instance.exports(store)
            place, run = (exports.get(name) for name in ("place", "run"))
            if isinstance(place, Func):
                place(store, number)
        linker.define_instance(store, part.name, instance)
    assert isinstance(run, Func)
    return store, run


def timed(engine: Engine, kernel: Kernel, modules: dict[str, Module], size: int) -> tuple[float, object]:
    """Seconds and result of one run, in a new store."""
    store, run = built(engine, kernel, modules)
    with store:
        begin = thread_time()
        result = run(store, size)
        return thread_time() - begin, result


if __name__ == "__main__":
    WAY, TIER, NAME, FOLDER, SIZE = sys.argv[1:]
    check(WAY)
    ENGINE = engine_of(WAY, TIER)  # type: ignore[arg-type]  # the name of a tier
    MODULES = {path.stem: Module(ENGINE, path.read_bytes()) for path in Path(FOLDER).glob("*.wasm")}
    with patch("arenite.machine.space.room.ROOM", 1):  # no kernel here moves, and who counts may refuse much address space
        timed(ENGINE, kernel_of(NAME), MODULES, int(SIZE))
