"""Wide arithmetic: instructions with two results, of which each has ops of its own.

An op writes the temporary of one operand, so it comes behind all that read it: of a sum the upper half, which needs no upper operand
afterwards, is made first; of a product one factor is set aside if both lie where the results will.

Compiled by mypyc; see `writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.bytecode.ops import ROWS
from arenite.layout.types import I64
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.tables import ADD64, SUB64
from arenite.translate.writer import OpWriter  # noqa: TC001 (as above)
from arenite.wasm.opcodes import BY_NAME

ADD_CARRY: Final[i64] = ROWS["i64.add_carry"].code
SUB_BORROW: Final[i64] = ROWS["i64.sub_borrow"].code
MUL: Final[i64] = ROWS["i64.mul"].code
MUL_HIGH_S: Final[i64] = ROWS["i64.mul_high_s"].code
MUL_HIGH_U: Final[i64] = ROWS["i64.mul_high_u"].code
ADD128: Final[i64] = BY_NAME["i64.add128"].code
SUB128: Final[i64] = BY_NAME["i64.sub128"].code
MUL_WIDE_S: Final[i64] = BY_NAME["i64.mul_wide_s"].code


@final
class Wide:
    """Ops of such instructions, on the operand stack."""

    def __init__(self, writer: OpWriter, s: Operands) -> None:
        self.writer = writer
        self.s = s

    def instruction(self, op: i64) -> None:
        """One of them."""
        if op == ADD128:
            self.sum(ADD64, ADD_CARRY)
        elif op == SUB128:
            self.sum(SUB64, SUB_BORROW)
        else:
            self.product(MUL_HIGH_S if op == MUL_WIDE_S else MUL_HIGH_U)

    def sum(self, plain: i64, carry: i64) -> None:
        """Lower and upper half of two numbers are on the stack: those of the sum or difference."""
        s = self.s
        writer = self.writer
        h = s.top(4)
        low, high = s.temporary(h), s.temporary(h + 1)
        a, b = s.source(h + 1, 1), s.source(h + 3, 2)
        writer.value(plain, high, a, b)
        sum_, a, b = writer.near(high, 1), s.source(h, 2), s.source(h + 2, 3)
        writer.value128(carry, high, sum_, a, b)
        a, b = s.source(h, 1), s.source(h + 2, 2)
        writer.value(plain, low, a, b)
        self.results(4)

    def product(self, upper: i64) -> None:
        """Two factors are on the stack: the halves of the product."""
        s = self.s
        h = s.top(2)
        low, high = s.temporary(h), s.temporary(h + 1)
        a, b = s.source(h, 1), s.source(h + 1, 2)
        self.writer.barrier()  # both factors are read twice: what made one is not to be joined with its first reader
        if s.where[h] == low and s.where[h + 1] == high:
            if s.height >= s.peak:
                s.reserve(s.height)
            aside = s.temporary(s.height)
            s.move(aside, low)
            self.writer.value(MUL, low, a, b)
            self.writer.value(upper, high, self.writer.near(aside, 1), self.writer.near(high, 2))
        elif s.where[h] == low:
            self.writer.value(upper, high, a, b)
            self.writer.value(MUL, low, s.source(h, 1), s.source(h + 1, 2))
        else:
            self.writer.value(MUL, low, a, b)
            self.writer.value(upper, high, s.source(h, 1), s.source(h + 1, 2))
        self.results(2)

    def results(self, operands: i64) -> None:
        """Two results instead of so many operands."""
        s = self.s
        s.drop(operands)
        s.push_temporary(I64)
        s.push_temporary(I64)
