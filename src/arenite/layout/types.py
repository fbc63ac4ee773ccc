"""Value types, function types and the types of what modules import and export.

A *value type* is an int.  Numeric types and the abstract references of WebAssembly 2.0 are their code in the binary
format (`I32 == 0x7F`); a typed reference (WebAssembly 3.0) will be `typeidx << 8 | 0x63 or 0x64`, so that one int is
always enough and the validator's stack stays a stack of ints.

Example:  FuncType((I32, I32), (I64,))
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C
V128: Final = 0x7B
FUNCREF: Final = 0x70
EXTERNREF: Final = 0x6F
BOTTOM: Final = 0  # the type of what unreachable code pops: matches every type

NAMES: Final[dict[int, str]] = {
    I32: "i32",
    I64: "i64",
    F32: "f32",
    F64: "f64",
    V128: "v128",
    FUNCREF: "funcref",
    EXTERNREF: "externref",
}
NUMERIC: Final = (I32, I64, F32, F64)
REFERENCES: Final = (FUNCREF, EXTERNREF)

MAX_U32: Final = (1 << 32) - 1
MAX_U64: Final = (1 << 64) - 1

PAGE_SIZE: Final = 65536
MAX_PAGES: Final = 65536  # of a 32-bit memory
MAX_TABLE: Final = 10_000_000  # elements; the standard allows 2**32 - 1


def slots(type_: int) -> int:
    """How many 8-byte frame slots a value of this type takes."""
    return 2 if type_ == V128 else 1


def type_name(type_: int) -> str:
    """`i32`, `funcref`, …"""
    return NAMES.get(type_, f"type {type_:#x}")


@dataclass(frozen=True)
class FuncType:
    """Parameters and results, as tuples of value types.  Spec: syntax-functype."""

    params: tuple[int, ...]
    results: tuple[int, ...]

    @cached_property
    def _hash(self) -> int:
        """Types are looked up whenever a host function comes to a store."""
        return hash((self.params, self.results))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        params, results = (" ".join(map(type_name, side)) for side in (self.params, self.results))
        return f"({params}) -> ({results})"


@dataclass(frozen=True)
class Limits:
    """`minimum` and, where there is one, `maximum`; pages of 64 KiB or table elements.  Spec: syntax-limits."""

    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        return f"{self.minimum}.." + ("" if self.maximum is None else str(self.maximum))

    def accepts(self, actual: Limits) -> bool:
        """Whether something of limits `actual` may be imported as this.  Spec: match-limits."""
        if actual.minimum < self.minimum:
            return False
        return self.maximum is None or (actual.maximum is not None and actual.maximum <= self.maximum)


@dataclass(frozen=True)
class TableType:
    """Spec: syntax-tabletype."""

    element: int
    limits: Limits

    def __str__(self) -> str:
        return f"table {self.limits} of {type_name(self.element)}"


@dataclass(frozen=True)
class MemoryType:
    """Spec: syntax-memtype."""

    limits: Limits

    def __str__(self) -> str:
        return f"memory {self.limits}"


@dataclass(frozen=True)
class GlobalType:
    """Spec: syntax-globaltype."""

    content: int
    mutable: bool

    def __str__(self) -> str:
        return f"global {'mutable ' if self.mutable else ''}{type_name(self.content)}"


ExternType = FuncType | TableType | MemoryType | GlobalType


@dataclass(frozen=True)
class ImportType:
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
