"""How arguments and results cross the border: the types of the standard's signatures, and the guest memory behind pointers.

- Addresses and lengths come from the guest and are hostile: every one is checked against the memory as it is during the call, and
  what does not fit is `FAULT`.  No length makes us take memory in proportion to it.
- A type is lifted from one or two words of the guest.  Values outside an enumeration or set of flags are `INVAL`.
- Results are numbers or records; the guest passes an address for each.

    PARAM_TYPES["string"].lift(guest, words, at)   # the words at `at` and `at + 1` are address and length
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from arenite.light import NamedTuple
from arenite.wasi import records
from arenite.wasi.errno import Errno, Failure
from arenite.world.blocking import WaitingCaller

if TYPE_CHECKING:
    from enum import IntFlag
    from struct import Struct

    from arenite.wasi.descriptors import Session
    from arenite.wasi.host import HostModule

MOST_VECTORS = 1024  # of one call, as POSIX hosts have it; the guest sees a short read or write
MOST_BYTES = 1 << 24  # of one call; the guest sees a short read or write
LONGEST_PATH = 4096


class Caller(WaitingCaller, Protocol):
    """Of the API's `Caller`, what is needed here."""

    def get(self, name: str, /) -> object:
        """The export of that name of the calling instance, or None."""

    def host(self, name: str, /) -> HostModule:
        """The store's host module of that name, which here is WASI's."""


class Guest:
    """The guest during one of its calls: its `session`, and its memory, looked up once when first needed.

    All views of the memory are made here, so that `release` can end them.
    """

    __slots__ = ("_views", "caller", "session")

    def __init__(self, caller: Caller, session: Session) -> None:
        self.caller = caller
        self._views: list[memoryview] = []  # the whole memory first
        self.session = session

    @property
    def memory(self) -> memoryview:
        """All bytes of the memory that is exported as "memory"."""
        if not self._views:
            view = getattr(self.caller.get("memory"), "view", None)
            if view is None:
                raise Failure(Errno.FAULT)
            self._views.append(memoryview(view(self.caller)))
        return self._views[0]

    def bytes(self, address: int, length: int) -> memoryview:
        """That range of the memory, writable."""
        views = self._views
        memory = views[0] if views else self.memory
        end = address + length
        if end > len(memory):
            raise Failure(Errno.FAULT)
        found = memory[address:end]
        views.append(found)
        return found

    def part(self, buffers: Sequence[memoryview], start: int, size: int) -> list[memoryview]:
        """Of what buffers hold, up to `size` bytes from `start` on."""
        found = []
        for buffer in buffers:
            part = buffer[start : start + size]
            self._views.append(part)
            start = max(0, start - len(buffer))
            if part:
                found.append(part)
                size -= len(part)
        return found

    def release(self) -> None:
        """End all views: an exception that leaves the call keeps its frames, and so would keep the memory from being closed."""
        for view in self._views:
            view.release()


Lift: TypeAlias = Callable[[Guest, Sequence[int], int], object]
Member = TypeVar("Member")


class ParamType(NamedTuple):
    """A type of parameters: the wasm types of its words, and how it is lifted from them."""

    words: tuple[str, ...]
    lift: Lift


def word(_: Guest, words: Sequence[int], at: int) -> int:
    """A number."""
    return words[at]


def filedelta(_: Guest, words: Sequence[int], at: int) -> int:
    """A signed number."""
    value = words[at]
    return value - (value >> 63 << 64)


def one_of(members: Sequence[Member]) -> Lift:
    """One of what the standard numbers from 0 on."""

    def lift(_: Guest, words: Sequence[int], at: int) -> Member:
        if words[at] >= len(members):
            raise Failure(Errno.INVAL)
        return members[words[at]]

    return lift


def flags(members: type[IntFlag]) -> Lift:
    """A set of flags."""
    known = sum(members)

    def lift(_: Guest, words: Sequence[int], at: int) -> IntFlag:
        if words[at] & ~known:
            raise Failure(Errno.INVAL)
        return members(words[at])

    return lift


def buffer(guest: Guest, words: Sequence[int], at: int) -> memoryview:
    """A range of memory."""
    return guest.bytes(words[at], words[at + 1])


def string(guest: Guest, words: Sequence[int], at: int) -> str:
    """A path, or what a symbolic link says."""
    if words[at + 1] > LONGEST_PATH:
        raise Failure(Errno.NAMETOOLONG)
    data = guest.bytes(words[at], words[at + 1]).tobytes()
    if 0 in data:
        raise Failure(Errno.INVAL)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Failure(Errno.ILSEQ) from None


def vectors(guest: Guest, words: Sequence[int], at: int) -> list[memoryview]:
    """An array of ranges of memory, without the empty ones."""
    left = MOST_BYTES
    found: list[memoryview] = []
    count = min(words[at + 1], MOST_VECTORS)
    if count == 1:  # as it is most often
        memory = guest.memory
        if words[at] + records.IOVEC.size > len(memory):
            raise Failure(Errno.FAULT)
        address, length = records.IOVEC.unpack_from(memory, words[at])
        return [guest.bytes(address, min(length, left))] if length else found
    ranges = guest.bytes(words[at], count * records.IOVEC.size)
    for address, length in records.IOVEC.iter_unpack(ranges):
        if length and left > 0:
            found.append(guest.bytes(address, min(length, left)))
            left -= length
    return found


# "fd" is missing: its lift needs a call's rights (see `host`).
PARAM_TYPES = {
    **dict.fromkeys(
        ("handle", "pointer", "size", "exitcode", "signal", "riflags", "siflags", "sdflags"), ParamType(("i32",), word)
    ),
    **dict.fromkeys(("rights", "filesize", "timestamp", "dircookie"), ParamType(("i64",), word)),
    "filedelta": ParamType(("i64",), filedelta),
    "clockid": ParamType(("i32",), one_of(records.CLOCKS)),
    "advice": ParamType(("i32",), one_of(records.ADVICE)),
    "whence": ParamType(("i32",), one_of(records.WHENCES)),
    "fdflags": ParamType(("i32",), flags(records.FdFlags)),
    "lookupflags": ParamType(("i32",), flags(records.LookupFlags)),
    "oflags": ParamType(("i32",), flags(records.OFlags)),
    "fstflags": ParamType(("i32",), flags(records.FstFlags)),
    "string": ParamType(("i32", "i32"), string),
    "buffer": ParamType(("i32", "i32"), buffer),
    "iovec_array": ParamType(("i32", "i32"), vectors),
    "ciovec_array": ParamType(("i32", "i32"), vectors),
}

RESULTS: dict[str, Struct] = {
    "size": records.U32,
    "fd": records.U32,
    "roflags": records.U16,
    "filesize": records.U64,
    "timestamp": records.U64,
    "fdstat": records.FDSTAT,
    "filestat": records.FILESTAT,
    "prestat": records.PRESTAT,
}
