"""WASI preview 1, a dialect of `arenite.world`.

with Store(engine) as store:
    store.set_wasi(WasiConfig(argv=["prog"], stdout=sys.stdout))
    linker.define_wasi()
    linker.instantiate(store, module).exports(store)["_start"](store)
"""

from arenite.api.hosts import SUPPLIED, WASI, Supplied
from arenite.wasi.config import WasiConfig
from arenite.world.clocks import Clocks, SystemClocks, VirtualClocks
from arenite.world.feed import Feed
from arenite.world.streams import wait_to_read

__all__ = ["Clocks", "Feed", "SystemClocks", "VirtualClocks", "WasiConfig", "wait_to_read"]

SUPPLIED[WASI] = Supplied(
    name=WASI,
    prefix="wasi_",
    missing="the store has no WASI: store.set_wasi(WasiConfig())",
    unlinked="the linker has no WASI: linker.define_wasi()",
    frozen="say what it goes on with: fork(wasi=WasiConfig())",
)
