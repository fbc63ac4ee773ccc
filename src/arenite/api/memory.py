"""Linear memories."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from arenite.api.extern import Extern, machine_of
from arenite.api.numbers import expect, integer
from arenite.api.types import MemoryType, wrapped
from arenite.errors import Failure
from arenite.machine.records.memories import grow, memory_view, new_memory
from arenite.machine.records.objects import MemoryAddr

if TYPE_CHECKING:
    import ctypes

    from _typeshed import ReadableBuffer

    from arenite.api.extern import Storelike


class Memory(Extern, of=MemoryAddr):
    """A linear memory: `Memory(store, MemoryType(Limits(1, None)))`.

    `memory[store, 8:12]` is a slice of its bytes and can be set; `view` gives them to whatever takes a buffer.
    """

    __slots__ = ()

    addr: MemoryAddr

    def __init__(self, store: Storelike, ty: MemoryType) -> None:
        expect(ty, MemoryType)
        machine = machine_of(store)
        self.addr, self.lineage = new_memory(machine, ty.core), machine.lineage

    def type(self, store: Storelike) -> MemoryType:
        """Its type."""
        self.machine_in(store)
        return wrapped(self.addr.type)  # type: ignore[return-value]  # the wrapper of a memory's type

    def view(self, store: Storelike) -> memoryview:
        """Its bytes now, writable, without a copy; it keeps its length when the memory grows.

        While it lives the store cannot be closed; and what it shows does not move, so for more memories than the store has room for
        (`Config.memories`, and many more while few stores live) there is a `Limit`.  On `safe` this memory cannot grow meanwhile.
        """
        return memory_view(self.machine_in(store), self.addr)

    def size(self, store: Storelike) -> int:
        """In its pages, which are of 64 KiB unless its type says otherwise."""
        return self.data_len(store) >> self.addr.type.page_bits

    def data_len(self, store: Storelike) -> int:
        """Bytes."""
        return len(self.view(store))

    def grow(self, store: Storelike, delta: int) -> int:
        """Grow by `delta` pages; the old size in pages.  Raises: `Failure` beyond its maximum or the system's."""
        pages = integer("pages", delta)
        if pages < 0:
            raise Failure("cannot grow by negative amount")
        machine = self.machine_in(store)
        old = grow(machine, self.addr, pages)
        if old is None:
            raise Failure(f"failed to grow memory by {pages} pages")
        return old

    def read(self, store: Storelike, start: int | None = 0, stop: int | None = None) -> bytearray:
        """A copy of the bytes from `start` to `stop`, with the rules of slices."""
        machine = self.machine_in(store)
        with memory_view(machine, self.addr) as view:
            found = bytearray(view[start:stop])
        if machine.cage.lost[0]:  # what was read may not have been there
            machine.cage.check()
        return found

    def write(self, store: Storelike, value: ReadableBuffer | Iterable[int], start: int | None = None) -> int:
        """Write bytes at `start` (negative: from the end); how many.

        `value`: bytes, anything with a buffer, whose bytes these are then, or numbers of one byte each.
        Raises: `IndexError` when they do not fit, `TypeError`, `ValueError` for what are no bytes.
        """
        if type(value) is not bytes and type(value) is not bytearray:
            value = _flat(value)
        with self.view(store) as view:
            at = slice(start, None).indices(len(view))[0]
            if at >= len(view) or at + len(value) > len(view):
                raise IndexError("index out of range")
            view[at : at + len(value)] = value
        self.machine_in(store)  # what was touched may not have been there
        return len(value)

    def page_size(self, store: Storelike) -> int:
        """Bytes of a page."""
        self.machine_in(store)
        return self.addr.type.page_size

    def page_size_log2(self, store: Storelike) -> int:
        """Its logarithm."""
        return self.page_size(store).bit_length() - 1

    def __getitem__(self, key: tuple[Storelike, slice | int]) -> bytes | int:
        store, where = key
        with self.view(store) as view:
            found = bytes(view[where]) if isinstance(where, slice) else view[where]
        self.machine_in(store)
        return found

    def __setitem__(self, key: tuple[Storelike, slice | int], value: bytes | bytearray | memoryview | int) -> None:
        store, where = key
        with self.view(store) as view:
            view[where] = value  # type: ignore[index,assignment]  # an index takes an int, a slice takes bytes
        self.machine_in(store)

    def get_buffer_ptr(self, store: Storelike, size: int | None = None, offset: int = 0) -> ctypes.Array[ctypes.c_ubyte]:
        """The bytes as a ctypes array, without a copy."""
        import ctypes  # noqa: PLC0415 (nothing else of the safe tier needs it, and it runs where there is none)

        view = self.view(store)
        return (ctypes.c_ubyte * (len(view) - offset if size is None else size)).from_buffer(view, offset)

    def data_ptr(self, store: Storelike) -> ctypes._Pointer[ctypes.c_ubyte]:
        """A pointer to the first byte, null if there is none; nothing checks what is done with it."""
        import ctypes  # noqa: PLC0415 (as above)

        view = self.view(store)  # `cast` would hold it in a cycle, until the collector comes
        return ctypes.pointer(ctypes.c_ubyte.from_buffer(view)) if view else ctypes.POINTER(ctypes.c_ubyte)()


def _flat(value: object) -> bytes:
    """The bytes of a buffer, or numbers as bytes.  Raises: `TypeError`, `ValueError`."""
    with suppress(TypeError):
        return memoryview(cast("ReadableBuffer", value)).tobytes()
    if hasattr(value, "__index__") or not isinstance(value, Iterable):  # `bytes` would make so many zeros of a number
        raise TypeError(f"expected bytes, found {type(value).__name__}")
    return bytes(value)
