"""The operating system, behind one interface; nothing above this package asks which system it is on.

`HAS_CAGE`     address space can be reserved, given access piecewise, and mapped copy-on-write: `Reservation`, `memfd`
`HAS_FAULTS`   a fault in generated code becomes a guest's trap: `arenite.platform.faults`
`HAS_OBJECTS`  generated machine code can be loaded: `arenite.platform.elf`

Where `HAS_CAGE` is false, `Reservation` is `PortableReservation`, which has no `address`.

`Reservation`, `Move`, `memfd`, `seal` and `touched` are looked for when they are first asked for: Linux's form of them loads ctypes, without
which the safe tier must run.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final

from arenite.platform.architectures import HOST
from arenite.platform.reserve import PortableReservation, Space, page_size

HAS_CAGE: Final = sys.platform == "linux" and sys.maxsize > 1 << 32
HAS_OBJECTS: Final = HAS_CAGE and HOST is not None
HAS_FAULTS: Final = HAS_OBJECTS

if sys.platform == "linux":
    SYSTEM: Final = "arenite.platform.linux"
    if TYPE_CHECKING:
        from arenite.platform.linux import Move, Reservation, memfd, seal, touched
else:
    SYSTEM: Final = "arenite.platform.reserve"
    if TYPE_CHECKING:
        from arenite.platform.reserve import Move, Reservation, memfd, seal, touched

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """What every system has in its own form."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(SYSTEM), name)
        return value


__all__ = [
    "HAS_CAGE",
    "HAS_FAULTS",
    "HAS_OBJECTS",
    "Move",
    "PortableReservation",
    "Reservation",
    "Space",
    "memfd",
    "page_size",
    "seal",
    "touched",
]
