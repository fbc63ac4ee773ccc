"""Words of four bytes, low byte first: in what is still being written, and in tables of the functions of a module.

Compiled by mypyc.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i32, i64, u8

TOP: Final = 0x8000_0000


def patch(out: BytesWriter, at: i64, value: i64) -> None:
    """Overwrite one."""
    out[at] = u8(value & 0xFF)
    out[at + 1] = u8(value >> 8 & 0xFF)
    out[at + 2] = u8(value >> 16 & 0xFF)
    out[at + 3] = u8(value >> 24 & 0xFF)


def word_at(out: BytesWriter, at: i64) -> i64:
    """Read one."""
    return i64(out[at]) | i64(out[at + 1]) << 8 | i64(out[at + 2]) << 16 | i64(out[at + 3]) << 24


def put(out: BytesWriter, word: i64) -> None:
    """Write one at the end."""
    write_i32_le(out, i32((word ^ TOP) - TOP))


def entry_table(functions: bytes, size: i64, types: tuple[int, ...], ids: bytes, origin: i64) -> bytes:
    """A window's entries, four words each, for a module that lies at `origin` in it.

    `functions`: records of `size` bytes that begin with begin, end, frame size; `types`: a type of each; `ids`: words, of each type.
    """
    out = BytesWriter()
    for number in range(i64(len(types))):
        put(out, origin + i64(read_i32_le(functions, number * size)))
        write_i32_le(out, read_i32_le(functions, number * size + 8))
        write_i32_le(out, read_i32_le(ids, 4 * i64(types[number])))
        write_i32_le(out, i32(0))
    return out.getvalue()


def reference_table(count: i64, handle: i64, vmctx: i64, function: i64) -> bytes:
    """Function references, four words each: of so many functions of one instance, whose handles and indexes ascend."""
    out = BytesWriter()
    for number in range(count):
        write_i32_le(out, i32(0))
        put(out, handle + number)
        put(out, vmctx)
        put(out, function + number)
    return out.getvalue()


def exchange_entries(
    code: memoryview[int], table: memoryview[int], functions: bytes, size: i64, origin: i64, opcode: i64, more: i64
) -> None:
    """Put an opcode in the place of the first one of every function, and that one, with `more`, where `table` has a word for its unit of code.

    `code`: u16, of a window; `functions`, `size`, `origin`: as of `entry_table`.  Where the opcode is already, nothing changes.
    """
    for number in range(i64(len(functions)) // size):
        pc = origin + i64(read_i32_le(functions, number * size))
        before = i64(code[pc >> 1])
        if before != opcode:
            table[pc >> 3] = before | more
            code[pc >> 1] = opcode
