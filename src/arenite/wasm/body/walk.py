"""The one walk over a function body: decodes its instructions, checks their types, reports them to a `Sink`.

It is the algorithm of the standard's appendix.  Unreachable code is checked as the standard asks and never reported.  What
is malformed inside a body is found here too.  A body is read from the file as if its size were unknown, which is compared
afterwards.  Counts are compared with the bytes left in it, and what a body needs is paid for (`budget`).

Compiled by mypyc; see `reader` for what that forbids.

Example:  BodyValidator(module, Sink()).body(0)

Spec: algo-valid.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.errors import DecodeError
from arenite.wasm import opcodes
from arenite.wasm.body.context import NOTHING, Context, is_reference
from arenite.wasm.body.control import Control
from arenite.wasm.body.stacks import BOTTOM
from arenite.wasm.body.tables import Entities
from arenite.wasm.budget import LOCAL
from arenite.wasm.features import illegal
from arenite.wasm.module import Module  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.reader import MASK32, Reader
from arenite.wasm.sink import Sink  # noqa: TC001 (as above)

I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C

NUMERIC: Final = 1
LOAD: Final = 2
KIND: Final[bytes] = opcodes.KIND
FIRST: Final[bytes] = opcodes.FIRST
SECOND: Final[bytes] = opcodes.SECOND
RESULT: Final[bytes] = opcodes.RESULT
ALIGN: Final[bytes] = opcodes.ALIGN

MAX_LOCALS: Final = 50_000  # of a function, parameters among them


@final
class BodyValidator:
    """Checks the bodies of one module, whose `validate_module` has passed, and reports them to `sink`."""

    def __init__(self, module: Module, sink: Sink) -> None:
        self.context = Context(module, sink)
        self.control = Control(self.context)
        self.entities = Entities(self.context)
        self.sink = sink
        self.s = self.context.s
        self.r = self.context.r
        self.restricted = self.context.restricted
        self.bodies = module.bodies
        self.budget = module.budget
        self.locals: list[int] = []
        self.most_locals: i64 = 0  # so many have been paid for

    def body(self, index: i64) -> None:
        """Check the body of the `index`-th function that the module defines.

        Raises: `ValidationError`, and `DecodeError` for what is malformed.
        """
        start, end = self.bodies[index]
        c = self.context
        func = c.imported + index
        type_ = c.funcs[func]
        params, results = c.params[type_], c.results[type_]
        r, s, sink = Reader(c.r.data, start, len(c.r.data)), self.s, self.sink
        c.r = r
        self.r = r
        s.begin(func, start)
        declared = self.declarations(len(params))
        self.locals = [*params, *declared]
        sink.at = start
        sink.begin(func, params, results, declared, end - start)
        s.enter(0x02, NOTHING, results)
        while s.frames:
            self.instruction()
        if r.pos != end:
            raise r.fail("section size mismatch")
        sink.finish()

    def declarations(self, params: i64) -> list[int]:
        """The types of the declared locals.  Spec: binary-local."""
        r = self.r
        declared: list[int] = []
        total = params
        groups = r.count()
        while groups > 0:
            groups -= 1
            count = r.u32()
            type_ = self.context.valtype()
            total += count
            if total > MAX_LOCALS:
                raise r.fail("too many locals")
            if total > self.most_locals:
                self.budget.pay(LOCAL * (total - self.most_locals))
                self.most_locals = total
            self.budget.look(count)
            declared.extend([int(type_)] * count)
        return declared

    def instruction(self) -> None:
        """Check and report one instruction."""
        s = self.s
        r = self.r
        s.at = r.pos
        self.sink.at = r.pos
        op = r.byte()
        if self.restricted and op != opcodes.PREFIX:
            self.context.instruction(op)
        kind: i64 = KIND[op]
        if kind == NUMERIC:
            self.numeric(op, op)
        elif 0x20 <= op <= 0x22:
            self.local(op)
        elif kind != 0:
            self.access(op)
        elif op == 0x41:
            self.const(I32, r.signed(32) & MASK32)
        elif op == 0x42:
            self.const(I64, r.signed(64))
        elif op == 0x43:
            self.const(F32, r.f32())
        elif op == 0x44:
            self.const(F64, r.f64())
        elif op <= 0x05 or op == 0x0B:
            self.control.structure(op)
        elif op <= 0x0F:
            self.control.branch(op)
        elif op == 0x10:
            self.control.call()
        elif op == 0x11:
            self.control.call_indirect()
        elif 0x1A <= op <= 0x1C:
            self.parametric(op)
        elif 0x23 <= op <= 0x24:
            self.entities.global_(op)
        elif 0x25 <= op <= 0x26:
            self.entities.table(op)
        elif 0x3F <= op <= 0x40:
            self.entities.memory(op)
        elif 0xD0 <= op <= 0xD2:
            self.entities.reference(op)
        elif op == opcodes.PREFIX:
            code = r.u32()
            if self.restricted:
                self.context.instruction(opcodes.PREFIX << 8 | code)
            if code < 8:
                self.numeric(opcodes.PREFIX << 8 | code, 256 + code)
            else:
                self.entities.bulk(code)
        else:
            raise DecodeError(illegal(op), int(s.at))

    def const(self, type_: i64, bits: i64) -> None:
        """`t.const`."""
        s = self.s
        s.push(type_)
        if s.live:
            self.sink.const(type_, bits)

    def numeric(self, op: i64, row: i64) -> None:
        """An instruction that only computes; `row`: where the lookup arrays have it."""
        s = self.s
        operands: i64 = 1
        second: i64 = SECOND[row]
        if second != 0:
            operands = 2
            s.pop(second)
        s.pop(FIRST[row])
        result: i64 = RESULT[row]
        s.push(result)
        if s.live:
            self.sink.numeric(op, operands, result)

    def access(self, op: i64) -> None:
        """A load or a store."""
        s = self.s
        offset = self.context.memarg(ALIGN[op])
        if KIND[op] == LOAD:
            s.pop(I32)
            s.push(RESULT[op])
            if s.live:
                self.sink.load(op, RESULT[op], offset)
        else:
            s.pop(SECOND[op])
            s.pop(I32)
            if s.live:
                self.sink.store(op, SECOND[op], offset)

    def local(self, op: i64) -> None:
        """`local.get`, `local.set`, `local.tee`."""
        s = self.s
        local = self.context.index("local", len(self.locals))
        type_: i64 = self.locals[local]
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

    def parametric(self, op: i64) -> None:
        """`drop`, `select`."""
        s = self.s
        if op == 0x1A:
            s.pop(BOTTOM)
            if s.live:
                self.sink.drop()
            return
        type_: i64 = BOTTOM
        if op == 0x1C:
            if self.r.u32() != 1:
                raise s.fail("invalid result arity")
            type_ = self.context.valtype()
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
