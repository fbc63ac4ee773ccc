"""Rows of exceptions: what throws, and the search for a handler.  Spec: exec-throw, exec-throw_ref, exec-try_table.

What throws notes the exception in the store context and goes to ops that every window has at fixed places (`layout.handlers`).  They look frame after frame
for a clause that fits, one step each.  Each frame and each clause is paid for; that
values are copied, of which a type has 1,000 at most, is not.  Where the search is stands in the store context too (`SearchRecord`); the machine's
registers stay those of who threw, and nothing in any frame changes before a handler is found.  So a run that stops in the middle of it
stands at its `throw`, and goes on with the search as it was.

A clause that wants a reference to what is no object yet makes it one, and is looked at again.  A unit for its header and one for each slot are paid before: for the
work, and for its part in finding out later which objects are held.  It goes where the store context says that there is room, which the machine has cleared; if there
is none, the machine is asked for some.

The arena is distrusted as by a return: a caller's frame lies below, and goes on at a return point; a tag is compared as a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.calls import is_return_point
from arenite.bytecode.integers import is_zero, trap_if
from arenite.bytecode.protocol import I32, I64, REF, Emit, Value
from arenite.bytecode.row import Row, row
from arenite.bytecode.stops import KEEP, SEARCHING, UNCAUGHT
from arenite.layout.cage import ALIGNMENT, UNIT
from arenite.layout.frame import HALT_PC, SLOT
from arenite.layout.handlers import (
    BELOW,
    CLAUSE_PC,
    COPY_PC,
    COUNT_SHIFT,
    END,
    FILL_PC,
    FRAME_PC,
    KEEP_PC,
    LINK,
    MOST_SLOTS,
    RANKED,
    WANTS_REFERENCE,
    ClauseRecord,
    Rank,
    RegionRecord,
    SearchRecord,
)
from arenite.layout.raw import RAW
from arenite.layout.records import ExceptionRecord, Field, FrameHeader, StoreContext, TagRecord
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

THROW_SIZE: Final = 2 * UNIT
THROW_REF_SIZE: Final = UNIT


def _get(e: Emit, field: Field) -> Value:
    return e.load(Space.STORE, I32, e.const(I32, 0), StoreContext.arguments.offset + field.offset)


def _put(e: Emit, field: Field, value: Value) -> None:
    e.store(Space.STORE, e.const(I32, 0), value, StoreContext.arguments.offset + field.offset)


def _go(e: Emit, pc: int) -> None:
    """Go on at an op of the search; the machine's registers stay those of who threw."""
    e.resume(e.const(I32, pc), None, None)


def _search(e: Emit, tag: Value, values: Value, reference: Value, size: int) -> None:
    """Begin the search for a handler, in this frame: our op has so many bytes."""
    pc = e.pure("sub", e.next_pc(), e.const(I32, size))
    search, sp = SearchRecord, e.register("sp")
    _put(e, search.tag, tag)
    _put(e, search.values, values)
    _put(e, search.reference, reference)
    _put(e, search.thrown, pc)
    _put(e, search.left, e.const(I32, 0))
    _move_to(e, pc, sp, e.register("vmctx"))


def _move_to(e: Emit, pc: Value, sp: Value, vmctx: Value) -> None:
    """Go on with a frame that stands at the op that holds `pc`."""
    _put(e, SearchRecord.pc, pc)
    _put(e, SearchRecord.sp, sp)
    _put(e, SearchRecord.vmctx, vmctx)
    _put(e, SearchRecord.clause, e.const(I32, 0))
    _go(e, FRAME_PC)


def throw(e: Emit, tag: Value, values: Value) -> None:
    """Throw an exception of the tag whose offset the instance holds at `tag`; its values lie from byte `values` on."""
    found = e.load(Space.ARENA, REF, e.register("vmctx"), tag)
    _search(e, found, e.pure("add", e.register("sp"), values), e.const(I32, 0), THROW_SIZE)


def throw_ref(e: Emit, source: Value) -> None:
    """Throw the exception in the slot at byte `source` again."""
    exception = e.load(Space.FRAME, REF, source)
    trap_if(e, is_zero(e, exception), Cause.NULL_EXCEPTION)
    tag = e.load(Space.ARENA, REF, exception, ExceptionRecord.tag.offset)
    _search(e, tag, e.pure("add", exception, e.const(I32, ExceptionRecord.size)), exception, THROW_REF_SIZE)


def refused(e: Emit, *_operands: Value) -> None:
    """The raw layout, a control of measurements, has no exceptions: its addresses do not fit in the record of a search."""
    e.trap(Cause.CORRUPT)


def _see_paid(e: Emit) -> None:
    """See that there is a unit for a step; what cannot pay is asked again."""
    with e.when(e.pure("le_u", e.register("fuel"), e.register("floor")), cold=True):
        e.stop_at(SEARCHING, _get(e, SearchRecord.thrown))


def _take(e: Emit) -> None:
    """Take a unit, which there is."""
    e.set_register("fuel", e.pure("sub", e.register("fuel"), e.const(I64, 1)))


def _pay(e: Emit) -> None:
    """A unit for a step."""
    _see_paid(e)
    _take(e)


def unwind_frame(e: Emit) -> None:
    """Look at a frame: which handlers are active where it stands; the first clause of those, or the frame below."""
    _pay(e)
    pc = _get(e, SearchRecord.pc)
    units = RANKED.bit_length() - 1
    entry = e.pure("shl", e.pure("shr_u", pc, e.const(I32, units + 3)), e.const(I32, Rank.size.bit_length() - 1))
    unit = e.pure("and", e.pure("shr_u", pc, e.const(I32, 3)), e.const(I32, RANKED - 1))
    begins = e.load(Space.RANKS, I64, entry, Rank.begins.offset)
    behind = e.pure("extend_u", e.pure("sub", e.const(I32, RANKED - 1), unit), to=I64)
    begun = e.pure("wrap", e.pure("popcnt", e.pure("shl", begins, behind)), to=I32)
    number = e.pure("sub", e.pure("add", e.load(Space.RANKS, I32, entry, Rank.before.offset), begun), e.const(I32, 1))
    region = e.pure("shl", number, e.const(I32, RegionRecord.size.bit_length() - 1))
    header = e.load(Space.REGIONS, I32, region, RegionRecord.header.offset)
    group = e.load(Space.REGIONS, I32, region, RegionRecord.group.offset)
    with e.when(e.pure("ne", group, e.const(I32, 0))):
        _put(e, SearchRecord.clause, group)
        _put(e, SearchRecord.place, header)
        _go(e, CLAUSE_PC)
    _leave(e, header)


def _leave(e: Emit, header: Value) -> None:
    """This frame, with its header at byte `header`, has no handler: go on with its caller's."""
    sp = _get(e, SearchRecord.sp)
    at = e.pure("add", sp, header)
    caller = e.load(Space.ARENA, REF, at, FrameHeader.caller_sp.offset)
    return_pc = e.load(Space.ARENA, I32, at, FrameHeader.return_pc.offset)
    vmctx = e.load(Space.ARENA, REF, at, FrameHeader.caller_vmctx.offset)
    with e.when(e.pure("eq", return_pc, e.const(I32, HALT_PC))):
        e.stop_at(UNCAUGHT, _get(e, SearchRecord.thrown))
    with e.when(e.pure("ge_u", caller, sp), cold=True):
        e.stop_at(Cause.CORRUPT, _get(e, SearchRecord.thrown))
    with e.when(e.pure("not", is_return_point(e, return_pc)), cold=True):
        e.stop_at(Cause.CORRUPT, _get(e, SearchRecord.thrown))
    _move_to(e, e.pure("sub", e.pure("and", return_pc, e.const(I32, -UNIT & 0xFFFFFFFF)), e.const(I32, UNIT)), caller, vmctx)


def _clause(e: Emit) -> Value:
    return e.pure("shl", _get(e, SearchRecord.clause), e.const(I32, ClauseRecord.size.bit_length() - 1))


def _has(e: Emit, flags: Value, flag: int) -> Value:
    return e.pure("ne", e.pure("and", flags, e.const(I32, flag)), e.const(I32, 0))


def unwind_clause(e: Emit) -> None:
    """Look at a clause: if it fits, what was thrown is copied to where its handler wants it."""
    _pay(e)
    at = _clause(e)
    flags = e.load(Space.CLAUSES, I32, at, ClauseRecord.flags.offset)
    tag = e.load(Space.CLAUSES, I32, at, ClauseRecord.tag.offset)
    with e.when(_has(e, flags, END)):
        _leave(e, _get(e, SearchRecord.place))
    with e.when(_has(e, flags, LINK)):
        _put(e, SearchRecord.clause, e.load(Space.CLAUSES, I32, at, ClauseRecord.target.offset))
        _go(e, CLAUSE_PC)
    with (
        e.when(e.pure("ne", tag, e.const(I32, 0))),
        e.when(e.pure("ne", e.load(Space.ARENA, REF, _get(e, SearchRecord.vmctx), tag), _get(e, SearchRecord.tag))),
    ):
        _put(e, SearchRecord.clause, e.pure("add", _get(e, SearchRecord.clause), e.const(I32, 1)))
        _go(e, CLAUSE_PC)
    with e.when(_has(e, flags, WANTS_REFERENCE)), e.when(is_zero(e, _get(e, SearchRecord.reference))):
        _put(e, SearchRecord.left, e.pure("add", _slots(e), e.const(I32, 1)))
        _go(e, KEEP_PC)
    place = e.pure("add", _get(e, SearchRecord.sp), e.load(Space.CLAUSES, I32, at, ClauseRecord.values.offset))
    with e.when(_has(e, flags, BELOW)):
        reference = e.pure("extend_u", _get(e, SearchRecord.reference), to=I64)
        e.store(Space.ARENA, e.pure("sub", place, e.const(I32, SLOT)), reference)
    _put(e, SearchRecord.place, place)
    _put(e, SearchRecord.left, e.pure("shr_u", flags, e.const(I32, COUNT_SHIFT)))
    _go(e, COPY_PC)


def _slots(e: Emit) -> Value:
    """How many slots the values have of what is thrown, as its tag says, which is distrusted."""
    return e.load(Space.ARENA, I32, _get(e, SearchRecord.tag), TagRecord.slots.offset)


def unwind_keep(e: Emit) -> None:
    """Pay for a slot of the object that is to be made, or for its header; once all is paid for, make it, without its values."""
    _see_paid(e)
    left, slots = _get(e, SearchRecord.left), _slots(e)
    with e.when(e.pure("gt_u", left, e.const(I32, 1))):
        _take(e)
        _put(e, SearchRecord.left, e.pure("sub", left, e.const(I32, 1)))
        _go(e, KEEP_PC)
    with e.when(e.pure("gt_u", slots, e.const(I32, MOST_SLOTS)), cold=True):
        e.stop_at(Cause.CORRUPT, _get(e, SearchRecord.thrown))
    least = e.pure(
        "add", e.pure("shl", slots, e.const(I32, SLOT.bit_length() - 1)), e.const(I32, ExceptionRecord.size + ALIGNMENT - 1)
    )
    size = e.pure("and", least, e.const(I32, -ALIGNMENT & 0xFFFFFFFF))
    page = e.const(I32, 0)
    at = e.load(Space.STORE, I32, page, StoreContext.room.offset)
    room = e.pure("sub", e.load(Space.STORE, I32, page, StoreContext.room_end.offset), at)
    with e.when(e.pure("gt_u", size, room), cold=True):
        e.stop_at(KEEP, _get(e, SearchRecord.thrown))
    _take(e)
    e.store(Space.STORE, page, e.pure("add", at, size), StoreContext.room.offset)
    e.store(Space.ARENA, at, _get(e, SearchRecord.tag), ExceptionRecord.tag.offset)
    e.store(Space.ARENA, at, slots, ExceptionRecord.slots.offset)
    _put(e, SearchRecord.reference, at)
    _put(e, SearchRecord.left, slots)
    _go(e, FILL_PC)


def unwind_fill(e: Emit) -> None:
    """Copy a slot of what was thrown to the object, the last one first; then look at the clause again."""
    left, reference = _get(e, SearchRecord.left), _get(e, SearchRecord.reference)
    with e.when(e.pure("ne", left, e.const(I32, 0))):
        before = e.pure("sub", left, e.const(I32, 1))
        offset = e.pure("shl", before, e.const(I32, SLOT.bit_length() - 1))
        value = e.load(Space.ARENA, I64, e.pure("add", _get(e, SearchRecord.values), offset))
        e.store(Space.ARENA, e.pure("add", reference, offset), value, ExceptionRecord.size)
        _put(e, SearchRecord.left, before)
        _go(e, FILL_PC)
    _put(e, SearchRecord.values, e.pure("add", reference, e.const(I32, ExceptionRecord.size)))
    _go(e, CLAUSE_PC)


def unwind_copy(e: Emit) -> None:
    """Copy a slot of what was thrown; behind the last one go to the handler, in its frame and its instance."""
    left, to = _get(e, SearchRecord.left), _get(e, SearchRecord.place)
    with e.when(e.pure("ne", left, e.const(I32, 0))):
        source = _get(e, SearchRecord.values)
        e.store(Space.ARENA, to, e.load(Space.ARENA, I64, source))
        _put(e, SearchRecord.values, e.pure("add", source, e.const(I32, SLOT)))
        _put(e, SearchRecord.place, e.pure("add", to, e.const(I32, SLOT)))
        _put(e, SearchRecord.left, e.pure("sub", left, e.const(I32, 1)))
        _go(e, COPY_PC)
    at = _clause(e)
    flags = e.pure("and", e.load(Space.CLAUSES, I32, at, ClauseRecord.flags.offset), e.const(I32, WANTS_REFERENCE | BELOW))
    with e.when(e.pure("eq", flags, e.const(I32, WANTS_REFERENCE))):
        e.store(Space.ARENA, to, e.pure("extend_u", _get(e, SearchRecord.reference), to=I64))
    target = e.load(Space.CLAUSES, I32, at, ClauseRecord.target.offset)
    e.resume(target, _get(e, SearchRecord.sp), _get(e, SearchRecord.vmctx))


def rows() -> Iterator[Row]:
    """What throws, and the steps of a search."""
    ops = (
        ("throw", "tag:u32:tag values:u32:thrown", throw),
        ("throw_ref", "source:u32:far.get", throw_ref),
        ("unwind.frame", "", unwind_frame),
        ("unwind.clause", "", unwind_clause),
        ("unwind.keep", "", unwind_keep),
        ("unwind.fill", "", unwind_fill),
        ("unwind.copy", "", unwind_copy),
    )
    for name, signature, meaning in ops:
        yield row(name, signature, refused if RAW else meaning)
