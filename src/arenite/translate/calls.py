"""Calls: arguments where the callee's frame begins, a return point and a safepoint behind.

Compiled by mypyc; see `assembler` for what that forbids.

Spec: exec-call, exec-call_indirect.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.records import FrameHeader
from arenite.translate.assembler import UNIT, Assembler
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import CALL, CALL_IMPORT, CALL_INDIRECT

HEADER: Final = FrameHeader.size


@final
class Calls:
    """The calls of a body.  `need`: bytes of frame that they ask for; `at`: offset of the instruction in the file."""

    def __init__(self, shape: Shape, asm: Assembler, s: Operands, records: Records) -> None:
        self.shape = shape
        self.asm = asm
        self.s = s
        self.records = records
        self.need: i64 = 0

    def call(self, func: i64, params: i64, results: i64, at: i64) -> None:
        """Own functions are branched to; imported ones are found in the instance."""
        shape = self.shape
        asm = self.asm
        frame, header = self.arguments(params, results)
        pc = asm.pc()
        type_ = shape.func_types[func]
        if func < shape.imported_functions:
            asm.effect32(CALL_IMPORT, 0, shape.functions[func])
            self.records.type(asm.pc())
            asm.tail(type_, frame)
            asm.tail(header, 0)
        else:
            asm.effect32(CALL, 0, frame)
            asm.tail(header, 0)
            self.records.call(pc, func - shape.imported_functions)
        self.called(type_, params, at)

    def call_indirect(self, type_: i64, table: i64, params: i64, results: i64, at: i64) -> None:
        """The type that is expected is a constant of the op."""
        s = self.s
        asm = self.asm
        index = s.source(s.height - 1, 3)
        s.drop(1)
        frame, header = self.arguments(params, results)
        asm.effect32(CALL_INDIRECT, index, self.shape.tables[table])
        self.records.type(asm.pc())
        asm.tail(type_, frame)
        asm.tail(header, 0)
        self.called(type_, params, at)

    def arguments(self, params: i64, results: i64) -> tuple[i64, i64]:
        """Bring the arguments to their temporaries; where the callee's frame and its header begin."""
        s = self.s
        s.settle_top(params)
        frame = s.own(s.height - params)
        header = frame + UNIT * max(params, results)
        self.need = max(self.need, header + HEADER)
        return frame, header

    def called(self, type_: i64, params: i64, at: i64) -> None:
        """Behind a call: a return point and a safepoint; the results lie where the arguments did."""
        s = self.s
        s.drop(params)
        for result in self.shape.results[type_]:
            s.push_own(result)
        pc = self.asm.pc()
        self.records.point(pc)
        self.records.safepoint(pc, at, s)
