"""The frame of a call, and where calls come back.

    parameters, where results will be | FrameHeader | the function's own slots

A slot is 8 bytes; a v128 lies in two, whose place is a multiple of 8 as every slot's.  The caller writes the parameters and the header; what is behind the header is the callee's.

The *map of return points* has one bit for each unit of bytecode, from the lowest bit of each byte: only there may a frame go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.cage import CODE_MAX, UNIT
from arenite.layout.records import FrameHeader
from arenite.layout.types import slots

if TYPE_CHECKING:
    from arenite.layout.types import FuncType

SLOT: Final = 8
HEADER_SLOTS: Final = FrameHeader.size // SLOT
UNITS_IN_BYTE: Final = 8  # of the map of return points
HALT_PC: Final = UNIT  # where a frame goes on whose caller is the host
RETURN_MAP_SIZE: Final = CODE_MAX // UNIT // UNITS_IN_BYTE  # bytes that a window keeps for it, right below its bytecode


def header_offset(type_: FuncType) -> int:
    """Where a frame of a function of this type has its header, in bytes from its beginning."""
    return SLOT * max(len(slots(type_.params)), len(slots(type_.results)))


def frame_end(type_: FuncType) -> int:
    """Where that header ends: what a caller writes, and all that the frame of a host function has."""
    return header_offset(type_) + FrameHeader.size


def return_map_size(code: int) -> int:
    """Bytes of the map for so many bytes of bytecode."""
    return -(-code // (UNIT * UNITS_IN_BYTE))


def mark_return_point(returns: bytearray, pc: int) -> None:
    """Say in the map that frames may go on at `pc`."""
    returns[pc // UNIT // UNITS_IN_BYTE] |= 1 << pc // UNIT % UNITS_IN_BYTE


def is_return_point(returns: bytes | bytearray | memoryview, pc: int) -> bool:
    """Whether the map says that a frame may go on at `pc`."""
    return pc % UNIT == 0 and bool(returns[pc // UNIT // UNITS_IN_BYTE] >> pc // UNIT % UNITS_IN_BYTE & 1)
