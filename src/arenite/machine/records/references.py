"""References as slots hold them, and the host's objects that guests hold, by number.

A function or an exception is held by its record's offset, an object by 1 + its number; 0 is null.  A number that no guest holds any more is given out again: `arenite.machine.run.collect` finds out.
Stores that share a registry share this: who changes it takes a copy first (`Machine.registry_to_change`), so a number means one object wherever it can
be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.errors import Limit, Trap
from arenite.layout.raw import GRAIN, RAW, pointer
from arenite.layout.types import EXNREF, EXTERNREF
from arenite.machine.records.functions import function_at
from arenite.machine.records.objects import FuncAddr
from arenite.machine.records.python_exceptions import exception_reference, python_exception
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from arenite.machine.machine import Machine

FEWEST: Final = 1024  # objects that gather before it is worth looking which of them are held
MOST: Final = (1 << 32) - 2
WORK: Final = 16  # slots that are looked at in the time that it takes to add an object


class References:
    """Objects by number; None: a free number.  `due`: how many there may be before unheld ones are looked for."""

    __slots__ = ("_free", "_numbers", "due", "objects")

    def __init__(self, objects: list[object] | None = None, due: int = FEWEST) -> None:
        self.objects: list[object] = [] if objects is None else objects
        self.due = due
        self._numbers: dict[int, int] = {}
        self._free: list[int] = []
        for number, value in enumerate(self.objects):
            if value is None:
                self._free.append(number)
            else:
                self._numbers[id(value)] = number

    def copy(self) -> References:
        """Another table with these entries, to be changed apart from this one."""
        return References(self.objects.copy(), self.due)

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def crowded(self) -> bool:
        """Whether so many have gathered that those nobody holds should be found."""
        return len(self._numbers) >= self.due

    def find(self, value: object) -> int | None:
        """An object's number, if it has one."""
        return self._numbers.get(id(value))

    def add(self, value: object) -> int:
        """Note an object that has no number; its number.  It lives until `kept`, so its `id` is nobody else's.  Raises: `Limit`."""
        if self._free:
            number = self._free[-1]
            self.objects[number] = value
            self._free.pop()
        else:
            number = len(self.objects)
            if number == MOST:
                raise Limit(f"guests hold {MOST} objects of the host's")
            self.objects.append(value)
        self._numbers[id(value)] = number
        return number

    def object(self, reference: int) -> object:
        """The object that a guest's reference means.  Raises: `Trap` for one that was never given out, or is no longer."""
        found = self.objects[reference - 1] if 0 < reference <= len(self.objects) else None
        if found is None:
            raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
        return found

    def kept(self, held: AbstractSet[int], slots: int) -> References:
        """Those that guests hold by one of these references.

        `slots`: how many were looked at to find out, so that it is not done too often.
        """
        objects = [value if number in held else None for number, value in enumerate(self.objects, 1)]
        while objects and objects[-1] is None:
            objects.pop()
        new = References(objects)
        new.due = len(new) + max(FEWEST, len(new), slots // WORK)
        return new


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
    if type_ == EXNREF:
        if isinstance(value, BaseException):
            return exception_reference(machine, value)
        raise TypeError(f"expected a WasmException or None for exnref, found {type(value).__name__}")
    if isinstance(value, FuncAddr):
        return value.at
    raise TypeError(f"expected a function or None for funcref, found {type(value).__name__}")


def from_guest(machine: Machine, type_: int, reference: int) -> object:
    """What a slot's reference means: None, a Python object, an exception, a `FuncAddr`."""
    if type_ == EXTERNREF:
        return host_object(machine, reference)
    if type_ == EXNREF:
        return python_exception(machine, reference) if reference else None
    return function_at(machine, reference) if reference else None


if RAW:
    offset_to_guest, offset_from_guest = to_guest, from_guest

    def to_guest(machine: Machine, type_: int, value: object) -> int:
        """As otherwise, but for an address."""
        return pointer(machine.cage.base, offset_to_guest(machine, type_, value))

    def from_guest(machine: Machine, type_: int, reference: int) -> object:
        """As otherwise, but for an address."""
        return offset_from_guest(machine, type_, reference % GRAIN)
