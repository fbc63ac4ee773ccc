"""What the translator looks up, derived from the table of ops and from WebAssembly's opcodes; nothing here is written by hand twice.

A table of codes is `bytes`, two for each entry (`entry`): the fastest thing that compiled and plain Python index alike.  0, the code
of `halt`, which is never emitted, says "there is none".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import read_i16_le
from mypy_extensions import i64

from arenite.bytecode import memory, ops, vectors
from arenite.bytecode.ops import BY_DERIVATION, COMMUTATIVE, KEPT, PAIRS, ROWS, TABLE
from arenite.wasm.codes import CODES
from arenite.wasm.opcodes import OPCODES, Opcode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from arenite.bytecode.row import Row

COUNT: Final[i64] = len(TABLE)


def entry(table: bytes, index: i64) -> i64:
    """The code in a table."""
    return i64(read_i16_le(table, 2 * index))


def code(name: str) -> int:
    """The code of an op, 0 if there is none of this name."""
    row = ROWS.get(name)
    return row.code if row else 0


def derived(*derivation: str) -> int:
    """The code of the op that was derived so (`row.DERIVATIONS`), 0 if there is none."""
    row = BY_DERIVATION.get(derivation)
    return row.code if row else 0


def by_code(change: Callable[[Row], int]) -> bytes:
    """A table from each op to the one whose code `change` gives."""
    return b"".join(change(row).to_bytes(2, "little") for row in TABLE)


def derivatives(how: str, *second: str) -> bytes:
    """A table from each op to what was derived from it."""
    return by_code(lambda row: derived(how, row.name, *second))


# -------------------------------------------------------------------------------------------------- from WebAssembly

LOAD_ROWS: Final = {
    "i32.load": "load32",
    "i64.load": "load64",
    "f32.load": "load32",
    "f64.load": "load64",
    "i32.load8_u": "load8_u",
    "i32.load16_u": "load16_u",
    "i64.load8_u": "load8_u",
    "i64.load16_u": "load16_u",
    "i64.load32_u": "load32",
    "i32.load8_s": "load8_s.i32",
    "i32.load16_s": "load16_s.i32",
    "i64.load8_s": "load8_s.i64",
    "i64.load16_s": "load16_s.i64",
    "i64.load32_s": "load32_s.i64",
}


STORE_ROWS: Final = {narrow.size: name for name, narrow, _ in memory.STORES}
OTHER_ROWS: Final = {  # those of other names
    "i32.eqz": "i32.eq_imm",
    "i64.eqz": "i64.eq_imm",
    "f32x4.splat": "i32x4.splat",  # a slot holds bits
    "f64x2.splat": "i64x2.splat",
    "f32x4.extract_lane": "i32x4.extract_lane",
    "f32x4.replace_lane": "i32x4.replace_lane",
    "f64x2.replace_lane": "i64x2.replace_lane",
    **vectors.RELAXED,
}


def code_for(opcode: Opcode) -> int:
    """The op that does what an instruction does, when one op alone does; of an access, that of memory 0."""
    if not opcode.width:
        return code(OTHER_ROWS.get(opcode.name, opcode.name))
    if opcode.chapter == "vector":
        return derived("memory0", opcode.name)
    return derived("memory0", LOAD_ROWS.get(opcode.name) or STORE_ROWS[opcode.width])


def _instructions() -> bytes:
    table = bytearray(2 * CODES)
    for opcode in OPCODES:
        table[2 * opcode.code : 2 * opcode.code + 2] = code_for(opcode).to_bytes(2, "little")
    return bytes(table)


INSTRUCTIONS: Final = _instructions()

# ------------------------------------------------------------------------------------------------------- from the ops

SIZES: Final = {name: size for size, name in STORE_ROWS.items()} | {name: narrow.size for name, narrow, *_ in memory.LOADS}
SUMS: Final = {"i32": "i32.add", "i64": "i64.add"}  # of what is compared


def _access(row: Row) -> str:
    """What an op is for memory 0, by the name that it has among those of any memory."""
    if row.derivation[:1] == ("far",):
        return _access(ROWS[row.derivation[1]])
    return row.derivation[1] if row.derivation[:1] == ("memory0",) else row.name


def _size(row: Row) -> int:
    return SIZES.get(_access(row), 0) if row.derivation[:1] == ("memory0",) else 0


def _sum(row: Row) -> int:
    return code(SUMS.get(row.operands[0].kind, "")) if row.operands else 0


IMMEDIATE: Final = derivatives("immediate")
FAR: Final = derivatives("far")
FIRST64: Final = by_code(lambda row: derived("i64", _access(row)))
ANY: Final = by_code(lambda row: derived("any", _access(row)))
WIDTHS: Final = bytes(map(_size, TABLE))  # bytes that an access of memory 0 reads or writes
LOOPING: Final = derivatives("loop")
MIRRORED: Final = by_code(lambda row: code(ops.MIRRORED.get(row.name, "")))
INVERSE: Final = by_code(lambda row: code(ops.INVERSE.get(row.name, "")))
BRANCH_IF: Final = derivatives("fused", "br_if")
BRANCH_UNLESS: Final = derivatives("fused", "br_unless")
INCREMENT: Final = derivatives("inc_br_if")
ADDITION: Final = derivatives("add_br_if")
SUM: Final = by_code(_sum)  # the addition of the type that a comparison compares

SECONDS: Final = tuple(dict.fromkeys(second for _, second in PAIRS))
# which row of PAIRED_LEFT and PAIRED_RIGHT belongs to an op as the second of a pair; 0: none
SECOND: Final = bytes(SECONDS.index(row.name) + 1 if row.name in SECONDS else 0 for row in TABLE)


def _joined(pairs: Iterable[tuple[str, str]], seconds: tuple[str, ...], how: str) -> bytes:
    """Codes of superinstructions: (1 + place among `seconds`) * COUNT + first."""
    table = bytearray(2 * COUNT * (1 + len(seconds)))
    for first, second in pairs:
        at = 2 * ((1 + seconds.index(second)) * COUNT + code(first))
        table[at : at + 2] = derived("fused" if how == "right" and second in COMMUTATIVE else how, first, second).to_bytes(
            2, "little"
        )
    return bytes(table)


# codes of the superinstructions in which the first result is the second op's operand on that side: SECOND * COUNT + first
PAIRED_LEFT: Final = _joined(PAIRS, SECONDS, "fused")
PAIRED_RIGHT: Final = _joined(PAIRS, SECONDS, "right")

ENDS: Final = tuple(dict.fromkeys(second for _, second in KEPT))
# which row of JOINED belongs to an op without result; 0: none
END: Final = bytes(ENDS.index(row.name) + 1 if row.name in ENDS else 0 for row in TABLE)
# codes of the superinstructions that write the first result as well: END * COUNT + first
JOINED: Final = _joined(KEPT, ENDS, "kept")

ADD: Final[i64] = code("i32.add")
ADD_IMM: Final[i64] = code("i32.add_imm")
ADD64: Final[i64] = code("i64.add")
AND: Final[i64] = code("i32.and")
AND64: Final[i64] = code("i64.and")
BR: Final[i64] = code("br")
BR_IF: Final[i64] = code("br_if")
BR_TABLE: Final[i64] = code("br_table")
BR_UNLESS: Final[i64] = code("br_unless")
CALL: Final[i64] = code("call")
CALL_IMPORT: Final[i64] = code("call_import")
CALL_INDIRECT: Final[i64] = code("call_indirect")
CALLEE: Final[i64] = code("callee")
CARRY: Final[i64] = code("carry")
CLAMP: Final[i64] = code("i32.clamp_i64")
CONST32: Final[i64] = code("i32.const")
CONST64: Final[i64] = code("i64.const")
ENTER: Final[i64] = code("enter0")
EQZ: Final[i64] = code("i32.eq_imm")
EQZ64: Final[i64] = code("i64.eq_imm")
EXTEND: Final[i64] = code("i64.extend_i32_s")
FRAME_GET: Final[i64] = code("frame.get far")
FRAME_SET: Final[i64] = code("frame.set far")
GLOBAL_GET: Final[i64] = code("global.get")
GLOBAL_GET_IMPORTED: Final[i64] = code("global.get imported")
GLOBAL_SET: Final[i64] = code("global.set")
GLOBAL_SET_IMPORTED: Final[i64] = code("global.set imported")
LOAD32: Final[i64] = code("load32 memory0")
LOAD64: Final[i64] = code("load64 memory0")
LOOP_BR: Final[i64] = code("loop_br")
MEMORY_COPY: Final[i64] = code("memory.copy")
MEMORY_FILL: Final[i64] = code("memory.fill")
MEMORY_GROW: Final[i64] = code("memory.grow")
MEMORY_INIT: Final[i64] = code("memory.init")
MEMORY_SIZE: Final[i64] = code("memory.size")
MOVE: Final[i64] = code("move")
MOVE_VECTOR: Final[i64] = code("v128.move")
NEZ: Final[i64] = code("i32.ne_imm")
REF_FUNC: Final[i64] = code("ref.func")
REF_FUNC_IMPORTED: Final[i64] = code("ref.func imported")
RETURN: Final[i64] = code("return")
RETURN_CALL: Final[i64] = code("return_call")
RETURN_CALL_IMPORT: Final[i64] = code("return_call_import")
RETURN_CALL_INDIRECT: Final[i64] = code("return_call_indirect")
SELECT: Final[i64] = code("select")
SHL_IMM: Final[i64] = code("i32.shl_imm")
SHR_IMM: Final[i64] = code("i32.shr_u_imm")
STORE32: Final[i64] = code("store32 memory0")
STORE64: Final[i64] = code("store64 memory0")
SUB: Final[i64] = code("i32.sub")
SUB64: Final[i64] = code("i64.sub")
TABLE_GET: Final[i64] = code("table.get")
TABLE_SET: Final[i64] = code("table.set")
TABLE_SIZE: Final[i64] = code("table.size")
THROW: Final[i64] = code("throw")
THROW_REF: Final[i64] = code("throw_ref")
UNREACHABLE: Final[i64] = code("unreachable")
VECTOR_CONST: Final[i64] = code("v128.const")
VECTOR_GLOBAL_GET: Final[i64] = code("v128.global.get")
VECTOR_GLOBAL_GET_IMPORTED: Final[i64] = code("v128.global.get imported")
VECTOR_GLOBAL_SET: Final[i64] = code("v128.global.set")
VECTOR_GLOBAL_SET_IMPORTED: Final[i64] = code("v128.global.set imported")
VECTOR_SELECT: Final[i64] = code("v128.select")
VECTOR_SHUFFLE: Final[i64] = code("i8x16.shuffle")
WRAP: Final[i64] = code("i32.wrap_i64")
ZERO16: Final[i64] = code("zero16")
