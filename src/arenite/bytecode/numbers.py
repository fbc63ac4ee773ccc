"""The numbers of ops by their names, for whoever needs nothing else of the table: making that takes a tenth of a start.

The names are kept as generated machine code is, by the content of the sources that they come from.

Example:  number_of("halt") == ROWS["halt"].code
"""

from __future__ import annotations

import functools
import sys
from typing import Final

from arenite.platform import cache, sources

SOURCES: Final = ("bytecode/*.py", "layout/**/*.py", "traps.py")
TABLE: Final = "arenite.bytecode.ops"


@functools.cache
def names() -> tuple[str, ...]:
    """The ops' names, in order."""
    data = _listed() if TABLE in sys.modules else kept()[1]
    return tuple(data.decode().split("\n"))


def kept() -> tuple[str, bytes]:
    """What the names are kept under, and as what; from the table if they are not there."""
    key = sources.digest(*SOURCES)
    data = cache.get(key)
    if data is None:
        data = _listed()
        cache.put(key, data, "names of ops")
    return key, data


def _listed() -> bytes:
    from arenite.bytecode.ops import TABLE as ROWS  # noqa: PLC0415 (see above)

    return "\n".join(row.name for row in ROWS).encode()


@functools.cache
def _numbers() -> dict[str, int]:
    return {name: number for number, name in enumerate(names())}


def number_of(name: str) -> int:
    """The op's code."""
    return _numbers()[name]
