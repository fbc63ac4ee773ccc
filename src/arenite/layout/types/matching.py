"""Whether something of one type may stand where another is wanted: one function for each kind of type.

Types are equal or they do not match, but for what unreachable code makes; subtypes are these functions' affair alone.
Spec: valid-matching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.types.externs import ExternType, GlobalType, Limits, MemoryType, TableType, TagType
from arenite.layout.types.functions import FuncType
from arenite.layout.types.values import BOTTOM

if TYPE_CHECKING:
    from collections.abc import Sequence


def match(found: int, wanted: int) -> bool:
    """Value types.  Spec: match-valtype."""
    return found in (wanted, BOTTOM)


def match_variable(found: int, wanted: int) -> bool:
    """Value types of what is both read and written: each matches the other."""
    return match(found, wanted) and match(wanted, found)


def match_all(found: Sequence[int], wanted: Sequence[int]) -> bool:
    """Lists of value types.  Spec: match-resulttype."""
    return len(found) == len(wanted) and all(map(match, found, wanted))


def match_func(found: FuncType, wanted: FuncType) -> bool:
    """Function types: as these have the same values in slots, only equal ones match.  Spec: match-functype."""
    return found == wanted


def match_limits(found: Limits, wanted: Limits) -> bool:
    """Limits.  Spec: match-limits."""
    if found.minimum < wanted.minimum:
        return False
    return wanted.maximum is None or (found.maximum is not None and found.maximum <= wanted.maximum)


def match_extern(found: ExternType, wanted: ExternType, size: int = 0) -> bool:
    """Types of imports and of what stands for them.  `size`: what a table or memory has now.  Spec: match-externtype, exec-instantiation."""
    if isinstance(wanted, TableType) and isinstance(found, TableType):
        same = match_variable(found.element, wanted.element) and found.is_64 == wanted.is_64
        return same and match_limits(Limits(size, found.limits.maximum), wanted.limits)
    if isinstance(wanted, MemoryType) and isinstance(found, MemoryType):
        same = (found.is_64, found.page_bits) == (wanted.is_64, wanted.page_bits)
        return same and match_limits(Limits(size, found.limits.maximum), wanted.limits)
    if isinstance(wanted, GlobalType) and isinstance(found, GlobalType):
        fits = match_variable if wanted.mutable else match
        return found.mutable == wanted.mutable and fits(found.content, wanted.content)
    if isinstance(wanted, TagType) and isinstance(found, TagType):
        return match_func(found.type, wanted.type)
    return isinstance(wanted, FuncType) and isinstance(found, FuncType) and match_func(found, wanted)
