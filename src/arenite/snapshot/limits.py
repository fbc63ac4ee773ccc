"""How much a snapshot file may ask for: what it says is compared with this before memory or time is spent on it.

Whoever saves is held to the same limits, so that what was saved is opened again.

Example:  limits = Limits.of(engine.config)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from arenite.config import Config
from arenite.errors import Limit

if TYPE_CHECKING:
    from typing import Self

PER_VALUE: Final = 16
FEWEST: Final = 4096  # values that are always allowed


@dataclass(frozen=True)
class Limits:
    """In bytes.  `memory`: one memory's size; `pages`: what all pages take that are not mapped but read; `modules`: what the modules
    have unpacked, with their bytecode; `manifest`: its text, and a value for each `PER_VALUE` of these.
    """

    memory: int
    pages: int
    modules: int
    manifest: int

    @classmethod
    def of(cls, config: Config) -> Self:
        """Those of an engine."""
        return cls(config.max_memory, config.max_snapshot_memory, config.max_snapshot_modules, config.max_snapshot_manifest)

    def check_memory(self, name: str, size: int) -> None:
        """Raises: `Limit`."""
        if size > self.memory:
            raise Limit(f"{name}: a memory of {size} bytes; {self.memory} are allowed (max_memory)")

    def check_pages(self, name: str, size: int) -> None:
        """Raises: `Limit`."""
        if size > self.pages:
            raise Limit(f"{name}: its pages take {size} bytes of memory; {self.pages} are allowed (max_snapshot_memory)")

    def check_modules(self, name: str, size: int) -> None:
        """Raises: `Limit`."""
        if size > self.modules:
            raise Limit(f"{name}: its modules have {size} bytes unpacked; {self.modules} are allowed (max_snapshot_modules)")

    def check_manifest(self, name: str, size: int) -> None:
        """Raises: `Limit`."""
        if size > self.manifest:
            raise Limit(f"{name}: a manifest of {size} bytes; {self.manifest} are allowed (max_snapshot_manifest)")

    def check_values(self, name: str, count: int) -> None:
        """Raises: `Limit`."""
        most = FEWEST + self.manifest // PER_VALUE
        if count > most:
            raise Limit(f"{name}: a manifest of more than {most} values (max_snapshot_manifest / {PER_VALUE})")


DEFAULT: Final = Limits.of(Config())
