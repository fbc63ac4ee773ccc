"""Globals: where their values lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.instance import global_size
from arenite.machine.records.objects import GlobalAddr, word

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from arenite.layout.types import GlobalType
    from arenite.machine.machine import Machine


def new_global(machine: Machine, type_: GlobalType, bits: int) -> GlobalAddr:
    """A global of the host's."""
    at = machine.allocate(global_size(type_))
    write_bits(machine, at, type_, bits)
    new = GlobalAddr(at, type_)
    machine.registry_to_change().add_global(new)
    return new


def read_bits(machine: Machine, at: int, type_: GlobalType) -> int:
    """A global's value, as the bits of its slots."""
    return int.from_bytes(machine.cage.arena[at : at + global_size(type_)], "little")


def write_bits(machine: Machine, at: int, type_: GlobalType, bits: int) -> None:
    """Set it."""
    size = global_size(type_)
    machine.cage.arena[at : at + size] = bits.to_bytes(size, "little")


def global_record(machine: Machine, vmctx: int, code: ModuleCode, index: int) -> int:
    """Where a global of an instance's index space has its value."""
    number = index - code.layout.imported_globals
    if number < 0:
        return word(machine, vmctx + code.layout.imported_global(index))
    return vmctx + code.layout.defined_global(number)
