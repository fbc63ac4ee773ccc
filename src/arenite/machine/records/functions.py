"""Function references: those of instances, those of host functions, and where they lead.

A reference is the arena offset of a `FuncRefRecord`, which says a code handle; types and code stand in the window, where guests cannot
write.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.errors import Trap
from arenite.layout.raw import RAW
from arenite.layout.records import FuncRefRecord, InstanceRecord
from arenite.machine.records.objects import FuncAddr, word
from arenite.machine.space.absent import Unborn
from arenite.traps import Cause

if RAW:
    from arenite.machine.records import raw

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from arenite.layout.types import FuncType
    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import HostFunction, InstanceAddr
    from arenite.machine.records.registry import Registry

FUNCREF: Final = FuncRefRecord.packer()
REFERENCE: Final = 0xFFFFFFFF  # a reference is a u32, also one computed from what the arena says


def function_reference(machine: Machine, vmctx: int, code: ModuleCode, index: int) -> int:
    """The reference to a function of an instance's index space.  Spec: exec-ref.func."""
    number = index - code.imported_functions
    if number < 0:
        return word(machine, vmctx + code.layout.function(index))
    return InstanceRecord.funcrefs.read(machine.cage.arena, vmctx) + number * FuncRefRecord.size & REFERENCE


def start_function(machine: Machine, instance: InstanceAddr) -> FuncAddr | None:
    """What an instance's module wants to be called first."""
    code = instance.code
    if code.start is None:
        return None
    type_ = code.types[code.function_types[code.start]]
    function = FuncAddr(function_reference(machine, instance.at, code, code.start), type_)
    pc, vmctx, _ = resolve(machine, function)
    function.entry = pc, vmctx, instance.at  # an imported host function finds the exports of who imports it
    return function


def add_host_function(machine: Machine, function: HostFunction) -> FuncAddr:
    """A reference by which guests may call a host function."""
    if function.type not in machine.registry.thunks:
        _add_thunk(machine, function.type)
    registry = machine.registry_to_change()
    if isinstance(machine.cage, Unborn):
        at, machine.heap = machine.heap, machine.heap + FuncRefRecord.size
        registry.add_function(function, at)
    else:
        at = machine.allocate(FuncRefRecord.size)
        write_host_function(registry, machine.cage.arena, at, registry.add_function(function, at))
        if RAW:
            machine.runner = None
    return FuncAddr(at, function.type, function.codec)


def _add_thunk(machine: Machine, type_: FuncType) -> None:
    """Have a handle by which guests call host functions of a type that is new to this store."""
    registry, thunks = machine.registry_to_change(), machine.window.preamble.thunks
    handle = len(registry.thunks)
    known = thunks[handle].type if handle < machine.window.shown else None
    if known is not type_ and known != type_:  # another order than that of earlier stores
        machine.window = machine.windows.window(machine.modules, (*registry.thunks, type_))
    machine.runner = None  # the file of entries that the cage shows may be from before the thunk
    registry.thunks[type_] = handle


def name_host_function(machine: Machine, at: int, module: str, name: str) -> None:
    """The host function whose reference lies at `at`, if that is one, serves an import of this name."""
    index = machine.registry.host_function_at.get(at)
    if index is not None and machine.registry.host_names[index] is None:
        machine.registry_to_change().host_names[index] = module, name


def write_host_function(registry: Registry, arena: memoryview, at: int, index: int) -> None:
    """Write the reference to a host function."""
    if RAW:  # by `raw.settle`, before anything runs
        return
    FUNCREF.pack_into(arena, at, 0, registry.thunks[registry.host_functions[index].type], index, 0)


def function_at(machine: Machine, reference: int) -> FuncAddr:
    """The function that a reference from the arena names, typed by the window.  Raises: `Trap` if it names none."""
    if RAW:
        return FuncAddr(reference, raw.type_at(machine, reference))
    if reference <= len(machine.cage.arena) - FuncRefRecord.size:
        handle = FuncRefRecord.code.read(machine.cage.arena, reference)
        type_ = machine.window.type_of(machine.window.entry(handle)[2])
        if type_ is not None:
            return FuncAddr(reference, type_)
    raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)


def resolve(machine: Machine, function: FuncAddr) -> tuple[int, int, int]:
    """Where a reference leads, by the window.  Raises: `Trap` if the window has another type for it."""
    if RAW:
        function.entry = raw.entry_of(machine, function.at)
        return function.entry
    try:
        _, handle, vmctx, _ = FUNCREF.unpack_from(machine.cage.arena, function.at)
    except struct.error:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code) from None
    pc, _, actual = machine.window.entry(handle)
    if machine.window.type_of(actual) != function.type:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    function.entry = pc, vmctx, vmctx
    return function.entry
