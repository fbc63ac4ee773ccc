"""How much a store may hold: counted over the whole store, and looked at before anything is made."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from arenite.errors import Limit
from arenite.layout.types import MAX_PAGES, MAX_TABLE, PAGE_SIZE
from arenite.light import dataclass

if TYPE_CHECKING:
    from typing import Self

    from arenite.config import Config

OPTIONS: Final = {
    "memory": "max_memory",
    "memories": "max_store_memory",
    "elements": "max_table_elements",
    "tables": "max_tables",
    "instances": "max_instances",
    "exceptions": "max_exception_memory",
    "nesting": "max_nesting",
}
"""The engine's options by the limits that they set; `Store.set_limits` alone sets the others."""


@dataclass(frozen=True)
class Quota:
    """Limits of one store.

    `memory`: bytes of one memory; `memories`: bytes of all together; `areas`: how many memories.
    `table`: elements of one table; `elements`: of all together; `tables`, `instances`: how many.
    `exceptions`: bytes for the exceptions that guests keep.
    `nesting`: calls of guests inside host functions that guests call.
    `lowered`: which of them `Store.set_limits` has set; two quotas that differ in nothing else are the same.
    """

    memory: int = MAX_PAGES * PAGE_SIZE
    memories: int = 1 << 62
    areas: int = 1 << 31
    table: int = MAX_TABLE
    elements: int = MAX_TABLE
    tables: int = 1 << 31
    instances: int = 1 << 31
    exceptions: int = 1 << 20
    nesting: int = 200
    lowered: frozenset[str] = field(default=frozenset(), compare=False)

    @classmethod
    def of(cls, config: Config) -> Self:
        """That of an engine's stores."""
        return cls(**{name: getattr(config, option) for name, option in OPTIONS.items()})

    def lower(self, **limits: int) -> Self:
        """These limits, or others where those are lower; those below 0 say nothing."""
        lower = {name: limit for name, limit in limits.items() if 0 <= limit < getattr(self, name)}
        return replace(self, lowered=self.lowered | lower.keys(), **lower)

    def source(self, name: str) -> str:
        """Where a limit was set, for people."""
        return OPTIONS[name] if name in OPTIONS and name not in self.lowered else "Store.set_limits"


UNBOUNDED: Final = Quota()
"""What a machine has that nobody has configured."""


def check_count(quota: Quota, kind: str, known: int, more: int) -> None:
    """Raises: `Limit` when a store would hold too many of a kind."""
    most: int = getattr(quota, kind)
    if more and known + more > most:
        what = "memories" if kind == "areas" else kind
        raise Limit(f"{known + more} {what} in one store; {most} are allowed ({quota.source(kind)})")
