"""Globals: where their values lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.records import GlobalRecord
from arenite.machine.records.objects import GlobalAddr, word

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode
    from arenite.layout.types import GlobalType
    from arenite.machine.machine import Machine


def new_global(machine: Machine, type_: GlobalType, bits: int) -> GlobalAddr:
    """A global of the host's."""
    at = machine.allocate(GlobalRecord.size)
    GlobalRecord.value.write(machine.cage.arena, at, bits)
    new = GlobalAddr(at, type_)
    machine.registry_to_change().add_global(new)
    return new


def global_record(machine: Machine, vmctx: int, code: ModuleCode, index: int) -> int:
    """Where a global of an instance's index space has its value."""
    number = index - code.layout.imported_globals
    if number < 0:
        return word(machine, vmctx + code.layout.imported_global(index))
    return vmctx + code.layout.defined_global(number)
