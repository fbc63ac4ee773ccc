"""What ops ask of the machine: one row per helper.  The machine has one method for each, used by every tier.

A tier that interprets stops with the helper's status, its arguments in the store context; the machine does the work, writes the
result to `StoreContext.result_slot` of the frame and lets the tier go on at `StoreContext.next_pc`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

FINISHED: Final = 0  # status: the entry frame has returned
PAUSE_AGAIN: Final = 64  # status: the slice of fuel is used up; the op at pc is asked again and pays then
PAUSE_OWED: Final = 65  # status: the same, but the op at pc comes after the one that owes a unit
LOOK_UP: Final = 128  # status: nothing is owed; the tier is at a safepoint, and the machine looks up before it goes on


class Helper(IntEnum):
    """A helper, numbered as its status."""

    HOST_CALL = 66
    MEMORY_GROW = 67
    MEMORY_COPY = 68
    MEMORY_FILL = 69
    MEMORY_INIT = 70
    DATA_DROP = 71
    TABLE_GROW = 72
    TABLE_FILL = 73
    TABLE_COPY = 74
    TABLE_INIT = 75
    ELEM_DROP = 76

    @property
    def operands(self) -> tuple[str, ...]:
        """Names of its arguments."""
        return HELPERS[self][0]

    @property
    def has_result(self) -> bool:
        """Whether it gives a value (an i32)."""
        return HELPERS[self][1]


BYTES: Final = "1 for each 64 KiB begun: up to 50 us"  # where pages are touched first
ELEMENTS: Final = "1 for each 16,384 elements begun: up to 50 us"

HELPERS: Final[dict[Helper, tuple[tuple[str, ...], bool, str, str]]] = {
    Helper.HOST_CALL: (
        (),
        False,
        "call the host function vmctx of the store; arguments and results in the frame's first slots",
        "nothing; what it takes is the host's decision",
    ),
    Helper.MEMORY_GROW: (("delta",), True, "the old size in pages, or -1", "nothing; a few microseconds"),
    Helper.MEMORY_COPY: (("to", "source", "count"), False, "memory.copy that is long or interrupted", BYTES),
    Helper.MEMORY_FILL: (("to", "byte", "count"), False, "memory.fill that is long or interrupted", BYTES),
    Helper.MEMORY_INIT: (("segment", "to", "source", "count"), False, "copy from a passive data segment", BYTES),
    Helper.DATA_DROP: (("segment",), False, "drop a data segment", "nothing; a microsecond"),
    Helper.TABLE_GROW: (
        ("table", "value", "delta"),
        True,
        "the old length, or -1",
        f"{ELEMENTS}, also of old ones that must move",
    ),
    Helper.TABLE_FILL: (("table", "to", "value", "count"), False, "set elements", ELEMENTS),
    Helper.TABLE_COPY: (("table", "source_table", "to", "source", "count"), False, "copy elements", ELEMENTS),
    Helper.TABLE_INIT: (
        ("table", "segment", "to", "source", "count"),
        False,
        "copy from a passive element segment",
        "1 for each 1,024 elements begun: 1 ms where they are expressions",
    ),
    Helper.ELEM_DROP: (("segment",), False, "drop an element segment", "nothing; a microsecond"),
}
"""Helper -> (arguments, gives a result, what it does, units of fuel and how long one may take)."""
