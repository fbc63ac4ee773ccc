"""What lives in the arena, as Python sees it: where it lies and its type.  Extern values of the standard (spec: syntax-externval).

Nothing here holds content: that is in the arena, and every reading of it is distrustful.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arenite.layout.types import FuncType, GlobalType, Limits, MemoryType, TableType

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.bytecode.module import ModuleCode


@dataclass(frozen=True)
class FuncAddr:
    """A function reference in the arena."""

    at: int
    type: FuncType


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


@dataclass(frozen=True)
class HostFunction:
    """A Python function that guests may call.  `call` gets the arguments, after (caller's vmctx) where `wants_caller`."""

    type: FuncType
    call: Callable[..., object]
    wants_caller: bool


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
