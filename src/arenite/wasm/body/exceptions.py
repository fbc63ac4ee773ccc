"""Instructions that throw and catch, of the standard and of the older form.  Spec: valid-throw, valid-throw_ref, valid-try_table.

An exception that a catch pushes is an `exnref`: that it is not null cannot be said yet.

Compiled by mypyc; see `reader` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.layout.types import EXNREF, match_all
from arenite.wasm import opcodes
from arenite.wasm.body.context import NOTHING, Context
from arenite.wasm.budget import CATCH
from arenite.wasm.sink import CATCH_ALL, CATCH_ALL_REF, CATCH_REF

TRY: Final[i64] = opcodes.code("try")
CATCHING: Final[i64] = opcodes.code("catch")
CATCHING_ALL: Final[i64] = opcodes.code("catch_all")
DELEGATE: Final[i64] = opcodes.code("delegate")
THROW: Final[i64] = opcodes.code("throw")
THROW_REF: Final[i64] = opcodes.code("throw_ref")
TRY_TABLE: Final[i64] = opcodes.code("try_table")


@final
class Exceptions:
    """Checks and reports them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.most_catches: i64 = 0  # of one instruction: so many have been paid for

    def instruction(self, op: i64) -> None:
        """One of the chapter."""
        c = self.context
        if op == THROW:
            tag = c.tag()
            c.s.pops(c.tags[tag])
            if c.s.live:
                c.sink.throw(tag)
            c.s.unreachable()
        elif op == THROW_REF:
            c.s.pop(EXNREF)
            if c.s.live:
                c.sink.throw_ref()
            c.s.unreachable()
        elif op == TRY_TABLE:
            self.try_table()
        else:
            self.older(op)

    def try_table(self) -> None:
        """`try_table`: labels are those outside of it."""
        c = self.context
        s = c.s
        params, results = c.blocktype()
        left = c.r.count()
        if left > self.most_catches:
            c.s.budget.pay(CATCH * (left - self.most_catches))
            self.most_catches = left
        catches: list[tuple[int, int, int]] = []
        while left > 0:
            left -= 1
            catches.append(self.clause())
        s.enter(TRY_TABLE, params, results)
        if s.live:
            c.sink.try_table(params, results, catches)

    def clause(self) -> tuple[int, int, int]:
        """A catch of a `try_table`.  Spec: valid-catch."""
        c = self.context
        kind = c.r.byte()
        if kind > CATCH_ALL_REF:
            raise DecodeError(f"malformed catch {kind:02x}", int(c.r.pos - 1))
        tag: i64 = -1
        found = NOTHING
        if kind < CATCH_ALL:
            tag = c.tag()
            found = c.tags[tag]
        if kind in (CATCH_REF, CATCH_ALL_REF):
            found = (*found, EXNREF)
        depth = c.r.u32()
        wanted = c.s.frame(depth).label()
        c.s.budget.look(len(found))
        if not match_all(found, wanted):
            raise c.s.fail("type mismatch: a catch pushes other values than its label takes")
        return int(kind), int(tag), int(depth)

    # the older form

    def older(self, op: i64) -> None:
        """`try`, `catch`, `catch_all`, `delegate`, `rethrow`."""
        c = self.context
        s = c.s
        if op == TRY:
            params, results = c.blocktype()
            s.enter(op, params, results)
            if s.live:
                c.sink.try_(params, results)
        elif op == CATCHING:
            tag = c.tag()
            live = self.next_arm(op)
            if s.live:
                c.sink.catch(tag, live)
            s.pushes(c.tags[tag])
        elif op == CATCHING_ALL:
            live = self.next_arm(op)
            if s.live:
                c.sink.catch_all(live)
        elif op == DELEGATE:
            self.delegate()
        else:
            depth = c.r.u32()
            if s.frame(depth).op not in (CATCHING, CATCHING_ALL):
                raise s.fail("invalid rethrow label: the block is no catch")
            if s.live:
                c.sink.rethrow(depth)
            s.unreachable()

    def next_arm(self, op: i64) -> bool:
        """A catch begins; whether the end of what was before it can be reached."""
        s = self.context.s
        frame = s.frames[-1]
        if frame.op not in (TRY, CATCHING):
            raise s.fail("misplaced catch: it does not follow a try or a catch of a tag")
        s.leave()
        live = not frame.dead
        frame.op = op
        frame.dead = False
        s.dead = False
        s.live = frame.live
        return live

    def delegate(self) -> None:
        """`delegate` ends a `try`; its label is one outside of that."""
        c = self.context
        s = c.s
        if s.frames[-1].op != TRY:
            raise s.fail("misplaced delegate: it does not end a try without catches")
        depth = c.r.u32()
        c.known("label", depth, len(s.frames) - 1)
        frame = s.leave()
        if frame.live:
            c.sink.delegate(depth, not frame.dead)
        s.close(frame)
