"""The driver: one block after the other, until one of them stops the run.

Blocks pass (pc, sp, vmctx, fuel) on, so a guest's call nests nothing in Python.  A stop is the exception `Stopped`; an access outside a
view is a trap at the op whose line raised, so no access costs a check of our own.

Invariants: between runs no view of the arena or of a memory is held, so both may move; within a run neither grows.
"""

from __future__ import annotations

import struct
from types import FunctionType
from typing import TYPE_CHECKING, Final, NoReturn, ParamSpec, TypeVar
from weakref import WeakMethod

from arenite.bytecode.stops import LOOK_UP
from arenite.emit.numerics import FUNCTIONS
from arenite.emit.vector_numerics import VECTOR_FUNCTIONS
from arenite.errors import InternalError
from arenite.layout.cage import memory_area
from arenite.layout.frame import SLOT
from arenite.layout.records import InstanceRecord, StoreContext
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window
    from arenite.tiers.safe.block import Block, Blocks

CONTEXT: Final = StoreContext.packer("status", "pc", "sp", "vmctx", "fuel", signed=False)
ARENA_VIEWS: Final = "IQfd"
STORE_VIEWS: Final = "IQ"
OUTSIDE: Final = (IndexError, struct.error)  # what an access outside a view raises
MEMORY_ACCESS: Final[dict[str, object]] = {
    "ldH": struct.Struct("<H").unpack_from,
    "ldI": struct.Struct("<I").unpack_from,
    "ldQ": struct.Struct("<Q").unpack_from,
    "ldD": struct.Struct("<d").unpack_from,
    "stH": struct.Struct("<H").pack_into,
    "stI": struct.Struct("<I").pack_into,
    "stQ": struct.Struct("<Q").pack_into,
}
BUILTINS: Final[dict[str, object]] = {
    "int": int,
    "float": float,
    "min": min,
    "max": max,
    "zip": zip,
}  # all of Python that generated code can name


P = ParamSpec("P")
T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 (not an error: the run is over)
    """The store context says why."""


def copy(memory: memoryview, to: int, source: int, count: int) -> None:
    """`memory.copy` within bounds that the guest has checked; `IndexError` should the memory be another one after all."""
    if max(to, source) + count > len(memory):
        raise IndexError(to)
    memory[to : to + count] = memory[source : source + count]


def fill(memory: memoryview, to: int, byte: int, count: int) -> None:
    """`memory.fill`, as `copy`."""
    if to + count > len(memory):
        raise IndexError(to)
    memory[to : to + count] = bytes((byte,)) * count


def carry(slots: memoryview, to: int, distance: int, count: int) -> None:
    """So many slots, from `distance` behind `to` on, to `to`; `IndexError` should the frame lie outside after all."""
    if to + distance + count > len(slots):
        raise IndexError(to)
    slots[to : to + count] = slots[to + distance : to + distance + count]


def zero(slots: memoryview, first: int, count: int) -> None:
    """So many slots are zero; as `carry`."""
    if first + count > len(slots):
        raise IndexError(first)
    slots[first : first + count] = memoryview(bytes(SLOT * count)).cast("Q")


def weakly(method: Callable[P, T]) -> Callable[P, T]:
    """A runner's method for the functions that it holds, which must not hold it: it goes with its store, without the collector."""
    reference = WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        method = reference()
        assert method is not None, "whoever runs has the runner"
        return method(*args, **kwargs)

    return call


class SafeRunner:
    """Runs the guest of one store: call it."""

    def __init__(self, cage: AnyCage, window: Window, blocks: Blocks) -> None:
        self.cage = cage
        self.window = window
        self.blocks = blocks
        self.functions: dict[int, FunctionType] = {}
        self.hasty: list[int] = []  # pcs of short blocks among them
        self.sources: dict[int, Block] = {}  # by the identity of their code: what the functions were made from
        self.views: list[memoryview] = []
        self.memories: dict[int, memoryview] = {}
        self.names: dict[str, object] = {
            "__builtins__": BUILTINS,
            "RETURNB": window.returns,
            "RANKI": memoryview(window.handlers[Space.RANKS]).cast("I"),
            "RANKQ": memoryview(window.handlers[Space.RANKS]).cast("Q"),
            "REGIONI": memoryview(window.handlers[Space.REGIONS]).cast("I"),
            "CLAUSEI": memoryview(window.handlers[Space.CLAUSES]).cast("I"),
            "FLOOR": cage.floor,
            "WI": window.entries.cast("B").cast("I"),
            "COPY": copy,
            "FILL": fill,
            "CARRY": carry,
            "ZERO": zero,
            "STOP": weakly(self.stop),
            "ASK": weakly(self.ask),
            "SWITCH": weakly(self.switch),
            "MEMORY": weakly(self.memory),
            **FUNCTIONS,
            **VECTOR_FUNCTIONS,
            **MEMORY_ACCESS,
        }

    def __call__(self) -> None:
        """Go on as the store context says, until the run stops."""
        try:
            self.open()
            _, pc, sp, vmctx, fuel = CONTEXT.unpack_from(self.cage.store_page)
            self.run(pc, sp, vmctx, fuel)
        except Stopped:
            pass
        finally:
            try:
                self.close()
            except BaseException:  # of a signal's handler: what was not released yet would keep memories from growing
                self.close()
                raise

    def open(self) -> None:
        """Make the views of this run."""
        while self.hasty:
            short = self.functions.pop(self.hasty[-1], None)
            if short is not None:
                self.sources.pop(id(short.__code__), None)
            self.hasty.pop()
        self.views, self.memories = [], {}  # should an exception have left some
        for prefix, source, letters in (("", self.cage.arena, ARENA_VIEWS), ("S", self.cage.store_page, STORE_VIEWS)):
            for letter in letters:
                view = source.cast(letter)  # type: ignore[call-overload]  # typeshed wants a literal
                self.views.append(view)
                self.names[prefix + letter.upper()] = view

    def close(self) -> None:
        """Let go of them."""
        for view in (*self.views, *self.memories.values()):
            view.release()
        self.views.clear()
        self.memories.clear()

    def switch(self, vmctx: int) -> None:
        """The instance at `vmctx` runs: its memory 0 is the one in view.  What the arena says about it is bounded."""
        arena = self.cage.arena
        self.names["m"] = self.memory(memory_area(arena, self.cage.store_page, InstanceRecord.memory.read(arena, vmctx)))

    def memory(self, area: int) -> memoryview:
        """The bytes in an area, which is one of the cage's, if it has any."""
        page = self.cage.store_page
        memory = self.memories.get(area)
        if memory is None:
            memory = self.memories[area] = self.cage.memory(area) if StoreContext.areas.read(page, 0) else memoryview(b"")
        return memory

    def run(self, pc: int, sp: int, vmctx: int, fuel: int) -> NoReturn:
        """The loop.  Raises: `Stopped`."""
        functions = self.functions
        try:
            self.switch(vmctx)
        except OUTSIDE:
            self.stop(Cause.MEMORY_OUT_OF_BOUNDS, pc, sp, vmctx, fuel)
        while True:
            try:
                while True:
                    pc, sp, vmctx, fuel = functions[pc](sp, vmctx, fuel)
            except KeyError as error:
                if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                    raise  # a signal's handler in a block: that is not to run again
                functions[pc] = self.function(pc, sp, vmctx, fuel)
            except OUTSIDE as error:
                self.fault(error)

    def function(self, pc: int, sp: int, vmctx: int, fuel: int) -> FunctionType:
        """The block at `pc` as a function of this runner's views; its code is shared by all runners of the window.

        Compiling takes milliseconds.  If the machine wants to look up before, the run stops, or, until it comes to a place where it can,
        makes do with a short block, for this run alone.  Raises: `Stopped`.
        """
        stops = self.window.stops(pc)
        if self.cage.floor[0] and pc not in self.blocks.by_pc:
            if stops(pc):
                self.stop(LOOK_UP, pc, sp, vmctx, fuel)
            self.hasty.append(pc)
            found = self.blocks.short(self.window.code, pc, stops)
            self.sources[id(found.code)] = found
            return FunctionType(found.code, self.names)
        found = self.blocks.at(self.window.code, pc, stops)
        for head in found.loops:
            old = self.functions.get(head)
            if old and self.sources[id(old.__code__)] is not self.blocks.by_pc.get(head):
                del self.functions[head]  # to be fetched again: it is a loop
        self.sources[id(found.code)] = found
        return FunctionType(found.code, self.names)

    def fault(self, error: Exception) -> NoReturn:
        """An access of a block lay outside: a trap, with the machine's registers as the block has them.  Raises: `Stopped`."""
        inside = error.__traceback__ and error.__traceback__.tb_next
        found = inside and self.sources.get(id(inside.tb_frame.f_code))
        innermost = inside
        while innermost is not None and innermost.tb_next is not None:
            innermost = innermost.tb_next
        if innermost is not None and innermost.tb_frame.f_globals.get("__name__", "arenite").partition(".")[0] != "arenite":
            raise error  # of a signal's handler
        if inside is None or found is None:
            raise InternalError("an access of the safe tier's own failed") from error
        local = inside.tb_frame.f_locals
        self.stop(Cause.MEMORY_OUT_OF_BOUNDS, found.pc_at(inside.tb_lineno), local["sp"], local["vmctx"], local["fuel"])

    def stop(self, status: int, pc: int, sp: int, vmctx: int, fuel: int) -> NoReturn:
        """End the run.  Raises: `Stopped`."""
        CONTEXT.pack_into(self.cage.store_page, 0, status, pc, sp, vmctx, fuel)
        raise Stopped

    def ask(self, status: int, pc: int, sp: int, vmctx: int, fuel: int, next_pc: int, slot: int | None, *args: int) -> NoReturn:
        """End the run to ask the machine for a builtin.  Raises: `Stopped`."""
        page = self.cage.store_page
        struct.pack_into(f"<{len(args)}Q", page, StoreContext.arguments.offset, *args)
        StoreContext.next_pc.write(page, 0, next_pc)
        if slot is not None:
            StoreContext.result_slot.write(page, 0, slot)
        self.stop(status, pc, sp, vmctx, fuel)
