"""The table of safepoints: what lives in a frame where the run may stop.

A module's table is a sequence of u32 numbers, record after record, in the order of the bytecode:

    pc, offset of the instruction in the file, count, then `count` times: slot number, value type

Operands that are still a local's value or a constant are not listed: nothing of theirs lies in a temporary.  Behind a call the list
holds the call's results; while the callee runs, slots from the callee's frame on are the callee's.

Example:  at = {s.pc: s for s in safepoints_of(module, 3)}
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from arenite.bytecode.module import Safepoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.module import ModuleCode

HEAD: Final = struct.Struct("<III")
SLOT: Final = struct.Struct("<II")


def safepoints_of(module: ModuleCode, function: int) -> Iterator[Safepoint]:
    """The safepoints of a function that the module defines, in order."""
    at = module.function(function).safepoints
    last = function + 1 == module.function_count
    end = len(module.safepoints) if last else module.function(function + 1).safepoints
    while at < end:
        pc, offset, count = HEAD.unpack_from(module.safepoints, at)
        at += HEAD.size
        slots = tuple(SLOT.unpack_from(module.safepoints, at + SLOT.size * i) for i in range(count))
        at += SLOT.size * count
        yield Safepoint(pc, offset, slots)
