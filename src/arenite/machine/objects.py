"""What lives in the arena, as Python sees it: where it lies and its type.  Extern values of the standard (spec: syntax-externval).

Nothing here holds content: that is in the arena, and every reading of it is distrustful.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arenite.layout.types import FuncType, GlobalType, Limits, MemoryType, TableType
from arenite.machine.values import Codec, codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.bytecode.module import ModuleCode


class FuncAddr:
    """A function reference in the arena.

    `entry` is where it leads, (pc, vmctx), once the machine has looked: windows never change, so what the arena says later is no
    matter to a host that calls it again.
    """

    __slots__ = ("at", "codec", "entry", "type")

    def __init__(self, at: int, type_: FuncType, kind: Codec | None = None) -> None:
        """`kind`: the type's codec, for whoever has it."""
        self.at = at
        self.type = type_
        self.codec = kind or codec(type_)
        self.entry: tuple[int, int, int] | None = None  # pc and vmctx, and whose exports a host function finds by its caller

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FuncAddr) and self.at == other.at

    def __hash__(self) -> int:
        return hash((FuncAddr, self.at))


@dataclass(frozen=True)
class TableAddr:
    """A table's record."""

    at: int
    type: TableType


@dataclass(frozen=True)
class MemoryAddr:
    """A memory's record, and the area that its bytes lie in."""

    at: int
    type: MemoryType
    area: int


@dataclass(frozen=True)
class GlobalAddr:
    """A global's value."""

    at: int
    type: GlobalType


Addr = FuncAddr | TableAddr | MemoryAddr | GlobalAddr


class HostFunction:
    """A Python function that guests may call.  `call` gets the arguments; where `wants_caller`, the machine and the caller's vmctx first.

    `source`: what `call` was made of; the same in host functions that do the same.
    """

    __slots__ = ("call", "codec", "source", "type", "wants_caller")

    def __init__(self, type_: FuncType, call: Callable[..., object], *, wants_caller: bool, source: object = None) -> None:
        self.source = call if source is None else source
        self.type = type_
        self.codec = codec(type_)
        self.call = call
        self.wants_caller = wants_caller


@dataclass(frozen=True, eq=False)
class InstanceAddr:
    """An instance: its record, its module, and the index spaces of what it exports."""

    at: int
    code: ModuleCode
    module_index: int
    tables: tuple[TableAddr, ...]
    memories: tuple[MemoryAddr, ...]
    globals: tuple[GlobalAddr, ...]


def matches(wanted: FuncType | TableType | MemoryType | GlobalType, found: Addr, size: int) -> bool:
    """Whether something may be imported as `wanted`; `size`: what a table or memory has now.  Spec: valid-import."""
    if isinstance(wanted, TableType) and isinstance(found, TableAddr):
        return wanted.element == found.type.element and wanted.limits.accepts(Limits(size, found.type.limits.maximum))
    if isinstance(wanted, MemoryType) and isinstance(found, MemoryAddr):
        return wanted.limits.accepts(Limits(size, found.type.limits.maximum))
    return wanted == found.type
