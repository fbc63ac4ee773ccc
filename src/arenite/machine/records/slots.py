"""References as slots hold them: a function by its record's offset, an object of the host's by 1 + its number; 0 is null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.types import EXTERNREF
from arenite.machine.records.functions import function_at
from arenite.machine.records.objects import FuncAddr

if TYPE_CHECKING:
    from arenite.machine.machine import Machine


def host_reference(machine: Machine, value: object) -> int:
    """The u32 by which guests hold a Python object: 1 + its number; 0 for None."""
    if value is None:
        return 0
    number = machine.registry.references.find(value)
    return 1 + (machine.registry_to_change().references.add(value) if number is None else number)


def host_object(machine: Machine, reference: int) -> object:
    """The Python object that a guest holds.  Raises: `Trap` for a reference that was never given out."""
    return machine.registry.references.object(reference) if reference else None


def to_guest(machine: Machine, type_: int, value: object) -> int:
    """A reference as a slot holds it.  Raises: `TypeError`."""
    if type_ == EXTERNREF:
        return host_reference(machine, value)
    if value is None:
        return 0
    if isinstance(value, FuncAddr):
        return value.at
    raise TypeError(f"expected a function or None for funcref, found {type(value).__name__}")


def from_guest(machine: Machine, type_: int, reference: int) -> object:
    """What a slot's reference means: None, a Python object, a `FuncAddr`."""
    if type_ == EXTERNREF:
        return host_object(machine, reference)
    return function_at(machine, reference) if reference else None
