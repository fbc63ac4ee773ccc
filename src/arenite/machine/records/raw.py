"""Function references of the raw layout (`layout.raw`), for measurement only.

They hold addresses of code, which is elsewhere in every window: so they are written anew, all of a store, whenever it has another window or more of
them, before a guest runs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from arenite.errors import Limit, Trap
from arenite.layout.raw import LEAST, pointer
from arenite.layout.records import FuncRefRecord, InstanceRecord
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.layout.types import FuncType
    from arenite.machine.machine import Machine
    from arenite.machine.space.window import Window

RECORD: Final = struct.Struct("<QQIIQ")
State = tuple["Window", int, int]

settled: Final[WeakKeyDictionary[Machine, State]] = WeakKeyDictionary()
"""Of which window the references of a machine are, and how many instances and host functions it had then."""


def settle(machine: Machine) -> None:
    """Write all references of a machine, unless they are what they must be.  Raises: `Trap` where an instance says no place for them."""
    registry = machine.registry
    state = machine.window, len(registry.instances), len(registry.host_functions)
    if settled.get(machine) == state:
        return
    if len(registry.host_functions) >= LEAST:
        raise Limit(f"{LEAST} host functions in a store of the raw layout")
    for instance in registry.instances:
        placed = machine.window.modules[instance.module_index]
        first = InstanceRecord.funcrefs.read(machine.cage.arena, instance.at)
        for number in range(instance.code.function_count):
            function = instance.code.imported_functions + number
            _write(machine, first + FuncRefRecord.size * number, placed.handle + number, function, instance.at)
    for at, index in registry.host_function_at.items():
        _write(machine, at, registry.thunks[registry.host_functions[index].type], 0, index)
    settled[machine] = state


def _write(machine: Machine, at: int, handle: int, function: int, vmctx: int) -> None:
    """Write one: what the window has under a handle."""
    if at + FuncRefRecord.size > len(machine.cage.arena):
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    pc, _, type_index = machine.window.entry(handle)
    bytecode, base = machine.window.code_address + pc, machine.cage.base
    native = machine.tier.address_of(machine.window, pc)
    RECORD.pack_into(machine.cage.arena, at, bytecode, native, type_index, function, pointer(base, vmctx))


def handle_of(machine: Machine, at: int) -> tuple[int, int]:
    """(code handle, vmctx) of the function whose reference lies there.  Raises: `Trap`."""
    registry = machine.registry
    index = registry.host_function_at.get(at)
    if index is not None:
        return registry.thunks[registry.host_functions[index].type], index
    try:
        *_, function, address = RECORD.unpack_from(machine.cage.arena, at)
        vmctx = address - machine.cage.base
        instance = registry.by_record[vmctx]
    except (struct.error, KeyError):
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code) from None
    if not 0 <= function - instance.code.imported_functions < instance.code.function_count:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    return machine.window.modules[instance.module_index].handle + function - instance.code.imported_functions, vmctx


def type_at(machine: Machine, at: int) -> FuncType:
    """The type of the function whose reference lies there.  Raises: `Trap`."""
    if settled.get(machine) is None or at not in machine.registry.host_function_at:
        settle(machine)
    handle, _ = handle_of(machine, at)
    type_ = machine.window.type_of(machine.window.entry(handle)[2])
    if type_ is None:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    return type_


def entry_of(machine: Machine, at: int) -> tuple[int, int, int]:
    """Where the function leads whose reference lies there: its pc, its instance, and whose exports a host function finds.  Raises: `Trap`."""
    settle(machine)
    handle, vmctx = handle_of(machine, at)
    return machine.window.entry(handle)[0], vmctx, vmctx
