"""The baseline compiler: bytecode to machine code by copying a stencil for each op and filling its holes.

One pass finds where branches go, one copies; time and room are linear in the function.  Of each op the variant is taken whose operands are
where the accumulators have them: those have the slots that were written last, up to the next place where control comes together.  Where
the op that closes a loop writes a slot, as a counter's, that one stays in `acc0` from round to round; who enters the loop elsewhere loads it.

Compiled by mypyc: no overflow, no literal shifted left by a variable; a word's top quarter is made signed.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i32_le
from librt.vecs import vec
from mypy_extensions import i32, i64, u8

from arenite.bytecode.words import patch, word_at
from arenite.tiers.baseline.accumulators import Accumulators
from arenite.tiers.baseline.fields import UncompilableError, filled, lead
from arenite.tiers.baseline.holes import (
    BEHIND,
    CALLEE,
    CALLS,
    CLOBBERS,
    HERE,
    I64,
    INSTRUCTION,
    LABELS,
    LAST,
    LONG,
    LOOPS,
    NEXT,
    POOL,
    RESUMES,
    ROUTINE,
    S16,
    STOP,
    STOP_TO,
    SWITCHES,
    TAILS,
    TO,
    TYPE,
    U16,
    U30,
    U32,
    WRITES,
    WRITES_F64,
    WRITES_PAIR,
)
from arenite.tiers.baseline.tables import Tables  # noqa: TC001 (compiled code checks its arguments at run time)

OP_SIZE: Final = 32  # bytes of an op's record in `Tables.ops`
STUB_STOP: Final = 0  # numbers of stencils that are no op's
STUB_CALL: Final = 1
LOAD: Final = 2
UNKNOWN: Final = -1
BOUND: Final = 1 << 30


@final
class Compiler:
    """Compiles functions of one module in one window.

    `bytecode`, `origin`: the module's, and the pc at which it begins; `ids`: i32, the window's id of each of its types.
    `routines`: i32, where in the code space the way to each routine of the interpreter is; `pool`: where the constants are.
    `handlers`: i32, where handlers of exceptions begin, ascending.  `function_offsets`: pc of a function -> where its code begins.
    """

    def __init__(
        self,
        tables: Tables,
        bytecode: bytes,
        origin: int,
        ids: bytes,
        routines: bytes,
        pool: int,
        handlers: bytes,
        function_offsets: dict[int, int],
    ) -> None:
        self.tables = tables
        self.bytecode = bytecode
        self.origin: i64 = origin
        self.ids = ids
        self.routines = routines
        self.pool: i64 = pool
        self.handlers = handlers
        self.function_offsets = function_offsets
        self.out = BytesWriter()
        self.places: vec[i32] = vec[i32]()  # of each unit of the function: where its op's code is, in `out`
        self.joins: vec[u8] = vec[u8]()  # of each unit: 1 if control comes together there
        self.carried: vec[i32] = vec[
            i32
        ]()  # of each unit: the slot that `acc0` carries from round to round of the loop that begins there, or -1
        self.carried_heads: vec[i32] = vec[i32]()  # … and where a round begins that finds it there, in `out`; or -1
        self.deferred = (
            BytesWriter()
        )  # holes that are filled behind the last op: i32 field, pc, kind and operand, the op's record
        self.forward = (
            BytesWriter()
        )  # fields that lead to code not yet copied: i32 field, unit, the table of labels that it is in or -1
        self.entries = BytesWriter()  # i32 pc, offset of code that the interpreter may enter
        self.return_points = BytesWriter()  # the same of return points
        self.calls = BytesWriter()  # i32 field, pc of a function that was not known
        self.accumulators = Accumulators(tables)
        self.at: i64 = 0
        self.ops = 0

    def function(self, begin: int, end: int, at: int) -> bytes:
        """The code of the function whose ops are in `begin..end` of the bytecode, for the offset `at` of the code space.

        `entries` has where it can be entered then.  Raises: `UncompilableError`.
        """
        self.out.truncate(0)
        self.deferred.truncate(0)
        self.forward.truncate(0)
        self.entries.truncate(0)
        self.calls.truncate(0)
        self.return_points.truncate(0)
        self.at = at
        units = (end - begin) // 8 + 1
        self.places = vec[i32]([i32(-1)] * units)
        self.joins = vec[u8]([u8(0)] * units)
        self.carried = vec[i32]([i32(-1)] * units)
        self.carried_heads = vec[i32]([i32(-1)] * units)
        self._find_joins(begin, end)
        first = self._find_handlers(begin, end)
        self._copy(begin, end)
        self._enter_handlers(first, begin, end)
        self._stubs(begin)
        return self.out.getvalue()

    def op_offsets(self, begin: int, end: int) -> list[tuple[int, int]]:
        """(offset from the function's code, pc) of each op of the function compiled last."""
        found: list[tuple[int, int]] = []
        for unit in range((end - begin) // 8):
            place = int(self.places[unit])
            if place >= 0:
                found.append((place, int(self.origin) + begin + 8 * unit))
        return found

    def _size(self, pc: i64, record: i64) -> i64:
        """Bytes of a `br_table`, with the labels that follow it."""
        ops = self.tables.ops
        count = i64(read_i16_le(self.bytecode, pc + i64(read_i32_le(ops, record + 8)))) & 0xFFFF
        return i64(read_i32_le(ops, record)) + (4 * count + 7) // 8 * 8

    def _find_joins(self, begin: i64, end: i64) -> None:
        """Mark where branches of the function go."""
        code, ops, joins = self.bytecode, self.tables.ops, self.joins
        pc = begin
        while pc < end:
            record = OP_SIZE * (i64(read_i16_le(code, pc)) & 0xFFFF)
            label = i64(read_i32_le(ops, record + 8))
            size = i64(read_i32_le(ops, record))
            if label >= 0:
                flags = i64(read_i32_le(ops, record + 4))
                if flags & SWITCHES:
                    count = i64(read_i16_le(code, pc + label)) & 0xFFFF
                    k: i64 = 0
                    while k < count:
                        joins[((pc - begin) >> 3) + i64(read_i32_le(code, pc + size + 4 * k))] = u8(1)
                        k += 1
                    size += (4 * count + 7) // 8 * 8
                elif not flags & (CALLS | TAILS):
                    to = ((pc - begin) >> 3) + i64(read_i32_le(code, pc + label))
                    joins[to] = u8(1)
                    if flags & LOOPS and flags & WRITES:
                        self.carried[to] = i32(i64(read_i16_le(code, pc + i64(read_i32_le(ops, record + 12)))) & 0xFFFF)
            pc += size

    def _find_handlers(self, begin: i64, end: i64) -> i64:
        """Mark where handlers begin; the place of the first in the list."""
        low: i64 = 0
        high: i64 = len(self.handlers) >> 2
        while low < high:
            middle = (low + high) >> 1
            if i64(read_i32_le(self.handlers, 4 * middle)) < begin:
                low = middle + 1
            else:
                high = middle
        at = 4 * low
        while at < i64(len(self.handlers)) and i64(read_i32_le(self.handlers, at)) < end:
            self.joins[(i64(read_i32_le(self.handlers, at)) - begin) >> 3] = u8(1)
            at += 4
        return 4 * low

    def _enter_handlers(self, at: i64, begin: i64, end: i64) -> None:
        """The interpreter may enter where handlers begin, the first of which is at a place in the list."""
        while at < i64(len(self.handlers)) and i64(read_i32_le(self.handlers, at)) < end:
            pc = i64(read_i32_le(self.handlers, at))
            write_i32_le(self.entries, i32(self.origin + pc))
            write_i32_le(self.entries, self.places[(pc - begin) >> 3])
            at += 4

    def _copy(self, begin: i64, end: i64) -> None:
        """Copy and fill the stencils."""
        out, code, t, places, joins = self.out, self.bytecode, self.tables, self.places, self.joins
        ops, blobs, holes, first_code, first_hole = t.ops, t.code, t.holes, t.first_code, t.first_hole
        entries, origin, carried = self.entries, self.origin, self.carried
        accumulators = self.accumulators
        held = accumulators.held
        accumulators.forget()
        write_i32_le(entries, i32(origin + begin))
        write_i32_le(entries, i32(0))
        pc = begin
        number = 0
        enter = False
        point = False
        while pc < end:
            record = OP_SIZE * (i64(read_i16_le(code, pc)) & 0xFFFF)
            flags = i64(read_i32_le(ops, record + 4))
            size = i64(read_i32_le(ops, record)) if not flags & SWITCHES else self._size(pc, record)
            unit = (pc - begin) >> 3
            here: i64 = len(out)
            places[unit] = i32(here)
            if enter:
                write_i32_le(entries, i32(origin + pc))
                write_i32_le(entries, i32(here))
                if point:
                    write_i32_le(self.return_points, i32(origin + pc))
                    write_i32_le(self.return_points, i32(here))
                enter = False
            if joins[unit]:
                accumulators.forget()
                if carried[unit] >= 0:
                    held[0] = i64(carried[unit])
                    accumulators.older = 1
                    self._load(held[0])
                    here = len(out)
                    self.carried_heads[unit] = i32(here)
            v = accumulators.sources(code, pc, record)
            if flags & (CALLS | RESUMES | CLOBBERS):
                accumulators.forget()
                enter = flags & (CALLS | RESUMES) != 0
                point = flags & CALLS != 0
            if flags & (WRITES | WRITES_F64):
                slot = i64(read_i16_le(code, pc + i64(read_i32_le(ops, record + 12)))) & 0xFFFF
                if flags & WRITES:
                    v = 2 * v + accumulators.result(slot, closes=flags & LOOPS != 0)
                else:
                    held[2] = slot
                    if held[0] == slot:
                        held[0] = -1
                    if held[1] == slot:
                        held[1] = -1
            elif flags & WRITES_PAIR:
                slot = i64(read_i16_le(code, pc + i64(read_i32_le(ops, record + 12)))) & 0xFFFF
                accumulators.overwritten(slot)
                accumulators.overwritten(slot + 8)
            v += i64(read_i32_le(ops, record + 16))
            blob = i64(read_i32_le(first_code, 4 * v))
            out.write(blobs[blob : i64(read_i32_le(first_code, 4 * v + 4))])
            row = i64(read_i32_le(first_hole, 4 * v))
            last = i64(read_i32_le(first_hole, 4 * v + 4))
            while row < last:
                self._fill(read_i64_le(holes, 8 * row), here, pc, size, begin, record)
                row += 1
            if flags & LOOPS:
                head = (i64(read_i32_le(code, pc + i64(read_i32_le(ops, record + 8)))) << 3) + pc
                write_i32_le(entries, i32(origin + head))
                write_i32_le(entries, places[(head - begin) >> 3])
            pc += size
            number += 1
        self.ops += number

    def _load(self, slot: i64) -> None:
        """Bring a slot into `acc0`."""
        t, out = self.tables, self.out
        here: i64 = len(out)
        out.write(t.code[i64(read_i32_le(t.first_code, 4 * LOAD)) : i64(read_i32_le(t.first_code, 4 * LOAD + 4))])
        word = read_i64_le(t.holes, 8 * i64(read_i32_le(t.first_hole, 4 * LOAD)))
        if t.instructions:
            self._instruct(here + (word >> 8 & 0xFFF), slot, U16)
        else:
            patch(out, here + (word >> 8 & 0xFFF), slot + (word >> 32))

    def _fill(self, word: i64, here: i64, pc: i64, size: i64, begin: i64, record: i64) -> None:
        """Fill one hole of the op at `pc`, whose code begins at `here`."""
        out, code = self.out, self.bytecode
        kind = word & 0x3F
        field = here + (word >> 8 & 0xFFF)
        of = word >> 20 & 0xFFF
        added = word >> 32
        value: i64 = 0
        if kind == U16:
            value = i64(read_i16_le(code, pc + of)) & 0xFFFF
        elif kind == U30:
            value = i64(read_i32_le(code, pc + of))
            if value < 0 or value >= BOUND:
                raise UncompilableError
        elif kind == U32:
            value = i64(read_i32_le(code, pc + of))
        elif kind == S16:
            value = i64(read_i16_le(code, pc + of))
        elif kind == TO:
            unit = ((pc - begin) >> 3) + i64(read_i32_le(code, pc + of))
            head = i64(self.carried_heads[unit])
            if head >= 0 and self.accumulators.held[0] == i64(self.carried[unit]):
                lead(self.out, self.tables, field, head - field)
            else:
                self._way(field, begin, pc + (i64(read_i32_le(code, pc + of)) << 3))
            return
        elif kind >= LABELS:
            write_i32_le(self.deferred, i32(field))
            write_i32_le(self.deferred, i32(pc))
            write_i32_le(self.deferred, i32(kind | of << 8))
            write_i32_le(self.deferred, i32(record))
            return
        elif kind == TYPE:
            value = i64(read_i32_le(self.ids, 4 * i64(read_i32_le(code, pc + of))))
        elif kind == BEHIND:
            value = self.origin + pc + size
        elif kind == HERE:
            value = self.origin + pc
        elif kind == I64:
            value = read_i64_le(code, pc + of)
        elif kind == NEXT:
            self._way(field, begin, pc + size)
            return
        elif kind == ROUTINE:
            value = i64(read_i32_le(self.routines, 4 * of)) - self.at - field
        elif kind == POOL:
            value = self.pool + of - self.at - field
        elif kind == LAST:
            value = (i64(read_i16_le(code, pc + i64(read_i32_le(self.tables.ops, record + 8)))) & 0xFFFF) - 1
        if word & 0xC0 == INSTRUCTION << 6:
            self._instruct(field, value, kind)
            return
        patch(out, field, value + added)
        if word & 0xC0 == LONG << 6:
            patch(out, field + 4, (value + added) >> 32)

    def _instruct(self, field: i64, value: i64, kind: i64) -> None:
        """Fill an instruction."""
        word = word_at(self.out, field)
        if kind == S16 and value < 0:  # movz becomes movn
            word ^= 1 << 30
            value = ~value
        elif kind == POOL:
            here = self.at + field
            value += here
            value = (value >> 12) - (here >> 12) if word & 0x9F000000 == 0x90000000 else value & 0xFFF
        patch(self.out, field, filled(word, value))

    def _way(self, field: i64, begin: i64, target: i64) -> None:
        """The way from a field to the code of an op of the function."""
        unit = (target - begin) >> 3
        known = i64(self.places[unit])
        if known >= 0:
            lead(self.out, self.tables, field, known - field)
        else:
            write_i32_le(self.forward, i32(field))
            write_i32_le(self.forward, i32(unit))
            write_i32_le(self.forward, i32(UNKNOWN))

    def _stubs(self, begin: i64) -> None:
        """What is rarely reached, behind the function; then the ways ahead."""
        out, code, ops, places = self.out, self.bytecode, self.tables.ops, self.places
        deferred = self.deferred.getvalue()
        row: i64 = 0
        end: i64 = len(deferred)
        while row < end:
            field = i64(read_i32_le(deferred, row))
            pc = i64(read_i32_le(deferred, row + 4))
            kind = i64(read_i32_le(deferred, row + 8)) & 0xFF
            of = i64(read_i32_le(deferred, row + 8)) >> 8
            record = i64(read_i32_le(deferred, row + 12))
            row += 16
            label = i64(read_i32_le(ops, record + 8))
            if kind == LABELS:
                self._labels(field, pc, label, begin)
                continue
            if kind == CALLEE:
                callee = self.origin + pc + (i64(read_i32_le(code, pc + of)) << 3)
                place = i64(self.function_offsets.get(callee, UNKNOWN))
                if callee == self.origin + begin:
                    place = self.at
                if place >= 0:
                    lead(self.out, self.tables, field, place - self.at - field)
                else:
                    write_i32_le(self.calls, i32(field))
                    write_i32_le(self.calls, i32(callee))
                    lead(self.out, self.tables, field, i64(len(out)) - field)
                    self._stub(STUB_CALL, callee, 0)
                continue
            lead(self.out, self.tables, field, i64(len(out)) - field)
            if kind == STOP_TO:
                pc += i64(read_i32_le(code, pc + label)) << 3
            self._stub(STUB_STOP, self.origin + pc, of)
        forward = self.forward.getvalue()
        row = 0
        end = len(forward)
        while row < end:
            field = i64(read_i32_le(forward, row))
            place = i64(places[i64(read_i32_le(forward, row + 4))])
            table = i64(read_i32_le(forward, row + 8))
            if table < 0:
                lead(self.out, self.tables, field, place - field)
            else:
                patch(out, field, place - table)
            row += 12

    def _stub(self, number: i64, pc: i64, routine: i64) -> None:
        """A stub for a pc."""
        t, out = self.tables, self.out
        here: i64 = len(out)
        out.write(t.code[i64(read_i32_le(t.first_code, 4 * number)) : i64(read_i32_le(t.first_code, 4 * number + 4))])
        row = i64(read_i32_le(t.first_hole, 4 * number))
        while row < i64(read_i32_le(t.first_hole, 4 * number + 4)):
            word = read_i64_le(t.holes, 8 * row)
            field = here + (word >> 8 & 0xFFF)
            kind = word & 0x3F
            if kind != HERE:
                of = routine if kind == STOP else word >> 20 & 0xFFF
                lead(self.out, self.tables, field, i64(read_i32_le(self.routines, 4 * of)) - self.at - field)
            elif self.tables.instructions:
                self._instruct(field, pc, kind)
            else:
                patch(out, field, pc + (word >> 32))
            row += 1

    def _labels(self, field: i64, pc: i64, label: i64, begin: i64) -> None:
        """The table of a `br_table`."""
        out, code = self.out, self.bytecode
        while len(out) & 3:
            out.append(u8(0xCC))
        here: i64 = len(out)
        lead(self.out, self.tables, field, here - field)
        count = i64(read_i16_le(code, pc + label)) & 0xFFFF
        record = OP_SIZE * (i64(read_i16_le(code, pc)) & 0xFFFF)
        first = pc + i64(read_i32_le(self.tables.ops, record))
        k: i64 = 0
        while k < count:
            unit = ((pc - begin) >> 3) + i64(read_i32_le(code, first + 4 * k))
            write_i32_le(self.forward, i32(here + 4 * k))
            write_i32_le(self.forward, i32(unit))
            write_i32_le(self.forward, i32(here))
            write_i32_le(out, i32(0))
            k += 1
