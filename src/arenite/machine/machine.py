"""A store's machine: the cage, the window, what was made in them, and the loop that runs guests.

A tier runs until it stops; the loop does what the stop asks for (a host function, a helper, a slice of fuel) and lets it go on.  No
machine stack lies between guest and host at that moment: what is going on stands in the arena and the store context.

Invariants: the arena is distrusted (a word is read once and bounded); the store context below the base is the machine's own;
`top` is where a new activation's frame may begin.
"""

from __future__ import annotations

import struct
import time
from threading import get_ident
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, NoReturn

from arenite.bytecode.helpers import FINISHED, LOOK_UP, PAUSE_AGAIN, PAUSE_OWED
from arenite.errors import Failure, Limit, Trap
from arenite.layout.cage import ALIGNMENT, ARENA_MAX, STACK_AT, UNIT, write_context
from arenite.layout.records import FrameHeader, FuncRefRecord, StoreContext, TableRecord
from arenite.layout.types import EXTERNREF
from arenite.machine.frozen.lineage import Lineage
from arenite.machine.records.objects import FuncAddr, HostFunction, InstanceAddr
from arenite.machine.records.quota import UNBOUNDED
from arenite.machine.records.registry import Registry
from arenite.machine.records.values import converted
from arenite.machine.run.backtrace import Locate, backtrace, unlocated
from arenite.machine.run.collect import tidy
from arenite.machine.run.execution import HOST_CALL, READY, SPENT, UNLIMITED, GiveWay, HostCall, Pause, PauseReason, Suspended
from arenite.machine.run.help import help_on
from arenite.machine.run.helpers import HELPER_METHODS
from arenite.machine.run.host_calls import fail, pause_at, put_results
from arenite.machine.run.hosts import Hosts
from arenite.machine.run.watch import watch
from arenite.machine.space.absent import ClosedCage, Unborn
from arenite.machine.space.cage import AnyCage, Cage
from arenite.machine.space.portable import PortableCage
from arenite.machine.space.window import HALT_PC, Windows
from arenite.machine.turn import IN_USE, alone
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.layout.types import FuncType
    from arenite.machine.run.execution import Activation, Until
    from arenite.machine.run.tier import Runner, Tier

CONTEXT: Final = StoreContext.packer("status", "pc", "sp", "vmctx", "fuel")
FUNCREF: Final = FuncRefRecord.packer()
HEADER: Final = FrameHeader.packer()
SLICE: Final = 1 << 62  # units of fuel: the watch ends it
LATE: Final = (
    0.015  # seconds without a word of the watch: it waits for the interpreter lock, of which short runs let go for too short …
)
UNSEEN: Final = 4  # … but a host function of 5 ms lets it in: so looking at the clock behind one of so many is enough …
YIELD: Final = 50e-6  # … and so long the lock is let go of then: threads of the user's wait for it, too
UNATTENDED: Final = 1 << 16  # where there is no watch: a few milliseconds of a guest that calls and loops
NO_FUEL: Final = "fuel is not configured: Config(consume_fuel=True)"


def _never() -> None:
    """The check of a machine that nobody interrupts."""


class Machine:
    """Everything below a store."""

    __slots__ = (  # faster than a dictionary, which objects of more than 30 attributes have otherwise
        "__weakref__",
        "_made_for",
        "_runner",
        "activations",
        "asked",
        "attended",
        "cage",
        "can_pause",
        "check",
        "data",
        "depth",
        "driven",
        "due",
        "elements",
        "fuel",
        "host_stack",
        "hosts",
        "lineage",
        "locate",
        "look_at",
        "made",
        "modules",
        "progress",
        "quota",
        "reserve",
        "shared",
        "slice_units",
        "stack_limit",
        "tier",
        "top",
        "until",
        "users",
        "watched",
        "window",
        "windows",
    )

    def __init__(
        self,
        tier: Tier,
        windows: Windows,
        cage: AnyCage,
        stack_limit: int,
        made: Registry | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        """`made`: a snapshot's."""
        self.tier = tier
        self.windows = windows
        self.cage = cage
        self.stack_limit = stack_limit  # frames end at or below this arena offset
        # options
        self.fuel: int | None = None  # units that may be used now; None: unlimited
        self.reserve = 0  # units of the store's that are not for the activation that goes on
        self.quota = UNBOUNDED
        self.locate: Locate = unlocated
        self.check: Callable[[], Cause | None] = _never  # asked whenever the guest looks up: must it stop?
        self.watched = False  # ask also before the first
        self.data: object = None  # the user's
        # what was made here
        self.lineage = Lineage()
        self.modules: tuple[ModuleCode, ...] = ()
        self.window = windows.empty
        self.made = made or Registry()
        self.shared = made is not None  # `made` is a snapshot's too: `own` copies it before it changes
        self.hosts = hosts or Hosts()
        self.elements: int | None = 0  # of all tables; None: to be counted
        # what is going on
        self.top = STACK_AT
        self.activations: list[Activation] = []  # calls that can stop and go on, the newest last
        self.host_stack: list[
            tuple[int, int, int, int]
        ] = []  # calls of host functions going on: (function, pc, sp, end of its frame)
        self.driven: Activation | None = None  # the activation that goes on
        self.can_pause = False  # the innermost call is an activation's: a host function may say that it is not ready
        self.until = UNLIMITED  # of the activation that goes on
        self.progress = 0  # of the host function that is being called: what it wants to find when it is asked again
        self.asked = False  # the host call that comes first was paused at, and is to be made now
        self.depth = 0  # how many runs go on, each but the first inside a host function that the one before has called
        self.users: set[int] = set()  # the thread that may change the machine: `machine.turn`
        self.slice_units = SLICE  # length of a slice of fuel; results never depend on it
        self.due = False  # the guest is to look up; any thread may say so
        self.attended = False  # the watch makes it look up while it runs
        self.look_at = 0.0  # when it looks up although the watch has not said so, behind host functions and helpers; 0: not known
        self._made_for = 0  # the cage's generation that the runner is for
        self._runner: Runner | None = None

    @classmethod
    def empty(cls, tier: Tier, windows: Windows, *, stack_size: int, areas: int) -> Machine:
        """A machine in which nothing has been made.  Raises: `Limit`."""
        heap = STACK_AT + (stack_size + ALIGNMENT - 1 & -ALIGNMENT)  # records are aligned
        if heap > ARENA_MAX // 2:
            raise Limit(f"a stack of {stack_size:#x} bytes; {ARENA_MAX // 2 - STACK_AT:#x} fit")
        machine = cls(tier, windows, ClosedCage(), heap)  # type: ignore[arg-type]  # for a moment
        machine.cage = Unborn(machine, heap, areas)  # type: ignore[assignment]  # in place of any
        return machine

    @alone
    def born(self) -> AnyCage:
        """The cage, made if there is none yet.  Raises: `Limit` when the system refuses it, `Failure` when another thread is in."""
        unborn = self.cage
        if not isinstance(unborn, Unborn):
            return unborn
        cage = (PortableCage if self.tier.portable else Cage)(unborn.first + 1, unborn.areas)
        if unborn.heap > len(cage.arena):
            cage.grow_arena(unborn.heap)
        write_context(cage.store_page, unborn.heap, self.stack_limit, cage.sizes)
        for at, index in self.made.host_function_at.items():
            self._write_host_function(cage.arena, at, index)
        self.cage = cage
        return cage

    def _write_host_function(self, arena: memoryview, at: int, index: int) -> None:
        """Write the reference to a host function."""
        FUNCREF.pack_into(arena, at, 0, self.made.thunks[self.made.host_functions[index].type], index, 0)

    def write_context(self, heap: int) -> None:
        """Write what the store page of a cage that nothing has run in says."""
        write_context(self.cage.store_page, heap, self.stack_limit, self.cage.sizes)

    # fuel
    def get_fuel(self) -> int | None:
        """Units that the store has left; None: unlimited."""
        return None if self.fuel is None else self.reserve + max(self.fuel, 0)

    def counted_fuel(self) -> int:
        """The same.  Raises: `Failure` where it is unlimited."""
        left = self.get_fuel()
        if left is None:
            raise Failure(NO_FUEL)
        return left

    def set_fuel(self, units: int) -> None:
        """The store has so many units from now on; what goes on may use no more of them than before."""
        if self.fuel is None:
            raise Failure(NO_FUEL)
        self.fuel = min(units, self.fuel) if self.reserve or self.until.fuel is not None else units
        self.reserve = units - self.fuel

    # what grows
    def _refresh(self) -> Runner:
        """Give the tier the present buffers and window."""
        generation, cage = self.cage.generation, self.cage  # in this order: the first has it made
        cage.show(self.window)
        runner = self.tier.runner(cage, self.window)
        self._made_for, self._runner = generation, runner
        return runner

    @alone
    def allocate(self, size: int) -> int:
        """Arena offset of `size` fresh zero bytes, aligned to 16.  Raises: `Limit`."""
        at = StoreContext.heap.read(self.cage.store_page, 0)
        end = at + -(-size // ALIGNMENT) * ALIGNMENT
        if end > len(self.cage.arena):
            self.cage.grow_arena(end)
        StoreContext.heap.write(self.cage.store_page, 0, end)
        return at

    def count_elements(self) -> int:
        """Elements of all tables.  Whoever changes that says before that they are to be counted, so an exception leaves nothing wrong."""
        if self.elements is None:
            self.elements = sum(TableRecord.length.read(self.cage.arena, at) for at in self.made.tables)
        return self.elements

    def add_module(self, code: ModuleCode) -> int:
        """Index of a module in the window, which gets it if it is new."""
        for index, known in enumerate(self.modules):
            if known is code:
                return index
        self.window = self.windows.window((*self.modules, code), tuple(self.made.thunks))
        self.modules += (code,)
        self._runner = None
        return len(self.modules) - 1

    def own(self) -> Registry:
        """The registry, to be changed: forks and snapshots must not see that."""
        if self.shared:
            self.made, self.shared = self.made.copy(), False
        return self.made

    def add_host_function(self, function: HostFunction) -> FuncAddr:
        """A reference by which guests may call a host function."""
        if function.type not in self.made.thunks:
            self._add_thunk(function.type)
        cage = self.cage
        if isinstance(cage, Unborn):
            at, cage.heap = cage.heap, cage.heap + FuncRefRecord.size
            self.own().add_function(function, at)
        else:
            at = self.allocate(FuncRefRecord.size)
            self._write_host_function(self.cage.arena, at, self.own().add_function(function, at))
        return FuncAddr(at, function.type, function.codec)

    def _add_thunk(self, type_: FuncType) -> None:
        """Have a handle by which guests call host functions of a type that is new to this store."""
        made, thunks = self.own(), self.window.preamble.thunks
        handle = len(made.thunks)
        known = thunks[handle].type if handle < self.window.shown else None
        if known is not type_ and known != type_:  # another order than that of earlier stores
            self.window = self.windows.window(self.modules, (*made.thunks, type_))
        self._runner = None  # the file of entries that the cage shows may be from before the thunk
        made.thunks[type_] = handle

    def name_host_function(self, at: int, module: str, name: str) -> None:
        """The host function whose reference lies at `at`, if that is one, serves an import of this name."""
        index = self.made.host_function_at.get(at)
        if index is not None and self.made.host_names[index] is None:
            self.own().host_names[index] = module, name

    # references
    def host_reference(self, value: object) -> int:
        """The u32 by which guests hold a Python object: 1 + its number; 0 for None."""
        if value is None:
            return 0
        number = self.made.references.find(value)
        return 1 + (self.own().references.add(value) if number is None else number)

    def tidy(self) -> None:
        """Let go of unheld objects once many have gathered.  Before references are made: one that lies nowhere yet is held by nobody."""
        if self.made.references.crowded:
            tidy(self)

    def host_object(self, reference: int) -> object:
        """The Python object that a guest holds.  Raises: `Trap` for a reference that was never given out."""
        return self.made.references.object(reference) if reference else None

    def function_at(self, reference: int) -> FuncAddr:
        """The function that a reference from the arena names, typed by the window.  Raises: `Trap` if it names none."""
        if reference <= len(self.cage.arena) - FuncRefRecord.size:
            handle = FuncRefRecord.code.read(self.cage.arena, reference)
            type_ = self.window.type_of(self.window.entry(handle)[2])
            if type_ is not None:
                return FuncAddr(reference, type_)
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)

    def to_guest(self, type_: int, value: object) -> int:
        """A reference as a slot holds it.  Raises: `TypeError`."""
        if type_ == EXTERNREF:
            return self.host_reference(value)
        if value is None:
            return 0
        if isinstance(value, FuncAddr):
            return value.at
        raise TypeError(f"expected a function or None for funcref, found {type(value).__name__}")

    def from_guest(self, type_: int, reference: int) -> object:
        """What a slot's reference means: None, a Python object, a `FuncAddr`."""
        if type_ == EXTERNREF:
            return self.host_object(reference)
        return self.function_at(reference) if reference else None

    # calls
    def call(self, function: FuncAddr, args: Sequence[object], *, bits: bool = False) -> Sequence[object]:
        """Call a function with Python values; function references are `FuncAddr`s.  `bits`: with the bit patterns of slots, and get such.

        Raises: `Trap`, what a host function raised, `TypeError`, `OverflowError`.
        """
        me, users = get_ident(), self.users  # as `machine.turn.alone`, written out: this is what short calls cost
        outermost = me not in users
        try:
            if outermost:
                users.add(me)
                if len(users) > 1:
                    raise Failure(IN_USE)
            kind, sp = function.codec, self.top
            can_pause, hosts, progress = self.can_pause, len(self.host_stack), self.progress
            self.depth += 1  # what an argument calls to say its value runs above, and may do no more than a host function
            try:
                if bits:
                    self._put_bits(function, args)
                else:
                    self.put_arguments(function, args)
                if self.depth > self.quota.nesting:
                    raise self._nested_too_deeply(f"{self.quota.nesting} are allowed (max_nesting)")
                pc, vmctx, caller = function.entry or self.resolve(function)
                HEADER.pack_into(self.cage.arena, sp + kind.header, 0, HALT_PC, caller, 0)
                self.can_pause = False
                if not self.attended:
                    self._be_watched()
                self._run(pc, sp, vmctx)
            finally:  # nothing is called before all is as it was: an exception of a signal's handler comes behind a call
                self.depth -= 1
                self.top = sp
                self.can_pause, self.progress = can_pause, progress
                del self.host_stack[hosts:]
            if bits:
                return struct.unpack_from(f"<{kind.results}Q", self.cage.arena, sp)
            if kind.plain_results:
                return kind.get_results(self.cage.arena, sp)
            return kind.read_results(self.cage.arena, sp, self.from_guest)
        except Trap:
            self.cage.check()  # zeros in place of what a file has no more look like damage
            raise
        except RecursionError as error:
            if self.depth == 0:  # whoever calls, or the only host function, is to blame
                raise
            raise self._nested_too_deeply("Python's stack has no room for more (sys.getrecursionlimit)") from error
        finally:
            if outermost:
                users.discard(me)

    def _nested_too_deeply(self, why: str) -> Trap:
        """What to raise at this level."""
        return Trap(f"{Cause.NESTING.message}: {why}", Cause.NESTING.code)

    def _put_bits(self, function: FuncAddr, args: Sequence[object]) -> None:
        """`put_arguments` for what is bits already."""
        if self.top + function.codec.frame > self.stack_limit:
            raise Trap(Cause.STACK_OVERFLOW.message, Cause.STACK_OVERFLOW.code)
        sp, self.top = self.top, self.top + function.codec.room
        struct.pack_into(f"<{len(args)}Q", self.cage.arena, sp, *args)

    def put_arguments(self, function: FuncAddr, args: Sequence[object]) -> None:
        """Begin the frame of this function at the top, which moves above it.  An argument may call guests: whoever calls this has `depth` say so.

        Raises: `TypeError`, `OverflowError`, `Trap`.
        """
        kind, sp, arena = function.codec, self.top, self.cage.arena
        if sp + kind.frame > self.stack_limit:
            raise Trap(Cause.STACK_OVERFLOW.message, Cause.STACK_OVERFLOW.code)
        self.top = sp + kind.room
        if kind.plain_params:
            try:
                kind.put_params(arena, sp, *args)
            except (struct.error, OverflowError):  # a value in another acceptable form, or the error is raised below
                pass
            else:
                return
        values = converted(args, kind.type.params, self.to_guest)
        kind.put_params(self.cage.arena, sp, *values)

    def put_entry(self, function: FuncAddr, sp: int) -> tuple[int, int]:
        """Write the header of a frame that returns to the host; the function's (pc, vmctx)."""
        pc, vmctx, caller = function.entry or self.resolve(function)
        HEADER.pack_into(self.cage.arena, sp + function.codec.header, 0, HALT_PC, caller, 0)
        return pc, vmctx

    @property
    def nested(self) -> bool:
        """Whether a guest of this machine runs, so that whoever asks is a host function that it called."""
        return self.depth > 0

    def drive(self, activation: Activation, until: Until) -> None:
        """Run an activation until it has finished.  Raises: `Suspended` where it stops, and what an ordinary call raises."""
        self.until = until
        self.asked = activation.pause is not None and activation.pause.reason is PauseReason.CALL
        self.depth += 1
        self.can_pause = True
        self.driven = activation
        try:
            if not self.attended:
                self._be_watched()
            self._run(activation.pc, activation.sp, activation.vmctx, activation.status, activation.progress)
        except Trap:
            self.cage.check()
            raise
        finally:  # as above
            self.depth -= 1
            self.can_pause = False
            self.driven = None
            self.until = UNLIMITED
            del self.host_stack[:]

    def _be_watched(self) -> None:
        """A guest of this machine begins to run, and nobody makes it look up."""
        if not watch.attend(self):
            self.slice_units = min(self.slice_units, UNATTENDED)

    def resolve(self, function: FuncAddr) -> tuple[int, int, int]:
        """Where a reference leads, by the window.  Raises: `Trap` if the window has another type for it."""
        try:
            _, handle, vmctx, _ = FUNCREF.unpack_from(self.cage.arena, function.at)
        except struct.error:
            raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code) from None
        pc, _, actual = self.window.entry(handle)
        if self.window.type_of(actual) != function.type:
            raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
        function.entry = pc, vmctx, vmctx
        return function.entry

    def _run(self, pc: int, sp: int, vmctx: int, status: int = READY, progress: tuple[int, ...] = ()) -> None:
        """The loop.  `status`: what is to be done before the tier goes on, as if it had just stopped for that; see `Activation`."""
        left = given = 0 if self.watched or status != READY else self._grant()
        self.look_at = 0.0
        calls = UNSEEN  # of host functions since the clock was looked at
        while True:
            if status == HOST_CALL:  # written out: each function on the way to a host function takes of Python's stack
                type_, functions = self.window.preamble.host_calls[pc], self.made.host_functions
                function = functions[vmctx] if vmctx < len(functions) else None
                if function is None or (function.type is not type_ and function.type != type_):
                    self.trap(Cause.BAD_SIGNATURE, pc, sp, vmctx)
                kind, arena = function.codec, self.cage.arena
                end = sp + kind.frame
                if end > self.stack_limit:
                    self.trap(Cause.CORRUPT, pc, sp, vmctx)
                args = kind.get_params(arena, sp) if kind.plain_params else kind.read_params(arena, sp, self.from_guest)
                if self.can_pause and self.until.pause_at:
                    pause_at(self, pc, sp, vmctx, progress[0] if progress else 0)
                self.progress, progress = progress[0] if progress else 0, ()
                self.top = end = end + ALIGNMENT - 1 & -ALIGNMENT
                self.host_stack.append((vmctx, pc, sp, end))
                if function.before is not None:
                    if not kind.plain_results:
                        self.tidy()
                    args = function.before(self, FrameHeader.caller_vmctx.read(arena, sp + kind.header), args)
                try:
                    result = function.call(*args)
                    if function.after is not None:
                        result = function.after(self, args, result)
                except BaseException as error:
                    fail(self, function, args, error, pc, sp, vmctx)
                    raise
                self.host_stack.pop()
                if kind.results == 1 and kind.plain_results:  # the usual case, written out: this is what short host calls cost
                    try:
                        kind.put_results(self.cage.arena, sp, result)
                    except (struct.error, OverflowError):  # a value in another acceptable form, or the error is raised here
                        put_results(self, kind, result, sp)
                elif result is not None or kind.results:
                    put_results(self, kind, result, sp)
                args, result = (), None  # what was in them may go
                pc += UNIT
                calls += 1
                if self.due or calls >= UNSEEN:
                    calls = 0
                    if self.is_late():
                        self.look_up(READY, pc, sp, vmctx)
                given = left
                if self.fuel is not None:  # which the host function may have changed
                    left = given = self._grant()
            elif status == READY:
                pass
            elif status in (PAUSE_AGAIN, PAUSE_OWED):
                left = given = self._next_slice(status, pc, sp, vmctx)
            elif status in HELPER_METHODS:
                pc = help_on(self, status, pc, sp, vmctx, progress)
                progress = ()
                given = left
                if self.fuel is not None:
                    left = given = self._grant()
            elif status == LOOK_UP:
                self.look_up(READY, pc, sp, vmctx)
            else:
                self.trap(Cause(status), pc, sp, vmctx)
            cage = self.cage
            page = cage.store_page
            CONTEXT.pack_into(page, 0, FINISHED, pc, sp, vmctx, left)
            runner = self._runner
            if runner is None or self._made_for != cage.generation:
                runner = self._refresh()
            try:
                runner()
                status, pc, sp, vmctx, left = CONTEXT.unpack_from(page, 0)
            except BaseException:  # of a signal's handler; the guest pays for what it did
                self._charge(given, StoreContext.fuel.read(page, 0))
                raise
            if self.fuel is not None:
                if not 0 <= left <= given:  # a fault on a damaged record may come while the register is in use
                    left = 0
                self.fuel -= given - left
                given = left
            if cage.lost[0]:
                cage.check()
            if status == FINISHED:
                return

    def _charge(self, given: int, left: int) -> None:
        """A run was ended by an exception with so many units left, as the context says."""
        if self.fuel is not None:
            self.fuel -= given - left if 0 <= left <= given else given

    def _grant(self) -> int:
        """Units for a slice."""
        return self.slice_units if self.fuel is None else max(min(self.slice_units, self.fuel), 0)

    def _next_slice(self, status: int, pc: int, sp: int, vmctx: int) -> int:
        """A slice was used up, or the watch has ended it: look up, pay what is owed."""
        self.look_up(status, pc, sp, vmctx)
        owed = status == PAUSE_OWED
        if self.fuel is None:
            return self.slice_units - owed
        if self.fuel <= 0:
            self.give_way(SPENT, status, pc, sp, vmctx)
        self.fuel -= owed
        return self._grant()

    def interrupt(self) -> None:
        """Have the guest look up where it pays next, and at the next return of a host function; for any thread, at any moment."""
        self.due = True
        self.cage.raise_floor()

    def is_late(self) -> bool:
        """Whether to look up behind a host function or a helper.  The first time in a run only says when it would be late."""
        now = monotonic()
        if self.due or now >= self.look_at > 0.0:
            return True
        if not self.look_at:
            self.look_at = now + LATE
        return False

    def look_up(self, status: int, pc: int, sp: int, vmctx: int, progress: tuple[int, ...] = ()) -> None:
        """Give way if it is time to.  Raises: `Suspended`, `Trap`; what a signal's handler raises."""
        self.cage.lower_floor()
        if not self.due and monotonic() >= self.look_at > 0.0:
            sleep(YIELD)
        self.due = False
        self.look_at = monotonic() + LATE
        stop = self.time_is_up()
        if stop is not None:
            self.give_way(stop, status, pc, sp, vmctx, progress)

    def time_is_up(self) -> GiveWay | None:
        """Why the guest must stop now, if it must."""
        code = self.check()
        if code is not None:
            return GiveWay(Pause(PauseReason.EPOCH, "the epoch's deadline has come"), code)
        if self.can_pause and self.until.deadline and time.monotonic() >= self.until.deadline:
            return GiveWay(Pause(PauseReason.DEADLINE, "the deadline has come"), Cause.INTERRUPT)
        return None

    def give_way(self, stop: GiveWay, status: int, pc: int, sp: int, vmctx: int, progress: tuple[int, ...] = ()) -> NoReturn:
        """The guest must stop: an execution pauses, an ordinary call traps."""
        if self.can_pause:
            raise Suspended(stop.pause, status, pc, sp, vmctx, progress) from None
        self.trap(stop.code, pc, sp, vmctx)

    def host_call(self, index: int, args: Sequence[object] = ()) -> HostCall:
        """A call of a host function, for people."""
        module, name = self.made.host_names[index] or ("", f"host function {index}")
        return HostCall(module, name, tuple(args))

    def answer(self, pc: int, sp: int, vmctx: int, value: object) -> None:
        """Write what the host function `vmctx` would have returned to the frame at `sp`.  Raises: `TypeError`, `OverflowError`, `Trap`."""
        functions = self.made.host_functions
        if vmctx >= len(functions) or self.window.preamble.host_calls.get(pc) != functions[vmctx].type:
            raise Trap(Cause.BAD_SIGNATURE.message, Cause.BAD_SIGNATURE.code)
        self.tidy()
        kind, arena = functions[vmctx].codec, self.cage.arena
        asked = bytes(arena[sp : sp + kind.header])
        try:
            put_results(self, kind, value, sp)
        except BaseException:
            arena[sp : sp + len(asked)] = asked  # a value that does not fit has overwritten what the guest asks
            raise

    def trap(self, cause: Cause, pc: int, sp: int, vmctx: int) -> NoReturn:
        """Raise the trap with the guest's frames."""
        raise Trap(cause.message, cause.code, backtrace(self, pc, sp, vmctx))

    def known_instance(self, vmctx: int) -> InstanceAddr | None:
        """The instance whose record lies at an offset, if there is one (a host function called by the host has none)."""
        return self.made.by_record.get(vmctx)

    def instance_at(self, vmctx: int) -> InstanceAddr:
        """The instance whose record lies at an offset from the arena.  Raises: `Trap` if there is none."""
        try:
            return self.made.by_record[vmctx]
        except KeyError:
            raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code) from None

    @alone
    def close(self) -> None:
        """Give the cage back; the machine is of no use from then on.

        Raises: `BufferError` while somebody holds a view of a memory, `Failure` while a guest runs.
        """
        if self.depth:
            raise Failure("the store cannot be closed while its guest runs")
        cage = self.cage
        self.cage = ClosedCage()  # type: ignore[assignment]  # in place of any, to refuse; first, since closing it may be interrupted
        try:
            cage.close()
        except BufferError:
            self.cage = cage
            raise
