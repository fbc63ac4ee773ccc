"""Faults in generated code become traps of the guest: guard pages instead of bounds checks (Linux).

The contract with generated code:
- its functions are `preserve_nonecc` with the cage's base as first argument, so the convention's first register holds the base wherever
  they touch memory;
- where they touch the guest's memory they have nothing on the stack;
- each range of text has a *landing*: a function of the same type that ends the run with "out of bounds".

A page of a mapped file is lost when somebody cuts the file off.  Whoever maps one says where (`watch`): the page then reads as zeros from
the first touch on, and a flag tells; guests' code is ended as by any fault.

When the kernel reports a fault (si_code > 0) whose instruction lies in a registered range and whose address lies in that range's
window around the base, the handler (`arenite.platform.fault_handler`) sets the instruction pointer to the landing, which so sees the
registers as they were: base, pc, sp, fuel; but in one of them, if the range asks for it, the address of the instruction.  Everything
else goes to the handler that was there before, as if this one did not exist: among it what no access to memory makes (SIGILL, SIGTRAP).

Whoever installs a handler after us and does not chain (`faulthandler.enable()`) hides ours: `ensure` puts ours on top again.
For that there are several entry points, *levels*, each with its own predecessor: faulthandler, who restores the handler it found
and raises the signal again, so reaches a level whose predecessor is older, never itself.

    begin, end = code.text
    register(begin, end, code.symbols["landing"], -(1 << 32), 12 << 30, instruction_in=host().arguments[4])
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import signal
import threading
import weakref
from contextlib import suppress

from arenite.errors import InternalError, Limit
from arenite.platform import cache, elf, libc, llvm
from arenite.platform.architectures import host
from arenite.platform.fault_handler import CAPACITY, LEVELS, SIGNALS, WATCHED, Range, Watched, handler_ir


class Rows:
    """Numbers of rows of a table that are free: first those that were given back.

    A signal's handler may take one in the middle of a call, so each step is one that CPython does not interrupt.
    """

    def __init__(self, capacity: int, used: ctypes.c_uint64) -> None:
        self._capacity = capacity
        self._used = used
        self._new = itertools.count()
        self._again: list[int] = []

    def __len__(self) -> int:
        return self._capacity - self._used.value + len(self._again)

    def take(self) -> int | None:
        """A row's number, None when there is none.  Readers of the table look at it from now on."""
        with suppress(IndexError):
            return self._again.pop()
        index = next(self._new)
        if index >= self._capacity:
            return None
        if self._used.value <= index:
            self._used.value = index + 1
        return index

    def give(self, index: int) -> None:
        """Take one back."""
        self._again.append(index)


class Handler:
    """The handler in memory and its tables.  There is one, and it stays as long as the process."""

    def __init__(self) -> None:
        code = elf.load(object_file()[1], elf.libc_symbols())
        # The kernel calls it until the process ends, which is after Python has let go of this module.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(code.mapping))
        symbols = code.symbols
        self.entries = [symbols[f"handler{level}"] for level in range(LEVELS)]
        self.ranges = (Range * CAPACITY).from_address(symbols["ranges"])
        self.used = ctypes.c_uint64.from_address(symbols["used"])
        self.free = Rows(CAPACITY, self.used)
        self.files = (Watched * WATCHED).from_address(symbols["files"])
        self.files_free = Rows(WATCHED, ctypes.c_uint64.from_address(symbols["files.used"]))
        self.owners: dict[int, weakref.ref[object]] = {}
        """Of rows of `files`: whose they are."""
        self.flags = memoryview(self.files).cast("B").cast("Q")
        self.previous = (ctypes.c_uint64 * (LEVELS * len(SIGNALS))).from_address(symbols["previous"])
        self.levels = dict.fromkeys(SIGNALS, -1)
        """The level that is installed, by signal."""
        self.rows: dict[int, int] = {}
        """Indexes into `ranges`, by where the text begins."""

    def is_on_top(self, number: signal.Signals) -> bool:
        """Whether the process comes here first on the signal."""
        level = self.levels[number]
        return level >= 0 and libc.get_sigaction(number).handler == self.entries[level]

    def install(self, number: signal.Signals) -> None:
        """Become the first to be asked on the signal, before whoever is now."""
        current = libc.get_sigaction(number).handler
        if current in self.entries:  # who was above has gone and restored what it had found
            self.levels[number] = self.entries.index(current)
            return
        column = SIGNALS.index(number)
        known = [level for level in range(LEVELS) if level <= self.levels[number] and self._before(level, column) == current]
        # SIG_DFL and SIG_IGN lead to nobody, so any level above them will do; a handler may lead back to the levels there are
        level = known[0] if known and current <= 1 else min(self.levels[number] + 1, LEVELS - 1)
        self.previous[level * len(SIGNALS) + column] = current
        libc.set_sigaction(number, libc.SigAction(handler=self.entries[level], flags=libc.SA_SIGINFO | libc.SA_ONSTACK))
        self.levels[number] = level

    def _before(self, level: int, column: int) -> int:
        """The predecessor of a level."""
        return self.previous[level * len(SIGNALS) + column]


_lock = threading.RLock()
_handler: Handler | None = None

# A child that is forked while another thread holds the lock would wait for a thread that it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def install() -> None:
    """Install the handler, or put it on top again.

    Raises: `ImportError` when it is not in the cache and there is no llvmlite to compile it.
    """
    global _handler  # noqa: PLW0603 (a process has one handler per signal)
    with _lock:
        if _handler is None:
            _handler = Handler()
        for number in SIGNALS:
            if not _handler.is_on_top(number):
                _handler.install(number)


def ensure() -> None:
    """See that nobody has hidden the handler since; about two microseconds when nobody has.  Needs an `install` before."""
    if _handler is None:
        raise InternalError("faults.ensure before faults.install")
    if not (_handler.is_on_top(signal.SIGSEGV) and _handler.is_on_top(signal.SIGBUS)):
        install()


def register(text_begin: int, text_end: int, landing: int, low: int, high: int, *, instruction_in: str | None = None) -> None:
    """Let faults of the code in `text_begin..text_end` at addresses from base + `low` to base + `high` go on at `landing`.

    `instruction_in`: the register of `Architecture.arguments` in which the landing finds the address of the instruction that
    faulted, instead of what was there; None to leave them all as they were.
    The range may hold less code than that: code may come later, anywhere in it.  It must stay until `unregister`.
    Raises: `Limit` when too many ranges are registered.
    """
    assert 0 < text_begin < text_end
    assert low < high
    cpu = host()
    assert instruction_in is None or instruction_in in cpu.arguments[1:]
    with _lock:
        install()
        assert _handler is not None
        assert text_begin not in _handler.rows
        index = _handler.free.take()
        if index is None:
            raise Limit(f"more than {CAPACITY} pieces of generated code at a time")
        _handler.rows[text_begin] = index
        row = _handler.ranges[index]
        # A signal may come between any two of these: the row matches nothing before its end is written.
        row.landing, row.low, row.high = landing, low, high
        row.told_at = cpu.saved_at(instruction_in or cpu.pc)
        row.begin = text_begin
        row.end = text_end


def unregister(text_begin: int) -> None:
    """Forget the range that begins at `text_begin`; no thread may be running in it."""
    with _lock:
        if _handler is None or text_begin not in _handler.rows:
            raise InternalError(f"no range of text begins at {text_begin:#x}")
        index = _handler.rows.pop(text_begin)
        _handler.ranges[index].end = 0
        _handler.free.give(index)


def watch(owner: object, begin: int, end: int) -> tuple[int, memoryview]:
    """Let pages of files between these addresses read as zeros once they are lost, for as long as `owner` lives.

    A number for `unwatch`, and a view of one word: not 0 once a page was lost there.
    Raises: `Limit` when too many mappings are watched.
    """
    assert 0 < begin < end
    with _lock:
        if _handler is None:
            install()
        assert _handler is not None
        index = _handler.files_free.take()
        if index is None:
            raise Limit(f"more than {WATCHED} mappings of files that may be cut at a time (open them with trusted=False)")
        row = _handler.files[index]
        _handler.owners[index] = weakref.ref(owner, lambda _: unwatch(index))
        row.lost, row.begin = 0, begin
        row.end = end
        return index, _handler.flags[3 * index + 2 : 3 * index + 3]


def unwatch(number: int) -> None:
    """Forget a mapping, so that whoever lies there next is not taken for it."""
    with _lock:
        assert _handler is not None
        if _handler.owners.pop(number, None) is not None:
            _handler.files[number].end = 0
            _handler.files_free.give(number)


def object_file() -> tuple[str, bytes]:
    """The handler's object, out of the cache or new, and its key there."""
    architecture = host()
    ir = handler_ir(architecture)
    key = hashlib.blake2b(f"{architecture.name} {ir}".encode(), digest_size=20).hexdigest()
    data = cache.get(key)
    if data is None:
        data = llvm.compile_object(ir, cpu=architecture.baseline)
        cache.put(key, data, "the handler of faults")
    return key, data
