"""Calls: arguments where the callee's frame begins, a return point and a safepoint behind.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-call, exec-call_indirect.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.records import FrameHeader
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import CALL, CALL_IMPORT, CALL_INDIRECT
from arenite.translate.writer import UNIT, OpWriter

HEADER: Final = FrameHeader.size


@final
class Calls:
    """The calls of a body.  `need`: bytes of frame that they ask for; `at`: offset of the instruction in the file."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, records: Records) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.records = records
        self.need: i64 = 0

    def call(self, func: i64, params: i64, results: i64, at: i64) -> None:
        """Functions that the module defines are branched to; imported ones are found in the instance."""
        shape = self.shape
        writer = self.writer
        frame, header = self.arguments(params, results)
        pc = writer.pc()
        type_ = shape.func_types[func]
        if func < shape.imported_functions:
            writer.effect32(CALL_IMPORT, 0, shape.functions[func])
            self.records.type(writer.pc())
            writer.tail(type_, frame)
            writer.tail(header, 0)
        else:
            writer.effect32(CALL, 0, frame)
            writer.tail(header, 0)
            self.records.call(pc, func - shape.imported_functions)
        self.called(type_, params, at)

    def call_indirect(self, type_: i64, table: i64, params: i64, results: i64, at: i64) -> None:
        """The type that is expected is a constant of the op."""
        s = self.s
        writer = self.writer
        index = s.source(s.height - 1, 3)
        s.drop(1)
        frame, header = self.arguments(params, results)
        writer.effect32(CALL_INDIRECT, index, self.shape.tables[table])
        self.records.type(writer.pc())
        writer.tail(type_, frame)
        writer.tail(header, 0)
        self.called(type_, params, at)

    def arguments(self, params: i64, results: i64) -> tuple[i64, i64]:
        """Bring the arguments to their temporaries; where the callee's frame and its header begin."""
        s = self.s
        s.settle_top(params)
        frame = s.temporary(s.height - params)
        header = frame + UNIT * max(params, results)
        self.need = max(self.need, header + HEADER)
        return frame, header

    def called(self, type_: i64, params: i64, at: i64) -> None:
        """Behind a call: a return point and a safepoint; the results lie where the arguments did."""
        s = self.s
        s.drop(params)
        for result in self.shape.results[type_]:
            s.push_temporary(result)
        pc = self.writer.pc()
        self.records.point(pc)
        self.records.safepoint(pc, at, s)
