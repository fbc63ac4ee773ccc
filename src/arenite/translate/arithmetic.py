"""Instructions that compute: constants become part of the op where there is such a form, on either side.

- A constant stands right: comparisons and what commutes are mirrored.
- `a - n` is `a + -n`; sums of constants are added at once; a mask too large for an op becomes shifts, or nothing but a wrap.
- The inverse of a comparison just made is that op's inverse.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-binop, exec-relop.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.types import I32
from arenite.translate.operands import CONSTANT, Operands
from arenite.translate.tables import (
    ADD,
    ADD64,
    ADD_IMM,
    AND,
    AND64,
    IMMEDIATE,
    MIRRORED,
    SHL_IMM,
    SHR_IMM,
    SUB,
    SUB64,
    WRAP,
    entry,
)
from arenite.translate.writer import OpWriter  # noqa: TC001 (compiled code checks its arguments at run time)


@final
class Arithmetic:
    """Ops of one and two operands, on the operand stack."""

    def __init__(self, writer: OpWriter, s: Operands) -> None:
        self.writer = writer
        self.s = s

    def unary(self, code: i64, result: i64) -> None:
        """The op of one operand."""
        s = self.s
        a = s.source(s.height - 1, 1)
        s.drop(1)
        self.writer.value(code, s.temporary(s.height), a, 0)
        s.push_temporary(result)

    def is_zero(self, code: i64) -> None:
        """A comparison with zero; of a comparison just made, its inverse."""
        s = self.s
        a = s.source(s.height - 1, 1)
        s.drop(1)
        if not self.writer.invert(a):
            self.writer.value(code, s.temporary(s.height), a, 0)
        s.push_temporary(I32)

    def binary(self, code: i64, result: i64) -> None:
        """The op of two operands, or with a constant in it where there is such a form."""
        s = self.s
        writer = self.writer
        h = s.height - 2
        a, b = h, h + 1
        if s.where[a] == CONSTANT and s.where[b] != CONSTANT and entry(MIRRORED, code) != 0:
            code = entry(MIRRORED, code)
            a, b = b, a
        small = s.small(b)
        n: i64 = 0
        if s.where[b] == CONSTANT and not small and code in (AND, AND64) and self.mask(code, a, s.bits[b]):
            s.push_temporary(result)
            return
        if small:
            n = s.signed(b)
            if code in (SUB, SUB64) and n != -0x8000:
                code = ADD if code == SUB else ADD64
                n = -n
            small = entry(IMMEDIATE, code) != 0
        x = s.source(a, 1)
        if small:
            code = entry(IMMEDIATE, code)
            y = n & 0xFFFF
        else:
            y = s.source(b, 2)
        s.drop(2)
        if code != ADD_IMM or not writer.merge(s.temporary(h), x, n):
            writer.value(code, s.temporary(h), x, y)
        s.push_temporary(result)

    def mask(self, code: i64, a: i64, bits: i64) -> bool:
        """An `and` with a constant too large for an op, which needs only wrapping, or two shifts that are one op."""
        s = self.s
        writer = self.writer
        h = s.height - 2
        low = bits & (bits + 1) == 0  # the lowest bits are kept, else the highest
        zeros = ~bits & 0xFFFFFFFF
        if code == AND64:
            if bits != 0xFFFFFFFF:
                return False
        elif writer.wide or not (low or zeros & (zeros + 1) == 0):
            return False
        x = s.source(a, 1)
        s.drop(2)
        if code == AND64:
            writer.value(WRAP, s.temporary(h), x, 0)
            return True
        count: i64 = 0
        while zeros != 0:
            zeros &= zeros - 1
            count += 1
        writer.value(SHL_IMM if low else SHR_IMM, s.temporary(h), x, count)
        writer.value(SHR_IMM if low else SHL_IMM, s.temporary(h), s.temporary(h), count)
        return True
