"""Globals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arenite.api.extern import Extern, from_core, machine_of, to_core
from arenite.api.numbers import expect
from arenite.api.types import GlobalType, wrapped
from arenite.errors import Failure
from arenite.layout import types as core
from arenite.machine.records.globals import new_global, read_bits
from arenite.machine.records.objects import GlobalAddr
from arenite.machine.records.values import codec, converted
from arenite.machine.run.collect import tidy

if TYPE_CHECKING:
    from arenite.api.extern import Storelike
    from arenite.machine.machine import Machine


class Global(Extern, of=GlobalAddr):
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
        word = read_bits(machine, self.addr.at, self.addr.type)
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
