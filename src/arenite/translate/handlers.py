"""What throws, what catches, and the section of handlers (`bytecode.handlers`).

- A `try_table` writes no op.  What its catches are is written when an op in it may throw, as a group of clauses; one whose body cannot throw has none.
- A handler begins where the label stands that a catch names, or, of the function's own label, behind the function.  What it receives lies where
  a branch there would bring it, so the clauses of all catches that name a label lead to one place.
- Ops that may throw are calls, but tail calls, and throws.  A region begins at one that has another group than the one before it.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-throw, exec-throw_ref, exec-try_table.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i64

from arenite.bytecode import handlers
from arenite.bytecode.words import patch
from arenite.layout.handlers import COUNT_SHIFT, END, LINK, WANTS_REFERENCE
from arenite.translate.blocks import LOOP, Blocks, OpenBlock
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import THROW, THROW_REF
from arenite.translate.writer import NONE, OpWriter, signed32
from arenite.wasm.budget import WRITTEN, Budget
from arenite.wasm.sink import CATCH_ALL, REFS

REGION: Final[i64] = handlers.REGION
CLAUSE: Final[i64] = handlers.CLAUSE
COUNT_ONE: Final[i64] = 256
assert COUNT_ONE == 1 << COUNT_SHIFT


@final
class Handlers:
    """Regions and groups of one module.  `active`: the group of the last op that may throw; `used`: something throws or catches."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, records: Records, blocks: Blocks, budget: Budget) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.records = records
        self.blocks = blocks
        self.budget = budget
        self.regions = BytesWriter()
        self.clauses = BytesWriter()
        self.fixes = (
            BytesWriter()
        )  # of the function at hand: where a clause has its handler's pc, and the handler's label, as i32
        self.active: i64 = 0
        self.used = False
        self.marks: list[int] = [0, 0]

    # a function

    def begin(self) -> None:
        """A function begins."""
        self.active = 0
        self.marks = [len(self.regions), len(self.clauses)]

    def cancel(self) -> None:
        """Forget the function at hand."""
        regions, clauses = self.marks
        self.regions.truncate(regions)
        self.clauses.truncate(clauses)
        self.fixes.truncate(0)

    def finish(self) -> None:
        """The function is complete, and its labels have their places."""
        fixes = self.fixes.getvalue()
        size: i64 = len(fixes)
        at: i64 = 0
        while at < size:
            patch(self.clauses, i64(read_i32_le(fixes, at)), self.writer.labels[i64(read_i32_le(fixes, at + 4))])
            at += 8
        self.fixes.truncate(0)

    def section(self) -> bytes:
        """The module's section."""
        if not self.used:
            return b""
        count = len(self.regions) // int(REGION)
        return b"".join((count.to_bytes(handlers.HEAD, "little"), self.regions.getvalue(), self.clauses.getvalue()))

    # instructions

    def throw(self, tag: i64, at: i64) -> None:
        """A safepoint: in a search for the handler the run stands here."""
        s = self.s
        writer = self.writer
        count = i64(self.shape.tag_slots[tag])
        s.settle_top(count)
        self.stop(at)
        writer.effect32(THROW, 0, self.shape.tags[tag])
        writer.tail(s.temporary(s.height - count), 0)
        s.drop(count)

    def throw_ref(self, at: i64) -> None:
        """Likewise."""
        s = self.s
        h = s.top(1)
        if s.where[h] < 0:
            s.settle(h)
        self.stop(at)
        self.writer.effect32(THROW_REF, 0, s.where[h])
        s.drop(1)

    def stop(self, at: i64) -> None:
        """The op that comes throws."""
        self.used = True
        pc = self.writer.pc()
        self.throws(pc)
        self.writer.barrier()
        self.records.safepoint(pc, at, self.s)

    def try_table(self, params: tuple[int, ...], results: tuple[int, ...], catches: list[tuple[int, int, int]]) -> None:
        """A block."""
        self.s.settle_locals()
        self.blocks.open_try(params, results, catches)

    # regions and groups

    def throws(self, pc: i64) -> None:
        """The op that comes, at `pc`, may throw."""
        trying = self.blocks.trying
        group: i64 = 0
        if trying >= 0:
            group = self.blocks.blocks[trying].group
            if group == 0:
                group = self.group(trying)
        if group != self.active:
            self.used = True
            self.active = group
            self.budget.pay(WRITTEN * REGION)
            write_i32_le(self.regions, signed32(pc))  # type: ignore[arg-type]
            write_i32_le(self.regions, signed32(group))  # type: ignore[arg-type]

    def group(self, trying: i64) -> i64:
        """The group of a block that catches, written after those of the blocks around it."""
        blocks = self.blocks.blocks
        missing: list[int] = []
        around: i64 = 0
        while trying >= 0 and around == 0:
            block = blocks[trying]
            around = block.group
            if around == 0:
                missing.append(int(trying))
            trying = block.outer
        for index in reversed(missing):
            block = blocks[index]
            if len(block.catches) > 0:
                around = self.write(block, index, around)
            block.group = around
        return around

    def write(self, block: OpenBlock, index: i64, around: i64) -> i64:
        """Write the group of a block, which goes on with that of the block around it; its number."""
        number = i64(len(self.clauses)) // CLAUSE + 1
        self.budget.pay(WRITTEN * CLAUSE * (i64(len(block.catches)) + 1))
        for kind, tag, depth in block.catches:
            target = self.blocks.blocks[index - 1 - depth]
            flags: i64 = WANTS_REFERENCE if kind in REFS else 0
            place: i64 = 0
            if kind < CATCH_ALL:
                place = i64(self.shape.tags[tag])
                flags += COUNT_ONE * i64(self.shape.tag_slots[tag])
            self.clause(place, self.handler(target), self.s.temporary(target.height), flags)
        if around != 0:
            self.clause(0, around, 0, LINK)
        else:
            self.clause(0, 0, 0, END)
        return number

    def handler(self, target: OpenBlock) -> i64:
        """Where the handler of a label begins, as far as that is known."""
        if target.kind == LOOP:
            return target.start
        if target.caught == NONE:
            target.caught = self.writer.label()
        write_i32_le(self.fixes, len(self.clauses) + 4)
        write_i32_le(self.fixes, target.caught)  # type: ignore[arg-type]
        return 0

    def clause(self, tag: i64, target: i64, values: i64, flags: i64) -> None:
        """Write a clause."""
        write_i32_le(self.clauses, signed32(tag))  # type: ignore[arg-type]
        write_i32_le(self.clauses, signed32(target))  # type: ignore[arg-type]
        write_i32_le(self.clauses, signed32(values))  # type: ignore[arg-type]
        write_i32_le(self.clauses, signed32(flags))  # type: ignore[arg-type]
