"""The address spaces.  Every load and store of the bytecode names one; a machine address is formed from a space and an offset only.

Example:  e.load(Space.ARENA, I32, funcref, FuncRefRecord.code.offset)
"""

from __future__ import annotations

from enum import Enum

from arenite.light import NamedTuple


class SpaceRow(NamedTuple):
    """What is true of one address space."""

    base: str  # the pointer its offsets count from
    bound: str  # what keeps an access inside
    writer: str  # who writes it while a guest runs; "" is nobody
    alias: str  # accesses of different alias classes never overlap
    trusted: bool  # whether its content may be believed
    doc: str


class Space(Enum):
    """An address space."""

    ARENA = "arena"
    FRAME = "frame"
    MEMORY = "memory0"
    STORE = "store"
    WINDOW = "window"
    BYTECODE = "bytecode"
    RETURNS = "returns"
    ENTRIES = "entries"
    RETURN_ADDRESSES = "return addresses"
    COUNTERS = "counters"
    FUNCTIONS = "functions"
    RANKS = "ranks"
    REGIONS = "regions"
    CLAUSES = "clauses"


SPACES: dict[Space, SpaceRow] = {
    Space.ARENA: SpaceRow(
        "base", "u32 offset plus a constant: the cage reaches that far", "guest and host", "arena", False, "records"
    ),
    Space.FRAME: SpaceRow(
        "base + sp",
        "u32 sp plus a u32: the cage reaches that far",
        "guest and host",
        "arena",
        False,
        "slots of the current frame",
    ),
    Space.MEMORY: SpaceRow(
        "base + the area's offset",
        "guard pages or a comparison",
        "guest and host",
        "memory",
        False,
        "the instance's linear memory 0",
    ),
    Space.STORE: SpaceRow(
        "base - one page", "constant offsets, masked indexes", "this tier and the host", "store", True, "the store context"
    ),
    Space.WINDOW: SpaceRow(
        "base - window - page", "masked code handles", "", "code", True, "one entry per function of the store's modules"
    ),
    Space.BYTECODE: SpaceRow("code", "pcs come from checked transfers", "", "code", True, "the modules' bytecode"),
    Space.RETURNS: SpaceRow(
        "code - the map", "a bit for every unit that a u32 pc can name", "", "code", True, "the map of return points"
    ),
    Space.ENTRIES: SpaceRow(
        "code - a table", "pcs come from checked transfers", "the host", "code", True, "machine code for the op at a pc, or null"
    ),
    Space.RETURN_ADDRESSES: SpaceRow(
        "code - a table", "a comparison", "the host", "code", True, "machine code for the return point at a pc, or null"
    ),
    Space.FUNCTIONS: SpaceRow(
        "code - a table", "masked code handles", "the host", "code", True, "machine code of the function with a handle, or null"
    ),
    Space.COUNTERS: SpaceRow(
        "code - a table",
        "pcs come from checked transfers",
        "this tier and the host",
        "code",
        True,
        "how many calls of the function at a pc are left before it is compiled",
    ),
    Space.RANKS: SpaceRow(
        "code - a table", "pcs come from checked transfers", "", "code", True, "where regions of handlers begin"
    ),
    Space.REGIONS: SpaceRow(
        "code - a table", "numbers come from ranks", "", "code", True, "which handlers are active in a region"
    ),
    Space.CLAUSES: SpaceRow(
        "code - a table", "numbers come from regions and clauses", "", "code", True, "handlers of exceptions"
    ),
}
