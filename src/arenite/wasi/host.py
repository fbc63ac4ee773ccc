"""The host module that a store asks for WASI's imports: each row of `preview1` as a callable, and the state that it works on.

Callables are shared by all forks of a store: each finds its guest's module when it is called.

host = WasiConfig(stdout=sys.stdout).open()
type, call = host.function("wasi_snapshot_preview1", "fd_write")
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from arenite.api.hosts import WASI
from arenite.api.types import FuncType, ValType
from arenite.wasi import errno
from arenite.wasi.abi import PARAM_TYPES, RESULTS, Caller, Guest, vectors
from arenite.wasi.errno import Failure
from arenite.wasi.fd import fd_read, fd_write
from arenite.wasi.preview1 import MODULE, TABLE, UNSTABLE_MODULE, Function
from arenite.wasi.records import U32
from arenite.world.refused import Refused

if TYPE_CHECKING:
    from struct import Struct

    from arenite.machine.run.hosts import HostState
    from arenite.wasi.abi import Lift
    from arenite.wasi.descriptors import Descriptor, Session

MASKS = {"i32": (1 << 32) - 1, "i64": (1 << 64) - 1}
VALUE_TYPES = {"i32": ValType.i32, "i64": ValType.i64}

Trace: TypeAlias = Callable[[str], object]
Perform: TypeAlias = Callable[[Guest, Sequence[int]], None]


class HostFunction(Protocol):
    """What the linker calls: the caller and the guest's words."""

    def __call__(self, caller: Caller, /, *arguments: int) -> object:
        """The error code, if the function returns."""


class HostModule:
    """WASI for one store.  `close()` closes the guest's descriptors; so does forgetting the object.

    `trace`: called with a line about each call.
    """

    def __init__(self, session: Session, trace: Trace | None = None) -> None:
        self.session = session
        self.trace = trace
        self._close = weakref.finalize(self, session.close)

    def function(self, module: str, name: str) -> tuple[FuncType, HostFunction] | None:
        """Type and callable of an import, which takes the caller first; None when WASI has none of that name."""
        return function(module, name)

    def freeze(self) -> HostState:
        """What the guest holds, as data (`travel`).  Raises: `SnapshotError` naming what cannot travel."""
        return self.session.freeze()

    def hand_over(self) -> HostState:
        """The same for a module with other options that takes the place of this one: files in memory are the very same."""
        return self.session.freeze(live=True)

    def close(self) -> None:
        """Close the guest's descriptors; standard streams of the host stay open."""
        self._close()


@functools.cache
def function(module: str, name: str) -> tuple[FuncType, HostFunction] | None:
    """Type and callable of an import: the same for every guest, whose state it finds when it is called."""
    row = TABLE.get(name)
    if row is None or not (module == MODULE or (module == UNSTABLE_MODULE and row.unstable)):
        return None
    functype = FuncType([VALUE_TYPES[word]() for word in row.words], [VALUE_TYPES[word]() for word in row.returns])
    return functype, bind(row)


def bind(row: Function) -> HostFunction:
    """The callable for a row: lifts arguments, calls, writes results, and makes an error code of what went wrong.

    Addresses of results are checked before the call, so that a bad one has no effect.
    """
    perform = transferring(row) if row.call in {fd_read, fd_write} else performing(row)

    def enter(caller: Caller, *arguments: int) -> int:
        module = caller.host(WASI)
        guest = Guest(caller, module.session)
        code = 0
        try:
            perform(guest, arguments)
        except (Failure, Refused, OSError) as error:
            code = int(errno.of(error))
        except BaseException as error:
            guest.release()
            if module.trace is not None:
                module.trace(f"{line(row, arguments)} raised {error!r}")
            raise
        if module.trace is not None:
            module.trace(f"{line(row, arguments)} = {errno.Errno(code).name}")
        return code

    return enter


def performing(row: Function) -> Perform:
    """What lifts, calls and writes results, for any row."""
    masks = [MASKS[word] for word in row.words]
    lifts = list(placed_lifts(row))
    outs: list[tuple[int, Struct]] = [
        (at, RESULTS[kind]) for at, (_, kind) in enumerate(row.results, len(masks) - len(row.results))
    ]
    call = row.call

    def perform(guest: Guest, arguments: Sequence[int]) -> None:
        words = [word & mask for word, mask in zip(arguments, masks, strict=True)]
        values = [lift(guest, words, at) for lift, at in lifts]
        places = [guest.bytes(words[at], out.size) for at, out in outs]
        result = call(guest, *values)
        if outs:
            lower(result, places, outs)

    return perform


def transferring(row: Function) -> Perform:
    """The same, written out, for `fd_read` and `fd_write`: most calls are these."""
    (need,), mask, call = map(int, row.rights), MASKS["i32"], row.call

    def perform(guest: Guest, arguments: Sequence[int]) -> None:
        fd, buffers, count, done = arguments
        found = guest.session.descriptors.find(fd & mask, need)
        transferred = vectors(guest, (buffers & mask, count & mask), 0)
        place = guest.bytes(done & mask, U32.size)
        U32.pack_into(place, 0, call(guest, found, transferred))

    return perform


def line(row: Function, arguments: Sequence[int]) -> str:
    """A call, as `trace` is told of it."""
    return f"{row.name}({', '.join(str(word & MASKS[kind]) for word, kind in zip(arguments, row.words, strict=True))})"


def lower(result: object, places: Sequence[memoryview], outs: Sequence[tuple[int, Struct]]) -> None:
    """Write results where the guest wants them."""
    if len(outs) > 1:
        assert isinstance(result, tuple)
        for value, place, (_, out) in zip(result, places, outs, strict=True):
            out.pack_into(place, 0, value)
    elif isinstance(result, tuple):
        outs[0][1].pack_into(places[0], 0, *result)
    else:
        outs[0][1].pack_into(places[0], 0, result)


def placed_lifts(row: Function) -> Iterator[tuple[Lift, int]]:
    """How each parameter is lifted, and from which word on."""
    rights = iter(row.rights)
    at = 0
    for _, kind in row.parameters:
        if kind == "fd":
            yield descriptor(int(next(rights))), at
            at += 1
        else:
            yield PARAM_TYPES[kind].lift, at
            at += len(PARAM_TYPES[kind].words)


def descriptor(need: int) -> Lift:
    """A descriptor with the rights that a call needs."""

    def lift(guest: Guest, words: Sequence[int], at: int) -> Descriptor:
        return guest.session.descriptors.find(words[at], need)

    return lift
