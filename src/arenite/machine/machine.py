"""A store's machine: the cage, the window, what was made in them, and what goes on.

A `Machine` is the composition: its parts and its state, which the rooms beside it work on (docs/machine.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.errors import Failure, Limit, Trap
from arenite.features import SUPPORTED
from arenite.layout.cage import ALIGNMENT, ARENA_MAX, STACK_AT, write_context
from arenite.layout.records import TableRecord
from arenite.machine.lineage import Lineage
from arenite.machine.records import references
from arenite.machine.records.functions import write_host_function
from arenite.machine.records.objects import Handles
from arenite.machine.records.quota import UNBOUNDED
from arenite.machine.records.registry import NOTHING
from arenite.machine.run.activation import UNLIMITED
from arenite.machine.run.backtrace import Locate, unlocated
from arenite.machine.run.fuel import Fuel
from arenite.machine.run.hosts import Hosts
from arenite.machine.space.absent import CLOSED, Unborn
from arenite.machine.space.cage import AnyCage, Cage
from arenite.machine.space.portable import PortableCage
from arenite.machine.turn import alone
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from arenite.bytecode.module import ModuleCode
    from arenite.features import Features
    from arenite.machine.records.objects import InstanceAddr
    from arenite.machine.records.registry import Registry
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.tier import Runner, Tier
    from arenite.machine.space.window import Window, Windows
    from arenite.machine.turn import User


HANDLES: Final = Handles()


def _never() -> None:
    """The check of a machine that nobody interrupts."""


class Machine:
    """Everything below a store."""

    __slots__ = (  # faster than a dictionary, which objects of more than 30 attributes have otherwise
        "__weakref__",
        "activations",
        "asked",
        "attended",
        "cage",
        "can_pause",
        "check",
        "crossing",
        "data",
        "depth",
        "driven",
        "due",
        "elements",
        "features",
        "fuel",
        "handles",
        "has_epochs",
        "heap",
        "host_stack",
        "hosts",
        "lineage",
        "locate",
        "look_at",
        "modules",
        "progress",
        "quota",
        "registry",
        "registry_shared",
        "runner",
        "runner_generation",
        "stack_limit",
        "tier",
        "top",
        "until",
        "users",
        "window",
        "windows",
    )

    def __init__(
        self,
        tier: Tier,
        windows: Windows,
        cage: AnyCage,
        stack_limit: int,
        registry: Registry,
        lineage: Lineage,
        window: Window,
        hosts: Hosts,
    ) -> None:
        """`registry`: others have it too."""
        self.tier = tier
        self.windows = windows
        self.cage = cage
        self.stack_limit = stack_limit  # frames end at or below this arena offset
        self.heap = stack_limit  # where the next record is allocated
        # options
        self.quota = UNBOUNDED
        self.features: Features = SUPPORTED  # that modules may use
        self.locate: Locate = unlocated
        self.check: Callable[[], Cause | None] = _never  # asked whenever the guest looks up: must it stop?
        self.has_epochs = False  # ask also before the first
        self.data: object = None  # the user's
        self.handles = HANDLES
        # what was made here
        self.lineage = lineage
        self.modules: tuple[ModuleCode, ...] = ()
        self.window = window
        self.registry = registry
        self.registry_shared = True  # `registry_to_change` copies it before it changes
        self.hosts = hosts
        self.elements: int | None = 0  # of all tables; None: to be counted
        # what is going on
        self.fuel = Fuel(tier.first_slice(window))
        self.top = STACK_AT  # where the frame of a new activation may begin
        self.activations: list[Activation] = []  # calls that can stop and go on, the newest last
        self.host_stack: list[
            tuple[int, int, int, int]
        ] = []  # calls of host functions going on: (function, pc, sp, end of its frame)
        self.driven: Activation | None = None  # the activation that goes on
        self.can_pause = False  # the innermost call is an activation's: a host function may say that it is not ready
        self.until = UNLIMITED  # of the activation that goes on
        self.progress = 0  # of the host function that is being called: what it wants to find when it is asked again
        self.crossing: tuple[BaseException, TracebackType | None] | None = None  # became a guest's last, and its places in Python
        self.asked = False  # the host call that comes first was paused at, and is to be made now
        self.depth = 0  # how many runs go on, each but the first inside a host function that the one before has called
        self.users: set[User] = set()  # who may change the machine: `machine.turn`
        self.due = False  # the guest is to look up; any thread may say so
        self.attended = False  # the watch makes it look up while it runs
        self.look_at = (
            0.0  # when it looks up although the watch has not said so, behind host functions and builtins; 0: not known
        )
        self.runner: Runner | None = None
        self.runner_generation = 0  # the cage's generation that it is for

    @classmethod
    def empty(cls, tier: Tier, windows: Windows, *, stack_size: int, areas: int) -> Machine:
        """A machine in which nothing has been made.  Raises: `Limit`."""
        heap = STACK_AT + (stack_size + ALIGNMENT - 1 & -ALIGNMENT)  # records are aligned
        if heap > ARENA_MAX // 2:
            raise Limit(f"a stack of {stack_size:#x} bytes; {ARENA_MAX // 2 - STACK_AT:#x} fit")
        machine = cls(tier, windows, CLOSED, heap, NOTHING, Lineage(), windows.empty, Hosts())  # type: ignore[arg-type]  # for a moment
        machine.cage = Unborn(machine, areas)  # type: ignore[assignment]  # in place of any
        return machine

    @alone
    def born(self) -> AnyCage:
        """The cage, made if there is none yet.  Raises: `Limit` when the system refuses it, `Failure` when another thread is in."""
        unborn = self.cage
        if not isinstance(unborn, Unborn):
            return unborn
        cage = (PortableCage if self.tier.portable else Cage)(self.stack_limit + 1, unborn.areas)
        if self.heap > len(cage.arena):
            cage.grow_arena(self.heap)
        write_context(cage.store_page, self.stack_limit, cage.sizes)
        for at, index in self.registry.host_function_at.items():
            write_host_function(self.registry, cage.arena, at, index)
        self.cage = cage
        return cage

    @property
    def nested(self) -> bool:
        """Whether a guest of this machine runs, so that whoever asks is a host function that it called."""
        return self.depth > 0

    def interrupt(self) -> None:
        """Have the guest look up where it pays next, and at the next return of a host function; for any thread, at any moment."""
        self.due = True
        self.cage.raise_floor()

    # what was made
    @alone
    def allocate(self, size: int) -> int:
        """Arena offset of `size` fresh zero bytes, aligned to 16.  Raises: `Limit`."""
        arena, at = self.cage.arena, self.heap  # which is made first, if there is none yet
        end = at + -(-size // ALIGNMENT) * ALIGNMENT
        if end > len(arena):
            self.cage.grow_arena(end)
        self.heap = end
        return at

    def count_elements(self) -> int:
        """Elements of all tables.  Whoever changes that says before that they are to be counted, so an exception leaves nothing wrong."""
        if self.elements is None:
            self.elements = sum(TableRecord.length.read(self.cage.arena, at) for at in self.registry.tables)
        return self.elements

    def add_module(self, code: ModuleCode) -> int:
        """Index of a module in the window, which gets it if it is new."""
        for index, known in enumerate(self.modules):
            if known is code:
                return index
        self.window = self.windows.window((*self.modules, code), tuple(self.registry.thunks))
        self.modules += (code,)
        self.runner = None
        return len(self.modules) - 1

    def registry_to_change(self) -> Registry:
        """The registry, to be changed: forks and snapshots must not see that."""
        if self.registry_shared:
            self.registry, self.registry_shared = self.registry.copy(), False
        return self.registry

    def instance_at(self, vmctx: int) -> InstanceAddr:
        """The instance whose record lies at an offset from the arena.  Raises: `Trap` if there is none."""
        try:
            return self.registry.by_record[vmctx]
        except KeyError:
            raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code) from None

    to_guest = references.to_guest  # codecs want them with the machine bound
    from_guest = references.from_guest

    @alone
    def close(self) -> None:
        """Give the cage back; the machine is of no use from then on.

        Raises: `BufferError` while somebody holds a view of a memory, `Failure` while a guest runs.
        """
        if self.depth:
            raise Failure("the store cannot be closed while its guest runs")
        cage, self.crossing = self.cage, None
        self.cage = CLOSED  # type: ignore[assignment]  # in place of any, to refuse; first, since closing it may be interrupted
        try:
            cage.close()
        except BufferError:
            self.cage = cage
            raise
