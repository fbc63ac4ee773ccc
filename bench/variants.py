"""Interpreters for measurement only: the threaded tier's, generated with one thing changed.

    without_fuel()     no function and no back-edge looks at fuel: a loop cannot be interrupted
    Counting()         every op counts its executions, by the pc at which it stands

They are made from the same rows and the same meanings as the real one, so what differs is what was changed and nothing else.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from arenite.bytecode import control
from arenite.emit.addressings import ADDRESSINGS
from arenite.emit.handler import Handler
from arenite.emit.interpreter import Interpreter
from arenite.layout.cage import UNIT
from arenite.machine.run.tier import Tier
from arenite.platform import cache, llvm
from arenite.platform.architectures import host
from arenite.tiers import threaded
from arenite.tiers.threaded import OPCODES, Handlers, ThreadedTier
from arenite.tiers.threaded.objects import Variant

if TYPE_CHECKING:
    from arenite.bytecode.protocol import Emit, Label
    from arenite.bytecode.row import Row
    from arenite.machine.run.tier import Runner
    from arenite.machine.space.cage import AnyCage
    from arenite.machine.space.window import Window

COUNTERS_AT: Final = 8 * OPCODES  # behind the table of handlers; a counter of 8 bytes for every unit of bytecode
CODE_SIZE: Final = 1 << 28
assert UNIT == 8, "a counter's offset is the pc"


def _no_charge(_e: Emit, _at: Label, *, owed: bool) -> None:
    """In place of `control.charge`."""


def _tier(handlers: Handlers) -> ThreadedTier:
    """The threaded tier with other handlers."""
    tier = ThreadedTier()
    tier._handlers = handlers  # noqa: SLF001 (for measurement: the tier has no reason to offer this)
    return tier


def _handlers(ir: str) -> Handlers:
    """An interpreter from other IR; its object is kept under a name of its own, which the tier never asks for."""
    key = hashlib.blake2b(f"bench {llvm.host_cpu()}\n{ir}".encode(), digest_size=20).hexdigest()
    data = cache.get(key)
    if data is None:
        cache.put(key, data := llvm.compile_object(ir))
    with patch.object(threaded, "object_file", lambda _variant: data):
        return Handlers(Variant())


def without_fuel() -> ThreadedTier:
    """The threaded tier without checks of fuel."""
    with patch.object(control, "charge", _no_charge):
        ir = Variant().ir(host())
    return _tier(_handlers(ir))  # outside: the tier may compile and keep the real interpreter


class CountingHandler(Handler):
    """A handler that begins with `counters[pc] += 1`."""

    def text(self) -> str:
        """The whole function."""
        counters = self.line(f"getelementptr i8, ptr %handlers, i64 {COUNTERS_AT}")
        counter = self.line(f"getelementptr i8, ptr {counters}, i64 %pc")
        count = self.line(f"add i64 {self.line(f'load i64, ptr {counter}, align 8')}, 1")
        self.do(f"store i64 {count}, ptr {counter}, align 8")
        return super().text()


class CountingInterpreter(Interpreter):
    """An interpreter of such handlers."""

    def handler(self, row: Row) -> Handler:
        """An emitter for one row."""
        options = {"explicit_bounds": self.explicit_bounds, "deterministic": self.deterministic}
        return CountingHandler(row, self.addressing, self.architecture, **options)


class Counting(Tier):
    """A tier that counts, for one store; `counts(begin, end)` is what it has counted.  Spec: as `machine.run.tier.Tier`."""

    name = "counting"

    def __init__(self) -> None:
        handlers = _handlers(CountingInterpreter(ADDRESSINGS[Variant().addressing], host()).text())
        self._table = mmap.mmap(-1, COUNTERS_AT + CODE_SIZE)
        self._table[:COUNTERS_AT] = handlers.plain_opcodes[0][:]
        handlers.plain_opcodes = self._table, ctypes.addressof(ctypes.c_char.from_buffer(self._table))
        self._tier = _tier(handlers)

    def runner(self, cage: AnyCage, window: Window) -> Runner:
        """A runner for a store."""
        assert len(window.code) <= CODE_SIZE, "the counters end here"
        return self._tier.runner(cage, window)

    def counts(self, begin: int, end: int) -> memoryview:
        """How often the op at each unit of the window's bytecode between two pcs was executed."""
        return memoryview(self._table)[COUNTERS_AT + begin : COUNTERS_AT + end].cast("Q")
