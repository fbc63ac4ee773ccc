"""The baseline tier: functions as machine code, copied together from stencils; state where the interpreter has it, so each can go on for the other.

    tier = BaselineTier(lazily=True)
    run = tier.runner(cage, window)

It is the threaded tier, with compiled functions in some places (`code`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from arenite.bytecode.stops import HOT
from arenite.layout.cage import UNIT
from arenite.layout.side_tables import SIDE_TABLES_SIZE
from arenite.machine.run.activation import READY
from arenite.machine.space.window import changing
from arenite.tiers.baseline.code import COUNTING, ENTER_COMPILED, CodeOfWindow, warn_once
from arenite.tiers.baseline.stencil_table import stencils_of
from arenite.tiers.threaded import ThreadedTier
from arenite.tiers.threaded.objects import USUAL, Variant
from arenite.traps import Cause

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable

    from arenite.machine.run.tier import Runner
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window
    from arenite.tiers.threaded import Handlers

CALLS: Final = 100  # of a function before it is compiled
ROUNDS: Final = 10_007  # of loops, and calls, in the first slice of fuel: at its end the function that runs is compiled …
CALM: Final = 160_001
"""The first slice of a store, at most, where what ran long in others of its window was compiled before: forks then need not stop to find that out."""
LONGEST: Final = (
    4_194_301  # … and a later slice is no longer than that.  Primes: slices do not end at the same place of a loop for ever
)


@functools.cache
def opcodes(handlers: Handlers) -> tuple[mmap.mmap, int]:
    """The process's table of handlers where some functions are compiled, and its address."""
    return handlers.opcodes({ENTER_COMPILED: "compiled", COUNTING: "counting"})


def every(_number: int) -> bool:
    """Compile all functions."""
    return True


class BaselineTier(ThreadedTier):
    """Compiles every function of a window before anything runs in it; `lazily`: one that was called, or found running, often enough.

    `wanted`: whether to compile a function, by its number in its module.  Raises: `Limit`, `ImportError` where there are no stencils.
    """

    name = "baseline"
    side_tables_size = SIDE_TABLES_SIZE

    def __init__(
        self,
        variant: Variant = USUAL,
        *,
        lazily: bool = False,
        calls: int = CALLS,
        rounds: int = ROUNDS,
        wanted: Callable[[int], bool] = every,
    ) -> None:
        super().__init__(variant)
        stencils_of(variant, soon=lazily)
        self.lazily, self.calls, self.wanted = lazily, calls, wanted
        if lazily:
            self.slice = rounds
        self._opcodes, self._table = opcodes(self._handlers)
        self._windows: WeakKeyDictionary[Window, CodeOfWindow] = WeakKeyDictionary()

    def code_of(self, window: Window) -> CodeOfWindow:
        """What is compiled of a window.  Where nothing can be, the interpreter runs it, and a warning says so."""
        found, why = self._windows.get(window), None
        if found is None or not found.ready:
            with changing:
                found = self._windows.get(window)
                if found is None:  # kept before anything leads to its code: a signal's handler may ask for the same
                    found = self._windows.setdefault(window, CodeOfWindow(window, self._handlers, self.variant, self.wanted))
                if not found.ready:
                    why = found.prepare(window, self.calls if self.lazily else None)
        if why is not None:
            warn_once(str(why))  # not under the lock: logging has one of its own
        return found

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store."""
        self.code_of(window)
        return self.runner_with(cage, window, self._table)

    def settle(self, window: Window, status: int, pc: int) -> tuple[int, int]:
        """Compile the function at `pc`; or find the op of a fault."""
        found = self.code_of(window)
        if status == HOT:
            found.compile_at(window, pc)
            return READY, pc
        return Cause.MEMORY_OUT_OF_BOUNDS, found.op_at(window, pc)

    def address_of(self, window: Window, pc: int) -> int:
        """Its native code, or the routine that goes on in its bytecode."""
        found = self.code_of(window)
        return (found.entries[pc // UNIT] if found.space is not None else 0) or self._handlers.symbols["dispatch"]

    def first_slice(self, window: Window) -> int:
        """As long as that of the last store of the window that found nothing to compile, but for `CALM`."""
        found = self._windows.get(window)
        return found.first_slice if found is not None and found.first_slice else self.slice

    def sample(self, window: Window, pc: int, slice_: int) -> int:
        """Compile the function that runs long; where that has been done, look less often."""
        found = self.code_of(window)
        if not self.lazily or found.compile_at(window, pc, now=True):
            found.first_slice = 0
            return slice_
        longer = min(2 * slice_ + 1, max(slice_, LONGEST))
        found.first_slice = min(longer, CALM)
        return longer
