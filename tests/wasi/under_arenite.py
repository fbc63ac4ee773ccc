"""A WASI command under arenite itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import Config, Engine, Func, Linker, Module, Store

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import WasiConfig
    from arenite.config import TierName


def run(path: Path, config: WasiConfig, tier: TierName) -> None:
    """Run a command.  Raises: Exit, Trap."""
    engine = Engine(Config(tier=tier))
    linker = Linker(engine)
    linker.define_wasi()
    with Store(engine) as store:
        store.set_wasi(config)
        start = linker.instantiate(store, Module.from_file(engine, str(path))).exports(store)["_start"]
        assert isinstance(start, Func)
        start(store)
