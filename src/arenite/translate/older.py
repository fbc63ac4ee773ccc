"""Exceptions in the older form: `try` with catches behind its body, `delegate`, `rethrow`.

- The body ends with a branch to the end of the whole.  Each catch is a handler, which exceptions alone lead to, and ends as the body does.
- In a catch the operand below all of its own is the exception.  It is an object only if a `rethrow` in the catch asks for it, and null otherwise.
- What is thrown in a `try` that ends in `delegate` goes on with the catches of the block that this names: such a `try` has no group of its own.

Compiled by mypyc; see `writer` for what that forbids.

Spec: the proposal's older text, exec-try, exec-rethrow.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64

from arenite.layout.handlers import BELOW, WANTS_REFERENCE
from arenite.layout.types import EXNREF
from arenite.translate.blocks import ARM, NO_TYPES, OLDER, TRY, Blocks, Clause
from arenite.translate.handlers import COUNT_ONE, Handlers
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import THROW_REF
from arenite.translate.writer import NONE, OpWriter


@final
class Older:
    """Blocks of that form, and what throws again."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, blocks: Blocks, handlers: Handlers) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.blocks = blocks
        self.handlers = handlers

    def try_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """A block."""
        self.handlers.open(OLDER, params, results)

    def catch(self, tag: i64, at: i64, *, live: bool) -> None:
        """A catch of a tag."""
        self.arm(i64(self.shape.tags[tag]), self.shape.tag_types[tag], at, live=live)

    def catch_all(self, at: i64, *, live: bool) -> None:
        """A catch of all."""
        self.arm(0, NO_TYPES, at, live=live)

    def arm(self, tag: i64, types: tuple[int, ...], at: i64, *, live: bool) -> None:
        """A catch, with the values of the exception on the stack.  `tag`: its place, or 0."""
        s = self.s
        blocks = self.blocks
        block = blocks.blocks[blocks.depth - 1]
        if live:
            blocks.go(block)
        if block.kind == OLDER:
            block.kind = ARM
            blocks.trying = block.outer
        label = self.writer.label()
        s.cut(block.height)
        s.push_temporary(EXNREF)
        block.clause = Clause(tag, label, NONE, s.temporary(s.height), BELOW + COUNT_ONE * i64(len(types)))
        self.handlers.clause(block, block.clause)
        blocks.push_types(types)
        blocks.begin_handler(label, at)

    def delegate(self, depth: i64, at: i64, *, live: bool) -> None:
        """The end of a body whose exceptions another block catches: the first at the label or outside of it that does."""
        blocks = self.blocks
        one = self.handlers.tries[blocks.blocks[blocks.depth - 1].trying]
        index = blocks.depth - 2 - depth
        while index >= 0 and blocks.blocks[index].kind not in (TRY, OLDER):
            index -= 1
        one.outer = blocks.blocks[index].trying if index >= 0 else NONE
        blocks.end(at, live=live)

    def rethrow(self, depth: i64, at: i64) -> None:
        """What the catch has caught is thrown again: a safepoint, as `throw_ref`."""
        block = self.blocks.blocks[self.blocks.depth - 1 - depth]
        block.clause.flags = block.clause.flags | WANTS_REFERENCE
        self.handlers.stop(at)
        self.writer.effect32(THROW_REF, 0, self.s.temporary(block.height))
