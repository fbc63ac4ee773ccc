"""Types of what modules import and export, and the limits in them."""

from __future__ import annotations

from typing import Final

from arenite.layout.types.functions import FuncType
from arenite.layout.types.values import I32, I64, MAX_U32, MAX_U64, type_name
from arenite.light import NamedTuple, dataclass

PAGE_BITS: Final = 16
PAGE_SIZE: Final = 1 << PAGE_BITS
ALL_PAGE_BITS: Final = (0, PAGE_BITS)  # logarithms of the sizes that pages may have
MAX_PAGES: Final = 65536  # of a 32-bit memory
MAX_TABLE: Final = 10_000_000  # elements; the standard allows 2**32 - 1


class Limits(NamedTuple):
    """`minimum` and, where there is one, `maximum`; a memory's pages or table elements.  Spec: syntax-limits."""

    minimum: int
    maximum: int | None = None

    def within(self, most: int) -> bool:
        """Whether they make sense where a size is at most so much."""
        return self.minimum <= (most if self.maximum is None else self.maximum) <= most

    def __str__(self) -> str:
        return f"{self.minimum}.." + ("" if self.maximum is None else str(self.maximum))


class TableType(NamedTuple):
    """`is_64`: indexes have 64 bits.  Spec: syntax-tabletype."""

    element: int
    limits: Limits
    is_64: bool = False

    @property
    def index_type(self) -> int:
        """Type of an index."""
        return I64 if self.is_64 else I32

    @property
    def most_elements(self) -> int:
        """The most that limits may say: as much as an index reaches."""
        return MAX_U64 if self.is_64 else MAX_U32

    def __str__(self) -> str:
        return f"table {'i64 ' if self.is_64 else ''}{self.limits} of {type_name(self.element)}"


class MemoryType(NamedTuple):
    """`is_64`: addresses have 64 bits; `page_bits`: the logarithm of its pages' size, in which limits are, one of `ALL_PAGE_BITS`.  Spec: syntax-memtype."""

    limits: Limits
    is_64: bool = False
    page_bits: int = PAGE_BITS

    @property
    def plain(self) -> bool:
        """Whether addresses have 32 bits and pages 64 KiB."""
        return not self.is_64 and self.page_bits == PAGE_BITS

    @property
    def index_type(self) -> int:
        """Type of an address."""
        return I64 if self.is_64 else I32

    @property
    def page_size(self) -> int:
        """Bytes of a page."""
        return 1 << self.page_bits

    @property
    def most_pages(self) -> int:
        """The most that limits may say: as much as an address reaches."""
        return (1 << (64 if self.is_64 else 32) >> self.page_bits) - (self.page_bits == 0)

    def __str__(self) -> str:
        pages = "" if self.page_bits == PAGE_BITS else f" pages of {self.page_size} bytes"
        return f"memory {'i64 ' if self.is_64 else ''}{self.limits}{pages}"


class GlobalType(NamedTuple):
    """Spec: syntax-globaltype."""

    content: int
    mutable: bool

    def __str__(self) -> str:
        return f"global {'mutable ' if self.mutable else ''}{type_name(self.content)}"


class TagType(NamedTuple):
    """What an exception of a tag carries: the parameters of `type`, which has no results.  Spec: syntax-tagtype."""

    type: FuncType

    def __str__(self) -> str:
        return f"tag ({' '.join(map(type_name, self.type.params))})"


ExternType = FuncType | TableType | MemoryType | GlobalType | TagType


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
