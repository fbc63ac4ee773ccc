"""Function types.

They are structural: no value type names a type of a module yet, so equal parameters and results are the same type everywhere, and
nothing that is kept or sent (a window's ids, a snapshot) depends on a module's own numbering.  Types that name others will be put into
canonical form here, by group, before they are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from arenite.layout.types.values import type_name


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
