"""A code space: address space in which machine code is made piece by piece while other threads run what is there already.

- A page is never writable and executable at once, and an executable one is never written again.  So what runs needs no lock and no
  CPU can hold old instructions; what is published ends with its page, and the next piece begins on a fresh one.
- Pages are private and anonymous: after `os.fork` each process goes on by itself.  (A second, writable alias of a page would save the
  rest of it, but shares the page with children; so would a write through /proc/self/mem, which hardened systems refuse and emulators
  lead elsewhere.)  Who makes many small pieces stages some before each `publish`: one of 200 to 5,000 bytes at a time wastes 47 % of
  the pages, eight at a time 10 %.
- Whatever is not code traps: gaps hold `Architecture.padding`, and what is not used has no access.
- An exception of a signal's handler may come anywhere: a piece whose address was not returned is lost, nothing else.

    space = CodeSpace(1 << 25)
    faults.register(*space.text, landing, low, high)
    f = space.stage(code)
    g = space.append(more)           # now both can be called
"""

from __future__ import annotations

import mmap
import os
import threading
from typing import Final

from arenite.errors import InternalError, Limit
from arenite.platform import libc
from arenite.platform.architectures import host
from arenite.platform.reserve import page_size, round_up

LARGEST: Final = (1 << 31) - page_size
"""Bytes: within it a displacement of x86-64 reaches from anywhere to anywhere.  (The branch of aarch64 reaches 2**27.)"""

AHEAD: Final = 1 << 16
"""Bytes that are made writable at once; they cost no memory before they are used."""

_lock = threading.RLock()

# A child that is forked while another thread writes would find that half done, and the lock held by a thread that it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class CodeSpace:
    """`limit` bytes of address space for code, rounded up to pages; they never move.  Needs `arenite.platform.HAS_OBJECTS`.

    It is unmapped by `close`, or when the last reference goes; nothing may be running in it then.
    Raises: `Limit` when the system refuses the address space.
    """

    __slots__ = ("__weakref__", "_busy", "_mapping", "_published", "_used", "_writable", "begin", "limit")

    def __init__(self, limit: int) -> None:
        assert 0 < limit <= LARGEST
        self.limit = round_up(limit)
        self._mapping = libc.reserve(self.limit)
        self.begin = libc.address_of(self._mapping)
        libc.protect(self.begin, self.limit, libc.PROT_NONE)
        self._busy = False
        # offsets; the first and the last one are those of pages
        self._published = 0
        """Below it everything can be executed."""
        self._used = 0
        """Below it nothing is written any more; the next piece begins here or behind."""
        self._writable = 0
        """Up to here pages have been made writable, and those that do not lie below `_published` still are."""

    @property
    def text(self) -> tuple[int, int]:
        """Where the space begins and ends, for `faults.register`: all of it, whatever it holds yet."""
        return self.begin, self.begin + self.limit

    @property
    def end(self) -> int:
        """The address at which the next piece begins, but for its alignment, if nobody else adds one before."""
        return self.begin + self._used

    def __len__(self) -> int:
        """Bytes used, with gaps and rests of pages."""
        return self._used

    def at(self, address: int) -> int:
        """The offset of an address in what is used.  Raises: `InternalError` for another one."""
        if not 0 <= address - self.begin < self._used:
            raise InternalError(f"{address:#x} lies in no code of {self.begin:#x}..{self.end:#x}")
        return address - self.begin

    def append(self, data: bytes | bytearray | memoryview, align: int = 16) -> int:
        """`stage`, then `publish`."""
        address = self.stage(data, align)
        self.publish()
        return address

    def stage(self, data: bytes | bytearray | memoryview, align: int = 16) -> int:
        """Put code behind what is there; its address.  It cannot run before `publish`.

        `align`: a power of two, at most a page.
        Raises: `Limit` when the space or the system's memory is used up, or in a signal's handler that interrupts another call.
        """
        assert data
        assert 0 < align <= page_size
        assert not align & (align - 1)
        with _lock:
            self._check_free()
            self._busy = True
            try:
                at = round_up(self._used, align)
                stop = at + len(data)
                if stop > self.limit:
                    raise Limit(f"no room for {len(data):#x} bytes of code: {self._used:#x} of {self.limit:#x} are used")
                if stop > self._writable:
                    writable = min(max(round_up(stop), self._writable + AHEAD), self.limit)
                    libc.protect(self.begin + self._writable, writable - self._writable, mmap.PROT_READ | mmap.PROT_WRITE)
                    self._writable = writable
                self._pad(at)
                self._mapping[at:stop] = data
                self._used = stop
            finally:
                self._busy = False
        return self.begin + at

    def publish(self, *, whole_pages: bool = False) -> int:
        """Make what was staged executable; code below the address that is returned can run from now on.

        `whole_pages`: what reaches into a page that is not full waits for a later call, so that no page is wasted.
        Raises: `Limit` when the system refuses executable memory; what was staged cannot run then.
        """
        with _lock:
            self._check_free()
            self._busy = True
            try:
                stop = self._used & -page_size if whole_pages else round_up(self._used)
                if stop > self._published:
                    self._pad(stop)
                    self._used = max(self._used, stop)  # first: no page is written that may have become executable
                    self._expose(self._published, stop)
                    self._published = stop
                return self.begin + self._published
            finally:
                self._busy = False

    def close(self) -> None:
        """Unmap everything now.  What is registered of it must be unregistered before."""
        self._mapping.close()

    def _check_free(self) -> None:
        """One call at a time.  Raises: `Limit` in a signal's handler that interrupts one, `InternalError` when closed."""
        if self._busy:
            raise Limit("a signal's handler compiles code while it interrupts that")
        if self._mapping.closed:
            raise InternalError("the code space is closed")

    def _pad(self, stop: int) -> None:
        """Let what lies between the last piece and `stop` trap."""
        padding = host().padding
        at = self._used
        if at < stop:
            self._mapping[at:stop] = (padding * (stop - at))[at % len(padding) :][: stop - at]

    def _expose(self, start: int, stop: int) -> None:
        """Let pages be executed and not written.  Raises: `Limit` when the system refuses."""
        address, size = self.begin + start, stop - start
        if not host().runs_what_was_written:
            libc.flush_instructions(address, size)
        try:
            libc.protect(address, size, mmap.PROT_READ | mmap.PROT_EXEC)
        except OSError as error:
            raise Limit(f"the system refuses executable memory ({error.strerror})") from error
