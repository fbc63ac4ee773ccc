"""A fault at any op that touches linear memory, and a trap at any that computes, reports that op: its pc, sp, vmctx and fuel, in every variant of the interpreter, and compiled.

Which ops those are is found by running their meanings.  Each is tried on addresses around the end of a memory of one page; the variants
with guard pages must say what those say that compare.  Each trial is a function: a copy of a slot to itself, which a stencil of the
op may take from its accumulator, the op, and `halt`.
"""

from __future__ import annotations

import itertools
import random
import struct
from typing import TYPE_CHECKING

import pytest

from arenite.bytecode.effects import effects
from arenite.bytecode.encode import encode
from arenite.bytecode.module import FUNCTION, ModuleCode, WasmFile
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import BRANCHES, Form
from arenite.bytecode.segments import DataSegments
from arenite.bytecode.stops import FAULT
from arenite.layout.cage import MODULE_GRAIN
from arenite.layout.records import InstanceRecord, MemoryRecord, StoreContext
from arenite.layout.side_tables import SIDE_TABLES_SIZE
from arenite.layout.spaces import Space
from arenite.layout.types import PAGE_SIZE, FuncType
from arenite.machine.space.cage import Cage
from arenite.machine.space.window import Preamble, Window
from arenite.platform import HAS_OBJECTS
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.bytecode.row import Operand, Row

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")

BULK = {"memory.copy", "memory.fill"}  # the machine does the long ones
ROWS = [
    row
    for row in TABLE
    if Space.MEMORY in effects(row).reads | effects(row).writes
    and (not effects(row).transfers & {"builtin", "host"} or row.name in BULK)
]
COMPUTING = [row for row in TABLE if effects(row).traps and effects(row).result and effects(row).reads <= {Space.FRAME}]
VARIANTS = {  # name -> (addressing, explicit bounds)
    "explicit": ("single", True),
    "single": ("single", False),
    "spaces": ("spaces", False),
    "spaces explicit": ("spaces", True),
}
CONTEXT = struct.Struct("<IIIIq")  # status, pc, sp, vmctx, fuel
COMPILED = "compiled"  # with guard pages
SP, LIMIT, INSTANCE, MEMORY = 0x2000, 0x4000, 0x8000, 0x9000
SIZE = 0x10000
FUEL = 0x1234_5678_9ABC
SLOTS = 8
ADDRESSES = (0, 16, PAGE_SIZE - 9, PAGE_SIZE - 8, PAGE_SIZE - 4, PAGE_SIZE - 1, PAGE_SIZE, 0x7FFF_FFF0, 0x8000_0000, 0xFFFF_FFFF)
TRIALS = 40


def value(choose: random.Random, operand: Operand, row: Row) -> int:
    """A value for an operand."""
    if operand.form in BRANCHES:
        return row.size  # the op behind it, a `halt`
    if operand.form is Form.SLOT:
        return 8 * choose.randrange(SLOTS)
    if operand.form is Form.IMMEDIATE:
        return choose.choice((0, 1, 3, -1))
    if operand.name.startswith("disp"):
        return choose.choice((0, 1, 8, 0xFFFF) if operand.size == 2 else (0, 0x10000, 0xFFFF_FFFF))
    return 0


def probes(row: Row) -> Iterator[tuple[bytes, bytes]]:
    """Encodings of the op, and frames for them."""
    choose = random.Random(row.name)
    for _ in range(TRIALS):
        code = encode(row.name, 0, (), **{o.name: value(choose, o, row) for o in row.encoded})
        slots = (choose.choice(ADDRESSES) | choose.choice((0, choose.getrandbits(32))) << 32 for _ in range(SLOTS))
        yield code, struct.pack(f"<{SLOTS}Q", *slots)


def ahead(op: bytes, row: Row) -> bytes:
    """An op for before it, which changes nothing and leaves a slot that it reads in an accumulator."""
    read = [int.from_bytes(op[o.at : o.at + o.size], "little") for o in row.encoded if o.form is Form.SLOT and o.name != "dst"]
    slot = random.Random(op).choice(read or [0])
    return encode("move", 0, (), dst=slot, a=slot)


def window_of(code: bytes, ends: list[int]) -> Window:
    """Ops as the functions of one module."""
    functions = b"".join(FUNCTION.pack(begin, end, 64, 0, 0, 0, 0) for begin, end in itertools.pairwise([0, *ends]))
    type_ = FuncType((), ())
    module = ModuleCode(
        "",
        WasmFile.of(b""),
        (type_,),
        (),
        (),
        (0,) * len(ends),
        (),
        (),
        (),
        (),
        (),
        DataSegments(),
        None,
        code,
        b"",
        bytes(len(code) // 64 + 1),
        functions,
        b"",
        (),
    )
    return Window(Preamble(), (module,), portable=False, side_tables_size=SIDE_TABLES_SIZE)


class Subject:
    """A cage with an instance whose memory has one page."""

    def __init__(self, variant: str, window: Window) -> None:
        from arenite.tiers.baseline import BaselineTier  # noqa: PLC0415 (it loads machine code)
        from arenite.tiers.threaded import ThreadedTier  # noqa: PLC0415 (as above)
        from arenite.tiers.threaded.objects import Variant  # noqa: PLC0415 (as above)

        self.tier = BaselineTier() if variant == COMPILED else ThreadedTier(Variant(*VARIANTS[variant]))
        self.window = window
        self.cage = Cage(SIZE, 2)
        for area in (0, 1):  # the instance's is the second one
            self.cage.new_area()
            self.cage.resize(area, PAGE_SIZE)
        self.cage.show(window)
        arena = self.cage.arena
        InstanceRecord.memory.write(arena, INSTANCE, MEMORY)
        MemoryRecord.area.write(arena, MEMORY, 1)
        StoreContext.stack_limit.write(self.cage.store_page, 0, LIMIT)
        self.run = self.tier.runner(self.cage, window)

    def play(self, at: int, frame: bytes) -> tuple[tuple[int, ...], bytes, bytes]:
        """The context and the frame afterwards, and the memory's end."""
        page, arena, memory = self.cage.store_page, self.cage.arena, self.cage.memory(1)
        arena[SP : SP + len(frame)] = frame
        memory[-32:] = bytes(range(32))
        CONTEXT.pack_into(page, 0, 99, MODULE_GRAIN + at, SP, INSTANCE, FUEL)
        self.run()
        status, pc, *_ = CONTEXT.unpack_from(page)
        if status == FAULT:
            CONTEXT.pack_into(page, 0, *self.tier.settle(self.window, status, pc), *CONTEXT.unpack_from(page)[2:])
        return CONTEXT.unpack_from(page), bytes(arena[SP : SP + len(frame)]), bytes(memory[-32:])


def test_there_are_such_rows() -> None:
    assert {"load32 memory0", "store8 memory0 far", "i32.add; load32 memory0"} <= {row.name for row in ROWS}


def test_a_fault_is_told_exactly() -> None:
    code, ends, tried = bytearray(encode("unreachable")), list[int](), []
    ends.append(len(code))
    for row in (*ROWS, *COMPUTING):
        for op, frame in probes(row):
            move = ahead(op, row)
            tried.append((row, len(code), len(move), frame))
            code += move + op + encode("halt")
            ends.append(len(code))
    # one window for all that interpret: in that of compiled code the functions' first ops are others
    window, own = window_of(bytes(code), ends), window_of(bytes(code), ends)
    subjects = {variant: Subject(variant, window) for variant in VARIANTS} | {COMPILED: Subject(COMPILED, own)}
    assert all(bytes(own.code[MODULE_GRAIN + at : MODULE_GRAIN + at + 2]) == b"\xff\xff" for _, at, *_ in tried)
    faulted = set()
    for row, at, before, frame in tried:
        outcomes = {variant: subject.play(at, frame) for variant, subject in subjects.items()}
        expected = outcomes["explicit"]
        assert set(outcomes.values()) == {expected}, (row.name, frame.hex(" ", 8), outcomes)
        status, *registers = expected[0]
        if status in effects(row).traps | {Cause.MEMORY_OUT_OF_BOUNDS}:
            assert registers == [MODULE_GRAIN + at + before, SP, INSTANCE, FUEL], row.name
            first_is_kept = row.result and Space.MEMORY in effects(row).writes  # a sum that is written, then stored through
            assert first_is_kept or expected[1] == frame, f"{row.name} wrote its result before it trapped"
            faulted.add(row.name)
    assert faulted == {row.name for row in (*ROWS, *COMPUTING)}
