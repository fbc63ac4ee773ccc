"""The handler of SIGSEGV and SIGBUS as LLVM IR, and the tables that it reads; `arenite.platform.faults` fills them.

It is a signal handler: it takes no lock, allocates nothing, and calls what POSIX lets one call.  There is no cast between integers and
pointers in it.  Functions of the IR, the last one from outside:

    @lose      note that a page of a watched file is gone          @patch   zeros in place of such a page
    @text.of   the range of text that an instruction lies in       @chain   ask who handled the signal before us
    @land      go on at the range's landing                        @fault   decide

Rows of a table change under a reader, who may be interrupted between two loads.  So a row matches nothing while its `end` is 0: it is
written last and cleared first; and a reader who has seen the row of something else turn into another row sees that `end` has changed.
"""

from __future__ import annotations

import ctypes
import mmap
import signal
from typing import TYPE_CHECKING, Final

from arenite.platform import libc
from arenite.platform.reserve import page_size

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture

CAPACITY: Final = 1 << 16
"""Ranges of text at a time.  They are searched in turn: a fault takes 2.5 us, and half a nanosecond more for each."""

LEVELS: Final = 16
"""How often somebody may install a handler above ours; after that the last level forgets its older predecessor."""

WATCHED: Final = 1 << 16
"""Mappings of files that may be cut, at a time."""

SIGNALS: Final = (signal.SIGSEGV, signal.SIGBUS)
"""In the order of the columns of `@previous`."""

LOST: Final = 2
"""The `si_code` (BUS_ADRERR) of an address that is mapped and has nothing behind it."""

CODE_AT, ADDRESS_AT = 8, 16
"""Bytes from the start of a `siginfo_t` to `si_code` and `si_addr`."""

ACCESS: Final = mmap.PROT_READ | mmap.PROT_WRITE
ZEROS: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | libc.MAP_NORESERVE | libc.MAP_FIXED


class Range(ctypes.Structure):
    """A row of `@ranges`."""

    _fields_ = (
        ("begin", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("landing", ctypes.c_uint64),
        ("low", ctypes.c_int64),
        ("high", ctypes.c_int64),
        ("told_at", ctypes.c_uint64),
    )
    begin: int
    end: int
    landing: int
    low: int
    high: int
    told_at: int
    """In the saved registers: which one is told where the faulting instruction is.  The instruction pointer's own if none is."""


class Watched(ctypes.Structure):
    """A row of `@files`."""

    _fields_ = (("begin", ctypes.c_uint64), ("end", ctypes.c_uint64), ("lost", ctypes.c_uint64))
    begin: int
    end: int
    lost: int
    """Whether a page was lost."""


TABLES: Final = f"""
%range = type {{ ptr, ptr, ptr, i64, i64, i64 }}                ; begin, end, landing, low, high, told_at
%watched = type {{ ptr, ptr, i64 }}                             ; begin, end, lost

@ranges = global [{CAPACITY} x %range] zeroinitializer
@used = global i64 0                                            ; no range lies at or behind this index
@files = global [{WATCHED} x %watched] zeroinitializer
@files.used = global i64 0                                      ; no file lies at or behind this index
@previous = global [{LEVELS} x [{len(SIGNALS)} x ptr]] zeroinitializer
@default = constant [{ctypes.sizeof(libc.SigAction)} x i8] zeroinitializer, align 8  ; a struct sigaction with SIG_DFL

declare i32 @sigaction(i32, ptr, ptr)
declare i32 @raise(i32)
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
"""


def search(name: str, table: str, row: str, used: str) -> str:
    """A function: the row of a table in which an address lies, or null."""
    return f"""
define internal ptr @{name}(ptr %address) noinline nounwind {{
entry:
  %used = load atomic i64, ptr @{used} acquire, align 8
  br label %search
search:
  %index = phi i64 [ 0, %entry ], [ %next, %other ]
  %more = icmp ult i64 %index, %used
  br i1 %more, label %look, label %none
look:
  %row = getelementptr %{row}, ptr @{table}, i64 %index
  %end.at = getelementptr %{row}, ptr %row, i64 0, i32 1
  %end = load atomic ptr, ptr %end.at acquire, align 8
  %begin = load atomic ptr, ptr %row acquire, align 8
  %from = icmp uge ptr %address, %begin
  %to = icmp ult ptr %address, %end
  %inside = and i1 %from, %to
  br i1 %inside, label %again, label %other
again:
  %end.now = load atomic ptr, ptr %end.at acquire, align 8
  %same = icmp eq ptr %end, %end.now
  br i1 %same, label %found, label %other
other:
  %next = add i64 %index, 1
  br label %search
found:
  ret ptr %row
none:
  ret ptr null
}}
"""


LOSE: Final = """
define internal i1 @lose(ptr %address) noinline nounwind {      ; whether it is a watched file's
  %file = call ptr @file.of(ptr %address)
  %watched = icmp ne ptr %file, null
  br i1 %watched, label %note, label %done
note:
  %lost.at = getelementptr %watched, ptr %file, i64 0, i32 2
  store atomic i64 1, ptr %lost.at release, align 8
  br label %done
done:
  ret i1 %watched
}
"""


def land(architecture: Architecture) -> str:
    """The function that sends a fault to its landing; it says whether the fault is one of this range."""
    base_at, pc_at = architecture.saved_at(architecture.arguments[0]), architecture.saved_at(architecture.pc)
    return f"""
define internal i1 @land(ptr %range, ptr %address, ptr %context) noinline nounwind {{
  %base.at = getelementptr i8, ptr %context, i64 {base_at}
  %base = load ptr, ptr %base.at
  %low.at = getelementptr %range, ptr %range, i64 0, i32 3
  %low = load i64, ptr %low.at
  %high.at = getelementptr %range, ptr %range, i64 0, i32 4
  %high = load i64, ptr %high.at
  %lowest = getelementptr i8, ptr %base, i64 %low
  %behind = getelementptr i8, ptr %base, i64 %high
  %from.low = icmp uge ptr %address, %lowest
  %to.high = icmp ult ptr %address, %behind
  %in.window = and i1 %from.low, %to.high
  br i1 %in.window, label %ours, label %done
ours:
  %pc.at = getelementptr i8, ptr %context, i64 {pc_at}
  %pc = load ptr, ptr %pc.at
  %told.at.at = getelementptr %range, ptr %range, i64 0, i32 5
  %told.at = load i64, ptr %told.at.at
  %told = getelementptr i8, ptr %context, i64 %told.at
  store ptr %pc, ptr %told
  %landing.at = getelementptr %range, ptr %range, i64 0, i32 2
  %landing = load ptr, ptr %landing.at
  store ptr %landing, ptr %pc.at                                ; last: it is what is told where nobody asks
  br label %done
done:
  ret i1 %in.window
}}
"""


PATCH: Final = f"""
define internal i1 @patch(ptr %address) noinline nounwind {{    ; whether it could be done; the instruction then comes again
  %page = call ptr @llvm.ptrmask.p0.i64(ptr %address, i64 {-page_size})
  %zeros = call ptr @mmap(ptr %page, i64 {page_size}, i32 {ACCESS}, i32 {ZEROS}, i32 -1, i64 0)
  %patched = icmp eq ptr %zeros, %page
  ret i1 %patched
}}
"""

CHAIN: Final = f"""
define internal void @chain(i32 %signal, ptr %info, ptr %context, i64 %level, i1 %by.kernel) noinline nounwind {{
  %is.bus = icmp eq i32 %signal, {SIGNALS[1].value}
  %column = zext i1 %is.bus to i64
  %previous.at = getelementptr [{LEVELS} x [{len(SIGNALS)} x ptr]], ptr @previous, i64 0, i64 %level, i64 %column
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
"""


def decide(architecture: Architecture) -> str:
    """What becomes of a signal."""
    return f"""
define internal void @fault(i32 %signal, ptr %info, ptr %context, i64 %level) noinline nounwind {{
entry:
  %code.at = getelementptr i8, ptr %info, i64 {CODE_AT}
  %code = load i32, ptr %code.at
  %by.kernel = icmp sgt i32 %code, 0
  br i1 %by.kernel, label %kernel, label %pass
kernel:
  %address.at = getelementptr i8, ptr %info, i64 {ADDRESS_AT}
  %address = load ptr, ptr %address.at
  %is.bus = icmp eq i32 %signal, {SIGNALS[1].value}
  %is.lost = icmp eq i32 %code, {LOST}
  %of.file = and i1 %is.bus, %is.lost
  br i1 %of.file, label %file, label %text
file:
  %watched = call i1 @lose(ptr %address)
  br label %text
text:
  %noted = phi i1 [ false, %kernel ], [ %watched, %file ]
  %pc.at = getelementptr i8, ptr %context, i64 {architecture.saved_at(architecture.pc)}
  %pc = load ptr, ptr %pc.at
  %range = call ptr @text.of(ptr %pc)
  %generated = icmp ne ptr %range, null
  br i1 %generated, label %guest, label %nobodys
guest:
  %landed = call i1 @land(ptr %range, ptr %address, ptr %context)
  br i1 %landed, label %done, label %nobodys
nobodys:
  br i1 %noted, label %zeros, label %pass
zeros:
  %patched = call i1 @patch(ptr %address)
  br i1 %patched, label %done, label %pass
pass:
  call void @chain(i32 %signal, ptr %info, ptr %context, i64 %level, i1 %by.kernel)
  br label %done
done:
  ret void
}}
"""


ENTRIES: Final = "".join(
    f"""
define void @handler{level}(i32 %signal, ptr %info, ptr %context) nounwind {{
  tail call void @fault(i32 %signal, ptr %info, ptr %context, i64 {level})
  ret void
}}
"""
    for level in range(LEVELS)
)


def handler_ir(architecture: Architecture) -> str:
    """The handler's LLVM IR: `@handler0`, … and the tables they read."""
    text_of, file_of = search("text.of", "ranges", "range", "used"), search("file.of", "files", "watched", "files.used")
    return "".join((TABLES, text_of, file_of, LOSE, land(architecture), PATCH, CHAIN, decide(architecture), ENTRIES))
