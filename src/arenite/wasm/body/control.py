"""Instructions of control: blocks, branches, calls.  Spec: valid-instr-control.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.layout.types import FUNCREF, I32, match, match_all
from arenite.wasm import opcodes
from arenite.wasm.body.context import Context  # noqa: TC001 (compiled code checks its arguments at run time)

UNREACHABLE: Final[i64] = opcodes.code("unreachable")
NOP: Final[i64] = opcodes.code("nop")
BLOCK: Final[i64] = opcodes.code("block")
LOOP: Final[i64] = opcodes.code("loop")
IF: Final[i64] = opcodes.code("if")
ELSE: Final[i64] = opcodes.code("else")
END: Final[i64] = opcodes.code("end")
BR: Final[i64] = opcodes.code("br")
BR_IF: Final[i64] = opcodes.code("br_if")
BR_TABLE: Final[i64] = opcodes.code("br_table")
CALL: Final[i64] = opcodes.code("call")
CALL_INDIRECT: Final[i64] = opcodes.code("call_indirect")
RETURN_CALL: Final[i64] = opcodes.code("return_call")
RETURN_CALL_INDIRECT: Final[i64] = opcodes.code("return_call_indirect")


@final
class Control:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def instruction(self, op: i64) -> None:
        """One of the chapter."""
        if op == END:
            self.end()
        elif op in (BLOCK, LOOP, IF):
            self.block(op)
        elif op == ELSE:
            self.else_()
        elif op == UNREACHABLE:
            if self.context.s.live:
                self.context.sink.unreachable()
            self.context.s.unreachable()
        elif op != NOP:
            self.transfer(op)

    def transfer(self, op: i64) -> None:
        """What goes on elsewhere."""
        if op in (CALL, RETURN_CALL):
            self.call(tail=op == RETURN_CALL)
        elif op in (CALL_INDIRECT, RETURN_CALL_INDIRECT):
            self.call_indirect(tail=op == RETURN_CALL_INDIRECT)
        elif op == BR_TABLE:
            self.br_table()
        else:
            self.branch(op)

    def block(self, op: i64) -> None:
        """`block`, `loop`, `if`."""
        c = self.context
        s = c.s
        params, results = c.blocktype()
        if op == IF:
            s.pop(I32)
        s.enter(op, params, results)
        if not s.live:
            return
        if op == BLOCK:
            c.sink.block(params, results)
        elif op == LOOP:
            c.sink.loop(params, results)
        else:
            c.sink.if_(params, results)

    def else_(self) -> None:
        """`else`."""
        c = self.context
        s = c.s
        if s.frames[-1].op != IF:
            raise DecodeError("END opcode expected: else without if", int(s.at))
        frame = s.leave()
        if frame.live:
            c.sink.else_(not frame.dead)
        frame.op = ELSE
        frame.dead = False
        s.dead = False
        s.live = frame.live
        s.pushes(frame.params)

    def end(self) -> None:
        """`end`."""
        c = self.context
        s = c.s
        frame = s.leave()
        if frame.op == IF and frame.params != frame.results and not match_all(frame.params, frame.results):
            raise s.fail("type mismatch: an if without else must leave its parameters")
        if frame.live:
            c.sink.end(not frame.dead)
        s.close(frame)

    def branch(self, op: i64) -> None:
        """`br`, `br_if`, `return`."""
        c = self.context
        s = c.s
        if op == BR:
            depth = c.r.u32()
            s.pops(s.frame(depth).label())
            if s.live:
                c.sink.br(depth)
            s.unreachable()
        elif op == BR_IF:
            depth = c.r.u32()
            label = s.frame(depth).label()
            s.pop(I32)
            s.pops(label)
            s.pushes(label)
            if s.live:
                c.sink.br_if(depth)
        else:
            s.pops(s.frames[0].results)
            if s.live:
                c.sink.return_()
            s.unreachable()

    def br_table(self) -> None:
        """`br_table`: all labels take as many operands as the default."""
        c = self.context
        s = c.s
        count = c.r.count()
        depths: list[int] = []
        s.pop(I32)
        while count >= 0:
            count -= 1
            depth = c.r.u32()
            label = s.frame(depth).label()
            s.peeks(label)
            if depths and len(label) != len(s.frame(depths[-1]).label()):
                raise s.fail("type mismatch: labels of different arity")
            depths.append(int(depth))
        if s.live:
            c.sink.br_table(depths)
        s.unreachable()

    def call(self, *, tail: bool) -> None:
        """`call`, `return_call`."""
        c = self.context
        s = c.s
        func = c.index("function", len(c.funcs))
        type_ = c.funcs[func]
        params, results = c.params[type_], c.results[type_]
        s.pops(params)
        if tail:
            self.returns(results)
            if s.live:
                c.sink.return_call(func, len(params), len(results))
            s.unreachable()
            return
        s.pushes(results)
        if s.live:
            c.sink.call(func, len(params), len(results))

    def returns(self, results: tuple[int, ...]) -> None:
        """What a callee returns in our place is what we return."""
        ours = self.context.s.frames[0].results
        if results != ours and not match_all(results, ours):
            raise self.context.s.fail("type mismatch: a tail call of a function with other results")

    def call_indirect(self, *, tail: bool) -> None:
        """`call_indirect`, `return_call_indirect`."""
        c = self.context
        s = c.s
        type_ = c.index("type", len(c.params))
        table = c.index("table", len(c.tables))
        if c.tables[table] != FUNCREF and not match(c.tables[table], FUNCREF):
            raise s.fail("type mismatch: call_indirect through a table that does not hold functions")
        params, results = c.params[type_], c.results[type_]
        s.pop(c.table_index[table])
        s.pops(params)
        if tail:
            self.returns(results)
            if s.live:
                c.sink.return_call_indirect(type_, table, len(params), len(results))
            s.unreachable()
            return
        s.pushes(results)
        if s.live:
            c.sink.call_indirect(type_, table, len(params), len(results))
