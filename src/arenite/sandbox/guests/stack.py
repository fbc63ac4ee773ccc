"""A larger C stack for a module that its linker has given a small one.

Linkers put the stack in front of a module's data, so that what overflows it traps, and make its pointer the module's first global.  Here that begins
at the end of further pages, behind the data and the first piece of the heap: an allocator knows that piece's end by a constant, and takes what it
needs beyond by `memory.grow`.  What overflows the new stack would not trap but write to the heap, so it has to be so large that other limits are
reached before.

Example:  Module(engine, with_stack(wasm, 16 << 20))
"""

from __future__ import annotations

from typing import Final

from arenite.errors import Failure
from arenite.wasm.reader import Reader

HEADER: Final = 8
MEMORIES: Final = 5
GLOBALS: Final = 6
PAGE: Final = 1 << 16
POINTER: Final = b"\x7f\x01\x41"  # i32, mutable, i32.const
MOST_PAGES: Final = 1 << 15  # the pointer is read as signed


def with_stack(wasm: bytes, size: int) -> bytes:
    """The module with a stack of so many bytes, pages of 64 KiB.  Raises: `Failure` for one that is not as above, `DecodeError`."""
    found, sections, end = bytearray(wasm[:HEADER]), Reader(wasm, HEADER, len(wasm)), 0
    done = set[int]()
    while not sections.done():
        section, length = sections.byte(), sections.u32()
        begin = sections.pos
        body = wasm[begin : begin + length]
        sections.take(length)
        if section == MEMORIES:
            body, end = grown(body, size // PAGE)
        elif section == GLOBALS:
            body = pointing(body, end)
        done.add(section)
        found += bytes([section]) + leb(len(body)) + body
    if not {MEMORIES, GLOBALS} <= done:
        raise Failure("a module without a memory or a global has no stack")
    return bytes(found)


def grown(body: bytes, pages: int) -> tuple[bytes, int]:
    """The section of a memory that begins with more pages; where it ends then."""
    reader = Reader(body, 0, len(body))
    count, flags, least = reader.u32(), reader.byte(), reader.u32()
    if count != 1 or flags != 0 or least + pages >= MOST_PAGES:
        raise Failure("only one memory without a maximum can be given a stack")
    return bytes([count, flags]) + leb(least + pages) + body[reader.pos :], (least + pages) * PAGE


def pointing(body: bytes, at: int) -> bytes:
    """The section of globals of which the first begins with another value."""
    reader = Reader(body, 0, len(body))
    reader.u32()
    begin = reader.pos
    if body[begin : begin + len(POINTER)] != POINTER:
        raise Failure("the first global is not the pointer of a stack")
    reader.take(len(POINTER))
    reader.signed(32)
    return body[: begin + len(POINTER)] + signed_leb(at) + body[reader.pos :]


def leb(value: int) -> bytes:
    """As an unsigned LEB128."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])


def signed_leb(value: int) -> bytes:
    """A number that is not negative as a signed LEB128."""
    found = leb(value)
    return found if found[-1] < 0x40 else found[:-1] + bytes([found[-1] | 0x80, 0])
