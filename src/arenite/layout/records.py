"""Every record of the machine, declared once.

From a declaration come the emitters' constants (`FuncRefRecord.code.offset`), the machine's typed access
(`FuncRefRecord.code.read(arena, at)`; several fields at once, `FuncRefRecord.packer()`), the snapshot's knowledge of what is a reference (`arena_offset=True`), and the documentation.

Invariants: fields are naturally aligned, in order, without overlap; a field that holds an arena offset says so;
nothing here holds an address (but in the layout of `raw`, which is the control of a measurement).

Example:

    class MemoryRecord(Record):
        area = Field("u32", "index of its area in the cage", readonly=True)
"""

from __future__ import annotations

import struct
from typing import ClassVar, Final, cast

from arenite.layout import raw
from arenite.layout.raw import POINTER, RAW

SIZES: Final[dict[str, tuple[int, str]]] = {"u32": (4, "I"), "i32": (4, "i"), "u64": (8, "Q"), "i64": (8, "q")}
UNPLACED: Final = -1


class Field:
    """One field: its kind (`u32`, `u64`, …), what it means, whether guests' code may change it, whether it holds an arena offset.

    `count` > 1 declares an array of equal elements.
    """

    def __init__(self, kind: str, doc: str, *, readonly: bool = False, arena_offset: bool = False, count: int = 1) -> None:
        self.kind = kind
        self.doc = doc
        self.readonly = readonly
        self.arena_offset = arena_offset
        self.count = count
        self.size, self.letter = SIZES[kind]
        self.name = ""
        self.offset = UNPLACED
        self.packer = struct.Struct("<" + self.letter)
        self.is_pointer = RAW and arena_offset and kind == POINTER
        if self.is_pointer:
            raw.convert(self)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def read(self, view: memoryview, at: int) -> int:
        """The field of the record that begins at `at` bytes into `view`."""
        value: int = self.packer.unpack_from(view, at + self.offset)[0]
        return value

    def write(self, view: memoryview, at: int, value: int) -> None:
        """Set the field of the record that begins at `at` bytes into `view`."""
        self.packer.pack_into(view, at + self.offset, value)


class Record:
    """Base of the declarations: places the fields of a subclass in the order they stand, naturally aligned."""

    fields: ClassVar[tuple[Field, ...]] = ()
    size: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        at = 0
        placed: list[Field] = []
        for field in vars(cls).values():
            if isinstance(field, Field):
                at = -(-at // field.size) * field.size
                field.offset = at
                at += field.size * field.count
                placed.append(field)
        cls.fields = tuple(placed)
        cls.size = -(-at // 8) * 8

    @classmethod
    def packer(cls, *names: str, signed: bool = True) -> struct.Struct:
        """Packs and unpacks the record's first fields at once: those with these names, which must be the first, or all.

        `signed`: whether numbers that are declared signed are.
        """
        fields = cls.fields[: len(names) or None]
        if names and tuple(field.name for field in fields) != names:
            raise TypeError(f"{cls.__name__} begins with {', '.join(field.name for field in fields)}, not {', '.join(names)}")
        pattern, at = "<", 0
        for field in fields:
            letter = field.letter if signed else field.letter.upper()
            pattern += "x" * (field.offset - at) + (letter if field.count == 1 else f"{field.count}{letter}")
            at = field.offset + field.size * field.count
        found = struct.Struct(pattern if names else pattern + "x" * (cls.size - at))
        return found if not any(f.is_pointer for f in fields) else cast("struct.Struct", raw.Packer(found, fields))


class StoreContext(Record):
    """The machine's own registers, at the start of the store page: below the base, so no offset of a guest reaches it."""

    status = Field("u32", "how the last run stopped (arenite.traps, bytecode.stops)")
    pc = Field("u32", "where: the op that trapped, or the one to go on at")
    sp = Field("u32", "the frame", arena_offset=True)
    vmctx = Field("u32", "its instance", arena_offset=True)
    fuel = Field("i64", "units left of the slice of fuel handed to the tier")
    floor = Field("i64", "the run pauses where it pays with so few units left: 0, or more than any when it must look up")
    stack_limit = Field(POINTER, "frames end at or below this", readonly=True, arena_offset=True)
    result_slot = Field("u32", "byte offset of the slot that the builtin's result goes to")
    next_pc = Field("u32", "where a builtin's caller goes on")
    areas = Field("u32", "memory areas of the cage: an area's index from the arena is below this or taken as 0", readonly=True)
    room = Field("u32", "where the next exception that is kept is made", arena_offset=True)
    room_end = Field("u32", "as far as there is room for such, before the machine is asked", arena_offset=True)
    arguments = Field("u64", "arguments of the builtin that was asked for", count=5)
    lengths = Field(
        "u32", "pages of 64 KiB of each memory area: decides explicit checks", readonly=True, count=998 if RAW else 1000
    )


class WindowEntry(Record):
    """One function in the code window, found by its code handle."""

    pc = Field("u32", "its first op in the window's bytecode", readonly=True)
    frame_size = Field("u32", "bytes of its frame", readonly=True)
    type_id = Field("u32", "its type: the window's number for it, from 1; 0 in unused entries", readonly=True)
    native = Field("u32", "its native code, when there is some; 0: none", readonly=True)


class InstanceRecord(Record):
    """An instance (vmctx): fixed fields, then a word for each thing that it refers to, then its own globals (`layout.instance`)."""

    module_index = Field("u32", "index of its module in the store's window", readonly=True)
    memory = Field(POINTER, "its memory 0; 0: none", readonly=True, arena_offset=True)
    index = Field("u32", "index in the store's list of instances", readonly=True)
    funcrefs = Field(POINTER, "its array of references to its own functions", readonly=True, arena_offset=True)
    dropped = Field(
        POINTER, "one u32 per data segment, then per element segment: 1 once dropped", readonly=True, arena_offset=True
    )


class FuncRefRecord(Record):
    """A function reference: a handle into the window, never an address.  The window alone knows its type."""

    if RAW:
        array_call = Field("u64", "address of its bytecode", readonly=True)
        wasm_call = Field("u64", "address of its native code, or of what goes on in its bytecode", readonly=True)
        type_index = Field("u32", "its type: the window's number for it", readonly=True)
        function = Field("u32", "funcidx in its instance's module", readonly=True)
    else:
        spare = Field("u32", "0", readonly=True)
        code = Field("u32", "code handle", readonly=True)
    vmctx = Field(POINTER, "its instance; for a host function its index in the store's list", readonly=True, arena_offset=True)
    if not RAW:
        function = Field("u32", "funcidx in its instance's module", readonly=True)


class TableRecord(Record):
    """A table; its elements are u32: offsets of function references or exceptions, or 1 + index into the store's host references; 0 is null."""

    elements = Field(POINTER, "its elements", arena_offset=True)
    length = Field("u32", "elements")
    maximum = Field("u32", "elements", readonly=True)
    element_type = Field("u32", "value type", readonly=True)
    capacity = Field("u32", "elements that fit where they lie")
    has_maximum = Field("u32", "1 if the module gave a maximum", readonly=True)


class MemoryRecord(Record):
    """A linear memory; its bytes lie in an area of the cage."""

    area = Field(POINTER, "index of its area in the cage", readonly=True)
    has_maximum = Field("u32", "1 if the module gave a maximum", readonly=True)
    length = Field("u64", "bytes; for reading only, the store context's decides")
    maximum = Field("u64", "pages", readonly=True)


class GlobalRecord(Record):
    """A global's value, 8 bytes; i32 and f32 zero-extended."""

    value = Field("u64", "the value's bits, or a reference")


class TagRecord(Record):
    """A tag; it is known by where it lies."""

    slots = Field("u32", "slots of the values that an exception of it carries", readonly=True)


class ExceptionRecord(Record):
    """An exception that somebody keeps; its values follow, 8 bytes for each slot."""

    tag = Field(POINTER, "its tag", readonly=True, arena_offset=True)
    slots = Field("u32", "slots that follow: as many as its tag says", readonly=True)


class FrameHeader(Record):
    """Stands in each frame behind parameters and results; written by the caller."""

    caller_sp = Field(POINTER, "the caller's frame", arena_offset=True)
    return_pc = Field("u32", "where the caller goes on; must be a return point")
    caller_vmctx = Field(POINTER, "the caller's instance", arena_offset=True)
    if not RAW:
        tail_vmctx = Field(
            "u32", "the instance that called by a tail call, in this frame's place; 0: the caller's did", arena_offset=True
        )


RECORDS: Final[tuple[type[Record], ...]] = (
    StoreContext,
    WindowEntry,
    InstanceRecord,
    FuncRefRecord,
    TableRecord,
    MemoryRecord,
    GlobalRecord,
    TagRecord,
    ExceptionRecord,
    FrameHeader,
)
