"""The open blocks of the function at hand: labels, branches, and where operands lie when paths join.

- A branch takes its operands to the temporaries where the label's block began; the function's own label takes them to the first slots.
- A loop's label is where it begins, and known; all others are ahead.
- Below the innermost block's own operands there are no aliases.
- What an exception brings to a label lies where a branch would bring it; the label is a safepoint then.  What the function's own label receives like
  that lies in temporaries, and is returned behind the function's end.
- A conditional branch that must move operands becomes a branch around the moves and a jump.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-instr-control.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import write_i32_le
from mypy_extensions import i32, i64

from arenite.errors import Limit
from arenite.translate.branches import Branches
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.tables import BR_TABLE, RETURN
from arenite.translate.writer import NONE, UNIT, OpWriter

BLOCK: Final = 0
LOOP: Final = 1
IF: Final = 2
BODY: Final = 3
TRY: Final = 4  # a try_table
OLDER: Final = 5  # a try of the older form, in its body
ARM: Final = 6  # … in one of its catches
MAX_LABELS: Final = 0xFFFF
NO_TYPES: Final[tuple[int, ...]] = ()
NO_CATCHES: Final[list[tuple[int, int, int]]] = []


@final
class Clause:
    """One way on for an exception.  `tag`: place of what is caught, or 0; `label` of the handler, or NONE and its pc `start`; `values`, `flags`: as in the section."""

    def __init__(self, tag: i64, label: i64, start: i64, values: i64, flags: i64) -> None:
        self.tag: i64 = tag
        self.label: i64 = label
        self.start: i64 = start
        self.values: i64 = values
        self.flags: i64 = flags


NOTHING: Final = Clause(0, NONE, NONE, 0, 0)


@final
class OpenBlock:
    """An open block.  `height`: of the operand stack below its parameters; `label`: its end; `otherwise`: the start of an `if`'s
    other arm; `start`: pc of a loop; `used`: something branches to the label; `since`: as `Records` has it where the block begins.

    `caught`: the handler that begins at its label, or NONE.  Of one that catches, `outer` is the number of the next such block around it, or NONE; `trying`
    is what `Handlers` knows it by; `catches`: as of `Sink.try_table`, of the older form none; `clause`: of the catch of the older form at hand.
    """

    def __init__(self) -> None:
        self.kind: i64 = BLOCK
        self.height: i64 = 0
        self.params = NO_TYPES
        self.results = NO_TYPES
        self.label: i64 = NONE
        self.otherwise: i64 = NONE
        self.start: i64 = NONE
        self.used = False
        self.since: i64 = 0
        self.caught: i64 = NONE
        self.catches = NO_CATCHES
        self.outer: i64 = NONE
        self.trying: i64 = NONE
        self.clause = NOTHING


@final
class Blocks:
    """Open blocks, the innermost last; objects are used again, `depth` says how many are open, `trying` which catches, or NONE."""

    def __init__(self, writer: OpWriter, s: Operands, records: Records) -> None:
        self.writer = writer
        self.s = s
        self.branches = Branches(writer)
        self.records = records
        self.blocks: list[OpenBlock] = []
        self.depth: i64 = 0
        self.trying: i64 = NONE
        self.handler_at: i64 = NONE  # where the last handler begins
        self.results: i64 = 0  # of the function
        self.header: i64 = 0

    def begin(self, results: tuple[int, ...], header: i64) -> None:
        """A function begins."""
        self.results = len(results)
        self.header = header
        self.depth = 0
        self.trying = NONE
        self.handler_at = NONE
        self.open(BODY, NO_TYPES, results)

    # opening and closing

    def open(self, kind: i64, params: tuple[int, ...], results: tuple[int, ...]) -> OpenBlock:
        """A block begins; its parameters are on the stack."""
        if self.depth == len(self.blocks):
            self.blocks.append(OpenBlock())
        block = self.blocks[self.depth]
        self.depth += 1
        block.kind = kind
        block.height = self.s.top(len(params))
        block.params = params
        block.results = results
        block.used = False
        block.caught = NONE
        block.since = self.records.since
        block.label = NONE if kind == LOOP else self.writer.label()
        return block

    def block(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """Locals may change in it on some path: no operand stays an alias."""
        self.s.settle_locals()
        self.open(BLOCK, params, results)

    def open_try(self, kind: i64, params: tuple[int, ...], results: tuple[int, ...]) -> OpenBlock:
        """A block that catches."""
        self.s.settle_locals()
        block = self.open(kind, params, results)
        block.catches = NO_CATCHES
        block.outer = self.trying
        self.trying = self.depth - 1
        return block

    def loop(self, params: tuple[int, ...], results: tuple[int, ...], at: i64) -> None:
        """A safepoint: `at` is the instruction's offset."""
        s = self.s
        s.settle_locals()
        s.settle_top(len(params))
        block = self.open(LOOP, params, results)
        self.writer.barrier()
        block.start = self.writer.pc()
        self.records.safepoint(block.start, at, s)

    def if_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """A branch to the other arm."""
        s = self.s
        condition = s.source(s.height - 1, 3)
        s.drop(1)
        s.settle_locals()
        s.settle_top(len(params))
        block = self.open(IF, params, results)
        block.otherwise = self.writer.label()
        self.branches.branch_if(condition, False, block.otherwise, NONE)

    def else_(self, *, live: bool) -> None:
        """The first arm leaves its results where the second will."""
        s = self.s
        block = self.blocks[self.depth - 1]
        if live:
            s.settle_top(len(block.results))
            block.used = True
            self.branches.branch(block.label, NONE)
        self.writer.bind(block.otherwise)
        self.records.since = block.since
        block.kind = BLOCK
        s.cut(block.height)
        self.push_types(block.params)

    def end(self, at: i64, *, live: bool) -> None:
        """Paths join, if more than one comes here.  `at`: the instruction's offset."""
        s = self.s
        block = self.blocks[self.depth - 1]
        self.depth -= 1
        if block.kind == BODY:
            self.end_body(block, at, live=live)
            return
        if block.kind in (TRY, OLDER):
            self.trying = block.outer
        joined = block.used or block.kind in (IF, ARM) or block.caught != NONE
        if live and not joined:
            return  # operands may stay as they are
        if live:
            self.bring(block)
        if block.kind == IF:
            self.writer.bind(block.otherwise)
        if block.used:
            self.writer.bind(block.label)
        self.records.since = block.since  # a branch may have passed by what came since
        s.cut(block.height)
        self.push_types(block.results)
        if block.caught != NONE:
            self.begin_handler(block.caught, at)
        else:
            self.joined(at)

    def may_overlap(self, height: i64) -> bool:
        """Whether what is thrown from the operands from `height` on could be caught, in this function, where it lies: a catch of the older form has its values
        one operand above its block's height, and they are copied upward.
        """
        trying = self.trying
        while trying >= 0 and self.blocks[trying].height == height:
            if self.blocks[trying].kind == OLDER:
                return True
            trying = self.blocks[trying].outer
        return False

    def bring(self, block: OpenBlock) -> None:
        """The innermost block's results to where they lie behind its end; in an arm there is one operand more below them."""
        if block.kind == ARM:
            self.s.carry(len(block.results), block.height)
        else:
            self.s.settle_top(len(block.results))

    def joined(self, at: i64) -> None:
        """If a handler begins here, where other ways lead too, what was dropped since is on none of those."""
        if self.writer.pc() == self.handler_at:
            self.records.safepoint(self.handler_at, at, self.s)

    def begin_handler(self, label: i64, at: i64) -> None:
        """A handler, whose operands are on the stack."""
        self.writer.bind(label)
        self.handler_at = self.writer.pc()
        self.records.safepoint(self.handler_at, at, self.s)

    def end_body(self, block: OpenBlock, at: i64, *, live: bool) -> None:
        """The function's end."""
        if live:
            self.s.untangle(self.results)
            self.s.deliver(self.results)
        if block.used:
            self.writer.bind(block.label)
            self.s.cut(0)
            self.joined(at)
        if live or block.used:
            self.writer.effect32(RETURN, 0, self.header)
        if block.caught != NONE:
            self.s.cut(0)
            self.push_types(block.results)
            self.begin_handler(block.caught, at)
            self.s.deliver(self.results)
            self.writer.effect32(RETURN, 0, self.header)

    def push_types(self, types: tuple[int, ...]) -> None:
        """Push what a label receives."""
        for type_ in types:
            self.s.push_temporary(type_)

    # branches

    def arity(self, block: OpenBlock) -> i64:
        """How many operands a branch to it takes along."""
        return len(block.params) if block.kind == LOOP else len(block.results)

    def direct(self, block: OpenBlock) -> bool:
        """Whether a branch to it needs no op but itself: operands lie where they must."""
        arity = self.arity(block)
        return arity == 0 or (block.kind != BODY and self.s.in_place(arity, block.height))

    def go(self, block: OpenBlock) -> None:
        """Carry operands along and branch, or return."""
        if block.kind == BODY:
            self.s.deliver(self.results)
            self.writer.effect32(RETURN, 0, self.header)
            return
        self.s.carry(self.arity(block), block.height)
        self.jump(block)

    def jump(self, block: OpenBlock) -> None:
        """Branch; operands are in place."""
        if block.kind == LOOP:
            self.branches.branch(NONE, block.start)
        else:
            block.used = True
            self.branches.branch(block.label, NONE)

    def br(self, depth: i64) -> None:
        """What it carries may be written there at once."""
        block = self.blocks[self.depth - 1 - depth]
        if block.kind == BODY:
            self.s.untangle(self.results)
        self.go(block)

    def br_if(self, depth: i64) -> None:
        """One op, or a branch around the operands' moves."""
        s = self.s
        block = self.blocks[self.depth - 1 - depth]
        condition = s.source(s.height - 1, 3)
        s.drop(1)
        if self.direct(block):
            if block.kind == LOOP:
                self.branches.branch_if(condition, True, NONE, block.start)
            else:
                block.used = True
                self.branches.branch_if(condition, True, block.label, NONE)
            return
        if block.kind == BODY:
            s.untangle(self.results)
        around = self.writer.label()
        self.branches.branch_if(condition, False, around, NONE)
        self.go(block)
        self.writer.bind(around)

    def br_table(self, depths: list[int]) -> None:
        """Loops, and labels that operands must be moved to, are reached through stubs behind the table."""
        s = self.s
        writer = self.writer
        count: i64 = len(depths)
        if count > MAX_LABELS:
            raise Limit("a br_table of more than 65534 labels")
        index = s.source(s.height - 1, 3)
        s.drop(1)
        body: i64 = self.depth - 1
        if int(body) in depths:  # else there need not be so many operands
            s.untangle(self.results)
        pc = writer.pc()
        writer.buy(pc + UNIT + 4 * count)
        writer.effect(BR_TABLE, index, count, 0)
        stubs: dict[int, int] = {}
        for depth in depths:
            block = self.blocks[self.depth - 1 - depth]
            label = block.label
            if block.kind != LOOP and self.direct(block):
                block.used = True
            elif depth in stubs:
                label = stubs[depth]
            else:
                label = writer.label()
                stubs[depth] = int(label)
            writer.use(label, pc)
        if count & 1:
            write_i32_le(writer.out, i32(0))
        for depth, stub in stubs.items():
            writer.bind(stub)
            self.go(self.blocks[self.depth - 1 - depth])
