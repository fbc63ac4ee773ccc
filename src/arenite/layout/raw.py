"""The raw layout, for measurement only: records hold 64-bit addresses where they hold u32 offsets otherwise, as in other engines.

    ARENITE_LAYOUT=raw python …

It is the control of an experiment: what do offsets from one base cost, and what do they keep out?  The switch is read once and holds for the process.
Nothing of it is safe or lasts: whoever damages a record leads the guest anywhere, and what is an address cannot be forked or saved.

A cage's base is a multiple of 4 GiB here.  So the low half of an address is the offset, which is all that Python ever reads, and the high half
is the same in all of a cage.  A number below `LEAST` is no place for a record: it is a host function's or nothing, and stays what it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from arenite.errors import Failure

if TYPE_CHECKING:
    import struct

    from arenite.layout.records import Field

LAYOUT: Final = os.environ.get("ARENITE_LAYOUT", "")
if LAYOUT not in {"", "relative", "raw"}:
    raise Failure(f"ARENITE_LAYOUT is {LAYOUT!r}; expected relative, as by default, or raw, which is for measurement only")
RAW: Final = LAYOUT == "raw"
POINTER: Final = "u64" if RAW else "u32"
"""The kind of fields that lead to a record."""
LETTER: Final = "Q" if RAW else "I"
"""The same as `struct` and views call it."""
SIZE: Final = 8 if RAW else 4
"""The same in bytes."""
GRAIN: Final = 1 << 32
LEAST: Final = 4096
NOTHING: Final = 64 if RAW else 0
"""Where an instance without a memory has its memory's record: in the raw layout there are zeros."""


def refuse(what: str) -> None:
    """Raises: `Failure` in the raw layout, which has no `what`."""
    if RAW:
        raise Failure(f"not in the raw layout (ARENITE_LAYOUT), which holds addresses and is for measurement only: {what}")


def base_of(view: memoryview) -> int:
    """The base of the cage that a view of an arena or a store page is of."""
    import ctypes  # noqa: PLC0415 (the safe tier never needs it)

    return ctypes.addressof(ctypes.c_char.from_buffer(view)) + LEAST & -GRAIN


def pointer(base: int, offset: int) -> int:
    """The address of an offset."""
    return base + offset if offset >= LEAST else offset


class Packer:
    """Packs and unpacks fields of which some are addresses, and takes and gives offsets."""

    def __init__(self, plain: struct.Struct, fields: tuple[Field, ...]) -> None:
        self.plain = plain
        self.size = plain.size
        self.fields = fields

    def pack_into(self, view: memoryview, at: int, *values: int) -> None:
        """As `Struct.pack_into`; values beyond the fields are those that other layouts have."""
        base = base_of(view)
        place = {"caller_sp": base}  # the frame that the host begins has none before it
        found = (
            pointer(base, n) or place.get(f.name, 0) if f.is_pointer else n for f, n in zip(self.fields, values, strict=False)
        )
        self.plain.pack_into(view, at, *found)

    def unpack_from(self, view: memoryview, at: int) -> tuple[int, ...]:
        """As `Struct.unpack_from`."""
        return tuple(n % GRAIN if f.is_pointer else n for f, n in zip(self.fields, self.plain.unpack_from(view, at), strict=True))


def convert(field: Field) -> None:
    """Let a field that is an address be read and written as an offset."""

    def read(view: memoryview, at: int) -> int:
        value: int = field.packer.unpack_from(view, at + field.offset)[0]
        return value % GRAIN

    def write(view: memoryview, at: int, value: int) -> None:
        base = base_of(view)
        field.packer.pack_into(view, at + field.offset, base + value if value else 0)

    vars(field).update(read=read, write=write)


def convert_area(field: Field, first: int, size: int) -> None:
    """Let a field that is the address of a memory be read and written as the index of its area, of which the first lies at an offset."""

    def read(view: memoryview, at: int) -> int:
        value: int = field.packer.unpack_from(view, at + field.offset)[0]
        return max(value - base_of(view) - first, 0) // size

    def write(view: memoryview, at: int, value: int) -> None:
        field.packer.pack_into(view, at + field.offset, base_of(view) + first + value * size)

    vars(field).update(read=read, write=write)
