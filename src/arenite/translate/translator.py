"""Makes bytecode of validated function bodies.

A frame, in slots of 8 bytes:

    parameters, where results will be | header (2) | scratch (4, in wide functions, 8 in those with vectors) | declared locals | temporaries

Scratch slots lie behind the header of any function of the module, so that what a tail call's `carry` brings to the frame's beginning spares them.

- The operand of height h on the stack has the temporary number h for its own.  It is *lazy*: it may be a local not yet copied or
  a constant not yet written instead; what uses it reads the local or takes the constant into the op.
- `local.set` first copies the local for operands that still are its old value.
- Where control flow joins, operands lie in their own temporaries: those that a block takes or leaves, and all that are locals.
  A constant below a block stays lazy: it cannot change.
- A vector lies in two slots, so it is two operands, of types V128 and UPPER, which stay together; heights count slots.
- A callee's frame begins at its first argument's temporary.  Results come back there: nothing is copied.
- A function whose frame passes 65535 bytes raises `WideFrame` and is translated again as a wide one.

Compiled by mypyc; see `writer` for what that forbids.

Spec: exec-instructions.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64

from arenite.bytecode.control import ENTER_MAX, ZERO_COUNT
from arenite.bytecode.words import patch
from arenite.layout.records import FrameHeader
from arenite.layout.types import UPPER, V128, slots
from arenite.translate.accesses import Accesses
from arenite.translate.arithmetic import Arithmetic
from arenite.translate.blocks import Blocks
from arenite.translate.bulk import Bulk
from arenite.translate.calls import Calls
from arenite.translate.entities import Entities
from arenite.translate.handlers import Handlers
from arenite.translate.older import Older
from arenite.translate.operands import CONSTANT, Operands
from arenite.translate.records import Records
from arenite.translate.shape import Shape  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.tables import ENTER, EQZ, EQZ64, INSTRUCTIONS, SELECT, UNREACHABLE, ZERO16, entry
from arenite.translate.vectors import Vectors
from arenite.translate.wide import Wide
from arenite.translate.writer import NEAR, UNIT, OpWriter, WideFrame
from arenite.wasm.budget import Budget  # noqa: TC001 (as above)
from arenite.wasm.sink import Sink

LINE: Final = 200 * UNIT  # bytes of code without a safepoint
HEADER: Final = FrameHeader.size


def widened(types: tuple[int, ...]) -> tuple[int, ...]:
    """`slots` of the types; most hold no v128, and then compiled code is not left."""
    return slots(types) if V128 in types else types


@final
class Translator(Sink):
    """Receives the bodies of one module, in order; the result is in `writer.out` and `records`."""

    def __init__(self, shape: Shape, budget: Budget) -> None:
        super().__init__()
        self.shape = shape
        self.writer = OpWriter(budget)
        self.s = Operands(self.writer)
        self.records = Records(budget)
        self.accesses = Accesses(shape, self.writer, self.s)
        self.arithmetic = Arithmetic(self.writer, self.s)
        self.wide_arithmetic = Wide(self.writer, self.s)
        self.v = Vectors(shape, self.writer, self.s, self.accesses)
        self.blocks = Blocks(self.writer, self.s, self.records)
        self.whole = Bulk(shape, self.writer, self.s, self.records, self.arithmetic)
        self.entities = Entities(shape, self.writer, self.s, self.v, self.whole)
        self.handlers = Handlers(shape, self.writer, self.s, self.records, self.blocks, budget)
        self.calls = Calls(shape, self.writer, self.s, self.records, self.handlers)
        self.older = Older(shape, self.writer, self.s, self.blocks, self.handlers)
        self.params: i64 = 0
        self.header: i64 = 0
        self.locals_at: i64 = 0
        self.need: i64 = 0  # bytes of frame that locals ask for
        self.begun: i64 = 0
        self.type_: i64 = 0
        self.body: i64 = 0
        self.types: list[int] = []  # of parameters and locals
        self.slots: list[int] = []  # … of the slots that these lie in
        self.vectors = False  # some take two slots; then `places` has where each lies
        self.places: list[int] = []

    # a body

    def begin(self, func: i64, params: tuple[int, ...], results: tuple[int, ...], locals_: list[int], size: i64) -> None:  # noqa: ARG002
        """A frame's layout is decided by the function's type and locals."""
        writer = self.writer
        self.begun = writer.pc()
        self.records.begin(self.begun)
        self.handlers.begin()
        self.types = [*params, *locals_]
        self.vectors = V128 in self.types
        if self.vectors:
            locals_ = list(slots(tuple(locals_)))
        params, results = widened(params), widened(results)
        self.params = len(params)
        self.header = UNIT * max(len(params), len(results))
        self.locals_at = self.header + HEADER
        if writer.wide:
            writer.scratch = UNIT * self.shape.largest + HEADER
            self.locals_at = writer.scratch + writer.scratch_size
        self.slots = [*params, *locals_]
        if self.vectors:
            self.place_locals()
        self.type_ = self.shape.func_types[func]
        self.body = self.at
        first = self.locals_at + UNIT * len(locals_)
        if first > NEAR and not writer.wide:
            raise WideFrame
        self.s.begin(first)
        self.blocks.begin(results, self.header)
        self.need = first
        self.calls.need = 0
        self.enter(len(locals_))

    def place_locals(self) -> None:
        """Where each local lies, of a function some of which take two slots."""
        self.places = []
        slot: i64 = 0
        for type_ in self.types:
            self.places.append(int(UNIT * slot if slot < self.params else self.locals_at + UNIT * (slot - self.params)))
            slot += 2 if type_ == V128 else 1

    def enter(self, count: i64) -> None:
        """Stack check, fuel, and zero for the declared locals."""
        writer = self.writer
        at = self.locals_at
        few = count % (ENTER_MAX + 1) if at <= NEAR else 0
        writer.effect32(ENTER + few, at if few else 0, 0)
        at += UNIT * few
        end = self.need
        while at < end:
            writer.effect32(ZERO16, 0, at)
            at += UNIT * ZERO_COUNT
        self.need = max(end, at)

    def finish(self) -> None:
        """Labels and the frame's size are known now."""
        writer = self.writer
        size = max(self.need, self.calls.need, self.s.temporary(self.s.peak))
        patch(writer.out, self.begun + 4, size)
        self.handlers.finish()
        writer.resolve()
        self.records.function(writer.pc(), size, self.header, self.type_, self.body)
        self.records.variables(self.slots)

    def again(self) -> None:
        """Forget the function at hand, to receive it once more as a wide one."""
        self.writer.cancel(self.begun)
        self.records.cancel()

    def line(self) -> None:
        """An instruction begins that writes ops.

        A straight line has a safepoint now and then: a tier that makes code of the bytecode makes it in pieces that end there, and looks
        up between two.
        """
        writer = self.writer
        if writer.pc() - self.records.since >= LINE:
            writer.barrier()
            self.records.safepoint(writer.pc(), self.at, self.s)

    # operands

    def const(self, type_: i64, bits: i64) -> None:
        """Stays lazy."""
        self.s.push(CONSTANT, bits, type_)

    def numeric(self, op: i64, operands: i64, result: i64) -> None:
        """An op, or nothing at all where the bits stay the same."""
        self.line()
        s = self.s
        code = entry(INSTRUCTIONS, op)
        if operands == 2:
            self.arithmetic.binary(code, result)
        elif code == 0:
            s.types[s.height - 1] = result
        elif code in (EQZ, EQZ64):
            self.arithmetic.is_zero(code)
        else:
            self.arithmetic.unary(code, result)

    def wide(self, op: i64) -> None:
        """See `Wide`."""
        self.line()
        self.wide_arithmetic.instruction(op)

    def load(self, op: i64, type_: i64, offset: i64, memory: i64) -> None:
        """See `Accesses`, and `Vectors`."""
        self.line()
        if type_ == V128:
            self.v.load(op, offset, memory)
            return
        self.accesses.load(entry(INSTRUCTIONS, op), type_, offset, memory)

    def store(self, op: i64, type_: i64, offset: i64, memory: i64) -> None:
        """See `Accesses`, and `Vectors`."""
        self.line()
        if type_ == V128:
            self.v.store(op, offset, memory)
            return
        self.accesses.store(entry(INSTRUCTIONS, op), offset, memory)

    def drop(self) -> None:
        """Nothing is done."""
        self.s.drop(self.s.width())

    def select(self, type_: i64) -> None:
        """No operand may be a constant."""
        self.line()
        if type_ == V128:
            self.v.select()
            return
        s = self.s
        h = s.height - 3
        a, b, c = s.source(h, 1), s.source(h + 1, 2), s.source(h + 2, 3)
        s.drop(3)
        self.writer.value128(SELECT, s.temporary(h), c, a, b)
        s.push_temporary(type_)

    # variables

    def slot(self, local: i64) -> i64:
        """Where a local lies."""
        if self.vectors:
            return i64(self.places[local])
        return UNIT * local if local < self.params else self.locals_at + UNIT * (local - self.params)

    def local_get(self, local: i64) -> None:
        """Stays lazy."""
        slot = self.slot(local)
        self.s.push(slot, 0, self.types[local])
        self.s.aliases += 1
        if self.types[local] == V128:
            self.s.push(slot + UNIT, 0, UPPER)
            self.s.aliases += 1

    def local_set(self, local: i64) -> None:
        """The op that made the value writes the local itself, where that is possible."""
        self.line()
        s = self.s
        slot = self.slot(local)
        width = s.width()
        h = s.top(width)
        s.drop(width)
        if s.where[h] != slot:
            if s.aliases > 0:
                s.release(slot)
            s.assign(h, slot)

    def local_tee(self, local: i64) -> None:
        """As `local.set`; the operand becomes an alias if the op that made it writes the local."""
        self.line()
        s = self.s
        slot = self.slot(local)
        width = s.width()
        h = s.top(width)
        if s.where[h] == slot:
            return
        if s.aliases > 0:
            s.release(slot)
        if s.where[h] != CONSTANT and self.writer.retarget(s.where[h], slot):
            s.where[h] = slot
            s.aliases += 1
            if width == 2:
                s.where[h + 1] = slot + UNIT
                s.aliases += 1
        else:
            s.assign(h, slot)

    def global_get(self, index: i64, type_: i64) -> None:
        """See `Entities`."""
        self.line()
        self.entities.global_get(index, type_)

    def global_set(self, index: i64, type_: i64) -> None:
        """See `Entities`."""
        self.line()
        self.entities.global_set(index, type_)

    # vectors: see `Vectors`

    def const128(self, low: i64, high: i64) -> None:
        """A constant is written at once."""
        self.line()
        self.v.const(low, high)

    def vector(self, op: i64) -> None:
        """An op."""
        self.line()
        self.v.op(op)

    def shuffle(self, low: i64, high: i64) -> None:
        """An op with a constant."""
        self.line()
        self.v.shuffle(low, high)

    def lane(self, op: i64, lane: i64) -> None:
        """An op with a lane, or on half a vector."""
        self.line()
        self.v.lane(op, lane)

    def access_lane(self, op: i64, lane: i64, offset: i64, memory: i64) -> None:
        """Likewise."""
        self.line()
        self.v.access_lane(op, lane, offset, memory)

    # references, tables, bulk

    def ref_null(self, type_: i64) -> None:
        """Null is 0."""
        self.s.push(CONSTANT, 0, type_)

    def ref_is_null(self) -> None:
        """Null is 0."""
        self.line()
        self.arithmetic.is_zero(EQZ)

    def ref_func(self, func: i64) -> None:
        """See `Entities`."""
        self.line()
        self.entities.ref_func(func)

    def table_get(self, table: i64, type_: i64) -> None:
        """See `Entities`."""
        self.line()
        self.entities.table_get(table, type_)

    def table_set(self, table: i64) -> None:
        """See `Entities`."""
        self.line()
        self.entities.table_set(table)

    def bulk(self, op: i64, x: i64, y: i64, operands: i64, result: i64) -> None:
        """See `Bulk`."""
        self.line()
        self.whole.instruction(op, x, y, operands, result, self.at)

    # control

    def block(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """See `Blocks`, as for all of control but calls."""
        self.line()
        self.blocks.block(widened(params), widened(results))

    def loop(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """A safepoint."""
        self.blocks.loop(widened(params), widened(results), self.at)

    def if_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """A branch."""
        self.line()
        self.blocks.if_(widened(params), widened(results))

    def else_(self, live: bool) -> None:  # noqa: FBT001 (as in `Sink`)
        """The other arm."""
        self.blocks.else_(live=live)

    def end(self, live: bool) -> None:  # noqa: FBT001 (as in `Sink`)
        """Paths join."""
        self.blocks.end(self.at, live=live)

    def br(self, depth: i64) -> None:
        """A jump."""
        self.blocks.br(depth)

    def br_if(self, depth: i64) -> None:
        """A branch."""
        self.line()
        self.blocks.br_if(depth)

    def br_table(self, depths: list[int]) -> None:
        """Many branches."""
        self.line()
        self.blocks.br_table(depths)

    def return_(self) -> None:
        """A branch out of everything."""
        self.blocks.br(self.blocks.depth - 1)

    def unreachable(self) -> None:
        """Trap."""
        self.writer.effect(UNREACHABLE, 0, 0, 0)

    # calls

    def call(self, func: i64, params: i64, results: i64) -> None:  # noqa: ARG002 (slots are counted here)
        """See `Calls`."""
        self.calls.call(func, self.at)

    def call_indirect(self, type_: i64, table: i64, params: i64, results: i64) -> None:  # noqa: ARG002 (as above)
        """See `Calls`."""
        if self.shape.tables64[table]:
            self.whole.cut(self.s.top(1))
        self.calls.call_indirect(type_, table, self.at)

    def return_call(self, func: i64, params: i64, results: i64) -> None:  # noqa: ARG002 (as above)
        """See `Calls`."""
        self.calls.return_call(func, self.header)

    def return_call_indirect(self, type_: i64, table: i64, params: i64, results: i64) -> None:  # noqa: ARG002 (as above)
        """See `Calls`."""
        if self.shape.tables64[table]:
            self.whole.cut(self.s.top(1))
        self.calls.return_call_indirect(type_, table, self.header)

    # exceptions: see `Handlers`

    def throw(self, tag: i64) -> None:
        """An op."""
        self.handlers.throw(tag, self.at)

    def throw_ref(self) -> None:
        """An op."""
        self.handlers.throw_ref(self.at)

    def try_table(self, params: tuple[int, ...], results: tuple[int, ...], catches: list[tuple[int, int, int]]) -> None:
        """A block."""
        self.line()
        self.handlers.try_table(widened(params), widened(results), catches)

    def try_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """See `Older`, as for the rest."""
        self.line()
        self.older.try_(widened(params), widened(results))

    def catch(self, tag: i64, live: bool) -> None:  # noqa: FBT001 (as in `Sink`)
        """A handler."""
        self.older.catch(tag, self.at, live=live)

    def catch_all(self, live: bool) -> None:  # noqa: FBT001 (as in `Sink`)
        """A handler."""
        self.older.catch_all(self.at, live=live)

    def delegate(self, depth: i64, live: bool) -> None:  # noqa: FBT001 (as in `Sink`)
        """The end of a block."""
        self.older.delegate(depth, self.at, live=live)

    def rethrow(self, depth: i64) -> None:
        """An op."""
        self.older.rethrow(depth, self.at)
