"""Where a function keeps its declared locals.  They lie behind the frame's header; in a wide function a few scratch slots lie before them.

No record says which functions are wide, and code that travelled may come from another version: the function's first ops say where
they begin, for these write the zeros that locals begin with.

Example:  locals_at(module, 3) == function.header + FrameHeader.size
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.encode import decode
from arenite.layout.records import FrameHeader
from arenite.layout.types import slots

if TYPE_CHECKING:
    from arenite.bytecode.module import ModuleCode

ENTER: Final = "enter0"


def locals_at(module: ModuleCode, function: int) -> int:
    """Byte offset, in the frame, of the first declared local of a defined function; of what lies behind the header if there is none."""
    f = module.function(function)
    behind = f.header + FrameHeader.size
    if 4 * len(slots(module.types[f.type_index].params)) == len(module.locals[function]):
        return behind
    op = decode(module.bytecode, f.begin)
    if op.row.name == ENTER:  # a multiple of what one op zeroes
        op = decode(module.bytecode, op.end)
    return op.values["first"]
