"""Trials of single ops: every row some times, in one module, each with a frame of edge values whose upper halves are damaged.

The op stands between `unreachable`s, to which its labels lead, and a `halt`.
"""

from __future__ import annotations

import random
import struct
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.bytecode.encode import encode
from arenite.bytecode.module import FUNCTION, ModuleCode, WasmFile
from arenite.bytecode.ops import TABLE
from arenite.bytecode.row import SLOTS, Form
from arenite.bytecode.segments import DataSegments
from arenite.layout.cage import MODULE_GRAIN, THUNKS
from arenite.layout.frame import HALT_PC
from arenite.layout.handlers import UNWINDING
from arenite.layout.records import FuncRefRecord, InstanceRecord, MemoryRecord, TableRecord
from arenite.layout.types import FuncType
from arenite.machine.space.window import Preamble, Window

if TYPE_CHECKING:
    from arenite.bytecode.row import Operand, Row

TRIALS: Final = 12
USED: Final = 0x28000  # bytes of the arena
INSTANCE, OTHER, MEMORY, OTHER_MEMORY, TABLE_AT, ELEMENTS, REFERENCE, WRONG, GLOBAL = (0x1000 + 0x100 * i for i in range(9))
TABLE_WORD, REFERENCE_WORD, GLOBAL_WORD, MEMORY_WORD, OWN_GLOBAL = 64, 68, 72, 76, 80  # places in an instance
SP, LIMIT, FRAME = 0x8000, 0x9000, 64
PAGE = 65536
TYPE = FuncType((), ())
CONTEXT = struct.Struct("<IIIIQ")  # status, pc, sp, vmctx, fuel
UNREACHABLE = encode("unreachable")
# fmt: off
FLOATS = (
    0, 1 << 63, 0x3FF0000000000000, 0x7FF0000000000000, 0x7FF0000000000001, 0xFFF8000000000123, 1, 0x41E0000000000000,
    0xC1E0000000200000, 0x43F << 52,
)
WORDS = (
    0, 1, 2, 4, 31, 32, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 65528, 65532, 65535, 65536, 0x7F800000, 0x7FA00000, 0xFF800001, 0x3F800000,
    0xCF000000, 0x4F800000,
)
# fmt: on


class Trial(NamedTuple):
    """Where the op lies in the module, and what its frame holds."""

    at: int
    row: Row
    frame: bytes
    fuel: int


def value(r: random.Random, operand: Operand, row: Row) -> int:
    """A value for an operand that is no label."""
    name, kind = operand.name.rstrip("2"), operand.kind
    if kind in SLOTS:
        return 8 * r.randrange(6 if kind == "v128" else 7)
    if ".imm" in kind:
        bits = int(kind.partition(".imm")[2])
        return r.choice([0, 1, -1, 7, 33, (1 << (bits - 1)) - 1, -1 << (bits - 1), r.randrange(1 << (bits - 1))])
    if kind == "memory":
        return r.choice([InstanceRecord.memory.offset, MEMORY_WORD])
    if name == "size" and kind == "u16":  # of an access
        return r.choice([1, 8, 16])
    if name == "disp":
        if "memory0" in row.name or any(o.kind == "memory" for o in row.encoded):
            return r.choice([0, 0, 1, 4, 65535] if kind == "u16" else [0, 65528, 65536, 0xFFFFFFFF])
        if "table" in row.name or "call_indirect" in row.name or row.name == "callee":
            return TABLE_WORD
        if "imported" in row.name and "global" in row.name:
            return GLOBAL_WORD
        return OWN_GLOBAL if "global" in row.name else REFERENCE_WORD
    choices = {
        "type_": [1, 1, 77],
        "frame": [FRAME],
        "old_header": [16, 24],
        "header": [FRAME + 16] if row.name.startswith("call") else [16, 24],
        "first": [FRAME, 128],
        "size": [128, LIMIT - SP, LIMIT - SP + 1, 0xFFFFFFFF],
        "to": [65536, 65544, 8],
        "source": [65536, 65544, 8],
    }
    return r.choice(choices.get(name, [0, 1, 3]))


def frame(r: random.Random) -> bytes:
    """Slots of edge values; two of them a frame header, the upper halves of most damaged."""
    slots = [
        r.choice(FLOATS) if r.random() < 0.4 else r.choice(WORDS) | r.choice([0, 0, r.getrandbits(32)]) << 32 for _ in range(16)
    ]
    return_pc = r.choice([HALT_PC, HALT_PC, HALT_PC + 3, MODULE_GRAIN, 0xFFFFFFFF])
    header = r.choice([2, 3])
    slots[header] = r.choice([SP - 256, SP - 256, SP, SP + 256]) | return_pc << 32
    slots[header + 1] = r.choice([INSTANCE, OTHER]) | r.getrandbits(32) << 32
    return struct.pack("<16Q", *slots)


@cache
def trials() -> tuple[bytes, list[Trial]]:
    """Bytecode, and what to try with it."""
    r = random.Random(1)
    code, found = bytearray(UNREACHABLE), []
    for row in TABLE:
        if row.name in UNWINDING:
            continue  # a step of a search believes tables, which this window has none of, and what the step before has noted
        for _ in range(TRIALS):
            at = len(code)
            values = {o.name: value(r, o, row) for o in row.encoded if o.kind not in {"label", "loop", "labels"}}
            has_targets = any(o.form is Form.LABELS for o in row.encoded)
            probe = encode(
                row.name,
                at,
                (at,) * 3 if has_targets else (),
                **values,
                **{o.name: at for o in row.encoded if o.kind in {"label", "loop"}},
            )
            behind = at + len(probe) + 8
            labels = {
                o.name: behind if o.form is Form.LABEL else r.choice([at - 8, at])
                for o in row.encoded
                if o.kind in {"label", "loop"}
            }
            targets = (behind, behind + 8, at - 8) if has_targets else ()
            code += encode(row.name, at, targets, **values, **labels) + encode("halt") + UNREACHABLE * 2
            found.append(Trial(at, row, frame(r), r.choice([0, 1, 2, 9])))
    return bytes(code), found


@cache
def window() -> Window:
    """All trials as one module."""
    code = trials()[0]
    functions = FUNCTION.pack(0, len(code), 64, 0, 0, 0, 0)
    returns = bytes(len(code) // 64 + 1)
    module = ModuleCode(
        "", WasmFile.of(b""), (TYPE,), (), (), (0,), (), (), (), (), (), DataSegments(), None, code, b"", returns, functions, b"", ()
    )  # fmt: skip
    return Window(Preamble(), (module,), portable=False)


def records() -> bytes:
    """The arena before a trial: two instances, a table, references, a global."""
    r = random.Random(2)
    arena = bytearray(r.randbytes(USED))
    view = memoryview(arena)
    for instance, memory in ((INSTANCE, MEMORY), (OTHER, OTHER_MEMORY)):
        InstanceRecord.memory.write(view, instance, memory)
        InstanceRecord.funcrefs.write(view, instance, REFERENCE)
        another = OTHER_MEMORY if memory == MEMORY else MEMORY
        struct.pack_into("<IIII", view, instance + TABLE_WORD, TABLE_AT, REFERENCE, GLOBAL, another)
        MemoryRecord.area.write(view, memory, int(memory == OTHER_MEMORY))
    TableRecord.elements.write(view, TABLE_AT, ELEMENTS)
    TableRecord.length.write(view, TABLE_AT, 5)
    struct.pack_into("<5I", view, ELEMENTS, REFERENCE, 0, WRONG, REFERENCE, WRONG)
    for reference, handle, vmctx in ((REFERENCE, THUNKS, OTHER), (WRONG, 0xFFFFFFFF, INSTANCE)):
        FuncRefRecord.code.write(view, reference, handle)
        FuncRefRecord.vmctx.write(view, reference, vmctx)
    return bytes(arena)
