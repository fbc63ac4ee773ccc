"""Addresses of the raw layout (`layout.raw`), for measurement only: the one place with casts between integers and pointers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.protocol import I64, Value
from arenite.emit.addressing import MEMORY, Spaces
from arenite.layout.spaces import Space

if TYPE_CHECKING:
    from arenite.emit.addressing import Line


def pointer(line: Line, address: Value) -> str:
    """A `ptr` of an address that a record holds."""
    return line(f"inttoptr i64 {address.text} to ptr")


def pc(line: Line, address: Value) -> Value:
    """The pc of bytecode at an address."""
    return Value(I64, line(f"sub i64 {address.text}, {line('ptrtoint ptr %code to i64')}"))


def absolute(line: Line, offset: Value, least: int = 0) -> Value:
    """The address of an offset of the store context (i32); below `least` the number itself."""
    wide = line(f"zext i32 {offset.text} to i64")
    address = line(f"add i64 {wide}, {line('ptrtoint ptr %base to i64')}")
    return Value(I64, line(f"select i1 {line(f'icmp ult i64 {wide}, {least}')}, i64 {wide}, i64 {address}"))


class Raw(Spaces):
    """What leads to a record is its address; frames, the store context and memories are addressed as by `Spaces`."""

    name = "raw"

    def address(self, line: Line, space: Space, offset: Value, disp: int, memory: str = MEMORY) -> str:
        """A `ptr` to `space[offset + disp]`."""
        if space is not Space.ARENA:
            return super().address(line, space, offset, disp, memory)
        assert offset.type is I64, "a record has an address"
        found = pointer(line, offset)
        return line(f"getelementptr i8, ptr {found}, i64 {disp}") if disp else found

    def memory(self, line: Line, area: Value) -> str:
        """The address of a memory, which its record has."""
        return pointer(line, area)
