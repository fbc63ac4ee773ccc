"""The operating system, behind one interface; nothing above this package asks which system it is on.

`HAS_CAGE`     address space can be reserved, given access piecewise, and mapped copy-on-write: `Reservation`, `memfd`
`HAS_FAULTS`   a fault in generated code becomes a guest's trap: `arenite.platform.faults`
`HAS_OBJECTS`  generated machine code can be loaded: `arenite.platform.elf`

Where `HAS_CAGE` is false, `Reservation` is `PortableReservation`, which has no `address`.
"""

from __future__ import annotations

import platform
import sys

from arenite.platform.reserve import PortableReservation, Space, page_size

if sys.platform == "linux":
    from arenite.platform.linux import Reservation, memfd, seal

    HAS_CAGE = sys.maxsize > 1 << 32
    HAS_OBJECTS = platform.machine() == "x86_64" and HAS_CAGE
    HAS_FAULTS = HAS_OBJECTS
else:
    from arenite.platform.reserve import PortableReservation as Reservation
    from arenite.platform.reserve import memfd, seal

    HAS_CAGE = HAS_OBJECTS = HAS_FAULTS = False

__all__ = [
    "HAS_CAGE",
    "HAS_FAULTS",
    "HAS_OBJECTS",
    "PortableReservation",
    "Reservation",
    "Space",
    "memfd",
    "page_size",
    "seal",
]
