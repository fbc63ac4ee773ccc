"""Faults in generated code become traps of the guest: guard pages instead of bounds checks (Linux).

The contract with generated code:
- its functions are `preserve_nonecc` with the cage's base as first argument, so the convention's first register holds the base wherever
  they touch memory;
- where they touch the guest's memory they have nothing on the stack;
- each range of text has a *landing*: a function of the same type that ends the run with "out of bounds".

A page of a mapped file is lost when somebody cuts the file off.  Whoever maps one says where (`watch`): the page then reads as zeros from
the first touch on, and a flag tells; guests' code is ended as by any fault.

The handler of SIGSEGV and SIGBUS is LLVM IR without a cast between integers and pointers.  When the kernel reports a fault
(si_code > 0) whose instruction lies in a registered range and whose address lies in that range's window around the base, it
sets the instruction pointer to the landing, which so sees the registers as they were: base, pc, sp, fuel.  Everything else goes
to the handler that was there before, as if this one did not exist.

Whoever installs a handler after us and does not chain (`faulthandler.enable()`) hides ours: `ensure` puts ours on top again.
For that there are several entry points, *levels*, each with its own predecessor: faulthandler, who restores the handler it found
and raises the signal again, so reaches a level whose predecessor is older, never itself.

    begin, end = code.text
    register(begin, end, code.symbols["landing"], -(1 << 32), 12 << 30)
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Final

from arenite.errors import InternalError, Limit
from arenite.platform import cache, elf, libc, llvm
from arenite.platform.architectures import host
from arenite.platform.reserve import page_size

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture

CAPACITY: Final = 4096
"""Ranges of text at a time."""

LEVELS: Final = 16
"""How often somebody may install a handler above ours; after that the last level forgets its older predecessor."""

WATCHED: Final = 1 << 16
"""Mappings of files that may be cut, at a time."""

LOST: Final = 2
"""The `si_code` (BUS_ADRERR) of an address that is mapped and has nothing behind it."""

ZEROS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | libc.MAP_NORESERVE | libc.MAP_FIXED

SIGNALS: Final = (signal.SIGSEGV, signal.SIGBUS)
"""In the order of the columns of `@previous`."""


def handler_ir(architecture: Architecture) -> str:
    """The handler's LLVM IR: `@handler0`, … and the tables they read."""
    return f"""
%range = type {{ ptr, ptr, ptr, i64, i64 }}                     ; begin, end, landing, low, high
%watched = type {{ ptr, ptr, i64 }}                             ; begin, end, whether a page was lost

@ranges = global [{CAPACITY} x %range] zeroinitializer
@used = global i64 0                                            ; no range lies at or behind this index
@files = global [{WATCHED} x %watched] zeroinitializer
@files.used = global i64 0                                      ; no file lies at or behind this index
@previous = global [{LEVELS} x [2 x ptr]] zeroinitializer
@default = constant [{ctypes.sizeof(libc.SigAction)} x i8] zeroinitializer, align 8  ; a struct sigaction with SIG_DFL

declare i32 @sigaction(i32, ptr, ptr)
declare i32 @raise(i32)
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)

define internal void @fault(i32 %signal, ptr %info, ptr %context, i64 %level) noinline nounwind {{
entry:
  %is.bus = icmp eq i32 %signal, {SIGNALS[1].value}
  %code.at = getelementptr i8, ptr %info, i64 8                 ; si_code
  %code = load i32, ptr %code.at
  %by.kernel = icmp sgt i32 %code, 0
  br i1 %by.kernel, label %start, label %chain
start:
  %address.at = getelementptr i8, ptr %info, i64 16             ; si_addr
  %address = load ptr, ptr %address.at
  %base.at = getelementptr i8, ptr %context, i64 {architecture.first_argument_at}
  %base = load ptr, ptr %base.at
  %pc.at = getelementptr i8, ptr %context, i64 {architecture.pc_at}
  %pc = load ptr, ptr %pc.at
  %used = load atomic i64, ptr @used acquire, align 8
  %is.lost = icmp eq i32 %code, {LOST}
  %of.file = and i1 %is.bus, %is.lost
  %files.used = load atomic i64, ptr @files.used acquire, align 8
  br i1 %of.file, label %look, label %search
look:
  %file = phi i64 [ 0, %start ], [ %file.next, %look.on ]
  %more.files = icmp ult i64 %file, %files.used
  br i1 %more.files, label %look.in, label %search
look.in:
  %file.end.at = getelementptr [{WATCHED} x %watched], ptr @files, i64 0, i64 %file, i32 1
  %file.end = load atomic ptr, ptr %file.end.at acquire, align 8  ; written last, cleared first
  %file.begin.at = getelementptr [{WATCHED} x %watched], ptr @files, i64 0, i64 %file, i32 0
  %file.begin = load ptr, ptr %file.begin.at
  %from.file = icmp uge ptr %address, %file.begin
  %to.file = icmp ult ptr %address, %file.end
  %in.file = and i1 %from.file, %to.file
  br i1 %in.file, label %note, label %look.on
look.on:
  %file.next = add i64 %file, 1
  br label %look
note:
  %lost.at = getelementptr [{WATCHED} x %watched], ptr @files, i64 0, i64 %file, i32 2
  store atomic i64 1, ptr %lost.at release, align 8
  br label %search
search:
  %noted = phi i1 [ false, %start ], [ false, %look ], [ true, %note ], [ %noted, %next ]
  %index = phi i64 [ 0, %start ], [ 0, %look ], [ 0, %note ], [ %index.next, %next ]
  %more = icmp ult i64 %index, %used
  br i1 %more, label %text, label %nobodys
text:
  %end.at = getelementptr [{CAPACITY} x %range], ptr @ranges, i64 0, i64 %index, i32 1
  %end = load atomic ptr, ptr %end.at acquire, align 8          ; written last, cleared first
  %begin.at = getelementptr [{CAPACITY} x %range], ptr @ranges, i64 0, i64 %index, i32 0
  %begin = load ptr, ptr %begin.at
  %from.begin = icmp uge ptr %pc, %begin
  %to.end = icmp ult ptr %pc, %end
  %in.text = and i1 %from.begin, %to.end
  br i1 %in.text, label %window, label %next
next:
  %index.next = add i64 %index, 1
  br label %search
window:
  %low.at = getelementptr [{CAPACITY} x %range], ptr @ranges, i64 0, i64 %index, i32 3
  %low = load i64, ptr %low.at
  %high.at = getelementptr [{CAPACITY} x %range], ptr @ranges, i64 0, i64 %index, i32 4
  %high = load i64, ptr %high.at
  %lowest = getelementptr i8, ptr %base, i64 %low
  %behind = getelementptr i8, ptr %base, i64 %high
  %from.low = icmp uge ptr %address, %lowest
  %to.high = icmp ult ptr %address, %behind
  %in.window = and i1 %from.low, %to.high
  br i1 %in.window, label %land, label %nobodys
land:
  %landing.at = getelementptr [{CAPACITY} x %range], ptr @ranges, i64 0, i64 %index, i32 2
  %landing = load ptr, ptr %landing.at
  store ptr %landing, ptr %pc.at
  ret void

nobodys:
  br i1 %noted, label %patch, label %chain
patch:                                                          ; zeros in place of the page; the instruction comes again
  %page = call ptr @llvm.ptrmask.p0.i64(ptr %address, i64 {-page_size})
  %zeros = call ptr @mmap(ptr %page, i64 {page_size}, i32 {mmap.PROT_READ | mmap.PROT_WRITE}, i32 {ZEROS}, i32 -1, i64 0)
  %patched = icmp eq ptr %zeros, %page
  br i1 %patched, label %done, label %chain

chain:
  %column = zext i1 %is.bus to i64
  %previous.at = getelementptr [{LEVELS} x [2 x ptr]], ptr @previous, i64 0, i64 %level, i64 %column
  %previous = load ptr, ptr %previous.at
  %defaulted = icmp eq ptr %previous, null                      ; SIG_DFL
  %ignored = icmp eq ptr %previous, getelementptr (i8, ptr null, i64 1)  ; SIG_IGN
  %nobody = or i1 %defaulted, %ignored
  br i1 %nobody, label %unhandled, label %handled
handled:                                                        ; a plain handler overlooks what it does not take, as with the kernel
  call void %previous(i32 %signal, ptr %info, ptr %context)
  ret void
unhandled:
  %sent = xor i1 %by.kernel, true
  %overlooked = and i1 %ignored, %sent                          ; a fault of its own no process can ignore
  br i1 %overlooked, label %done, label %die
die:
  %reset = call i32 @sigaction(i32 %signal, ptr @default, ptr null)
  br i1 %sent, label %again, label %done                        ; a fault comes again by itself
again:
  %raised = call i32 @raise(i32 %signal)
  ret void
done:
  ret void
}}
""" + "".join(
        f"""
define void @handler{level}(i32 %signal, ptr %info, ptr %context) nounwind {{
  tail call void @fault(i32 %signal, ptr %info, ptr %context, i64 {level})
  ret void
}}
"""
        for level in range(LEVELS)
    )


class Watched(ctypes.Structure):
    """A row of `@files`.  A row is in use while its `end` is not 0."""

    _fields_ = (("begin", ctypes.c_uint64), ("end", ctypes.c_uint64), ("lost", ctypes.c_uint64))
    begin: int
    end: int
    lost: int


class Range(ctypes.Structure):
    """A row of `@ranges`.  A row is in use while its `end` is not 0."""

    _fields_ = (
        ("begin", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("landing", ctypes.c_uint64),
        ("low", ctypes.c_int64),
        ("high", ctypes.c_int64),
    )
    begin: int
    end: int
    landing: int
    low: int
    high: int


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
        self.files = (Watched * WATCHED).from_address(symbols["files"])
        self.files_used = ctypes.c_uint64.from_address(symbols["files.used"])
        self.files_free = list(reversed(range(WATCHED)))
        self.owners: dict[int, weakref.ref[object]] = {}
        """Of rows of `files`: whose they are."""
        self.flags = memoryview(self.files).cast("B").cast("Q")
        self.previous = (ctypes.c_uint64 * (LEVELS * len(SIGNALS))).from_address(symbols["previous"])
        self.levels = dict.fromkeys(SIGNALS, -1)
        """The level that is installed, by signal."""
        self.rows: dict[int, int] = {}
        """Indexes into `ranges`, by where the text begins."""
        self.free = list(reversed(range(CAPACITY)))

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


def register(text_begin: int, text_end: int, landing: int, low: int, high: int) -> None:
    """Let faults of the code in `text_begin..text_end` at addresses from base + `low` to base + `high` go on at `landing`.

    The code must stay until `unregister`.
    Raises: `Limit` when too many ranges are registered.
    """
    assert 0 < text_begin < text_end
    assert low < high
    with _lock:
        install()
        assert _handler is not None
        assert text_begin not in _handler.rows
        if not _handler.free:
            raise Limit(f"more than {CAPACITY} pieces of generated code at a time")
        index = _handler.free.pop()
        _handler.rows[text_begin] = index
        row = _handler.ranges[index]
        # A signal may come between any two of these: the row matches nothing before its end is written.
        row.landing, row.low, row.high, row.begin = landing, low, high, text_begin
        row.end = text_end
        _handler.used.value = max(_handler.used.value, index + 1)


def unregister(text_begin: int) -> None:
    """Forget the range that begins at `text_begin`; no thread may be running in it."""
    with _lock:
        if _handler is None or text_begin not in _handler.rows:
            raise InternalError(f"no range of text begins at {text_begin:#x}")
        index = _handler.rows.pop(text_begin)
        _handler.ranges[index].end = 0
        _handler.free.append(index)


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
        if not _handler.files_free:
            raise Limit(f"more than {WATCHED} mappings of files that may be cut at a time (open them with trusted=False)")
        index = _handler.files_free.pop()
        row = _handler.files[index]
        _handler.owners[index] = weakref.ref(owner, lambda _: unwatch(index))
        row.lost, row.begin = 0, begin
        row.end = end
        _handler.files_used.value = max(_handler.files_used.value, index + 1)
        return index, _handler.flags[3 * index + 2 : 3 * index + 3]


def unwatch(number: int) -> None:
    """Forget a mapping, so that whoever lies there next is not taken for it."""
    with _lock:
        assert _handler is not None
        if _handler.owners.pop(number, None) is not None:
            _handler.files[number].end = 0
            _handler.files_free.append(number)


def object_file() -> tuple[str, bytes]:
    """The handler's object, out of the cache or new, and its key there."""
    architecture = host()
    ir = handler_ir(architecture)
    key = hashlib.blake2b(f"{architecture.name} {ir}".encode(), digest_size=20).hexdigest()
    data = cache.get(key)
    if data is None:
        data = llvm.compile_object(ir, cpu=architecture.baseline)
        cache.put(key, data)
    return key, data
