"""The compiled functions of a window: where their code is, and how control gets there.

Where the interpreter may go over to compiled code, at the beginnings of functions, at heads of loops, at return points and behind what the machine is
asked for, the window's bytecode has the opcode `ENTER_COMPILED`, and the table of entries has the code's address; the table is outside the
arena.  Compiled code leaves to the interpreter wherever that table has none.  `COUNTING` stands at the beginning of a function that is not
compiled yet.  Neither is an op's: nothing but a window's own copy of the bytecode holds them, so whatever reads a module's reads the ops.

Invariants: code is executable before an entry leads to it, and an entry is there before the opcode that takes it; nothing is taken back as
long as the window lives.  An exception of a signal's handler may come anywhere: what was compiled by halves is not reached.
"""

from __future__ import annotations

import bisect
import functools
import mmap
import os
import struct
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from arenite.bytecode.handlers import handler_pcs
from arenite.bytecode.module import FUNCTION
from arenite.bytecode.words import exchange_entries
from arenite.errors import InternalError, Limit
from arenite.layout.cage import LOW, MAX_AREAS, UNIT, area_at
from arenite.layout.side_tables import COMPILABLE_MAX, COUNT_ONE, SIDE_TABLES
from arenite.layout.spaces import Space
from arenite.light import NamedTuple
from arenite.machine.space.window import changing
from arenite.platform import faults, libc
from arenite.platform.architectures import host
from arenite.platform.codespace import CodeSpace
from arenite.platform.relocations import LINKAGES
from arenite.platform.reserve import round_up
from arenite.tiers.baseline.compiler import Compiler
from arenite.tiers.baseline.fields import UncompilableError, leading
from arenite.tiers.baseline.stencil_table import stencils_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.bytecode.module import FunctionCode
    from arenite.machine.space.window import PlacedModule, Window
    from arenite.tiers.threaded import Handlers
    from arenite.tiers.threaded.objects import Variant

MACHINE_CODE_MAX: Final = 1 << 27  # bytes of machine code in a window
ENTER_COMPILED, COUNTING = 0xFFFF, 0xFFFE  # opcodes that are no op's
ALIGN: Final = 16
PAIR: Final = struct.Struct("<ii")


@functools.cache
def warn_once(why: str) -> None:
    """Say why nothing more is compiled, once in a process."""
    import logging  # noqa: PLC0415 (it takes as long to import as a start otherwise does, and is hardly ever needed)

    logging.getLogger("arenite").warning("guests run on in the interpreter: %s", why)


# A fork takes the locks that were named last first: here this one comes before those of the code space and of faults, as where functions are compiled.
os.register_at_fork(before=changing.acquire, after_in_parent=changing.release, after_in_child=changing.release)


class Placed(NamedTuple):
    """A function's code: where it begins, in bytes from the space's beginning, and whose it is: bytes of a module's bytecode."""

    at: int
    module: PlacedModule
    begin: int
    end: int


class Unpublished(NamedTuple):
    """A function's code that nothing leads to yet: it may be entered once everything below `end` is executable.

    `entries`, `return_points`: pairs of i32, a pc and how far behind `address` it goes on.
    """

    end: int
    handle: int
    address: int
    entries: bytes
    return_points: bytes


def forget(begin: int) -> None:
    """Faults of the code space that began there are no business of ours any more."""
    with suppress(InternalError):  # it was not registered yet
        faults.unregister(begin)


class CodeOfWindow:
    """What is compiled of a window; `wanted` says of a function, by its number in its module, whether it may be."""

    def __init__(self, window: Window, loaded: Handlers, variant: Variant, wanted: Callable[[int], bool]) -> None:
        self.variant, self.loaded, self.wanted = variant, loaded, wanted
        self.code = window.code.cast("H")
        self.function_offsets: dict[int, int] = {}  # pc of a function -> offset of its code
        self.placed: list[Placed] = []  # ascending
        self.unpublished: list[Unpublished] = []
        self.closed = len(window.code) > COMPILABLE_MAX  # nothing more is compiled
        self.ready = False  # its functions are counted, or compiled
        self.staged = False  # all functions are compiled, and wait to be entered
        self.busy = False
        self.first_slice = 0  # of stores that are made from now on; 0: as the tier has it
        self.counters: memoryview[int] | None = None
        self.space: CodeSpace | None = None

    def prepare(self, window: Window, calls: int | None) -> Exception | None:
        """Let functions be compiled after so many calls, or compile all now; what an exception has interrupted goes on.  Why that cannot be, if it cannot."""
        if self.busy:  # a signal's handler runs a guest meanwhile: in the interpreter
            return None
        self.busy = True
        try:
            if calls is not None:
                self.count(window, calls)
            elif window.modules:
                self.compile_all(window)
        except (Limit, ImportError, OSError) as error:
            self._close(window)
            why: Exception | None = error
        else:
            why = None
        finally:
            self.busy = False
        self.ready = True
        return why

    def count(self, window: Window, calls: int) -> None:
        """Let the calls of every function be counted: after so many it asks to be compiled."""
        if self.closed or not window.modules:
            return
        self.counters = counters = window.side_table(SIDE_TABLES[Space.COUNTERS], everywhere=True)
        self.calls = calls
        for placed in window.modules:  # some may count already: somebody was interrupted
            exchange_entries(
                self.code, counters, placed.code.functions, FUNCTION.size, placed.origin, COUNTING, calls * COUNT_ONE
            )

    def compile_at(self, window: Window, pc: int, *, now: bool = False) -> bool:
        """Compile the function whose code holds `pc`; whether that was done: False if it was compiled before, or cannot be.

        A page of machine code becomes executable when it is full; with `now`, and when a function is asked for again, at once.
        """
        found = window.function_at(pc)
        if found is None:
            return False
        placed, number = found
        why: Exception | None = None
        with changing:
            if self.busy:  # a signal's handler runs a guest while another is compiled
                return False
            self.busy, done = True, False
            try:
                function = placed.code.function(number)
                first = placed.origin + function.begin
                again = first in self.function_offsets
                done = not again and not self.closed and self.wanted(number) and self._compile(window, placed, number)
                if not again and not done:
                    self._leave_alone(placed, function)
                if self.space is not None:
                    self._publish(whole_pages=not (again or now))
                if done and self.counters is not None and self.code[first >> 1] == COUNTING:
                    opcode = self.counters[first >> 3] & COUNT_ONE - 1  # it waits for its page to be full, but not for long
                    self.counters[first >> 3] = opcode | self.calls * COUNT_ONE
            except (Limit, ImportError, OSError) as error:
                self._close(window)
                why, done = error, False
            finally:
                self.busy = False
        if why is not None:
            warn_once(str(why))  # not under the lock: logging has one of its own
        return done

    def compile_all(self, window: Window) -> None:
        """Compile every function.  Raises: `Limit`."""
        if self.closed:
            raise Limit(f"more than {COMPILABLE_MAX:#x} bytes of bytecode in one store are not compiled")
        if not self.staged:
            self._stage_all(window)
            self.staged = True
        self._publish(whole_pages=False)

    def _stage_all(self, window: Window) -> None:
        """Compile every function, to be entered when they are published.  Raises: `Limit`."""
        self.function_offsets.clear()  # of an attempt that an exception has ended: nothing leads there
        self.placed.clear()
        self.unpublished.clear()
        space = self.opened(window)
        start = round_up(space.end, ALIGN) - space.begin
        code, calls = bytearray(), list[tuple[int, int]]()
        for placed in window.modules:
            compiler = self.compiler(window, placed)
            for number, (begin, end, *_) in enumerate(FUNCTION.iter_unpack(placed.code.functions)):
                if not self.wanted(number):
                    continue
                code += bytes(-len(code) % ALIGN)
                at = start + len(code)
                try:
                    code += compiler.function(begin, end, at)
                except UncompilableError:
                    continue
                calls += [(at + field, pc) for field, pc in PAIR.iter_unpack(compiler.calls.getvalue())]
                self._keep(number, Placed(at, placed, begin, end), start + len(code), compiler)
        for field, pc in calls:
            if pc in self.function_offsets:
                (word,) = struct.unpack_from("<I", code, field - start)
                struct.pack_into("<I", code, field - start, leading(self.tables, word, self.function_offsets[pc] - field))
        if code and space.stage(code, ALIGN) != space.begin + start:
            raise InternalError("code is not where it was compiled for")

    def opened(self, window: Window) -> CodeSpace:
        """The code space, with the ways to the interpreter and the constants in it.  Raises: `Limit`, `ImportError`."""
        if self.space is not None:
            return self.space
        found, returns = stencils_of(self.variant, soon=self.counters is not None), SIDE_TABLES[Space.RETURN_ADDRESSES]
        tables, space = found.tables(), CodeSpace(MACHINE_CODE_MAX)
        stub, symbols = LINKAGES[host().elf_machine].stub, self.loaded.symbols
        ways = b"".join((stub + struct.pack("<Q", symbols[name])).ljust(ALIGN, b"\0") for name in found.routines)
        ways += bytes(-len(ways) % 32)
        at = space.append(ways + tables.pool, 64) - space.begin
        self.entries = window.side_table(SIDE_TABLES[Space.ENTRIES])
        self.returns = window.side_table(returns)
        self.functions = window.side_table(SIDE_TABLES[Space.FUNCTIONS])
        self.tables, self.pool = tables, at + len(ways)
        self.ways = struct.pack(f"<{len(found.routines)}i", *(at + ALIGN * i for i in range(len(found.routines))))
        used = round_up(len(window.code))
        # a damaged frame may say any pc below COMPILABLE_MAX: behind the code there are zeros, which cost nothing
        if used < COMPILABLE_MAX:
            libc.protect(window.code_address - returns.below + used, COMPILABLE_MAX - used, mmap.PROT_READ)
        begin, end = space.text
        weakref.finalize(space, forget, begin).atexit = False  # first: an exception may come between
        faults.register(begin, end, symbols["landing_compiled"], LOW, area_at(MAX_AREAS), instruction_in=host().arguments[4])
        self.compilers: dict[PlacedModule, Compiler] = {}
        self.space = space
        return space

    def compiler(self, window: Window, placed: PlacedModule) -> Compiler:
        """The compiler for a module of the window."""
        found = self.compilers.get(placed)
        if found is None:
            found = self.compilers[placed] = self._new_compiler(window, placed)
        return found

    def _new_compiler(self, window: Window, placed: PlacedModule) -> Compiler:
        ids = window.type_ids(placed).tobytes()
        handlers = handler_pcs(placed.code.handlers)
        return Compiler(
            self.tables, placed.code.bytecode, placed.origin, ids, self.ways, self.pool, handlers, self.function_offsets
        )

    def _compile(self, window: Window, placed: PlacedModule, number: int) -> bool:
        """Compile a function, to be entered when it is published; whether that can be done.  Raises: `Limit`, `ImportError`."""
        space, function = self.opened(window), placed.code.function(number)
        compiler, at = self.compiler(window, placed), round_up(space.end, ALIGN) - space.begin
        try:
            code = compiler.function(function.begin, function.end, at)
        except UncompilableError:
            return False
        if space.stage(code, ALIGN) != space.begin + at:
            raise InternalError("code is not where it was compiled for")
        self._keep(number, Placed(at, placed, function.begin, function.end), at + len(code), compiler)
        return True

    def _keep(self, number: int, placed: Placed, end: int, compiler: Compiler) -> None:
        """Remember what was compiled last, a module's function by its number.  It is in `function_offsets` last: an exception may come between any two lines."""
        assert self.space is not None
        base, handle = self.space.begin, placed.module.handle + number
        self.placed.append(placed)
        self.unpublished.append(
            Unpublished(base + end, handle, base + placed.at, compiler.entries.getvalue(), compiler.return_points.getvalue())
        )
        self.function_offsets[placed.module.origin + placed.begin] = placed.at

    def _publish(self, *, whole_pages: bool) -> None:
        """Let what is executable now be entered."""
        assert self.space is not None
        published = self.space.publish(whole_pages=whole_pages)
        entries, returns, code = self.entries, self.returns, self.code
        while self.unpublished and self.unpublished[0].end <= published:
            function = self.unpublished[0]
            for pc, place in PAIR.iter_unpack(function.return_points):
                returns[pc >> 3] = function.address + place
            for pc, place in PAIR.iter_unpack(function.entries):
                entries[pc >> 3] = function.address + place
                code[pc >> 1] = ENTER_COMPILED
            self.functions[function.handle] = function.address
            del self.unpublished[0]

    def _leave_alone(self, placed: PlacedModule, function: FunctionCode) -> None:
        """Let the interpreter run a function, and count it no more."""
        opcode = int.from_bytes(placed.code.bytecode[function.begin : function.begin + 2], "little")
        self.code[placed.origin + function.begin >> 1] = opcode

    def _close(self, window: Window) -> None:
        """Compile nothing more: what is compiled goes on."""
        self.closed = True
        for placed in window.modules:
            for function in placed.code.all_functions():
                if self.code[placed.origin + function.begin >> 1] == COUNTING:
                    self._leave_alone(placed, function)

    def op_at(self, window: Window, address: int) -> int:
        """The pc of the op whose code holds the instruction at an address, of which the lower 32 bits are given."""
        assert self.space is not None
        offset = address - self.space.begin & 0xFFFFFFFF
        found = self.placed[bisect.bisect_right(self.placed, offset, key=lambda p: p.at) - 1]
        compiler = self._new_compiler(window, found.module)  # where ops are depends on the function alone
        compiler.function(found.begin, found.end, found.at)
        return max(op for op in compiler.op_offsets(found.begin, found.end) if op[0] <= offset - found.at)[1]


assert UNIT == 8, "tables have 8 bytes for a unit, so an entry is at its pc"
