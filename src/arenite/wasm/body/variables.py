"""Instructions on variables, local and global, and those that take operands of any type.  Spec: valid-instr-variable, valid-instr-parametric.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.types import BOTTOM, I32
from arenite.wasm import opcodes
from arenite.wasm.body.context import Context  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.reader import is_reference

LOCAL_GET: Final[i64] = opcodes.code("local.get")
LOCAL_TEE: Final[i64] = opcodes.code("local.tee")
GLOBAL_GET: Final[i64] = opcodes.code("global.get")
GLOBAL_SET: Final[i64] = opcodes.code("global.set")
DROP: Final[i64] = opcodes.code("drop")
SELECT_TYPED: Final[i64] = opcodes.code("select t")


@final
class Variables:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.s = context.s
        self.sink = context.sink

    def instruction(self, op: i64) -> None:
        """`local.get`, `local.set`, `local.tee`; `global.get`, `global.set`."""
        if op in (GLOBAL_GET, GLOBAL_SET):
            self.global_(op)
            return
        c = self.context
        s = self.s
        local = c.index("local", len(c.locals))
        type_: i64 = c.locals[local]
        if op == LOCAL_GET:
            s.push(type_)
            if s.live:
                self.sink.local_get(local)
            return
        s.pop(type_)
        if op == LOCAL_TEE:
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
        if op == GLOBAL_GET:
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
        if op == DROP:
            s.pop(BOTTOM)
            if s.live:
                self.sink.drop()
            return
        type_: i64 = BOTTOM
        if op == SELECT_TYPED:
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
