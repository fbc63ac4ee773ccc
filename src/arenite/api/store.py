"""A store: one guest world; and a snapshot: a store at one moment.  Each is made of the other.

snapshot = store.snapshot()
for fork in snapshot.fork(1000):
    outcome = fork.execution.run()

snapshot.save("booted.arn")
fork = Snapshot.open("booted.arn").fork(wasi=WasiConfig(stdin=b"print(1)"))     # another process
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, overload

from arenite.api.bound import ProcessBound
from arenite.api.caller import Caller
from arenite.api.engine import Engine, areas_of
from arenite.api.execution import Execution
from arenite.api.extern import USER_HANDLES, wrap
from arenite.api.frozen import FrozenStore
from arenite.api.func import Func
from arenite.api.globals import Global
from arenite.api.hosts import WASI
from arenite.api.instance import Instance
from arenite.api.memory import Memory
from arenite.api.module import offset_of
from arenite.api.numbers import expect, integer
from arenite.api.table import Table
from arenite.api.tag import Tag
from arenite.errors import Failure
from arenite.layout.types import MAX_U64
from arenite.machine.frozen.freeze import freeze, reset, thaw
from arenite.machine.machine import Machine
from arenite.machine.run.collect import collect
from arenite.machine.space.spares import MOST as LENT
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from arenite.machine.run.hosts import HostModuleConfig

    Hook = Callable[["Store"], object]

CONTENTS: Final = (Func, Global, Instance, Memory, Table, Tag)
"""What a store may hold: `wrap` knows those classes that are imported."""


class Deadline:
    """When a store's guests must stop, in epochs of the engine."""

    def __init__(self, engine: Engine, epochs_left: int = 0) -> None:
        self.engine = engine
        self.epoch = engine.epoch + epochs_left

    def check(self) -> Cause | None:
        """The machine asks this between slices."""
        return Cause.INTERRUPT if self.engine.epoch >= self.epoch else None


class Store(ProcessBound):
    """A store of an engine; `data` is the user's, for host functions to find.

    Not for two threads at a time.  `with` and `close` give its memory back at once; otherwise it goes with the last reference.
    """

    def __init__(self, engine: Engine | None = None, data: object = None) -> None:
        if engine is None:
            engine = Engine()
        expect(engine, Engine)
        self.engine = engine
        config = self.engine.config
        self.machine = Machine.empty(
            self.engine.tier, self.engine.windows, stack_size=config.max_wasm_stack, areas=areas_of(config)
        )
        self.machine.data = data
        self.origin: Snapshot | None = None
        self.quota = engine.quota
        self.configure(0)

    @classmethod
    def of(cls, engine: Engine, machine: Machine, origin: Snapshot, epochs_left: int) -> Store:
        """The store of a machine that goes on from a snapshot."""
        store = cls.__new__(cls)
        store.engine, store.machine, store.origin, store.quota = engine, machine, origin, origin.quota
        store.configure(epochs_left)
        return store

    def configure(self, epochs_left: int) -> None:
        """Give the machine the engine's options."""
        config, machine = self.engine.config, self.machine
        machine.locate, machine.handles = offset_of, USER_HANDLES
        machine.quota = self.quota
        machine.features = config.features
        if config.consume_fuel != (machine.fuel.left is not None):  # a new one, or frozen under other options
            machine.fuel.left = 0 if config.consume_fuel else None
        self._deadline: Deadline | None = None
        if config.epoch_interruption:
            self._deadline = Deadline(self.engine, epochs_left)
            machine.check = self._deadline.check
            machine.has_epochs = True

    def snapshot(self) -> Snapshot:
        """This moment as data, to fork and to save: between calls, or with executions paused.

        Raises: `SnapshotError` inside a host function of the store, and when a host module has something that cannot travel.
        """
        epochs_left = 0 if self._deadline is None else self._deadline.epoch - self.engine.epoch
        snapshot = Snapshot(self.engine, freeze(self.machine), epochs_left=epochs_left)
        snapshot.quota = self.quota
        return snapshot

    def reset(self) -> None:
        """Go back to the snapshot that this store was made from.

        What was obtained from the store since is of no use then.  A signal handler's exception that comes in between leaves a store that
        refuses everything but to be reset again or closed.
        Raises: `Failure` when it was made from none, `Limit` while somebody holds a view of a memory that has grown since.
        """
        if self.origin is None:
            raise Failure("the store was not made from a snapshot, so there is nothing to go back to")
        self.origin.put_back(self.machine)
        self.configure(self.origin.epochs_left)

    @property
    def execution(self) -> Execution | None:
        """The newest call that has stopped in the middle, or None."""
        found = self.machine.activations
        return Execution(self.machine, found[-1]) if found else None

    @property
    def instances(self) -> list[Instance]:
        """The instances made in this store, in order."""
        return [cast("Instance", wrap(self.machine, instance)) for instance in self.machine.registry.instances]

    def data(self) -> object:
        """What was given as `data`."""
        return self.machine.data

    def set_fuel(self, fuel: int) -> None:
        """Units that guests may use from now on: one per function entered, loop round, piece of bulk work.  Raises: `Failure`."""
        self.machine.fuel.total()
        self.machine.fuel.set(integer("fuel", fuel, 0, MAX_U64))

    def get_fuel(self) -> int:
        """Units left.  Raises: `Failure`."""
        return self.machine.fuel.total()

    def set_limits(
        self, memory_size: int = -1, table_elements: int = -1, instances: int = -1, tables: int = -1, memories: int = -1
    ) -> None:
        """How much this store may hold from now on, at most; the engine's limits hold too, and alone for what is negative here.

        `memory_size`: bytes of each memory; `table_elements`: of each table; `instances`, `tables`, `memories`: how many there may be.
        What goes beyond is a `Limit`, and -1 for a guest that wants to grow; what there is already stays.  Forks of the store have its
        limits, stores out of a file those of the engine.
        """
        asked = {"memory": memory_size, "table": table_elements, "instances": instances, "tables": tables, "areas": memories}
        self.quota = self.engine.quota.lower(**{name: integer(name, limit) for name, limit in asked.items()})
        self.machine.quota = self.quota

    def set_epoch_deadline(self, ticks_after_current: int) -> None:
        """Guests of this store trap once the engine's epoch has gone on by so much: with `Config(epoch_interruption=True)`."""
        ticks = integer("ticks", ticks_after_current, 0)
        if self._deadline is not None:
            self._deadline.epoch = self.engine.epoch + ticks

    def set_wasi(self, wasi: HostModuleConfig) -> None:
        """Give the store its WASI state, for linkers with `define_wasi`."""
        self.set_host(WASI, wasi)

    def rebind_wasi(self, wasi: HostModuleConfig) -> None:
        """Let the guest go on with other standard streams, directories, clocks; it keeps its open files.  Raises: `SnapshotError`."""
        self.rebind_host(WASI, wasi)

    def set_host(self, name: str, config: HostModuleConfig) -> None:
        """Give the store a host module under a name, for linkers with `define_host`.  Raises: `TypeError` for what is no configuration of one."""
        if not callable(getattr(config, "open", None)):
            raise TypeError(f"expected the configuration of a host module, found {type(config).__name__}")
        self.machine.hosts.set(name, config)

    def rebind_host(self, name: str, config: HostModuleConfig) -> None:
        """Let a host module go on from the state it has, with other options.  Raises: `SnapshotError`."""
        self.machine.hosts.rebind(name, config)

    def host(self, name: str) -> Any:  # noqa: ANN401 (whatever the store was given)
        """The host module of that name, as host functions find it (`Caller.host`).  Raises: `Failure` if there is none, `SnapshotError`."""
        found = self.machine.hosts.get(name)
        if found is None:
            raise Failure(f"the store has no host module {name!r}")
        return found

    def gc(self) -> None:
        """Let go of the host's objects that guests no longer hold; this happens by itself too, once many have gathered.

        Functions, tables, globals and instances live as long as the store.
        Raises: `Failure` when the store is in use by another thread.
        """
        collect(self.machine)

    def close(self) -> None:
        """Give the memory back now; using the store or what lives in it fails from then on.

        Raises: `BufferError` while somebody holds a view of a memory.
        """
        self.machine.close()
        self.machine.hosts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()


class Snapshot(FrozenStore):
    """A store at one moment: between calls, or with executions paused.  It never changes, and any number of stores go on from it.

    What was obtained from the store before (functions, memories, instances) works with every fork.  Snapshots can be pickled (the
    packed form, with the modules).
    """

    __module__ = "arenite"  # pickles name the class, and outlive the files

    @overload
    def fork(
        self, n: None = None, *, wasi: HostModuleConfig | None = None, reseed: bool = True, hook: Hook | None = None
    ) -> Store: ...

    @overload
    def fork(
        self, n: int, *, wasi: HostModuleConfig | None = None, reseed: bool = True, hook: Hook | None = None
    ) -> list[Store]: ...

    def fork(
        self, n: int | None = None, *, wasi: HostModuleConfig | None = None, reseed: bool = True, hook: Hook | None = None
    ) -> Store | list[Store]:
        """A store that goes on from here, or a list of `n`.

        `wasi`: what the guest's standard streams, directories and clocks are from now on; by default those of the store frozen.
        `reseed`: WASI's random numbers and clocks are fresh in each fork; otherwise they repeat.  `hook`: called with each fork, to
        change what the guest itself has already drawn (a hash secret, a generator's state).
        Raises: `Limit` when the system refuses memory or address space, `SnapshotError`; out of a file, as `link`.
        """
        if self._frozen is None:
            self.link(hosts={} if wasi is None else {WASI: wasi})
        if n is None:
            return self._fork(wasi, hook, reseed=reseed)
        collecting = gc.isenabled()
        try:
            gc.disable()  # many objects and no garbage: looking for some takes as long as the forks do
            return [self._fork(wasi, hook, reseed=reseed, among_many=n - i > LENT) for i in range(n)]
        finally:
            if collecting:
                gc.enable()

    def _fork(self, wasi: HostModuleConfig | None, hook: Hook | None, *, reseed: bool, among_many: bool = False) -> Store:
        frozen, engine = self._frozen, self.engine
        assert frozen is not None
        machine = thaw(frozen, engine.tier, engine.windows, reseed=reseed, among_many=among_many)
        store = Store.of(engine, machine, self, self.epochs_left)
        if wasi is not None:
            store.rebind_wasi(wasi)
        if hook is not None:
            hook(store)
        return store

    def put_back(self, machine: Machine) -> None:
        """Let a fork begin again.  Raises: as `Store.reset`."""
        if self._frozen is None:
            raise Failure("the store was not made from this snapshot")
        reset(machine, self._frozen)


Storelike: TypeAlias = Store | Caller
"""What methods take first."""
