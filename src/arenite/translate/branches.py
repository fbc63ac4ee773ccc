"""Writes branches: what was computed for one just before becomes part of it.

- A comparison, its inverse if the branch wants that; at the end of a counted loop the addition before it as well.
- What else made the condition, where there is such an op (`bytecode.ops`, KEPT).

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-br, exec-br_if.
"""

from __future__ import annotations

from typing import final

from librt.strings import write_i32_le, write_i64_le
from mypy_extensions import i32, i64

from arenite.translate.tables import (
    ADDITION,
    BR,
    BR_IF,
    BR_UNLESS,
    BRANCH_IF,
    BRANCH_UNLESS,
    EQZ,
    IMMEDIATE,
    INCREMENT,
    INVERSE,
    LOOP_BR,
    LOOPING,
    MIRRORED,
    NEZ,
    SUM,
    entry,
)
from arenite.translate.writer import UNIT, OpWriter, signed32


@final
class Branches:
    """Branches to labels that are still ahead, or to a loop's beginning."""

    def __init__(self, writer: OpWriter) -> None:
        self.writer = writer

    def target(self, label: i64, loop: i64, pc: i64) -> None:
        """The displacement of a branch: to the loop at `loop`, or to a label when that is NONE."""
        if loop < 0:
            self.writer.use(label, pc)
        else:
            write_i32_le(self.writer.out, i32((loop - pc) >> 3))

    def branch(self, label: i64, loop: i64) -> None:
        """Go there."""
        writer = self.writer
        pc = writer.begin(UNIT)
        write_i32_le(writer.out, i32(BR if loop < 0 else LOOP_BR))
        self.target(label, loop, pc)
        writer.barrier()

    def branch_if(self, slot: i64, sense: bool, label: i64, loop: i64) -> None:  # noqa: FBT001 (compiled, by position)
        """Go there if the truth of `slot` is `sense`; the comparison that made it becomes part of the branch."""
        writer = self.writer
        while writer.last >= 0 and slot == writer.last_dst and slot >= writer.first_temp:
            if writer.last_code in (EQZ, NEZ) and writer.half(writer.last + 6) == 0:
                if writer.last_code == EQZ:
                    sense = not sense
                slot = writer.half(writer.last + 4)
                writer.undo()
            else:
                comparison = writer.last_code
                inverse = entry(INVERSE, comparison)
                if not sense and inverse != 0:
                    comparison, sense = inverse, True
                code = entry(BRANCH_IF if sense else BRANCH_UNLESS, comparison)
                if code == 0:
                    break
                self.compare_and_branch(code, comparison, label, loop)
                return
        code = BR_IF if sense else BR_UNLESS
        if loop >= 0:
            code = entry(LOOPING, code)
        if writer.join(code, slot):
            self.target(label, loop, writer.last)
            write_i32_le(writer.out, i32(0))
        else:
            pc = writer.begin(UNIT)
            write_i32_le(writer.out, i32(signed32(code | slot << 16)))
            self.target(label, loop, pc)
        writer.barrier()

    def compare_and_branch(self, code: i64, comparison: i64, label: i64, loop: i64) -> None:
        """The last op, a comparison, becomes the branch `code`; at the end of a counted loop with the addition before it."""
        writer = self.writer
        a, b = writer.half(writer.last + 4), writer.half(writer.last + 6)
        writer.undo()
        if loop >= 0 and self.count(comparison, a, b, loop):
            return
        pc: i64 = len(writer.out)
        writer.word(code if loop < 0 else entry(LOOPING, code), a, b, 0)
        self.target(label, loop, pc)
        write_i32_le(writer.out, i32(0))
        writer.barrier()

    def count(self, comparison: i64, a: i64, b: i64, loop: i64) -> bool:
        """Make one op of the addition before, `x += n`, and a back-edge on a comparison of x, if that is what they are."""
        writer = self.writer
        x = writer.last_dst
        add = entry(SUM, comparison)
        stepping = writer.last_code == entry(IMMEDIATE, add)
        if writer.last < 0 or add == 0 or not (stepping or writer.last_code == add):
            return False
        first, step = writer.half(writer.last + 4), writer.half(writer.last + 6)
        if not stepping and step == x:
            first, step = step, first
        slots = entry(IMMEDIATE, comparison) != 0  # both operands of the comparison are slots
        if slots and b == x:
            comparison, a, b = entry(MIRRORED, comparison), b, a
        code = entry(INCREMENT if stepping else ADDITION, comparison)
        if code == 0 or first != x or a != x or (slots and b == x):
            return False
        writer.undo()
        pc: i64 = len(writer.out)
        writer.word(code, x, step, b)
        write_i64_le(writer.out, (loop - pc) >> 3 & 0xFFFFFFFF)
        writer.barrier()
        return True
