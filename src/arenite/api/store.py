"""A store: one guest world.  What is made in it lives and dies with it; nothing is shared with other stores but code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from arenite.api import snapshot as snapshots
from arenite.api.engine import Engine, areas_of, check_engine
from arenite.api.execution import Execution
from arenite.api.here import Here
from arenite.api.instance import Instance
from arenite.api.module import offset_of
from arenite.api.numbers import integer
from arenite.errors import Failure
from arenite.layout.types import MAX_U64
from arenite.machine.frozen.freeze import freeze
from arenite.machine.machine import Machine
from arenite.machine.run.collect import collect
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from arenite.api.types import FuncType
    from arenite.machine.run.hosts import HostModuleConfig


WASI: Final = "wasi"  # the name of the host module that `set_wasi` gives


class HostModule(Protocol):
    """A group of host functions with state of its own for each store, such as WASI.

    A callable of it gets the `Caller` first and finds the state by `caller.host(name)`, never by what it closes over: forks of a
    store share the functions.
    """

    def function(self, module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
        """Type and callable of an import, or None."""


class Deadline:
    """When a store's guests must stop, in epochs of the engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.epoch = 0

    def check(self) -> Cause | None:
        """The machine asks this between slices."""
        return Cause.INTERRUPT if self.engine.epoch >= self.epoch else None


class Store(Here):
    """A store of an engine; `data` is the user's, for host functions to find.

    Not for two threads at a time.  `with` and `close` give its memory back at once; otherwise it goes with the last reference.
    """

    def __init__(self, engine: Engine | None = None, data: object = None) -> None:
        if engine is None:
            engine = Engine()
        check_engine(engine)
        self.engine = engine
        config = self.engine.config
        self.machine = Machine.empty(
            self.engine.tier, self.engine.windows, stack_size=config.max_wasm_stack, areas=areas_of(config)
        )
        self.machine.data = data
        self.origin: snapshots.Snapshot | None = None
        self.quota = engine.quota
        self.configure(0)

    @classmethod
    def of(cls, engine: Engine, machine: Machine, origin: snapshots.Snapshot, epochs_left: int) -> Store:
        """The store of a machine that goes on from a snapshot."""
        store = cls.__new__(cls)
        store.engine, store.machine, store.origin, store.quota = engine, machine, origin, origin.quota
        store.configure(epochs_left)
        return store

    def configure(self, epochs_left: int) -> None:
        """Give the machine the engine's options."""
        config, machine = self.engine.config, self.machine
        machine.locate = offset_of
        machine.quota = self.quota
        if config.consume_fuel != (machine.fuel.left is not None):  # a new one, or frozen under other options
            machine.fuel.left = 0 if config.consume_fuel else None
        self._deadline = Deadline(self.engine)
        if config.epoch_interruption:
            self._deadline.epoch = self.engine.epoch + epochs_left
            machine.check = self._deadline.check
            machine.watched = True

    def snapshot(self) -> snapshots.Snapshot:
        """This moment as data, to fork and to save: between calls, or with executions paused.

        Raises: `SnapshotError` inside a host function of the store, and when a host module has something that cannot travel.
        """
        made = snapshots.Snapshot(self.engine, freeze(self.machine), epochs_left=self._deadline.epoch - self.engine.epoch)
        made.quota = self.quota
        return made

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
        return [Instance.of(self.machine, index) for index in range(len(self.machine.registry.instances))]

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
        self._deadline.epoch = self.engine.epoch + integer("ticks", ticks_after_current, 0)

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
