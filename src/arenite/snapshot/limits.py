"""How much a snapshot file may ask for: what it says is compared with this before memory or time is spent on it.

Whoever saves is held to the same limits, so that what was saved is opened again.

Example:  limits = FileLimits.of(engine.config)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.config import Config
from arenite.errors import Limit
from arenite.light import dataclass
from arenite.machine.records.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

PER_VALUE: Final = 16
FEWEST: Final = 4096  # values that are always allowed
MOST_UNPACKED: Final = 64  # bytes of modules for each that they take in the file: real ones have 3 to 5 …
UNPACKED: Final = 4 << 20  # … and so many in any case, which take a tenth of a second


@dataclass(frozen=True)
class FileLimits:
    """`quota`: what the store in it may hold; the others in bytes.

    `pages`: what all pages take that are not mapped but read; `modules`: what the modules have unpacked, with their bytecode; `manifest`: its
    text, and a value for each `PER_VALUE` of these.
    """

    quota: Quota
    pages: int
    modules: int
    manifest: int

    @classmethod
    def of(cls, config: Config) -> Self:
        """Those of an engine."""
        return cls(Quota.of(config), config.max_snapshot_memory, config.max_snapshot_modules, config.max_snapshot_manifest)

    def check_store(self, name: str, memories: Sequence[int], instances: int, tables: int) -> None:
        """What a store of the engine's may have, but for the elements of tables.  Raises: `Limit`."""
        largest = max(memories, default=0)
        if largest > self.quota.memory:
            raise Limit(f"{name}: a memory of {largest} bytes; {self.quota.memory} are allowed (max_memory)")
        for found, most, what, option in (
            (sum(memories), self.quota.memories, "bytes of memories", "max_store_memory"),
            (instances, self.quota.instances, "instances", "max_instances"),
            (tables, self.quota.tables, "tables", "max_tables"),
        ):
            if found > most:
                raise Limit(f"{name}: {found} {what}; {most} are allowed ({option})")

    def check_elements(self, name: str, count: int) -> None:
        """Elements of all tables.  Raises: `Limit`."""
        if count > self.quota.elements:
            raise Limit(f"{name}: its tables have {count} elements; {self.quota.elements} are allowed (max_table_elements)")

    def check_pages(self, name: str, size: int) -> None:
        """Raises: `Limit`."""
        if size > self.pages:
            raise Limit(f"{name}: its pages take {size} bytes of memory; {self.pages} are allowed (max_snapshot_memory)")

    def check_modules(self, name: str, size: int, packed: int | None = None) -> None:
        """`packed`: the bytes that they take in the file, where they travel along.  Raises: `Limit`."""
        if size > self.modules:
            raise Limit(f"{name}: its modules have {size} bytes unpacked; {self.modules} are allowed (max_snapshot_modules)")
        if packed is not None and size > MOST_UNPACKED * packed + UNPACKED:
            raise Limit(
                f"{name}: its modules have {size} bytes unpacked, and {packed} in the file: more than {MOST_UNPACKED} times as many "
                f"and {UNPACKED}: such a module cannot travel along (embed=False)"
            )

    def check_manifest(self, name: str, size: int) -> None:
        """Raises: `Limit`."""
        if size > self.manifest:
            raise Limit(f"{name}: a manifest of {size} bytes; {self.manifest} are allowed (max_snapshot_manifest)")

    def check_values(self, name: str, count: int) -> None:
        """Raises: `Limit`."""
        most = FEWEST + self.manifest // PER_VALUE
        if count > most:
            raise Limit(f"{name}: a manifest of more than {most} values (max_snapshot_manifest / {PER_VALUE})")


DEFAULT: Final = FileLimits.of(Config())
