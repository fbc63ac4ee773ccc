"""Instructions that compute, and constants.  Spec: valid-instr-numeric.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.types import F32, F64, I32, I64
from arenite.wasm import opcodes
from arenite.wasm.body.context import Context  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.reader import MASK32

FIRST: Final[bytes] = opcodes.FIRST
SECOND: Final[bytes] = opcodes.SECOND
RESULT: Final[bytes] = opcodes.RESULT
ADD128: Final[i64] = opcodes.code("i64.add128")
SUB128: Final[i64] = opcodes.code("i64.sub128")


@final
class Numeric:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.r = context.r
        self.s = context.s
        self.sink = context.sink

    def instruction(self, op: i64) -> None:
        """One of the chapter: most have their types in the table."""
        s = self.s
        first: i64 = FIRST[op]
        if first == 0:
            self.other(op)
            return
        operands: i64 = 1
        second: i64 = SECOND[op]
        if second != 0:
            operands = 2
            s.pop(second)
        s.pop(first)
        result: i64 = RESULT[op]
        s.push(result)
        if s.live:
            self.sink.numeric(op, operands, result)

    def other(self, op: i64) -> None:
        """What is not of one or two operands and one result."""
        if op < ADD128:
            self.constant(op)
            return
        s = self.s
        s.pops((I64, I64, I64, I64) if op <= SUB128 else (I64, I64))
        s.pushes((I64, I64))
        if s.live:
            self.sink.wide(op)

    def constant(self, op: i64) -> None:
        """`t.const`."""
        s = self.s
        r = self.r
        type_: i64 = RESULT[op]
        bits: i64 = 0
        if type_ == I32:
            bits = r.signed(32) & MASK32
        elif type_ == I64:
            bits = r.signed(64)
        elif type_ == F32:
            bits = r.f32()
        elif type_ == F64:
            bits = r.f64()
        s.push(type_)
        if s.live:
            self.sink.const(type_, bits)
