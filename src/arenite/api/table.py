"""Tables of references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arenite.api.extern import Extern, from_core, machine_of, reference
from arenite.api.numbers import expect, integer
from arenite.api.types import TableType, wrapped
from arenite.errors import Failure
from arenite.machine.records.objects import REFUSED, TableAddr
from arenite.machine.records.tables import elements, grow_table, new_table
from arenite.machine.run.collect import tidy

if TYPE_CHECKING:
    from arenite.api.extern import Storelike


class Table(Extern, of=TableAddr):
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
