"""How much a store may hold: counted over the whole store, and looked at before anything is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from arenite.layout.types import MAX_PAGES, MAX_TABLE, PAGE_SIZE

if TYPE_CHECKING:
    from typing import Self

    from arenite.config import Config


@dataclass(frozen=True)
class Quota:
    """Limits of one store.

    `memory`: bytes of one memory; `memories`: bytes of all together; `areas`: how many memories.
    `table`: elements of one table; `elements`: of all together; `tables`, `instances`: how many.
    `nesting`: calls of guests inside host functions that guests call.
    """

    memory: int = MAX_PAGES * PAGE_SIZE
    memories: int = 1 << 62
    areas: int = 1 << 31
    table: int = MAX_TABLE
    elements: int = MAX_TABLE
    tables: int = 1 << 31
    instances: int = 1 << 31
    nesting: int = 200

    @classmethod
    def of(cls, config: Config) -> Self:
        """That of an engine's stores."""
        return cls(
            memory=config.max_memory,
            memories=config.max_store_memory,
            elements=config.max_table_elements,
            tables=config.max_tables,
            instances=config.max_instances,
            nesting=config.max_nesting,
        )

    def lower(self, **limits: int) -> Self:
        """The same, but for these limits where they are lower; those below 0 say nothing."""
        return replace(self, **{name: min(limit, getattr(self, name)) for name, limit in limits.items() if limit >= 0})


UNBOUNDED: Final = Quota()
"""What a machine has that nobody has configured."""
