"""What a translation leaves beside the bytecode: functions, safepoints, return points, and calls to be linked at the end.

Compiled by mypyc; see `writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from librt.strings import BytesWriter, read_i32_le, write_i32_le
from librt.vecs import append, pop, vec
from mypy_extensions import i32, i64

from arenite.bytecode import safepoints
from arenite.bytecode.words import patch
from arenite.translate.operands import Operands  # noqa: TC001 (compiled code checks its arguments at run time)
from arenite.translate.writer import signed32
from arenite.wasm.budget import WRITTEN, Budget

HEAD: Final[i64] = safepoints.HEAD.size
SLOT: Final[i64] = safepoints.SLOT.size
CALL: Final = 8  # of a call
POINT: Final = 4  # of a return point, or of a place that names a type
BIT: Final = b"\x01\x02\x04\x08\x10\x20\x40\x80"


@final
class Records:
    """Tables of one module, in the form that `bytecode.module` and `bytecode.safepoints` describe."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.room: i64 = 0  # so many bytes of `safepoints` have been paid for
        self.functions = BytesWriter()
        self.safepoints = BytesWriter()
        self.points = BytesWriter()  # return points, as i32
        self.calls = BytesWriter()  # pc and callee, as i32
        self.types = BytesWriter()  # where the bytecode names types, as u32
        self.locals: list[bytes] = []  # of each function
        self.packed: dict[bytes, bytes] = {}
        self.begins: vec[i64] = vec[i64]()
        self.last_safepoint: i64 = -1
        self.last_record: i64 = 0
        self.since: i64 = (
            0  # on every path to here, a safepoint or the function's beginning has been passed at this pc or behind it
        )
        self.marks: list[int] = [0, 0, 0, 0]

    def begin(self, pc: i64) -> None:
        """A function begins."""
        self.begins = append(self.begins, pc)
        self.since = pc
        self.last_safepoint = -1
        self.marks = [len(self.safepoints), len(self.points), len(self.calls), len(self.types)]

    def cancel(self) -> None:
        """Forget the function at hand."""
        safepoints, points, calls, types = self.marks
        self.safepoints.truncate(safepoints)
        self.points.truncate(points)
        self.calls.truncate(calls)
        self.types.truncate(types)
        self.begins, _ = pop(self.begins)

    def call(self, pc: i64, callee: i64) -> None:
        """The call at `pc` is to function `callee` of those that the module defines, wherever that will stand."""
        self.budget.pay(WRITTEN * CALL)
        write_i32_le(self.calls, i32(pc))
        write_i32_le(self.calls, i32(callee))

    def type(self, at: i64) -> None:
        """At `at` the bytecode names a type."""
        self.budget.pay(WRITTEN * POINT)
        write_i32_le(self.types, i32(signed32(at)))

    def point(self, pc: i64) -> None:
        """A frame may return to `pc`."""
        self.budget.pay(WRITTEN * POINT)
        write_i32_le(self.points, i32(pc))

    def safepoint(self, pc: i64, at: i64, operands: Operands) -> None:
        """At `pc` the run may stop: record the operands that lie in temporaries.

        A loop that begins right behind a call shares its safepoint.  Results of the call that were dropped in between are not operands: on
        other ways to the loop their slots hold anything.
        """
        self.budget.look(operands.height)
        self.since = pc
        out = self.safepoints
        if pc == self.last_safepoint:
            out.truncate(self.last_record + HEAD - 4)
        most = len(out) + HEAD + SLOT * operands.height
        if most > self.room:
            self.room = self.budget.room(self.room, most)
        if pc != self.last_safepoint:
            self.last_safepoint = pc
            self.last_record = len(out)
            write_i32_le(out, i32(signed32(pc)))
            write_i32_le(out, i32(signed32(at)))
        count_at: i64 = len(out)
        write_i32_le(out, i32(0))
        count: i64 = 0
        h: i64 = 0
        while h < operands.height:
            slot = operands.where[h]
            if slot >= operands.first:
                write_i32_le(out, i32(slot >> 3))
                write_i32_le(out, i32(operands.types[h]))
                count += 1
            h += 1
        patch(out, count_at, count)

    def function(self, end: i64, frame_size: i64, header: i64, type_: i64, body: i64) -> None:
        """The function at hand is complete."""
        out = self.functions
        write_i32_le(out, i32(signed32(self.begins[len(self.begins) - 1])))
        write_i32_le(out, i32(signed32(end)))
        write_i32_le(out, i32(frame_size))
        write_i32_le(out, i32(header))
        write_i32_le(out, i32(type_))
        write_i32_le(out, i32(self.marks[0]))
        write_i32_le(out, i32(signed32(body)))

    def variables(self, slots: list[int]) -> None:
        """The slots of its parameters and locals: one object for all functions with the same."""
        packed = BytesWriter()
        for type_ in slots:
            write_i32_le(packed, i32(type_))
        types = packed.getvalue()
        if types not in self.packed:
            self.budget.pay(WRITTEN * len(types))
            self.packed[types] = types
        self.locals.append(self.packed[types])

    def link(self, out: BytesWriter) -> None:
        """All functions are there: write the calls' displacements into the bytecode."""
        calls = self.calls.getvalue()
        size: i64 = len(calls)
        at: i64 = 0
        while at < size:
            pc = i64(read_i32_le(calls, at))
            patch(out, pc + 12, (self.begins[i64(read_i32_le(calls, at + 4))] - pc) >> 3)
            at += CALL

    def returns(self, size: i64) -> bytes:
        """The map of return points: one bit for each 8 bytes of bytecode of `size` bytes."""
        bits = bytearray((size + 63) >> 6)
        points = self.points.getvalue()
        end: i64 = len(points)
        at: i64 = 0
        while at < end:
            unit = i64(read_i32_le(points, at)) >> 3
            bits[unit >> 3] |= BIT[unit & 7]
            at += POINT
        return bytes(bits)
