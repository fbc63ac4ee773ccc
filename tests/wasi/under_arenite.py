"""A WASI command under arenite itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import Func, Linker, Module, Store
from tiers import engine_of

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import WasiConfig
    from tiers import Way


def run(path: Path, config: WasiConfig, tier: Way) -> None:
    """Run a command.  Raises: Exit, Trap."""
    engine = engine_of(tier)
    linker = Linker(engine)
    linker.define_wasi()
    with Store(engine) as store:
        store.set_wasi(config)
        start = linker.instantiate(store, Module.from_file(engine, str(path))).exports(store)["_start"]
        assert isinstance(start, Func)
        start(store)
