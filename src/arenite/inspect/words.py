"""Types and counts in words.

Example:  plural(2, "memory") == "2 memories"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.types import PAGE_BITS, FuncType, GlobalType, MemoryType, TableType, TagType, type_name

if TYPE_CHECKING:
    from arenite.layout.types import ExternType, Limits

SECTIONS: Final = {
    1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memories", 6: "globals", 7: "exports", 8: "start",
    9: "elements", 10: "code", 11: "data", 12: "data count", 13: "tags",
}  # fmt: skip


def reach(limits: Limits, what: str) -> str:
    """`1 page or more`, `1 to 2 pages`: the sizes that limits allow."""
    if limits.maximum is None:
        return f"{plural(limits.minimum, what)} or more"
    return (
        plural(limits.maximum, what)
        if limits.minimum == limits.maximum
        else f"{limits.minimum:,} to {plural(limits.maximum, what)}"
    )


def pages(count: str, type_: MemoryType) -> str:
    """A count of a memory's pages, `of 64 KiB` unless they are bytes; and whether its addresses have 64 bits."""
    return count + (" of 64 KiB" if page(type_) == "page" else "") + (" (64-bit)" if type_.is_64 else "")


def page(type_: MemoryType) -> str:
    """What sizes of a memory count."""
    return "page" if type_.page_bits == PAGE_BITS else "byte"


def plural(count: int, what: str) -> str:
    """`1 page`, `2 pages`, `2 memories`, `2 days`."""
    several = what[:-1] + "ies" if what.endswith("y") and what[-2] not in "aeo" else what + "s"
    return f"{count:,} {what if count == 1 else several}"


def describe(type_: ExternType) -> str:
    """A type in one line: `func (i32) -> ()`, `memory of 1 to 2 pages`."""
    match type_:
        case FuncType():
            return f"func {type_}"
        case TableType():
            return f"{_wide(type_)}table of {reach(type_.limits, type_name(type_.element))}"
        case MemoryType():
            return f"{_wide(type_)}memory of {reach(type_.limits, page(type_))}"
        case GlobalType():
            return f"global {'mut ' if type_.mutable else ''}{type_name(type_.content)}"
        case TagType():
            return str(type_)


def _wide(type_: TableType | MemoryType) -> str:
    return "64-bit " if type_.is_64 else ""
