"""A store at one moment, as users hold it: any number of stores can go on from there.

snapshot = store.snapshot()
for fork in snapshot.fork(1000):
    outcome = fork.execution.run()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from arenite.api import store as stores
from arenite.machine.freeze import Frozen, reset, thaw

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.api.engine import Engine
    from arenite.machine.hosts import HostModuleConfig
    from arenite.machine.machine import Machine

    Hook = Callable[[stores.Store], object]


class Snapshot:
    """A store at one moment: between calls, or with executions paused.  It never changes, and any number of stores go on from it.

    What was obtained from the store before (functions, memories, instances) works with every fork.
    """

    def __init__(self, engine: Engine, frozen: Frozen, epochs_left: int = 0) -> None:
        self.engine = engine
        self._frozen = frozen
        self.epochs_left = epochs_left

    @overload
    def fork(
        self, n: None = None, *, wasi: HostModuleConfig | None = None, reseed: bool = True, hook: Hook | None = None
    ) -> stores.Store: ...

    @overload
    def fork(
        self, n: int, *, wasi: HostModuleConfig | None = None, reseed: bool = True, hook: Hook | None = None
    ) -> list[stores.Store]: ...

    def fork(
        self,
        n: int | None = None,
        *,
        wasi: HostModuleConfig | None = None,
        reseed: bool = True,
        hook: Hook | None = None,
    ) -> stores.Store | list[stores.Store]:
        """A store that goes on from here, or a list of `n`.

        `wasi`: what the guest's standard streams, directories and clocks are from now on; by default those of the store frozen.
        `reseed`: WASI's random numbers and clocks are fresh in each fork; otherwise they repeat.  `hook`: called with each fork, to
        change what the guest itself has already drawn (a hash secret, a generator's state).
        Raises: `Limit` when the system refuses memory or address space, `SnapshotError`.
        """
        if n is None:
            return self._fork(wasi, hook, reseed=reseed)
        return [self._fork(wasi, hook, reseed=reseed) for _ in range(n)]

    def _fork(self, wasi: HostModuleConfig | None, hook: Hook | None, *, reseed: bool) -> stores.Store:
        machine = thaw(self._frozen, self.engine.tier, self.engine.windows, reseed=reseed)
        store = stores.Store.of(self.engine, machine, self, self.epochs_left)
        if wasi is not None:
            store.rebind_wasi(wasi)
        if hook is not None:
            hook(store)
        return store

    def put_back(self, machine: Machine) -> None:
        """Let a fork begin again.  Raises: as `Store.reset`."""
        reset(machine, self._frozen)
