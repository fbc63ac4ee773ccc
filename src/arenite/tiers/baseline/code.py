"""The compiled functions of a window: where their code is, and how control gets there.

Where the interpreter may go over to compiled code, at the beginnings of functions, at heads of loops, at return points and behind what the machine is
asked for, the window's bytecode has the opcode `COMPILED`, and the table of entries has the code's address; the table is outside the
arena.  Compiled code leaves to the interpreter wherever that table has none.  `COUNTING` stands at the beginning of a function that is not
compiled yet.

Invariants: code is executable before an entry leads to it, and an entry is there before the opcode that takes it; nothing is taken back as
long as the window lives.
"""

from __future__ import annotations

import bisect
import struct
import threading
import weakref
from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.bytecode.module import FUNCTION
from arenite.errors import InternalError
from arenite.layout.cage import LOW, MAX_AREAS, UNIT, area_at
from arenite.layout.frame import COUNT_ONE, COUNTERS_BELOW, ENTRIES_BELOW, RETURNS_BELOW
from arenite.platform import faults
from arenite.platform.architectures import host
from arenite.platform.codespace import CodeSpace
from arenite.platform.relocations import LINKAGES
from arenite.platform.reserve import round_up
from arenite.tiers.baseline.compiler import Compiler, UncompilableError
from arenite.tiers.baseline.table import sheet

if TYPE_CHECKING:
    from arenite.machine.space.window import PlacedModule, Window
    from arenite.tiers.threaded import Handlers
    from arenite.tiers.threaded.objects import Variant

CODE_MAX: Final = 1 << 27  # bytes of machine code in a window
COMPILED, COUNTING = 0xFFFF, 0xFFFE  # opcodes that are no op's
ALIGN: Final = 16
PAIR: Final = struct.Struct("<ii")


class Ways(NamedTuple):
    """How a function's code is reached: i32 pairs of pc and offset in the code; where the code is."""

    entries: bytes
    points: bytes
    address: int


class CompiledWindow:
    """The compiled functions of a window."""

    def __init__(self, window: Window, loaded: Handlers, variant: Variant) -> None:
        found = sheet(variant)
        self.tables = found.tables()
        self.code = window.code.cast("H")
        self.entries = window.table(ENTRIES_BELOW, len(window.code)).cast("Q")
        self.returns = window.table(RETURNS_BELOW, len(window.code)).cast("Q")
        self.space = CodeSpace(CODE_MAX)
        begin, end = self.space.text
        faults.register(
            begin, end, loaded.symbols["landing_compiled"], LOW, area_at(MAX_AREAS), instruction_in=host().arguments[4]
        )
        weakref.finalize(self, faults.unregister, begin).atexit = False
        stub = LINKAGES[host().elf_machine].stub
        ways = b"".join((stub + struct.pack("<Q", loaded.symbols[name])).ljust(ALIGN, b"\0") for name in found.routines)
        ways += bytes(-len(ways) % 32)
        at = self.space.append(ways + self.tables.pool, 64) - begin
        self.ways = struct.pack(f"<{len(found.routines)}i", *(at + ALIGN * i for i in range(len(found.routines))))
        self.pool = at + len(ways)
        self.known: dict[int, int] = {}  # pc of a function -> offset of its code
        self.begins: list[int] = []  # those offsets, ascending
        self.functions: list[tuple[PlacedModule, int, int]] = []  # whose they are: begin and end in the module's bytecode
        self.waiting: list[tuple[int, Ways]] = []  # end of code that is not executable yet, its entries
        self.compilers: dict[PlacedModule, Compiler] = {}
        self.lock = threading.RLock()

    def compiler(self, window: Window, placed: PlacedModule) -> Compiler:
        """The compiler for a module of the window."""
        found = self.compilers.get(placed)
        if found is None:
            ids = window.type_ids(placed).tobytes()
            found = self.compilers[placed] = Compiler(
                self.tables, placed.code.bytecode, placed.origin, ids, self.ways, self.pool, self.known
            )
        return found

    def count(self, window: Window, calls: int) -> None:
        """Let every function be counted."""
        counters = window.table(COUNTERS_BELOW, len(window.code) // 2).cast("I")
        code = self.code
        for placed in window.modules:
            for begin, *_ in FUNCTION.iter_unpack(placed.code.functions):
                pc = placed.origin + begin
                counters[pc // UNIT] = code[pc >> 1] | calls * COUNT_ONE
                code[pc >> 1] = COUNTING

    def compile_at(self, window: Window, pc: int, *, now: bool = False) -> bool:
        """Compile the function whose code holds `pc`; if it was not.  When it was, or is asked for `now`, see that it runs."""
        index = window.module_at(pc)
        if index is None:
            return False
        placed = window.modules[index]
        number = placed.code.function_at(pc - placed.origin)
        if number is None:
            return False
        function = placed.code.function(number)
        with self.lock:
            again = placed.origin + function.begin in self.known
            if not again:
                at = round_up(self.space.end, ALIGN) - self.space.begin
                code = self._compile(window, placed, function.begin, function.end, at)
                if code is None:
                    self.code[placed.origin + function.begin >> 1] = int.from_bytes(
                        placed.code.bytecode[function.begin :][:2], "little"
                    )
                    return False
                self._keep(placed, function.begin, function.end, self.space.stage(code, ALIGN) - self.space.begin, len(code))
            self._publish(whole_pages=not (again or now))
            return not again

    def compile_all(self, window: Window) -> None:
        """Compile every function."""
        with self.lock:
            start = round_up(self.space.end, ALIGN) - self.space.begin
            code, calls = bytearray(), list[tuple[int, int]]()
            for placed in window.modules:
                compiler = self.compiler(window, placed)
                for begin, end, *_ in FUNCTION.iter_unpack(placed.code.functions):
                    code += bytes(-len(code) % ALIGN)
                    at = start + len(code)
                    found = self._compile(window, placed, begin, end, at)
                    if found is not None:
                        calls += [(at + f, pc) for f, pc in struct.iter_unpack("<ii", compiler.calls.getvalue())]
                        self._keep(placed, begin, end, at, len(found))
                        code += found
            for field, pc in calls:
                if pc in self.known:
                    struct.pack_into("<i", code, field - start, self.known[pc] - field - 4)
            if code and self.space.stage(code, ALIGN) != self.space.begin + start:
                raise InternalError("code is not where it was compiled for")
            self._publish(whole_pages=False)

    def _compile(self, window: Window, placed: PlacedModule, begin: int, end: int, at: int) -> bytes | None:
        """A function's code for an offset in the space; None for one that the interpreter must run."""
        try:
            return self.compiler(window, placed).function(begin, end, at)
        except UncompilableError:
            return None

    def _keep(self, placed: PlacedModule, begin: int, end: int, at: int, size: int) -> None:
        """Remember what was compiled last, and where it is."""
        compiler, address = self.compilers[placed], self.space.begin + at
        self.known[placed.origin + begin] = at
        self.begins.append(at)
        self.functions.append((placed, begin, end))
        self.waiting.append((address + size, Ways(compiler.entries.getvalue(), compiler.points.getvalue(), address)))

    def _publish(self, *, whole_pages: bool) -> None:
        """Let what is executable now be entered."""
        published = self.space.publish(whole_pages=whole_pages)
        entries, returns, code = self.entries, self.returns, self.code
        while self.waiting and self.waiting[0][0] <= published:
            ways = self.waiting.pop(0)[1]
            for pc, place in PAIR.iter_unpack(ways.points):
                returns[pc >> 3] = ways.address + place
            for pc, place in PAIR.iter_unpack(ways.entries):
                entries[pc >> 3] = ways.address + place
                code[pc >> 1] = COMPILED

    def op_at(self, address: int) -> int:
        """The pc of the op whose code holds the instruction at an address, of which the lower 32 bits are given."""
        offset = address - self.space.begin & 0xFFFFFFFF
        with self.lock:
            number = bisect.bisect_right(self.begins, offset) - 1
            placed, begin, end = self.functions[number]
            compiler = self.compilers[placed]
            compiler.function(begin, end, self.begins[number])
            return max(op for op in compiler.offsets(begin, end) if op[0] <= offset - self.begins[number])[1]
