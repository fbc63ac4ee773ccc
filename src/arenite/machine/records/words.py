"""u32s in the arena."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arenite.machine.machine import Machine

WORD: Final = struct.Struct("<I")
REFUSED: Final = 0xFFFFFFFF  # -1: what growing gives that cannot be done


def word(machine: Machine, at: int) -> int:
    """The u32 at an arena offset.  Raises: `struct.error` outside the arena."""
    value: int = WORD.unpack_from(machine.cage.arena, at)[0]
    return value
