"""What lives in the arena, as Python sees it: where it lies and its type.  Extern values of the standard (spec: syntax-externval).

Nothing here holds content: that is in the arena, and every reading of it is distrustful.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite import light
from arenite.light import NamedTuple
from arenite.machine.records.values import Codec, codec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.layout.types import FuncType, GlobalType, MemoryType, TableType, TagType
    from arenite.machine.machine import Machine

    Before = Callable[[Machine, int, Sequence[object]], Sequence[object]]
    After = Callable[[Machine, Sequence[object], object], object]


WORD: Final = struct.Struct("<I")
REFUSED: Final = 0xFFFFFFFF  # -1: what growing gives that cannot be done


def word(machine: Machine, at: int) -> int:
    """The u32 at an arena offset.  Raises: `struct.error` outside the arena."""
    value: int = WORD.unpack_from(machine.cage.arena, at)[0]
    return value


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


class TableAddr(NamedTuple):
    """A table's record."""

    at: int
    type: TableType


class MemoryAddr(NamedTuple):
    """A memory's record, and the area that its bytes lie in."""

    at: int
    type: MemoryType
    area: int


class GlobalAddr(NamedTuple):
    """A global's value."""

    at: int
    type: GlobalType


class TagAddr(NamedTuple):
    """A tag's record."""

    at: int
    type: TagType


Addr = FuncAddr | TableAddr | MemoryAddr | GlobalAddr | TagAddr


class Handles:
    """What users hold of what lies in the arena: here the machine's own; the public API has others (`Machine.handles`)."""

    def wrap(self, _machine: Machine, value: object) -> object:
        """A machine's value as users hold it."""
        return value

    def core(self, _machine: Machine, value: object) -> object:
        """A user's value as the machine wants it.  Raises: `Failure` for something of another store."""
        return value

    def tag(self, _machine: Machine, value: object) -> TagAddr | None:
        """A user's tag, if it is one.  Raises: as `core`."""
        return value if isinstance(value, TagAddr) else None


class HostFunction:
    """A Python function, `call`, that guests may call.

    What its arguments and results must be made to is done before and after, not around it, so that it is one frame of Python's stack:
    `before(machine, vmctx of the caller, arguments)` gives the arguments that it gets; `after(machine, these, result)` the result, and it
    is called too when there is none, with None.  Without `before` it gets the guest's arguments.

    `name`: module and name by which it is found, where no import has said another.
    """

    __slots__ = ("after", "before", "call", "codec", "name", "type")

    def __init__(
        self, type_: FuncType, call: Callable[..., object], before: Before | None = None, after: After | None = None
    ) -> None:
        self.type = type_
        self.name: tuple[str, str] | None = None
        self.codec = codec(type_)
        self.call = call
        self.before = before
        self.after = after


@light.dataclass(frozen=True, eq=False)
class InstanceAddr:
    """An instance: its record, its module, and the index spaces of what it exports."""

    at: int
    code: ModuleCode
    module_index: int
    tables: tuple[TableAddr, ...]
    memories: tuple[MemoryAddr, ...]
    globals: tuple[GlobalAddr, ...]
    tags: tuple[TagAddr, ...]
