"""The files that a store's guest has in memory, for its host.

files_of(fork, "/data")["out.txt"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.api.hosts import WASI
from arenite.world.memory.fs import MemoryFS
from arenite.world.memory.place import MemoryPlace

if TYPE_CHECKING:
    from arenite.api.caller import Caller
    from arenite.api.store import Store


def files_of(store: Store | Caller, name: str) -> MemoryFS:
    """The directory in memory that the guest of a store knows under a name: a fork has its own.

    Raises: `KeyError` when the guest has none of that name in memory; `Failure` when the store has no WASI.
    """
    module = store.host(WASI)
    for root in module.session.world.roots:
        if root.name == name.encode() and isinstance(root.dir, MemoryPlace):
            return MemoryFS.at(root.dir)
    raise KeyError(name)
