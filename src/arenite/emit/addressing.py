"""The only place where a machine address is formed: an address space, an offset and a displacement become a `ptr`.

Two ways behind one interface, to be measured against each other:

- `Single`: one base; where the instance's memory lies is an offset from it;
- `Spaces`: one base per address space; the memory has a pointer of its own.

Invariants: no `inttoptr`, no `ptrtoint`; an offset into the arena, a frame, the window or the store page is an i32 and is
zero-extended here, so nothing wider gets in; no `nuw`, `nsw`, `inbounds`.  Alias facts stand on each access, never on parameters:
host calls and growth write memory behind them.

Example:  Single().address(line, Space.ARENA, Value(I32, "%t1"), 16)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from arenite.bytecode.protocol import I32, I64, Value
from arenite.layout import handlers
from arenite.layout.cage import AREA_SIZE, MEMORY_AT, STORE_AT, WINDOW_AT
from arenite.layout.frame import RETURN_MAP_SIZE
from arenite.layout.side_tables import SIDE_TABLES
from arenite.layout.spaces import SPACES, Space

MEMORY: Final = "%memory"  # what is carried for the instance's memory 0
Line = Callable[[str], str]  # emits `%n = <text>` and returns "%n"

BELOW_CODE: Final = {Space.RETURNS: RETURN_MAP_SIZE} | handlers.TABLES_AT | {space: t.below for space, t in SIDE_TABLES.items()}
BESIDE_CODE: Final = {Space.BYTECODE: 0} | {space: -below for space, below in BELOW_CODE.items()}
FIXED: Final = {Space.STORE: STORE_AT, Space.WINDOW: WINDOW_AT} | BESIDE_CODE
_CLASSES: Final = tuple(dict.fromkeys(row.alias for row in SPACES.values()))


class Addressing(Protocol):
    """How an access is addressed."""

    name: str
    memory_type: str  # LLVM type of what is carried for the instance's memory

    def address(self, line: Line, space: Space, offset: Value, disp: int, memory: str = MEMORY) -> str:
        """A `ptr` to `space[offset + disp]`; `memory`: what is carried for the memory, or `memory` gives."""

    def memory(self, line: Line, area: Value) -> str:
        """What is carried for a memory, from its area's checked index."""


def alias_metadata() -> str:
    """The named facts that `alias_tag` refers to: accesses of different classes never overlap."""
    count = len(_CLASSES)
    lines = ["!0 = distinct !{!0}"]
    lines += [f"!{1 + i} = distinct !{{!{1 + i}, !0}}" for i in range(count)]
    lines += [f"!{1 + count + i} = !{{!{1 + i}}}" for i in range(count)]
    for i in range(count):
        others = ", ".join(f"!{1 + k}" for k in range(count) if k != i)
        lines.append(f"!{1 + 2 * count + i} = !{{{others}}}")
    return "\n".join(lines) + "\n"


def alias_tag(space: Space) -> str:
    """What an access of this space says about aliases."""
    i, count = _CLASSES.index(SPACES[space].alias), len(_CLASSES)
    return f", !alias.scope !{1 + count + i}, !noalias !{1 + 2 * count + i}"


def widened(line: Line, offset: Value) -> Value:
    """An offset as an i64: an i32 is zero-extended."""
    if offset.type is I64:
        return offset
    if offset.constant is not None:
        return Value(I64, str(offset.constant), offset.constant)
    return Value(I64, offset.extended or line(f"zext i32 {offset.text} to i64"))


def _step(line: Line, base: str, offset: Value, disp: int) -> str:
    if offset.constant is not None:
        return _moved(line, base, offset.constant + disp)
    return line(f"getelementptr i8, ptr {_moved(line, base, disp)}, i64 {offset.text}")


def _moved(line: Line, base: str, disp: int) -> str:
    return line(f"getelementptr i8, ptr {base}, i64 {disp}") if disp else base


def _common(line: Line, space: Space, offset: Value, disp: int) -> str:
    """The spaces that both ways address alike."""
    assert offset.type is I32 or space in BESIDE_CODE, "an offset into the cage is an i32"
    base = "%code" if space in BESIDE_CODE else "%fp" if space is Space.FRAME else "%base"
    return _step(line, base, widened(line, offset), disp + FIXED.get(space, 0))


class Single:
    """Everything is the base plus an offset."""

    name = "single"
    memory_type = "i64"

    def address(self, line: Line, space: Space, offset: Value, disp: int, memory: str = MEMORY) -> str:
        """A `ptr` to `space[offset + disp]`; `memory`: what is carried for the memory, or `memory` gives."""
        if space is not Space.MEMORY:
            return _common(line, space, offset, disp)
        return _step(line, "%base", Value(I64, line(f"add i64 {memory}, {widened(line, offset).text}")), disp)

    def memory(self, line: Line, area: Value) -> str:
        """The area's offset from the base."""
        return line(f"add i64 {line(f'mul i64 {widened(line, area).text}, {AREA_SIZE}')}, {MEMORY_AT}")


class Spaces:
    """Each address space has a base of its own; memory's is a register."""

    name = "spaces"
    memory_type = "ptr"

    def address(self, line: Line, space: Space, offset: Value, disp: int, memory: str = MEMORY) -> str:
        """A `ptr` to `space[offset + disp]`; `memory`: what is carried for the memory, or `memory` gives."""
        if space is not Space.MEMORY:
            return _common(line, space, offset, disp)
        return _step(line, memory, widened(line, offset), disp)

    def memory(self, line: Line, area: Value) -> str:
        """The area's address, from the base."""
        return _step(line, "%base", Value(I64, line(f"mul i64 {widened(line, area).text}, {AREA_SIZE}")), MEMORY_AT)
