"""WASI preview 1, a dialect of `arenite.world`.

with Store(engine) as store:
    store.set_wasi(WasiConfig(argv=["prog"], stdout=sys.stdout))
    linker.define_wasi()
    linker.instantiate(store, module).exports(store)["_start"](store)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.wasi.config import WasiConfig as WasiConfig
    from arenite.wasi.files import files_of as files_of
    from arenite.world.clocks import Clocks as Clocks
    from arenite.world.clocks import SystemClocks as SystemClocks
    from arenite.world.clocks import VirtualClocks as VirtualClocks
    from arenite.world.feed import Feed as Feed
    from arenite.world.memory.fs import MemoryFS as MemoryFS
    from arenite.world.streams import wait_to_read as wait_to_read
else:
    from arenite.lazy import lazily

    HOMES = {
        "Clocks": "arenite.world.clocks.Clocks",
        "Feed": "arenite.world.feed.Feed",
        "MemoryFS": "arenite.world.memory.fs.MemoryFS",
        "SystemClocks": "arenite.world.clocks.SystemClocks",
        "VirtualClocks": "arenite.world.clocks.VirtualClocks",
        "WasiConfig": "arenite.wasi.config.WasiConfig",
        "files_of": "arenite.wasi.files.files_of",
        "wait_to_read": "arenite.world.streams.wait_to_read",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
