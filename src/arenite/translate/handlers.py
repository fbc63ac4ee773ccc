"""What throws, what catches, and the section of handlers (`bytecode.handlers`).

- A block that catches writes no op.  What its catches are is written at the function's end, as a group of clauses, if an op in it may throw.
- A handler begins where the label stands that a catch names, or, of the function's own label, behind the function.  What it receives lies where
  a branch there would bring it, so the clauses of all catches that name a label lead to one place.
- Ops that may throw are calls, but tail calls, and throws.  A region begins at one that has another group than the one before it.
- The older form is `Older`'s.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-throw, exec-throw_ref, exec-try_table.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from mypy_extensions import i32, i64

from arenite.bytecode import handlers
from arenite.layout.handlers import COUNT_SHIFT, END, LINK, WANTS_REFERENCE
from arenite.translate.blocks import LOOP, TRY, Blocks, Clause, OpenBlock
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import THROW, THROW_REF
from arenite.translate.writer import NONE, UNIT, OpWriter, signed32
from arenite.wasm.budget import CLAUSE as CLAUSE_PRICE
from arenite.wasm.budget import TRYING, WRITTEN, Budget
from arenite.wasm.sink import CATCH_ALL, REFS

REGION: Final[i64] = handlers.REGION
CLAUSE: Final[i64] = handlers.CLAUSE
COUNT_ONE: Final[i64] = 256
assert COUNT_ONE == 1 << COUNT_SHIFT


@final
class CatchingBlock:
    """A block of the function at hand that catches, as long as its handlers are not written.

    `outer`: number of the one where exceptions go on that it does not catch, or NONE; `needed`: an op in it may throw; `reached`: a search comes to it; `group`: the number of its
    first clause, or what it goes on with where it has none.
    """

    def __init__(self, outer: i64) -> None:
        self.outer: i64 = outer
        self.needed = False
        self.reached = False
        self.clauses: list[Clause] = []
        self.group: i64 = 0


@final
class Handlers:
    """Regions and groups of one module.  `used`: something throws or catches.

    Of the function at hand: `tries`; `active`: the number of that in which the last op was that may throw, or NONE; `places`: pc and number, as i32,
    where another becomes active.
    """

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, records: Records, blocks: Blocks, budget: Budget) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.records = records
        self.blocks = blocks
        self.budget = budget
        self.regions = BytesWriter()
        self.clauses = BytesWriter()
        self.used = False
        self.tries: list[CatchingBlock] = []
        self.places = BytesWriter()
        self.active: i64 = NONE
        self.clause_count: i64 = 0
        self.most_tries: i64 = 0  # of a function: so many have been paid for
        self.most_clauses: i64 = 0

    # a function

    def begin(self) -> None:
        """A function begins; nothing is left of one that was to be forgotten."""
        self.active = NONE
        self.clause_count = 0
        if len(self.tries) > 0:
            self.tries = []
        self.places.truncate(0)

    def finish(self) -> None:
        """The function is complete, and its labels have their places: write its groups, the outer ones first, and its regions."""
        places = self.places.getvalue()
        size: i64 = len(places)
        at: i64 = 0
        while at < size:
            self.reach(i64(read_i32_le(places, at + 4)))
            at += REGION
        for one in self.tries:
            if one.reached:
                around = self.tries[one.outer].group if one.outer >= 0 else 0
                one.group = self.write(one, around) if len(one.clauses) > 0 else around
        before: i64 = 0
        at = 0
        while at < size:
            number = i64(read_i32_le(places, at + 4))
            group = self.tries[number].group if number >= 0 else 0
            if group != before:
                before = group
                self.used = True
                self.budget.pay(WRITTEN * REGION)
                write_i32_le(self.regions, read_i32_le(places, at))
                write_i32_le(self.regions, i32(signed32(group)))
            at += REGION

    def reach(self, number: i64) -> None:
        """A search comes to the catches of a block, and of those where it goes on: not of all around it, where there is a `delegate`."""
        while number >= 0 and not self.tries[number].reached:
            self.tries[number].reached = True
            number = self.tries[number].outer

    def write(self, one: CatchingBlock, around: i64) -> i64:
        """Write the group of a block, which goes on with that of another; its number."""
        number = i64(len(self.clauses)) // CLAUSE + 1
        self.budget.pay(WRITTEN * CLAUSE * (i64(len(one.clauses)) + 1))
        for clause in one.clauses:
            start = clause.start if clause.label == NONE else self.writer.labels[clause.label]
            self.words(clause.tag, start, clause.values, clause.flags)
        self.words(0, around, 0, LINK if around != 0 else END)
        return number

    def words(self, tag: i64, target: i64, values: i64, flags: i64) -> None:
        """Write a clause."""
        write_i32_le(self.clauses, i32(signed32(tag)))
        write_i32_le(self.clauses, i32(signed32(target)))
        write_i32_le(self.clauses, i32(signed32(values)))
        write_i32_le(self.clauses, i32(signed32(flags)))

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
        count: i64 = len(self.shape.tag_types[tag])
        values = s.temporary(s.top(count))
        if count > 0 and self.blocks.may_overlap(s.top(count)):
            s.raise_top(count)
            values += UNIT
        else:
            s.settle_top(count)
        self.stop(at)
        writer.effect32(THROW, 0, self.shape.tags[tag])
        writer.tail(values, 0)
        s.drop(count)

    def throw_ref(self, at: i64) -> None:
        """A safepoint, as `throw`."""
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
        self.open(TRY, params, results).catches = catches

    # blocks that catch

    def open(self, kind: i64, params: tuple[int, ...], results: tuple[int, ...]) -> OpenBlock:
        """One begins."""
        block = self.blocks.open_try(kind, params, results)
        block.trying = len(self.tries)
        if block.trying >= self.most_tries:
            self.budget.pay(TRYING)
            self.most_tries = block.trying + 1
        self.tries.append(CatchingBlock(self.blocks.blocks[block.outer].trying if block.outer >= 0 else NONE))
        return block

    def throws(self, pc: i64) -> None:
        """The op that comes, at `pc`, may throw."""
        trying = self.blocks.trying
        number: i64 = NONE
        if trying >= 0:
            number = self.blocks.blocks[trying].trying
            if not self.tries[number].needed:
                self.need(trying)
        if number != self.active:
            self.active = number
            self.budget.pay(WRITTEN * REGION)
            write_i32_le(self.places, i32(signed32(pc)))
            write_i32_le(self.places, i32(number))

    def need(self, trying: i64) -> None:
        """An op in the block may throw, and so in those around it."""
        blocks = self.blocks.blocks
        while trying >= 0:
            block = blocks[trying]
            one = self.tries[block.trying]
            if one.needed:
                return
            one.needed = True
            for kind, tag, depth in block.catches:
                target = blocks[trying - 1 - depth]
                if target.kind != LOOP and target.caught == NONE:
                    target.caught = self.writer.label()
                place: i64 = 0
                flags: i64 = WANTS_REFERENCE if kind in REFS else 0
                if kind < CATCH_ALL:
                    place = i64(self.shape.tags[tag])
                    flags += COUNT_ONE * i64(len(self.shape.tag_types[tag]))
                self.clause(block, Clause(place, target.caught, target.start, self.s.temporary(target.height), flags))
            trying = block.outer

    def clause(self, block: OpenBlock, clause: Clause) -> None:
        """A block has one more."""
        self.clause_count += 1
        if self.clause_count > self.most_clauses:
            self.budget.pay(CLAUSE_PRICE)
            self.most_clauses = self.clause_count
        self.tries[block.trying].clauses.append(clause)
