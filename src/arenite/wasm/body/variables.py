"""Instructions on variables, local and global, and those that take operands of any type.  Spec: valid-instr-variable, valid-instr-parametric.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.types import BOTTOM, I32
from arenite.wasm.body.context import Context  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.reader import is_reference


@final
class Variables:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.s = context.s
        self.sink = context.sink

    def instruction(self, op: i64) -> None:
        """`local.get`, `local.set`, `local.tee`; `global.get`, `global.set`."""
        if op > 0x22:
            self.global_(op)
            return
        c = self.context
        s = self.s
        local = c.index("local", len(c.locals))
        type_: i64 = c.locals[local]
        if op == 0x20:
            s.push(type_)
            if s.live:
                self.sink.local_get(local)
            return
        s.pop(type_)
        if op == 0x22:
            s.push(type_)
            if s.live:
                self.sink.local_tee(local)
        elif s.live:
            self.sink.local_set(local)

    def global_(self, op: i64) -> None:
        """`global.get`, `global.set`."""
        c = self.context
        s = self.s
        index = c.index("global", len(c.globals))
        type_: i64 = c.globals[index]
        if op == 0x23:
            s.push(type_)
            if s.live:
                self.sink.global_get(index, type_)
            return
        if not c.mutable[index]:
            raise s.fail("immutable global")
        s.pop(type_)
        if s.live:
            self.sink.global_set(index, type_)

    def parametric(self, op: i64) -> None:
        """`drop`, `select`."""
        c = self.context
        s = self.s
        if op == 0x1A:
            s.pop(BOTTOM)
            if s.live:
                self.sink.drop()
            return
        type_: i64 = BOTTOM
        if op == 0x1C:
            if c.r.u32() != 1:
                raise s.fail("invalid result arity")
            type_ = c.valtype()
        s.pop(I32)
        other = s.pop(type_)
        actual = s.pop(other if type_ == BOTTOM else type_)
        if type_ == BOTTOM:
            type_ = other if actual == BOTTOM else actual
            if is_reference(type_):
                raise s.fail("type mismatch: a select of references names its type")
        s.push(type_)
        if s.live:
            self.sink.select(type_)
