"""Why a run stops, if it does not trap: one row for each status that it may leave in the store context.

    0          the entry frame has returned
    1 .. 63    a trap (`arenite.traps`)
    64 ..      the run stops to go on: the machine does something first

A *builtin* is what an op asks the machine for, because it changes the machine itself.  A tier stops with the builtin's status, its
arguments in `StoreContext.arguments`, 8 bytes each; the machine does the work, writes the result to `StoreContext.result_slot` of the
frame, and lets the tier go on at `StoreContext.next_pc`.  The machine has one function for each, which every tier uses; but
`HOST_CALL` is the loop's own, with arguments and results in the frame.

Numbers stand in snapshots: they stay what they are.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

from arenite.bytecode.protocol import I32, I64, REF, Type
from arenite.light import NamedTuple

BULK_MAX: Final = 1 << 16  # bytes; longer copies and fills of memory are the machine's, which divides them


class Resume(Enum):
    """Where a run goes on that has stopped."""

    NEVER = "it is over"
    HERE = "at the op at pc"
    BEHIND = "at the op behind it"
    SEARCH = "with the search that the op at pc has begun"


class Argument(NamedTuple):
    """What a builtin gets.  `type`: of the value; `space`: the index space that it is an index of, if it is one."""

    name: str
    type: Type
    space: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.space or self.type.llvm}"


class Stop(NamedTuple):
    """A row.

    `price`: units of fuel that it takes, and how long it may last.  `rest`: arguments that it has besides, when it is
    what is left of one that was interrupted.
    """

    resume: Resume
    doc: str
    arguments: tuple[Argument, ...] = ()
    result: Type | None = None
    price: str = ""
    rest: tuple[Argument, ...] = ()


def _arguments(text: str) -> tuple[Argument, ...]:
    """`"table:table to:i32"`: names, and index spaces or types."""
    words = (word.split(":") for word in text.split())
    types = {type_.llvm: type_ for type_ in (I32, I64, REF)}
    return tuple(Argument(name, types.get(kind, I32), "" if kind in types else kind) for name, kind in words)


BYTES: Final = "1 for each 64 KiB begun: up to 50 us"  # where pages are touched first
ELEMENTS: Final = "1 for each 16,384 elements begun: up to 50 us"

FINISHED: Final = 0
PAUSE_AGAIN: Final = 64
PAUSE_OWED: Final = 65
LOOK_UP: Final = 128
HOT: Final = 129
FAULT: Final = 130
SEARCHING: Final = 131
UNCAUGHT: Final = 132
KEEP: Final = 133
SEARCHES: Final = (SEARCHING, UNCAUGHT, KEEP)


class Builtin(IntEnum):
    """A builtin, numbered as its status."""

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
    MEMORY_GROW_ANY = 77
    MEMORY_COPY_ANY = 78
    MEMORY_FILL_ANY = 79
    MEMORY_INIT_ANY = 80

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What it gets."""
        return STOPS[self].arguments

    @property
    def result(self) -> Type | None:
        """Type of the value that it gives."""
        return STOPS[self].result

    @property
    def rest(self) -> tuple[Argument, ...]:
        """What the rest of it gets, beside its arguments."""
        return STOPS[self].rest


STOPS: Final[dict[int, Stop]] = {
    FINISHED: Stop(Resume.NEVER, "the entry frame has returned"),
    PAUSE_AGAIN: Stop(Resume.HERE, "the slice of fuel is used up; the op is asked again, and pays then"),
    PAUSE_OWED: Stop(Resume.HERE, "the slice of fuel is used up by the op before, which owes a unit"),
    Builtin.HOST_CALL: Stop(
        Resume.BEHIND,
        "call the host function vmctx of the store; arguments and results in the frame's first slots",
        price="nothing; what it takes is the host's decision",
    ),
    Builtin.MEMORY_GROW: Stop(
        Resume.BEHIND, "the old size in pages, or -1", _arguments("delta:i32"), I32, "nothing; a few microseconds"
    ),
    Builtin.MEMORY_COPY: Stop(
        Resume.BEHIND, "memory.copy that is long or interrupted", _arguments("to:i32 source:i32 count:i32"), price=BYTES
    ),
    Builtin.MEMORY_FILL: Stop(
        Resume.BEHIND, "memory.fill that is long or interrupted", _arguments("to:i32 byte:i32 count:i32"), price=BYTES
    ),
    Builtin.MEMORY_INIT: Stop(
        Resume.BEHIND, "copy from a passive data segment", _arguments("segment:data to:i32 source:i32 count:i32"), price=BYTES
    ),
    Builtin.DATA_DROP: Stop(Resume.BEHIND, "drop a data segment", _arguments("segment:data"), price="nothing; a microsecond"),
    Builtin.TABLE_GROW: Stop(
        Resume.BEHIND,
        "the old length, or -1",
        _arguments(f"table:table value:{REF.llvm} delta:i32"),
        I32,
        f"{ELEMENTS}, also of old ones that must move",
        _arguments("settled:i32"),
    ),
    Builtin.TABLE_FILL: Stop(
        Resume.BEHIND, "set elements", _arguments(f"table:table to:i32 value:{REF.llvm} count:i32"), price=ELEMENTS
    ),
    Builtin.TABLE_COPY: Stop(
        Resume.BEHIND,
        "copy elements",
        _arguments("table:table source_table:table to:i32 source:i32 count:i32"),
        price=ELEMENTS,
    ),
    Builtin.TABLE_INIT: Stop(
        Resume.BEHIND,
        "copy from a passive element segment",
        _arguments("table:table segment:elem to:i32 source:i32 count:i32"),
        price="1 for each 1,024 elements begun: 1 ms where they are expressions",
    ),
    Builtin.ELEM_DROP: Stop(Resume.BEHIND, "drop an element segment", _arguments("segment:elem"), price="nothing; a microsecond"),
    Builtin.MEMORY_GROW_ANY: Stop(
        Resume.BEHIND,
        "the old size of a memory in its pages, or -1",
        _arguments("memory:memory delta:i64"),
        I64,
        "nothing; a few microseconds",
    ),
    Builtin.MEMORY_COPY_ANY: Stop(
        Resume.BEHIND,
        "copy bytes from a memory to one, which may be the same",
        _arguments("memory:memory other:memory to:i64 source:i64 count:i64"),
        price=BYTES,
    ),
    Builtin.MEMORY_FILL_ANY: Stop(
        Resume.BEHIND, "set bytes of a memory", _arguments("memory:memory to:i64 byte:i32 count:i64"), price=BYTES
    ),
    Builtin.MEMORY_INIT_ANY: Stop(
        Resume.BEHIND,
        "copy from a passive data segment to a memory",
        _arguments("segment:data memory:memory to:i64 source:i32 count:i32"),
        price=BYTES,
    ),
    HOT: Stop(Resume.HERE, "the function that begins at pc is called often; the tier may compile it"),
    FAULT: Stop(
        Resume.NEVER, "a memory is out of bounds in compiled code; pc is the address of the instruction, the tier knows the op"
    ),
    SEARCHING: Stop(
        Resume.SEARCH, "the slice of fuel is used up in the search for a handler; its next step is asked again, and pays then"
    ),
    UNCAUGHT: Stop(Resume.NEVER, "the search for a handler has come to the host; pc is the op that has thrown"),
    KEEP: Stop(Resume.SEARCH, "a handler wants a reference to an exception that is no object yet, and there is no room for one"),
    LOOK_UP: Stop(Resume.HERE, "nothing is owed; the tier is at a safepoint, and the machine looks up before it goes on"),
}
"""Status -> why the run has stopped.  A closure test holds it against the ops, the machine's functions and the store context."""
