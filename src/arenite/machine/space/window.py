"""The code window: what may be called, shared by every store with the same list of modules.

A window belongs to an ordered list of modules and of types of host functions, so that handles and pcs are the same in every process
that runs the same program.  It has one entry per function (`WindowEntry`, found by a code handle) and the
modules' bytecode (found by a pc); both are read-only for guests and hold nothing of a single store.

    handles   0 .. THUNKS           one per type of host function
              THUNKS ..             the first module's functions, then the next one's, …
    pcs       0 .. MODULE_GRAIN     never, `halt`, the thunks, and last the ops of a search for a handler, where there may be one
              MODULE_GRAIN ..       the first module, …; each begins on a multiple of MODULE_GRAIN

Adding a module to a store gives it another window with the same prefix: handles and pcs stay what they were.

A function type has a number in each window, its id: from 1, in the order in which types came.  Ids stand in entries and in the window's
own copy of the bytecode, where a module's type indexes are, and nowhere else; so they need not be the same in two windows, and they end
with the window.
"""

from __future__ import annotations

import bisect
import os
import struct
import sys
import threading
import weakref
from array import array
from typing import TYPE_CHECKING, Final

from arenite import platform
from arenite.bytecode.module import FUNCTION
from arenite.bytecode.numbers import number_of
from arenite.bytecode.safepoints import safepoints_of
from arenite.bytecode.words import entry_table, reference_table
from arenite.errors import Limit, Trap
from arenite.layout.cage import CODE_MAX, HANDLE_MASK, HOST_PAGE, MODULE_GRAIN, THUNKS, UNIT, WINDOW_SIZE
from arenite.layout.frame import (
    HALT_PC,
    RETURN_MAP_SIZE,
    frame_end,
    header_offset,
    is_return_point,
    mark_return_point,
    return_map_size,
)
from arenite.layout.handlers import FRAME_PC, HANDLERS_SIZE, TABLES_AT, UNWINDING
from arenite.layout.raw import RAW
from arenite.layout.records import FrameHeader, FuncRefRecord, WindowEntry
from arenite.light import NamedTuple
from arenite.machine.space.file import File
from arenite.platform.reserve import round_up
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from arenite.bytecode.module import ModuleCode, Safepoint
    from arenite.layout.side_tables import SideTable
    from arenite.layout.spaces import Space
    from arenite.layout.types import FuncType

changing: Final = threading.RLock()  # stores of several threads share an engine's windows
if hasattr(os, "register_at_fork"):  # a child begins when nobody changes any: it has only the thread that forked
    os.register_at_fork(before=changing.acquire, after_in_parent=changing.release, after_in_child=changing.release)
ENTRY: Final = WindowEntry.packer()
FUNCREF: Final = FuncRefRecord.packer()
THUNK: Final = struct.Struct("<HHI HHI HHI")


class Thunk(NamedTuple):
    """The function that calls host functions of one type."""

    handle: int
    pc: int
    type: FuncType

    @property
    def frame_size(self) -> int:
        """Bytes of its frame: arguments and results, and the header."""
        return frame_end(self.type)


class Preamble:
    """What a window begins with: `halt`, and the thunks, which grow in number while windows are in use.

    Stores whose first host functions are of the same types, in the same order, share one; a store's own thunks come first.
    """

    def __init__(self, types: Iterable[FuncType] = ()) -> None:
        self.code = bytearray(MODULE_GRAIN)
        self.returns = bytearray(HOST_PAGE)
        self.host_calls: dict[int, FuncType] = {}  # pc of a thunk's `call_host` -> the type it serves
        self.thunks: list[Thunk] = []
        self.shown = 0  # how many all windows that begin with it have entries for
        struct.pack_into("<H", self.code, 0, number_of("unreachable"))
        struct.pack_into("<H", self.code, HALT_PC, number_of("halt"))
        mark_return_point(self.returns, HALT_PC)
        for type_ in types:
            self.add(type_)

    @property
    def end(self) -> int:
        """Where the code of the last thunk ends."""
        return 2 * UNIT + THUNK.size * len(self.thunks)

    def begins_with(self, types: Sequence[FuncType]) -> bool:
        """Whether the thunks are for these types, as far as both go."""
        return all(thunk.type == type_ for thunk, type_ in zip(self.thunks, types, strict=False))

    def thunk_at(self, pc: int) -> FuncType | None:
        """Type of the thunk whose code holds `pc`."""
        first = 2 * UNIT
        return self.host_calls.get((pc - first) // THUNK.size * THUNK.size + first + UNIT) if pc >= first else None

    def add(self, type_: FuncType) -> None:
        """One more thunk.  Raises: `Limit` after 4,096."""
        handle, pc = len(self.thunks), self.end
        if handle == THUNKS:
            raise Limit(f"host functions of more than {THUNKS} types")
        ops = (
            number_of("enter0"),
            0,
            frame_end(type_),
            number_of("call_host"),
            0,
            0,
            number_of("return"),
            0,
            header_offset(type_),
        )
        THUNK.pack_into(self.code, pc, *ops)
        self.host_calls[pc + UNIT] = type_
        self.thunks.append(Thunk(handle, pc, type_))


def words_of(numbers: array[int]) -> bytes:
    """Numbers of 32 bits as they lie in tables."""
    if sys.byteorder == "big":
        numbers = array("I", numbers)
        numbers.byteswap()
    return numbers.tobytes()


def nowhere(_pc: int) -> bool:
    """`Window.stops` where there is no function."""
    return False


class PlacedModule:
    """A module in a window: its first handle and where its bytecode begins."""

    def __init__(self, code: ModuleCode, handle: int, origin: int) -> None:
        self.code = code
        self.handle = handle
        self.origin = origin
        self.end = origin + len(code.bytecode)
        self._references: tuple[int, bytes] = (0, b"")
        self._safepoints: dict[int, dict[int, Safepoint]] = {}

    def safepoints(self, function: int) -> dict[int, Safepoint]:
        """The safepoints of an own function, by their pc in the module's bytecode; kept, since a recursion asks for the same."""
        found = self._safepoints.get(function)
        if found is None:
            found = self._safepoints[function] = {s.pc: s for s in safepoints_of(self.code, function)}
        return found

    def references(self, vmctx: int) -> bytes:
        """The function references of an instance at `vmctx`; the last answer is kept, since stores are much alike."""
        if RAW:
            return bytes(FuncRefRecord.size * self.code.function_count)
        if self._references[0] != vmctx:
            imported, count = self.code.imported_functions, self.code.function_count
            self._references = vmctx, reference_table(count, self.handle, vmctx, imported)
        return self._references[1]


class Window:
    """Entries and bytecode of a list of modules.

    `entries`, `code`, `returns`: views for tiers that read them in Python.  `code_address`, `file`: for those that map them.
    """

    def __init__(self, preamble: Preamble, modules: tuple[ModuleCode, ...], *, portable: bool, side_tables_size: int = 0) -> None:
        self.preamble = preamble
        self._portable = portable
        self._tables = side_tables_size
        self._used = THUNKS * ENTRY.size  # bytes of the entries
        self._file: File | None = None
        self._types: list[FuncType] = []  # by id - 1; only ever added to
        self._ids: dict[FuncType, int] = {}
        self.shown = 0  # how many thunks it has entries for
        self.modules: list[PlacedModule] = []
        handle, origin = THUNKS, MODULE_GRAIN
        for code in modules:
            self.modules.append(PlacedModule(code, handle, origin))
            handle += code.function_count
            origin = -(-(origin + len(code.bytecode)) // MODULE_GRAIN) * MODULE_GRAIN
        self._origins = [placed.origin for placed in self.modules]  # ascending
        if handle > HANDLE_MASK or origin > CODE_MAX:
            raise Limit(
                f"{handle} functions with {origin:#x} bytes of bytecode in one store; {HANDLE_MASK} and {CODE_MAX:#x} fit"
            )
        self._place(origin)
        self._write_entries()
        self.refresh()

    def _place(self, end: int) -> None:
        """A tier's tables, the return map, the bytecode, in one piece; the map has zeros wherever there is no code."""
        code = self._code_at
        self._space = (platform.PortableReservation if self._portable else platform.Reservation)(code + end)
        self._space.commit(code - RETURN_MAP_SIZE, code + end)
        self._space.enlarge_pages(code, code + end)
        self.returns = self._space.view(code - RETURN_MAP_SIZE, code)
        self.code = self._space.view(code, code + end)
        for placed in self.modules:
            self.code[placed.origin : placed.end] = placed.code.bytecode
            self._name_types(placed)
            start = return_map_size(placed.origin)
            self.returns[start : start + len(placed.code.returns)] = placed.code.returns
        self._place_handlers(end)

    @property
    def _code_at(self) -> int:
        """Where the bytecode begins, in the window's space.  Tables that are read by views lie elsewhere."""
        return self._tables + HANDLERS_SIZE * (not self._portable) + RETURN_MAP_SIZE

    def _place_handlers(self, end: int) -> None:
        """The tables in which a search for a handler looks, of all functions, if there is anything that throws; and its ops."""
        self.handlers: dict[Space, bytes] = dict.fromkeys(TABLES_AT, b"")
        if not any(placed.code.handlers for placed in self.modules):
            return
        from arenite.bytecode.handlers import HandlerTables  # noqa: PLC0415 (few modules throw)

        tables = HandlerTables(end)
        for placed in self.modules:
            tables.add(placed.code.handlers, placed.code.functions, placed.origin)
        self.handlers = dict(zip(TABLES_AT, tables.finish(), strict=True))
        for index, name in enumerate(UNWINDING):
            struct.pack_into("<H", self.code, FRAME_PC + UNIT * index, number_of(name))
        for space, table in self.handlers.items() if not self._portable else ():
            start = self._code_at - TABLES_AT[space]
            self._space.commit(start, start + round_up(len(table)))
            self._space.view(start, start + len(table))[:] = table

    def _name_types(self, placed: PlacedModule) -> None:
        """Put ids in the place of the type indexes in a module's bytecode."""
        ids = self.type_ids(placed)
        with self.code[placed.origin : placed.end].cast("I") as words:
            for at in array("I", placed.code.type_places):
                words[at // 4] = ids[words[at // 4]]

    def type_ids(self, placed: PlacedModule) -> array[int]:
        """The window's ids of a module's types."""
        return array("I", map(self._id_of, placed.code.types))

    def _write_entries(self) -> None:
        self.entries = platform.PortableReservation(WINDOW_SIZE).view(0, WINDOW_SIZE)
        for placed in self.modules:
            code, start = placed.code, placed.handle * ENTRY.size
            types, ids = code.function_types[code.imported_functions :], words_of(self.type_ids(placed))
            entries = entry_table(code.functions, FUNCTION.size, types, ids, placed.origin)
            self.entries[start : start + len(entries)] = entries
            self._used = start + len(entries)

    def file(self) -> File:
        """The entries of now as a file to map.

        It never changes: more thunks mean another file.  So stores that have no use for those keep theirs, and a process and its
        children, which have the same files, do not see what the others add.
        """
        file = self._file
        if file is None:
            fd = platform.memfd("arenite window")
            file = File(fd)
            os.ftruncate(fd, WINDOW_SIZE)
            os.pwrite(fd, self.entries[: self._used], 0)
            platform.seal(fd)
            self._file = file
        return file

    def refresh(self) -> None:
        """Show the thunks there are now."""
        preamble, thunks = self.preamble, self.preamble.thunks
        self.code[: preamble.end] = preamble.code[: preamble.end]
        self.returns[:HOST_PAGE] = preamble.returns
        for thunk in thunks[self.shown :]:
            ENTRY.pack_into(self.entries, thunk.handle * ENTRY.size, thunk.pc, thunk.frame_size, self._id_of(thunk.type), 0)
        self._file = None
        self.shown = len(thunks)

    def _id_of(self, type_: FuncType) -> int:
        """The number of a type in this window, a new one if it has none."""
        found = self._ids.get(type_)
        if found is None:
            self._types.append(type_)
            found = self._ids[type_] = len(self._types)
        return found

    def type_of(self, id_: int) -> FuncType | None:
        """The type that has a number in this window."""
        return self._types[id_ - 1] if 0 < id_ <= len(self._types) else None

    @property
    def code_address(self) -> int:
        """Address of pc 0; the map of return points ends there."""
        return getattr(self._space, "address", 0) + self._code_at

    def side_table(self, table: SideTable, *, everywhere: bool = False) -> memoryview[int]:
        """Zeros for a tier to write: an element for each unit of the bytecode.  `everywhere`: it will write to most pages."""
        start = self._code_at - table.below
        stop = start + round_up(table.size(len(self.code)))
        assert 0 <= start <= stop <= self._tables, "a table beyond what was reserved for tables"
        self._space.commit(start, stop)
        if everywhere:
            self._space.enlarge_pages(start, stop)
        elements: memoryview[int] = self._space.view(start, stop).cast(table.letter)  # type: ignore[call-overload]  # typeshed wants a literal
        return elements

    def entry(self, handle: int) -> tuple[int, int, int]:
        """(pc, frame size, type id) of a code handle, masked like generated code masks it."""
        pc, frame_size, id_, _ = ENTRY.unpack_from(self.entries, (handle & HANDLE_MASK) * ENTRY.size)
        return pc, frame_size, id_

    def is_return_point(self, pc: int) -> bool:
        """Whether a frame may return to `pc`."""
        return is_return_point(self.returns, pc)

    def frame_extent(self, pc: int) -> int:
        """Bytes of the frame of the function whose code holds `pc`.  Raises: `Trap` when no function's does."""
        if pc == HALT_PC:
            return FrameHeader.size
        type_ = self.preamble.thunk_at(pc)
        if type_ is not None:
            return frame_end(type_)
        found = self.function_at(pc)
        if found is None:
            raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
        placed, number = found
        return placed.code.function(number).frame_size

    def stops(self, pc: int) -> Callable[[int], bool]:
        """Whether a run may stop at an op of the function that holds `pc`, and go on there with what its safepoint lists."""
        found = self.function_at(pc)
        if found is None:
            return nowhere
        placed, number = found
        origin, safepoints = placed.origin, placed.safepoints(number)
        return lambda at: at - origin in safepoints

    def module_at(self, pc: int) -> int | None:
        """Index of the module whose bytecode holds `pc`."""
        index = bisect.bisect_right(self._origins, pc) - 1
        return index if index >= 0 and pc < self.modules[index].end else None

    def function_at(self, pc: int) -> tuple[PlacedModule, int] | None:
        """The module whose bytecode holds `pc`, and which of its own functions does."""
        index = self.module_at(pc)
        if index is None:
            return None
        placed = self.modules[index]
        number = placed.code.function_at(pc - placed.origin)
        return None if number is None else (placed, number)


class Windows:
    """An engine's windows, one per list of modules and thunks in use."""

    def __init__(self, *, portable: bool, side_tables_size: int = 0) -> None:
        self._portable = portable
        self._tables = side_tables_size  # bytes that the tier wants before the bytecode, beside the map of return points
        self._preambles: list[weakref.ref[Preamble]] = []  # windows keep them
        self._windows: weakref.WeakValueDictionary[tuple[int, ...], Window] = weakref.WeakValueDictionary()
        self._empty: Window | None = None

    @property
    def empty(self) -> Window:
        """The window of a store that has nothing yet: the last that was made for no module, so the next store finds its thunks there."""
        if self._empty is None:
            self._empty = self.window((), ())
        return self._empty

    def window(self, modules: tuple[ModuleCode, ...], types: Sequence[FuncType]) -> Window:
        """The window of these modules, in this order, that begins with thunks for these types."""
        with changing:
            preamble = self._preamble(types)
            key = (id(preamble), *map(id, modules))
            found = self._windows.get(key)
            if found is None:
                found = self._windows[key] = Window(preamble, modules, portable=self._portable, side_tables_size=self._tables)
                if not modules:
                    self._empty = found
            return found

    def _preamble(self, types: Sequence[FuncType]) -> Preamble:
        """One that begins with thunks for these types; it may get more."""
        alive = [p for reference in self._preambles if (p := reference()) is not None]
        found = next((p for p in alive if p.begins_with(types)), None)
        if found is None:
            found = Preamble(types)
            self._preambles = [weakref.ref(p) for p in (*alive, found)]
        for type_ in types[len(found.thunks) :]:
            found.add(type_)
        if found.shown < len(found.thunks):  # also those of somebody who was interrupted before they were shown
            for window in list(self._windows.values()):
                if window.preamble is found:
                    window.refresh()
            found.shown = len(found.thunks)
        return found
