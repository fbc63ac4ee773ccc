"""The baseline tier: functions as machine code, copied together from stencils; state where the interpreter has it, so each can go on for the other.

    tier = BaselineTier("single", lazily=True)
    run = tier.runner(cage, window)

It is the threaded tier, with compiled functions in some places (`code`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from arenite.bytecode.stops import COMPILE
from arenite.layout.frame import COUNTERS_BELOW, RETURN_MAP_SIZE
from arenite.machine.run.activation import READY
from arenite.tiers.baseline.code import COMPILED, COUNTING, CompiledWindow
from arenite.tiers.threaded import ThreadedTier
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.machine.run.tier import Runner
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window

CALLS: Final = 30  # of a function before it is compiled
ROUNDS: Final = 10_000  # of loops, and calls, in the first slice of fuel: at its end the function that runs is compiled …
LONGEST: Final = 1 << 22  # … and a later slice is no longer than that


class BaselineTier(ThreadedTier):
    """Compiles every function of a window before anything runs in it; `lazily`: one that was called, or found running, often enough."""

    name = "baseline"
    tables = COUNTERS_BELOW - RETURN_MAP_SIZE

    def __init__(
        self,
        addressing: str = "single",
        *,
        explicit_bounds: bool = False,
        deterministic: bool = False,
        lazily: bool = False,
        calls: int = CALLS,
        rounds: int = ROUNDS,
    ) -> None:
        super().__init__(addressing, explicit_bounds=explicit_bounds, deterministic=deterministic)
        self.lazily = lazily
        self.calls = calls
        if lazily:
            self.slice = rounds
        self._opcodes, self._table = self._handlers.opcodes({COMPILED: "compiled", COUNTING: "counting"})
        self.windows: WeakKeyDictionary[Window, CompiledWindow] = WeakKeyDictionary()

    def compiled(self, window: Window) -> CompiledWindow:
        """What is compiled of a window."""
        found = self.windows.get(window)
        if found is None:
            found = self.windows[window] = CompiledWindow(window, self._handlers, self.variant)
            if self.lazily:
                found.count(window, self.calls)
            else:
                found.compile_all(window)
        return found

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store."""
        self.compiled(window)
        return self.runner_with(cage, window, self._table)

    def settle(self, window: Window, status: int, pc: int) -> tuple[int, int]:
        """Compile the function at `pc`; or find the op of a fault."""
        found = self.compiled(window)
        if status == COMPILE:
            found.compile_at(window, pc)
            return READY, pc
        return Cause.MEMORY_OUT_OF_BOUNDS, found.op_at(pc)

    def sample(self, window: Window, pc: int, slice_: int) -> int:
        """Compile the function that runs long; where that has been done, look less often."""
        if not self.lazily or self.compiled(window).compile_at(window, pc, now=True):
            return slice_
        return min(2 * slice_, max(slice_, LONGEST))
