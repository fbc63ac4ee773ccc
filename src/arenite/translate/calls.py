"""Calls: arguments where the callee's frame begins, a return point and a safepoint behind.  Of a tail call, that is where this frame begins.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-call, exec-call_indirect, exec-return_call, exec-return_call_indirect.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64

from arenite.layout.records import FrameHeader
from arenite.layout.types import UPPER
from arenite.translate.handlers import Handlers  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.operands import Operands  # noqa: TC001 (as above)
from arenite.translate.records import Records  # noqa: TC001 (as above)
from arenite.translate.shape import Shape  # noqa: TC001 (as above)
from arenite.translate.tables import (
    CALL,
    CALL_IMPORT,
    CALL_INDIRECT,
    CALLEE,
    CARRY,
    RETURN_CALL,
    RETURN_CALL_IMPORT,
    RETURN_CALL_INDIRECT,
)
from arenite.translate.writer import NEAR, UNIT, OpWriter, WideFrame

HEADER: Final = FrameHeader.size


@final
class Calls:
    """The calls of a body.  `need`: bytes of frame that they ask for; `at`: offset of the instruction in the file."""

    def __init__(self, shape: Shape, writer: OpWriter, s: Operands, records: Records, handlers: Handlers) -> None:
        self.shape = shape
        self.writer = writer
        self.s = s
        self.records = records
        self.handlers = handlers
        self.need: i64 = 0

    def call(self, func: i64, at: i64) -> None:
        """Functions that the module defines are branched to; imported ones are found in the instance."""
        type_ = self.shape.func_types[func]
        frame, header = self.arguments(type_)
        self.handlers.throws(self.writer.pc())
        self.enter(CALL, CALL_IMPORT, func, frame, header)
        self.called(type_, at)

    def call_indirect(self, type_: i64, table: i64, at: i64) -> None:
        """The type that is expected is a constant of the op."""
        s = self.s
        index = s.source(s.height - 1, 3)
        s.drop(1)
        frame, header = self.arguments(type_)
        self.handlers.throws(self.writer.pc())
        self.enter_typed(CALL_INDIRECT, index, self.shape.tables[table], type_, frame, header)
        self.called(type_, at)

    def arguments(self, type_: i64) -> tuple[i64, i64]:
        """Bring the arguments to their temporaries; where the callee's frame and its header begin."""
        s = self.s
        params = i64(self.shape.params[type_])
        results: i64 = len(self.shape.results[type_])
        s.settle_top(params)
        frame = s.temporary(s.height - params)
        header = frame + UNIT * max(params, results)
        self.need = max(self.need, header + HEADER)
        return frame, header

    def enter(self, op: i64, op_of_import: i64, func: i64, frame: i64, header: i64) -> None:
        """The op that goes to a function of the index space.  `frame`: where the callee's begins; of a tail call, our header."""
        shape = self.shape
        writer = self.writer
        if func < shape.imported_functions:
            self.enter_typed(op_of_import, 0, shape.functions[func], shape.func_types[func], frame, header)
        else:
            pc = writer.pc()
            writer.effect32(op, 0, frame)
            writer.tail(header, 0)
            self.records.call(pc, func - shape.imported_functions)

    def enter_typed(self, op: i64, index: i64, disp: i64, type_: i64, frame: i64, header: i64) -> None:
        """An op that looks at its callee's type before it goes there."""
        writer = self.writer
        writer.effect32(op, index, disp)
        self.records.type(writer.pc())
        writer.tail(type_, frame)
        writer.tail(header, 0)

    def return_call(self, func: i64, old_header: i64) -> None:
        """As `call`, in the place of this frame, whose header is at `old_header`."""
        old_header, header = self.replacing(self.shape.func_types[func], old_header)
        self.enter(RETURN_CALL, RETURN_CALL_IMPORT, func, old_header, header)

    def return_call_indirect(self, type_: i64, table: i64, old_header: i64) -> None:
        """As `call_indirect`, in the place of this frame.  An index is brought out of the arguments' way."""
        s = self.s
        writer = self.writer
        params = i64(self.shape.params[type_])
        table = self.shape.tables[table]
        h = s.height - 1
        if UNIT * params > old_header:
            index = self.above(params) + UNIT * params
            self.room(index + UNIT)
            s.assign(h, index)
            index = writer.near(index, 3)
            writer.effect32(CALLEE, index, table)
            self.records.type(writer.pc())
            writer.tail(type_, 0)
        else:
            if 0 <= s.where[h] < old_header:
                s.settle(h)
            index = s.source(h, 3)
        s.drop(1)
        old_header, header = self.replacing(type_, old_header)
        self.enter_typed(RETURN_CALL_INDIRECT, index, table, type_, old_header, header)

    def replacing(self, type_: i64, old_header: i64) -> tuple[i64, i64]:
        """Bring the arguments to the first slots; where our header is then, and where the callee's belongs."""
        s = self.s
        writer = self.writer
        params = i64(self.shape.params[type_])
        results: i64 = len(self.shape.results[type_])
        header = UNIT * max(params, results)
        self.need = max(self.need, header + HEADER)
        if UNIT * params <= old_header:
            self.last_at_once(params)
            s.untangle(params)
            s.deliver(params)
            return old_header, header
        frame = self.above(params)
        self.room(frame + UNIT * params)
        start = s.top(params)
        i = params
        while i > 0:  # upward: what is overwritten has been brought away
            i -= 1
            if s.types[start + i] != UPPER:
                s.assign(start + i, frame + UNIT * i)
        writer.effect32(CARRY, 0, old_header)
        writer.tail(header, frame)
        return header, header

    def above(self, params: i64) -> i64:
        """Where so many arguments, the topmost operands, can lie that neither they nor the header behind their final place overlap."""
        s = self.s
        return max(s.temporary(s.height - params), UNIT * params + HEADER)

    def room(self, end: i64) -> None:
        """The frame reaches as far as `end`."""
        if end > NEAR and not self.writer.wide:
            raise WideFrame
        self.need = max(self.need, end)

    def last_at_once(self, params: i64) -> None:
        """The op that has just made the last argument writes it where it belongs, unless another one is still to be read from there."""
        s = self.s
        last = s.height - 1
        dst = UNIT * (params - 1)
        h = s.top(params)
        while h < last:
            if s.where[h] == dst:
                return
            h += 1
        if params > 0 and s.types[last] != UPPER and self.writer.retarget(s.where[last], dst):
            s.where[last] = dst
            s.aliases += 1

    def called(self, type_: i64, at: i64) -> None:
        """Behind a call: a return point and a safepoint; the results lie where the arguments did."""
        s = self.s
        s.drop(i64(self.shape.params[type_]))
        for result in self.shape.results[type_]:
            s.push_temporary(result)
        pc = self.writer.pc()
        self.records.point(pc)
        self.records.safepoint(pc, at, s)
