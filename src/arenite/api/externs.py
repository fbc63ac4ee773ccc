"""Functions, memories, tables and globals, as users hold them.

Each is a place in an arena and a type; it works with the store that it was made in (or a `Caller` of that store), which every
method takes first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from arenite.api import execution, numbers
from arenite.api.here import Here
from arenite.api.numbers import integer
from arenite.api.types import FuncType, GlobalType, MemoryType, TableType, wrapped
from arenite.api.val import Val
from arenite.errors import Failure
from arenite.layout import types as core
from arenite.layout.records import GlobalRecord
from arenite.machine.machine import Machine
from arenite.machine.records import instantiate
from arenite.machine.records.functions import add_host_function
from arenite.machine.records.globals import new_global
from arenite.machine.records.memories import grow_memory, new_memory
from arenite.machine.records.objects import Addr, FuncAddr, GlobalAddr, HostFunction, InstanceAddr, MemoryAddr, TableAddr
from arenite.machine.records.tables import elements, grow_table, new_table
from arenite.machine.records.values import codec, convert, converted
from arenite.machine.records.words import REFUSED
from arenite.machine.run import waiting
from arenite.machine.run.calls import call
from arenite.machine.run.collect import tidy
from arenite.machine.run.execution import start

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Sequence

    from _typeshed import ReadableBuffer

    from arenite.api.store import Store
    from arenite.machine.lineage import Lineage

    Storelike: TypeAlias = "Store | Caller"


LONGEST_NAP: Final = 86400.0  # seconds; the system takes no more than some centuries


class Extern(Here):
    """What can be imported and exported: a place (`addr`), and the lineage of stores in which it is one."""

    __slots__ = ("addr", "lineage")

    addr: Addr
    lineage: Lineage

    def machine_in(self, store: Storelike) -> Machine:
        """The store's machine.

        Raises: `Failure` if this was made in another store, `SnapshotError` if a page of the file that it was made from was lost:
        asked before and behind what touches the store's bytes.
        """
        try:
            machine = store.machine
            known = machine.lineage.knows(self.lineage, self.addr.at)
        except AttributeError:
            machine_of(store)  # says so of what is no store
            raise
        if not known:
            raise Failure(f"this {type(self).__name__.lower()} belongs to another store")
        if machine.cage.lost[0]:
            machine.cage.check()
        return machine

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Extern) and self.addr == other.addr and self.lineage.knows(other.lineage, self.addr.at)

    def __hash__(self) -> int:
        return hash(self.addr)


def machine_of(store: object) -> Machine:
    """A store's machine.  Raises: `TypeError`."""
    machine = getattr(store, "machine", None)
    if not isinstance(machine, Machine):
        raise TypeError(f"expected a Store, found {type(store).__name__}")
    return machine


def expect(value: object, type_: type) -> None:
    """See that a value is of a class of ours.  Raises: `TypeError`."""
    if not isinstance(value, type_):
        raise TypeError(f"expected a {type_.__name__}, found {type(value).__name__}")


def wrap(machine: Machine, addr: Addr) -> AnyExtern:
    """A place in the arena as users hold it."""
    kind = WRAPPERS[type(addr)]
    extern = kind.__new__(kind)
    extern.addr, extern.lineage = addr, machine.lineage
    return extern


def to_core(machine: Machine, value: object) -> object:
    """A user's value as the machine wants it: functions as addresses.  A `Val` stays one, for whoever knows which type is wanted."""
    if isinstance(value, Val) and isinstance(value.value, Func):
        return replace(value, value=to_core(machine, value.value))
    if isinstance(value, Func):
        if not machine.lineage.knows(value.lineage, value.addr.at):
            raise Failure("this func belongs to another store")
        return value.addr
    return value


def reference(machine: Machine, type_: int, value: object) -> int:
    """A user's reference as a slot holds it.  Raises: `TypeError`."""
    return cast("int", convert(to_core(machine, value), type_, machine.to_guest))


def from_core(machine: Machine, value: object) -> Any:  # noqa: ANN401 (a guest's value: an int, a float, any object)
    """A machine's value as users hold it."""
    return wrap(machine, value) if isinstance(value, FuncAddr) else value


class Func(Extern):
    """A function of a guest or of the host.

    `Func(store, FuncType([...], [...]), callable)`; with `access_caller` the callable gets a `Caller` first.
    """

    __slots__ = ()

    addr: FuncAddr

    def __init__(self, store: Storelike, ty: FuncType, func: Callable[..., object], access_caller: bool = False) -> None:  # noqa: FBT001, FBT002
        expect(ty, FuncType)
        if not callable(func):
            raise TypeError(f"expected a callable, found {type(func).__name__}")
        machine = machine_of(store)
        self.addr, self.lineage = (
            add_host_function(machine, host_function(ty, func, access_caller=access_caller)),
            machine.lineage,
        )

    def type(self, store: Storelike) -> FuncType:
        """Its type."""
        self.machine_in(store)
        return FuncType.of(self.addr.type)

    def __call__(self, store: Storelike, *params: Any) -> Any:  # noqa: ANN401 (a guest's values)
        """Call it.  No result: None; one: its value; several: a list.

        Raises: `Trap`, `Exit`, what a host function raised, `TypeError` and `OverflowError` for arguments of another type.
        """
        try:
            machine = store.machine
            elsewhere = machine.lineage is not self.lineage
        except AttributeError:  # what is no store
            elsewhere = True
        if elsewhere:
            machine = self.machine_in(store)
        addr = self.addr
        kind = addr.codec
        if kind.plain_params and kind.plain_results:
            results = call(machine, addr, params)
        else:
            tidy(machine)
            results = [from_core(machine, r) for r in call(machine, addr, [to_core(machine, p) for p in params])]
        count = len(results)
        return results[0] if count == 1 else None if count == 0 else list(results)

    def start(self, store: Storelike, *params: Any) -> execution.Execution:  # noqa: ANN401 (a guest's values)
        """Begin a call that can stop in the middle; nothing of it has run.  Raises: as calling it does, before it runs."""
        machine = self.machine_in(store)
        return execution.Execution(machine, start(machine, self.addr, [to_core(machine, p) for p in params]))

    def call_bits(self, store: Storelike, params: list[Any]) -> list[Any]:
        """Call it with bit patterns: i32 and f32 as 32-bit, i64 and f64 as 64-bit unsigned ints, references as objects."""
        machine = self.machine_in(store)
        type_ = self.addr.type
        tidy(machine)
        slots = [reference(machine, t, p) if t in core.REFERENCES else p for p, t in zip(params, type_.params, strict=True)]
        results = cast("Sequence[int]", call(machine, self.addr, slots, bits=True))
        return [
            from_core(machine, machine.from_guest(t, r)) if t in core.REFERENCES else r
            for r, t in zip(results, type_.results, strict=True)
        ]


def host_function(type_: FuncType, func: Callable[..., object], *, access_caller: bool) -> HostFunction:
    """A user's callable as the machine wants it.  It refers to no store, so a store and its functions go together."""
    references = any(t in core.REFERENCES for t in (*type_.core.params, *type_.core.results))
    count = len(type_.core.results)
    if not access_caller and not references:
        return HostFunction(type_.core, func)

    def with_caller(machine: Machine, vmctx: int, args: Sequence[object]) -> Sequence[object]:
        return (Caller(machine, vmctx), *args)

    def without_caller(_machine: Machine, args: Sequence[Any], result: object) -> object:
        args[0]._machine = None  # noqa: SLF001  `Caller.leave`, written out
        return result

    if not references:
        return HostFunction(type_.core, func, with_caller, without_caller)

    def before(machine: Machine, vmctx: int, args: Sequence[object]) -> Sequence[object]:
        found = [from_core(machine, a) for a in args]
        return (Caller(machine, vmctx), *found) if access_caller else found

    def after(machine: Machine, args: Sequence[object], result: object) -> object:
        if access_caller:
            cast("Caller", args[0]).leave()
        return to_core_results(machine, result, count)

    return HostFunction(type_.core, func, before, after)


def to_core_results(machine: Machine, result: object, count: int) -> object:
    """What a host function of `count` results returned, as the machine wants it: the only result may itself be a list or tuple."""
    several = count > 1 and isinstance(result, (list, tuple))
    return [to_core(machine, r) for r in cast("Sequence[object]", result)] if several else to_core(machine, result)


def _nap(seconds: float | None) -> bool:
    """A step of a sleep."""
    time.sleep(LONGEST_NAP if seconds is None else min(seconds, LONGEST_NAP))
    return False


class Caller(Here):
    """Who called a host function: usable wherever a store is, while that call lasts."""

    __slots__ = ("_machine", "_vmctx")

    def __init__(self, machine: Machine, vmctx: int) -> None:
        self._machine: Machine | None = machine
        self._vmctx = vmctx

    @property
    def machine(self) -> Machine:
        """The store's machine.  Raises: `Failure` once the call is over."""
        if self._machine is None:
            raise Failure("a Caller is valid during its host function's call only")
        return self._machine

    def leave(self) -> None:
        """The call is over."""
        self._machine = None

    def data(self) -> object:
        """The store's `data`."""
        return self.machine.data

    def host(self, name: str) -> Any:  # noqa: ANN401 (whatever the store was given)
        """The store's host module of that name (`Store.set_host`; WASI's is "wasi").  Raises: `Failure` if there is none."""
        found = self.machine.hosts.get(name)
        if found is None:
            raise Failure(f"the store has no host module {name!r}")
        return found

    @property
    def can_pause(self) -> bool:
        """Whether the host function may raise `NotReady`: an execution runs, so it pauses and asks again later."""
        return self.machine.can_pause

    @property
    def progress(self) -> int:
        """How far this call has come: 0, or what the host function had set when it paused; 0 .. 2**64 - 1.

        It travels with the execution.  A host function that gives way half done finds it when it is asked again.
        """
        return self.machine.progress

    @progress.setter
    def progress(self, progress: int) -> None:
        self.machine.progress = integer("progress", progress, 0, core.MAX_U64)

    def checkpoint(self) -> None:
        """To be called about every millisecond by a host function that takes long: here the guest stops if its time is up.

        An execution pauses, and asks the host function again later; an ordinary call traps.  Either leaves the host function by an
        exception that is no `Exception`: let it pass.
        """
        waiting.checkpoint(self.machine)

    def sleep(self, seconds: float) -> None:
        """Let time pass; other threads run.  Where the guest's time is up before, it stops as at a `checkpoint`.

        What has passed is this call's `progress`, in nanoseconds, so one that is asked again sleeps for the rest.
        Raises: `TypeError`, `ValueError` for what are no seconds; infinity is, and without an epoch or a deadline it lasts.
        """
        self.wait(_nap, seconds)

    def wait(self, step: Callable[[float | None], bool], seconds: float | None = None) -> bool:
        """Wait for something, as `sleep` does; whether it has come.

        `step(limit)` waits for it, `limit` seconds at most (None: any time), and says whether it has come; it is called again and
        again.  `seconds`: how long in all.  Raises: as `sleep`, and what `step` raises.
        """
        limit = math.inf if seconds is None else numbers.seconds("seconds", seconds)
        return waiting.wait(self.machine, step, None if limit == math.inf else limit)

    @property
    def hurried(self) -> bool:
        """Whether an epoch or a deadline may come while the host function waits, so that it must `wait` in steps."""
        return waiting.hurried(self.machine)

    def get(self, name: str) -> AnyExtern | None:
        """An export of the calling instance, or None."""
        instance = self.machine.registry.by_record.get(self._vmctx)
        return None if instance is None else exported(self.machine, instance, name)

    def __getitem__(self, name: str) -> AnyExtern:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get_fuel(self) -> int:
        """Units of fuel left.  Raises: `Failure` where none is counted."""
        return self.machine.fuel.total()

    def set_fuel(self, fuel: int) -> None:
        """Units of fuel from now on, 0 .. 2**64 - 1."""
        self.machine.fuel.set(integer("fuel", fuel, 0, core.MAX_U64))


class Memory(Extern):
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
        return self.machine_in(store).cage.memory(self.addr.area)

    def size(self, store: Storelike) -> int:
        """Pages of 64 KiB."""
        return self.data_len(store) // core.PAGE_SIZE

    def data_len(self, store: Storelike) -> int:
        """Bytes."""
        return len(self.view(store))

    def grow(self, store: Storelike, delta: int) -> int:
        """Grow by `delta` pages; the old size in pages.  Raises: `Failure` beyond its maximum or the system's."""
        pages = integer("pages", delta)
        if pages < 0:
            raise Failure("cannot grow by negative amount")
        machine = self.machine_in(store)
        old = grow_memory(machine, self.addr.at, pages)
        if old == REFUSED:
            raise Failure(f"failed to grow memory by {pages} pages")
        return old

    def read(self, store: Storelike, start: int | None = 0, stop: int | None = None) -> bytearray:
        """A copy of the bytes from `start` to `stop`, with the rules of slices."""
        cage = self.machine_in(store).cage
        with cage.memory(self.addr.area) as view:
            found = bytearray(view[start:stop])
        if cage.lost[0]:  # what was read may not have been there
            cage.check()
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
        """Bytes of a page: 65536."""
        self.machine_in(store)
        return core.PAGE_SIZE

    def page_size_log2(self, store: Storelike) -> int:
        """Its logarithm: 16."""
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


class Table(Extern):
    """A table of references: `Table(store, TableType(ValType.funcref(), Limits(2, None)), None)`."""

    __slots__ = ()

    addr: TableAddr

    def __init__(self, store: Storelike, ty: TableType, init: object) -> None:
        expect(ty, TableType)
        machine = machine_of(store)
        tidy(machine)
        value = reference(machine, ty.core.element, init)
        self.addr, self.lineage = new_table(machine, ty.core, value), machine.lineage

    def type(self, store: Storelike) -> TableType:
        """Its type."""
        self.machine_in(store)
        return wrapped(self.addr.type)  # type: ignore[return-value]  # the wrapper of a table's type

    def size(self, store: Storelike) -> int:
        """Elements."""
        return len(elements(self.machine_in(store), self.addr.at))

    def grow(self, store: Storelike, amt: int, init: object) -> int:
        """Grow by `amt` elements; the old size.  Raises: `Failure` beyond its maximum or the engine's."""
        machine, count = self.machine_in(store), integer("elements", amt)
        tidy(machine)
        value = reference(machine, self.addr.type.element, init)
        old = grow_table(machine, self.addr.at, value, count) if count >= 0 else REFUSED
        if old == REFUSED:
            raise Failure(f"failed to grow table by {count} elements")
        return old

    def get(self, store: Storelike, idx: int) -> Any:  # noqa: ANN401 (any object)
        """The element: a `Func`, a Python object or None.  None too beyond the end."""
        machine, index = self.machine_in(store), integer("index", idx)
        with elements(machine, self.addr.at) as view:
            if not 0 <= index < len(view):
                return None
            found = from_core(machine, machine.from_guest(self.addr.type.element, view[index]))
        self.machine_in(store)
        return found

    def set(self, store: Storelike, idx: int, val: object) -> None:
        """Set an element.  Raises: `Failure` beyond the end."""
        machine, index = self.machine_in(store), integer("index", idx)
        tidy(machine)
        value = reference(machine, self.addr.type.element, val)
        with elements(machine, self.addr.at) as view:  # nothing of the user's runs while there is a view
            if not 0 <= index < len(view):
                raise Failure(f"failed to set table element {index}: the table has {len(view)}")
            view[index] = value


class Global(Extern):
    """A global: `Global(store, GlobalType(ValType.i32(), True), 1)`."""

    __slots__ = ()

    addr: GlobalAddr

    def __init__(self, store: Storelike, ty: GlobalType, val: object) -> None:
        expect(ty, GlobalType)
        machine = machine_of(store)
        self.addr, self.lineage = new_global(machine, ty.core, 0), machine.lineage
        self._put(machine, val)

    def type(self, store: Storelike) -> GlobalType:
        """Its type."""
        self.machine_in(store)
        return wrapped(self.addr.type)  # type: ignore[return-value]  # the wrapper of a global's type

    def value(self, store: Storelike) -> Any:  # noqa: ANN401 (a guest's value)
        """Its value."""
        machine = self.machine_in(store)
        kind = codec(core.FuncType((), (self.addr.type.content,)))
        (value,) = kind.read_results(machine.cage.arena, self.addr.at, machine.from_guest)
        self.machine_in(store)
        return from_core(machine, value)

    def bits(self, store: Storelike) -> Any:  # noqa: ANN401 (an int, or a reference's object)
        """Its value as a bit pattern; references as objects."""
        machine = self.machine_in(store)
        word = GlobalRecord.value.read(machine.cage.arena, self.addr.at)
        self.machine_in(store)
        if self.addr.type.content in core.REFERENCES:
            return from_core(machine, machine.from_guest(self.addr.type.content, word))
        return word

    def set_value(self, store: Storelike, val: object) -> None:
        """Set it.  Raises: `Failure` if it is immutable."""
        machine = self.machine_in(store)
        if not self.addr.type.mutable:
            raise Failure("global is immutable")
        self._put(machine, val)

    def _put(self, machine: Machine, val: object) -> None:
        kind = codec(core.FuncType((), (self.addr.type.content,)))
        tidy(machine)
        values = converted((to_core(machine, val),), kind.type.results, machine.to_guest)
        kind.put_results(machine.cage.arena, self.addr.at, *values)


AnyExtern = Func | Memory | Table | Global
WRAPPERS: Final[dict[type, type[AnyExtern]]] = {FuncAddr: Func, TableAddr: Table, MemoryAddr: Memory, GlobalAddr: Global}


def exported(machine: Machine, instance: InstanceAddr, name: str) -> AnyExtern | None:
    """An instance's export."""
    found = instance.code.export_named(name)
    return None if found is None else wrap(machine, instantiate.export(machine, instance, found.type, found.index))
