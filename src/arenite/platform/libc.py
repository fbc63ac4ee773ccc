"""The C library's calls that Python has no function for, each declared once.

- Sizes are bytes; an address is an int and belongs to memory that the caller owns.
- A call that fails raises `OSError` with its name; one that fails for want of memory or mappings is tried once more
  after a garbage collection (dropped stores free mappings), then raises `Limit`.

    protect(address, page_size, PROT_READ | PROT_WRITE)
"""

from __future__ import annotations

import ctypes
import errno
import functools
import gc
import mmap
import os
from typing import TYPE_CHECKING, Final

from arenite.errors import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROT_NONE: Final = 0
MAP_FIXED: Final = 0x10
MAP_NORESERVE: Final = 0x4000  # the module `mmap` knows it from Python 3.13 on only
RESERVED: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE

MREMAP_MAYMOVE: Final = 1
MREMAP_FIXED: Final = 2
MREMAP_DONTUNMAP: Final = 4
FAILED: Final = -1  # `MAP_FAILED`

SA_SIGINFO: Final = 0x4
SA_ONSTACK: Final = 0x08000000


class SigAction(ctypes.Structure):
    """`struct sigaction` of Linux, as glibc and musl lay it out on every `Architecture`."""

    _fields_ = (
        ("handler", ctypes.c_uint64),
        ("mask", ctypes.c_uint64 * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_uint64),
    )
    handler: int
    flags: int


_libc = ctypes.CDLL(None, use_errno=True)

_mmap = _libc.mmap
_mmap.restype = ctypes.c_ssize_t
_mmap.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64)

_mprotect = _libc.mprotect
_mprotect.restype = ctypes.c_int
_mprotect.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)

_madvise = _libc.madvise
_madvise.restype = ctypes.c_int
_madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)

_mremap = _libc.mremap
_mremap.restype = ctypes.c_ssize_t
_mremap.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_size_t)

_sigaction = _libc.sigaction
_sigaction.restype = ctypes.c_int
_sigaction.argtypes = (ctypes.c_int, ctypes.POINTER(SigAction), ctypes.POINTER(SigAction))


def protect(address: int, size: int, prot: int) -> None:
    """`mprotect`: change what may be done with whole pages."""
    if _mprotect(address, size, prot) == -1:
        _again(f"mprotect of {size:#x} bytes", lambda: _mprotect(address, size, prot))


def enlarge_pages(view: memoryview) -> None:
    """`madvise`: let the memory on which a writable view lies be backed by large pages.  Where the system has none, nothing happens."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(view))
    begin = address & -mmap.PAGESIZE
    _madvise(begin, address + len(view) - begin, mmap.MADV_HUGEPAGE)  # the last page's rest is meant, too


def map_at(address: int, size: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> None:
    """`mmap` with `MAP_FIXED`: put a mapping in place of what is at `address`."""
    if _mmap(address, size, prot, flags | MAP_FIXED, fd, offset) == -1:
        _again(f"mmap of {size:#x} bytes", lambda: _mmap(address, size, prot, flags | MAP_FIXED, fd, offset))


def move_all(sources: Sequence[int], sizes: Sequence[int], places: Sequence[int], moved: list[int]) -> None:
    """`mremap` of pages to other places, where they replace what is there; the old ranges stay mapped, and hold nothing.

    Appends to `moved` where each lies then, or `FAILED`; all in one call into C, so that no signal's handler runs in between.
    """
    flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP
    moved.extend(map(_mremap, sources, sizes, sizes, [flags] * len(sizes), places))


def reserve(size: int) -> mmap.mmap:
    """Private anonymous memory for which nothing is set aside; unmapped when the object and its views are gone."""
    try:
        return mmap.mmap(-1, size, flags=RESERVED)
    except OSError:
        gc.collect()
    try:
        return mmap.mmap(-1, size, flags=RESERVED)
    except OSError as error:
        raise Limit(f"{size:#x} bytes of address space refused: {error.strerror}") from error


def address_of(mapping: mmap.mmap) -> int:
    """Where `mapping` lies.  Nothing keeps it there but `mapping` itself and its views."""
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping))


def flush_instructions(address: int, size: int) -> None:
    """Let the CPU see instructions that were just written, where it does not by itself.  Raises: `Limit` without libgcc."""
    _clear_cache()(address, address + size)


@functools.cache
def _clear_cache() -> Callable[[int, int], None]:
    """The function of the compiler's library that does it."""
    try:
        clear = ctypes.CDLL("libgcc_s.so.1")["__clear_cache"]
    except (OSError, AttributeError) as error:
        raise Limit(f"machine code needs __clear_cache of libgcc_s.so.1 on this CPU: {error}") from error
    clear.restype, clear.argtypes = None, (ctypes.c_void_p, ctypes.c_void_p)
    return clear


def get_sigaction(signal: int) -> SigAction:
    """What the process does on `signal`."""
    current = SigAction()
    if _sigaction(signal, None, ctypes.byref(current)) == -1:
        _again("sigaction", lambda: -1)
    return current


def set_sigaction(signal: int, action: SigAction) -> None:
    """Change what the process does on `signal`."""
    if _sigaction(signal, ctypes.byref(action), None) == -1:
        _again("sigaction", lambda: -1)


def symbol(name: str) -> int | None:
    """The address of a function of the C library or of its mathematics, None when there is no such function."""
    for library in _libraries():
        function = getattr(library, name, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    return None


def _libraries() -> list[ctypes.CDLL]:
    """Where symbols are looked for: what the process has loaded, then glibc's libm, which need not be loaded."""
    try:
        return [_libc, ctypes.CDLL("libm.so.6")]
    except OSError:
        return [_libc]


def _again(what: str, call: Callable[[], int]) -> None:
    """A call gave -1, which means that it failed: as the head of this module says."""
    if ctypes.get_errno() == errno.ENOMEM:
        gc.collect()
        if call() != -1:
            return
    code = ctypes.get_errno()
    reason = f"{what}: {os.strerror(code)}"
    if code == errno.ENOMEM:
        raise Limit(f"{reason} (address space, memory or the number of mappings is used up)")
    raise OSError(code, reason)
