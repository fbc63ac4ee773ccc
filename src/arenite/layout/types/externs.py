"""Types of what modules import and export, and the limits in them."""

from __future__ import annotations

from typing import Final, NamedTuple

from arenite.layout.types.functions import FuncType
from arenite.layout.types.values import type_name
from arenite.light import dataclass

PAGE_SIZE: Final = 65536
MAX_PAGES: Final = 65536  # of a 32-bit memory
MAX_TABLE: Final = 10_000_000  # elements; the standard allows 2**32 - 1


class Limits(NamedTuple):
    """`minimum` and, where there is one, `maximum`; pages of 64 KiB or table elements.  Spec: syntax-limits."""

    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        return f"{self.minimum}.." + ("" if self.maximum is None else str(self.maximum))


class TableType(NamedTuple):
    """Spec: syntax-tabletype."""

    element: int
    limits: Limits

    def __str__(self) -> str:
        return f"table {self.limits} of {type_name(self.element)}"


class MemoryType(NamedTuple):
    """Spec: syntax-memtype."""

    limits: Limits

    def __str__(self) -> str:
        return f"memory {self.limits}"


class GlobalType(NamedTuple):
    """Spec: syntax-globaltype."""

    content: int
    mutable: bool

    def __str__(self) -> str:
        return f"global {'mutable ' if self.mutable else ''}{type_name(self.content)}"


ExternType = FuncType | TableType | MemoryType | GlobalType


class ImportType(NamedTuple):
    """What a module asks for, under two names."""

    module: str
    name: str
    type: ExternType


@dataclass(frozen=True)
class ExportType:
    """What a module offers.  `index`: in the index space of its kind."""

    name: str
    type: ExternType
    index: int
