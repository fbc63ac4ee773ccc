"""The threaded tier: an interpreter generated from the op table through LLVM, built once per machine, kept in the cache.

    tier = ThreadedTier(Variant("single"))
    run = tier.runner(cage, window)

The object holds one handler per op; `Handlers` maps it, and makes the table of 65,536 pointers in which every opcode value has one.
"""

from __future__ import annotations

import ctypes
import faulthandler
import functools
import mmap
import struct
import weakref
from typing import TYPE_CHECKING, Final

from arenite.bytecode.numbers import names
from arenite.errors import Limit
from arenite.layout.cage import HOST_PAGE, LOW, MAX_AREAS, area_at
from arenite.machine.run.tier import Tier
from arenite.platform import HAS_OBJECTS, elf, faults, page_size
from arenite.tiers.threaded.objects import USUAL, Variant, object_file

if TYPE_CHECKING:
    from arenite.machine.run.tier import Runner
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window

OPCODES: Final = 1 << 16


def require() -> None:
    """See that this system can have the tier.  Raises: `Limit` that says what it lacks."""
    if not HAS_OBJECTS:
        raise Limit("the threaded tier needs Linux on x86-64 or aarch64; use tier='safe'")
    if page_size > HOST_PAGE:
        raise Limit(f"the threaded tier needs pages of {HOST_PAGE:#x} bytes, found {page_size:#x}; use tier='safe'")


class Handlers:
    """A loaded interpreter: `run(pointers)`, where they lead to the cage's base, the window's code and a table of opcodes."""

    def __init__(self, variant: Variant) -> None:
        require()
        self._code = elf.load(object_file(variant), elf.libc_symbols())
        symbols = self._code.symbols
        self.symbols = symbols
        self.run = ctypes.CFUNCTYPE(None)(symbols["run"])  # declaring what it is called with makes a call take longer
        begin, end = self._code.text
        # also where bounds are explicit: a damaged arena may send an access to a page that is not there
        faults.register(begin, end, symbols["landing"], LOW, area_at(MAX_AREAS))
        weakref.finalize(self, faults.unregister, begin).atexit = False

    @functools.cached_property
    def plain_opcodes(self) -> tuple[mmap.mmap, int]:
        """The table where nothing is compiled."""
        return self.opcodes({})

    def opcodes(self, more: dict[int, str]) -> tuple[mmap.mmap, int]:
        """A table of the handler of every opcode, and its address; `more`: routines for opcodes that are no op's."""
        symbols = self.symbols
        table, filled = mmap.mmap(-1, 8 * OPCODES), 8
        table[:filled] = struct.pack("<Q", symbols["invalid"])
        while filled < len(table):  # in place, twice as many each time: a start waits for every page that is touched
            table.move(filled, 0, filled)
            filled *= 2
        routines = [symbols[f"op {name}"] for name in names()]
        table[: 8 * len(routines)] = struct.pack(f"<{len(routines)}Q", *routines)
        for opcode, name in more.items():
            struct.pack_into("<Q", table, 8 * opcode, symbols[name])
        return table, ctypes.addressof(ctypes.c_char.from_buffer(table))


@functools.cache
def handlers(variant: Variant) -> Handlers:
    """The process's one copy of an interpreter."""
    return Handlers(variant)


class ThreadedTier(Tier):
    """The threaded tier with one of the possible interpreters."""

    name = "threaded"

    def __init__(self, variant: Variant = USUAL) -> None:
        self.variant = variant
        self._handlers = handlers(variant)

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store."""
        return self.runner_with(cage, window, self._handlers.plain_opcodes[1])

    def runner_with(self, cage: AnyCage, window: Window, table: int) -> Runner:
        """A runner that finds handlers in the table at this address."""
        faults.ensure()
        known = faulthandler.is_enabled()
        run = self._handlers.run
        pointers = (ctypes.c_void_p * 3)(cage.base, window.code_address, table)

        def go() -> None:
            if faulthandler.is_enabled() is not known:  # it hides our handler: put ours on top again
                faults.ensure()
            run(pointers)

        return go
