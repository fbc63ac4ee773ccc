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
from arenite.layout import types
from arenite.wasm import opcodes
from arenite.wasm.budget import LOCAL
from arenite.wasm.features import heap_type, illegal, malformed, missing
from arenite.wasm.module import Kind, Module
from arenite.wasm.reader import MASK32, Reader
from arenite.wasm.sink import Sink  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.wasm.stacks import BOTTOM, Stacks

I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C
FUNCREF: Final = 0x70
EXTERNREF: Final = 0x6F

NUMERIC: Final = 1
LOAD: Final = 2
KIND: Final[bytes] = opcodes.KIND
FIRST: Final[bytes] = opcodes.FIRST
SECOND: Final[bytes] = opcodes.SECOND
RESULT: Final[bytes] = opcodes.RESULT
ALIGN: Final[bytes] = opcodes.ALIGN

MAX_LOCALS: Final = 50_000  # of a function, parameters among them

VALUE: Final[list[tuple[int, ...]]] = [(t,) if t in types.NUMERIC + types.REFERENCES else () for t in range(128)]
NOTHING: Final[tuple[int, ...]] = ()
THREE: Final[tuple[int, ...]] = (I32, I32, I32)


def is_reference(type_: i64) -> bool:
    """Whether values of a type are references."""
    return EXTERNREF <= type_ <= FUNCREF


@final
class BodyValidator:
    """Checks the bodies of one module, whose `validate_module` has passed, and reports them to `sink`."""

    def __init__(self, module: Module, sink: Sink) -> None:
        self.sink = sink
        self.bodies = module.bodies
        self.params = [type_.params for type_ in module.types]
        self.results = [type_.results for type_ in module.types]
        self.funcs = module.funcs
        self.tables = [table.element for table in module.tables]
        self.memories: i64 = len(module.memories)
        self.globals = [type_.content for type_ in module.globals]
        self.mutable = [type_.mutable for type_ in module.globals]
        self.elements = [element.type for element in module.elements]
        self.data_count: i64 = -1 if module.data_count is None else module.data_count
        self.declared = module.declared()
        self.imported: i64 = module.imported(Kind.FUNC)
        self.r = Reader(module.data, 0, 0)
        self.locals: list[int] = []
        self.budget = module.budget
        self.most_locals: i64 = 0  # so many have been paid for
        self.s = Stacks(self.budget)

    def body(self, index: i64) -> None:
        """Check the body of the `index`-th function that the module defines.

        Raises: `ValidationError`, and `DecodeError` for what is malformed.
        """
        start, end = self.bodies[index]
        func = self.imported + index
        type_ = self.funcs[func]
        params, results = self.params[type_], self.results[type_]
        r, s, sink = Reader(self.r.data, start, len(self.r.data)), self.s, self.sink
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
            type_ = self.valtype()
            total += count
            if total > MAX_LOCALS:
                raise r.fail("too many locals")
            if total > self.most_locals:
                self.budget.pay(LOCAL * (total - self.most_locals))
                self.most_locals = total
            self.budget.look(count)
            declared.extend([int(type_)] * count)
        return declared

    # immediates

    def valtype(self) -> i64:
        """A value type."""
        byte = self.r.type_byte()
        if byte >= 0x80 or not VALUE[byte]:
            raise DecodeError(malformed("value", byte), int(self.r.pos - 1))
        return byte

    def index(self, what: str, count: i64) -> i64:
        """An index below `count`."""
        index = self.r.u32()
        self.known(what, index, count)
        return index

    def known(self, what: str, index: i64, count: i64) -> None:
        """Check that an index is below `count`."""
        if index >= count:
            raise self.s.fail(f"unknown {what} {index}")

    def segment(self) -> i64:
        """A dataidx, not yet checked."""
        if self.data_count < 0:
            raise self.r.fail("data count section required")
        return self.r.u32()

    def memarg(self, align: i64) -> i64:
        """The static offset of a memory access of natural alignment `align`.  Spec: binary-memarg."""
        s = self.s
        flags = self.r.u32()
        if flags >= 0x80:
            raise self.r.fail("malformed memop flags")
        if flags & 0x40:
            raise self.r.fail("malformed memop flags" + missing("multi-memory"))
        offset = self.r.narrow()
        self.known("memory", 0, self.memories)
        if flags > align:
            raise s.fail("alignment must not be larger than natural")
        if offset > MASK32:
            raise s.fail("offset out of range")
        return offset

    # instructions

    def instruction(self) -> None:
        """Check and report one instruction."""
        s = self.s
        r = self.r
        s.at = r.pos
        self.sink.at = r.pos
        op = r.byte()
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
            self.structure(op)
        elif op <= 0x0F:
            self.branch(op)
        elif op == 0x10:
            self.call()
        elif op == 0x11:
            self.call_indirect()
        elif 0x1A <= op <= 0x1C:
            self.parametric(op)
        elif 0x23 <= op <= 0x24:
            self.global_(op)
        elif 0x25 <= op <= 0x26:
            self.table(op)
        elif 0x3F <= op <= 0x40:
            if r.byte() != 0:
                raise DecodeError("zero byte expected" + missing("multi-memory"), int(r.pos - 1))
            self.known("memory", 0, self.memories)
            self.bulk(op, 0, 0, (I32,) if op == 0x40 else NOTHING, I32)
        elif 0xD0 <= op <= 0xD2:
            self.reference(op)
        elif op == opcodes.PREFIX:
            self.prefixed()
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
        offset = self.memarg(ALIGN[op])
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
        local = self.index("local", len(self.locals))
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

    def structure(self, op: i64) -> None:
        """`unreachable`, `nop`, and what opens, divides and closes blocks."""
        s = self.s
        if op == 0x00:
            if s.live:
                self.sink.unreachable()
            s.unreachable()
        elif op == 0x05:
            self.else_()
        elif op == 0x0B:
            self.end()
        elif op != 0x01:
            self.block(op)

    def block(self, op: i64) -> None:
        """`block`, `loop`, `if`.  Spec: binary-blocktype."""
        s = self.s
        r = self.r
        params = NOTHING
        results = NOTHING
        byte = r.type_byte()
        if 0x40 <= byte < 0x80:
            results = VALUE[byte]
            if byte != 0x40 and not results:
                raise DecodeError(malformed("value", byte), int(r.pos - 1))
        else:
            r.pos -= 1
            index = r.signed(33)
            if index < 0 or index >= len(self.params):
                raise s.fail(f"unknown type {index}")
            params, results = self.params[index], self.results[index]
        if op == 0x04:
            s.pop(I32)
        s.enter(op, params, results)
        if not s.live:
            return
        if op == 0x02:
            self.sink.block(params, results)
        elif op == 0x03:
            self.sink.loop(params, results)
        else:
            self.sink.if_(params, results)

    def else_(self) -> None:
        """`else`."""
        s = self.s
        if s.frames[-1].op != 0x04:
            raise DecodeError("END opcode expected: else without if", int(s.at))
        frame = s.leave()
        if frame.live:
            self.sink.else_(not frame.dead)
        frame.op = 0x05
        frame.dead = False
        s.dead = False
        s.live = frame.live
        s.pushes(frame.params)

    def end(self) -> None:
        """`end`."""
        s = self.s
        frame = s.leave()
        if frame.op == 0x04 and frame.params != frame.results:
            raise s.fail("type mismatch: an if without else must leave its parameters")
        if frame.live:
            self.sink.end(not frame.dead)
        s.frames.pop()
        s.live = frame.live
        if len(s.frames) > 0:
            outer = s.frames[-1]
            s.height = outer.height
            s.dead = outer.dead
            s.pushes(frame.results)

    def branch(self, op: i64) -> None:
        """`br`, `br_if`, `br_table`, `return`."""
        s = self.s
        if op == 0x0C:
            depth = self.r.u32()
            s.pops(s.frame(depth).label())
            if s.live:
                self.sink.br(depth)
            s.unreachable()
        elif op == 0x0D:
            depth = self.r.u32()
            label = s.frame(depth).label()
            s.pop(I32)
            s.pops(label)
            s.pushes(label)
            if s.live:
                self.sink.br_if(depth)
        elif op == 0x0E:
            self.br_table()
        elif op == 0x0F:
            s.pops(s.frames[0].results)
            if s.live:
                self.sink.return_()
            s.unreachable()
        else:
            raise DecodeError(illegal(op), int(s.at))

    def br_table(self) -> None:
        """`br_table`: all labels take as many operands as the default."""
        s = self.s
        count = self.r.count()
        depths: list[int] = []
        s.pop(I32)
        while count >= 0:
            count -= 1
            depth = self.r.u32()
            label = s.frame(depth).label()
            s.peeks(label)
            if depths and len(label) != len(s.frame(depths[-1]).label()):
                raise s.fail("type mismatch: labels of different arity")
            depths.append(int(depth))
        if s.live:
            self.sink.br_table(depths)
        s.unreachable()

    def call(self) -> None:
        """`call`."""
        s = self.s
        func = self.index("function", len(self.funcs))
        type_ = self.funcs[func]
        params, results = self.params[type_], self.results[type_]
        s.pops(params)
        s.pushes(results)
        if s.live:
            self.sink.call(func, len(params), len(results))

    def call_indirect(self) -> None:
        """`call_indirect`."""
        s = self.s
        type_ = self.index("type", len(self.params))
        table = self.index("table", len(self.tables))
        if self.tables[table] != FUNCREF:
            raise s.fail("type mismatch: call_indirect through a table that does not hold functions")
        params, results = self.params[type_], self.results[type_]
        s.pop(I32)
        s.pops(params)
        s.pushes(results)
        if s.live:
            self.sink.call_indirect(type_, table, len(params), len(results))

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
            type_ = self.valtype()
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

    def global_(self, op: i64) -> None:
        """`global.get`, `global.set`."""
        s = self.s
        index = self.index("global", len(self.globals))
        type_: i64 = self.globals[index]
        if op == 0x23:
            s.push(type_)
            if s.live:
                self.sink.global_get(index, type_)
            return
        if not self.mutable[index]:
            raise s.fail("immutable global")
        s.pop(type_)
        if s.live:
            self.sink.global_set(index, type_)

    def table(self, op: i64) -> None:
        """`table.get`, `table.set`."""
        s = self.s
        table = self.index("table", len(self.tables))
        type_: i64 = self.tables[table]
        if op == 0x25:
            s.pop(I32)
            s.push(type_)
            if s.live:
                self.sink.table_get(table, type_)
            return
        s.pop(type_)
        s.pop(I32)
        if s.live:
            self.sink.table_set(table)

    def reference(self, op: i64) -> None:
        """`ref.null`, `ref.is_null`, `ref.func`."""
        s = self.s
        if op == 0xD0:
            start = self.r.pos
            index = self.r.signed(33)
            type_ = index & 0x7F
            if self.r.pos - start > 1 or not is_reference(type_):
                raise DecodeError(heap_type(index), int(start))
            s.push(type_)
            if s.live:
                self.sink.ref_null(type_)
        elif op == 0xD1:
            type_ = s.pop(BOTTOM)
            if type_ != BOTTOM and not is_reference(type_):
                raise s.fail(f"type mismatch: {types.type_name(type_)} found, a reference expected")
            s.push(I32)
            if s.live:
                self.sink.ref_is_null()
        else:
            func = self.index("function", len(self.funcs))
            if func not in self.declared:
                raise s.fail("undeclared function reference")
            s.push(FUNCREF)
            if s.live:
                self.sink.ref_func(func)

    def prefixed(self) -> None:
        """Instructions of two bytes."""
        s = self.s
        op = self.r.u32()
        code = 0xFC00 | op
        if op < 8:
            self.numeric(code, 256 + op)
        elif op == 8:
            segment = self.segment()
            self.index("memory", self.memories)
            self.known("data segment", segment, self.data_count)
            self.bulk(code, segment, 0, THREE, 0)
        elif op == 9:
            segment = self.segment()
            self.known("data segment", segment, self.data_count)
            self.bulk(code, segment, 0, NOTHING, 0)
        elif 10 <= op <= 11:
            self.index("memory", self.memories)
            if op == 10:
                self.index("memory", self.memories)
            self.bulk(code, 0, 0, THREE, 0)
        elif op == 12:
            segment = self.r.u32()
            table = self.index("table", len(self.tables))
            self.known("elem segment", segment, len(self.elements))
            if self.elements[segment] != self.tables[table]:
                raise s.fail("type mismatch: the segment and the table hold different types")
            self.bulk(code, table, segment, THREE, 0)
        elif op == 13:
            self.bulk(code, self.index("elem segment", len(self.elements)), 0, NOTHING, 0)
        elif op == 14:
            table = self.index("table", len(self.tables))
            source = self.index("table", len(self.tables))
            if self.tables[source] != self.tables[table]:
                raise s.fail("type mismatch: the tables hold different types")
            self.bulk(code, table, source, THREE, 0)
        elif op <= 17:
            table = self.index("table", len(self.tables))
            type_ = self.tables[table]
            operands = (type_, I32) if op == 15 else (I32, type_, I32) if op == 17 else NOTHING
            self.bulk(code, table, 0, operands, 0 if op == 17 else I32)
        else:
            raise DecodeError(f"illegal opcode fc {op:02x}", int(s.at))

    def bulk(self, op: i64, x: i64, y: i64, operands: tuple[int, ...], result: i64) -> None:
        """What works on a whole memory, table or segment."""
        s = self.s
        s.pops(operands)
        if result != 0:
            s.push(result)
        if s.live:
            self.sink.bulk(op, x, y, len(operands), result)
