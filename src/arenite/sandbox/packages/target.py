"""The Python that packages are for: that of a guest, not this one.

Example:  Target("3.12.0").environment["sys_platform"]
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from packaging.tags import compatible_tags

if TYPE_CHECKING:
    from packaging.markers import Environment, Marker
    from packaging.tags import Tag


@functools.cache
def target(version: str, provided: tuple[tuple[str, str], ...]) -> Target:
    """One that has been asked for its tags before."""
    return Target(version, provided)


@dataclass(frozen=True)
class Target:
    """`version`: in full, "3.12.0".   `provided`: packages that are there already, names and versions."""

    version: str
    provided: tuple[tuple[str, str], ...] = ()

    @property
    def short(self) -> str:
        """As in "3.12"."""
        return ".".join(self.version.split(".")[:2])

    @cached_property
    def environment(self) -> Environment:
        """What markers ask for."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.version,
            "os_name": "posix",
            "platform_machine": "wasm32",
            "platform_python_implementation": "CPython",
            "platform_release": "0.0.0",
            "platform_system": "wasi",
            "platform_version": "0.0.0",
            "python_full_version": self.version,
            "python_version": self.short,
            "sys_platform": "wasi",
        }

    def holds(self, marker: Marker | None, extra: str = "") -> bool:
        """Whether a marker does.  `extra`: one that was asked for.  Raises: errors of `packaging` for one that asks what cannot be said."""
        if marker is None:
            return True
        return marker.evaluate({**{name: str(value) for name, value in self.environment.items()}, "extra": extra})

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """Those of the wheels that it can use, best first: pure ones."""
        major, minor = (int(part) for part in self.short.split("."))
        return tuple(compatible_tags((major, minor), f"cp{major}{minor}", platforms=()))
