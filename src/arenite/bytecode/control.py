"""Rows of moves, branches, calls and returns.  Spec: exec-br … exec-call_indirect.

Fuel: one unit per function entered and per back-edge taken, equal on every tier.  A function pays when it is entered (so `enter` is
asked again if it could not pay); a back-edge has happened when it pays, so it owes its unit.  The same comparison serves interrupts: the
watch (`machine.watch`) raises the floor under which a run pauses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.helpers import Helper
from arenite.bytecode.integers import is_zero, trap_if
from arenite.bytecode.protocol import I32, I64, Emit, Label, Value
from arenite.bytecode.references import element_at
from arenite.bytecode.row import Meaning, Row, looping, row
from arenite.layout.cage import HANDLE_MASK
from arenite.layout.records import FuncRefRecord, StoreContext, WindowEntry
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTER_MAX: Final = 15  # slots that one `enter` zeroes
ZERO_COUNT: Final = 16  # slots that one `zero` does


def charge(e: Emit, at: Label, *, owed: bool) -> None:
    """One unit of fuel; with none left in the slice, or fewer than the floor, the run pauses, to go on at `at`."""
    fuel = e.state("fuel")
    with e.when(e.pure("le_u", fuel, e.state("floor")), cold=True):
        e.pause(at, owed=owed)
    e.set_state("fuel", e.pure("sub", fuel, e.const(I64, 1)))


def br(e: Emit, to: Label) -> None:
    """Go to `to`."""
    if to.back:
        charge(e, to, owed=True)
    e.goto(to)


def br_if(e: Emit, c: Value, to: Label) -> None:
    """Go to `to` if c is not zero."""
    with e.when(e.pure("ne", c, e.const(I32, 0))):
        br(e, to)


def br_unless(e: Emit, c: Value, to: Label) -> None:
    """Go to `to` if c is zero."""
    with e.when(is_zero(e, c)):
        br(e, to)


def br_table(e: Emit, index: Value, to: list[Label]) -> None:
    """Go to to[index], or to the last one; never a back-edge (those pass through a `loop_br`)."""
    e.switch(index, to)


def _enter(count: int) -> Meaning:
    def enter(e: Emit, first: Value, size: Value) -> None:
        top = e.pure("add", *(e.pure("extend_u", x, to=I64) for x in (e.state("sp"), size)))
        limit = e.load(Space.STORE, I32, e.const(I32, 0), StoreContext.stack_limit.offset)
        trap_if(e, e.pure("gt_u", top, e.pure("extend_u", limit, to=I64)), Cause.STACK_OVERFLOW)
        charge(e, e.here(), owed=False)
        _zero(e, first, count)

    return enter


def _zero(e: Emit, first: Value, count: int) -> None:
    for i in range(count):
        e.store(Space.FRAME, first, e.const(I64, 0), 8 * i)


def call(e: Emit, frame: Value, header: Value, to: Label) -> None:
    """Call a function of this module; its frame begins at our byte `frame`, where the arguments lie and the results will."""
    e.call(to, None, frame, header)


def call_reference(e: Emit, reference: Value, type_: Value, frame: Value, header: Value) -> None:
    """Call what a function reference names, if the window says that it has this type."""
    code = e.load(Space.ARENA, I32, reference, FuncRefRecord.code.offset)
    handle = e.pure("and", code, e.const(I32, HANDLE_MASK))  # inside the window, whatever the arena says
    entry = e.pure("shl", handle, e.const(I32, WindowEntry.size.bit_length() - 1))
    actual = e.load(Space.WINDOW, I32, entry, WindowEntry.type_id.offset)
    trap_if(e, e.pure("ne", actual, type_), Cause.BAD_SIGNATURE)
    e.call(handle, e.load(Space.ARENA, I32, reference, FuncRefRecord.vmctx.offset), frame, header)


def call_indirect(e: Emit, index: Value, disp: Value, type_: Value, frame: Value, header: Value) -> None:
    """Call the table's element at index if it has this type."""
    reference = e.load(Space.ARENA, I32, element_at(e, disp, index, Cause.UNDEFINED_ELEMENT))
    trap_if(e, is_zero(e, reference), Cause.INDIRECT_CALL_TO_NULL)
    call_reference(e, reference, type_, frame, header)


def call_import(e: Emit, disp: Value, type_: Value, frame: Value, header: Value) -> None:
    """Call an imported function; the instance holds its reference at `disp`."""
    call_reference(e, e.load(Space.ARENA, I32, e.state("vmctx"), disp), type_, frame, header)


def return_(e: Emit, header: Value) -> None:
    """Back to the caller; results lie in the first slots, the frame's header at byte `header`."""
    e.ret(header)


def select(e: Emit, c: Value, a: Value, b: Value) -> Value:
    """dst = a if c is not zero else b; any 8-byte slots."""
    return e.pure("select", e.pure("ne", c, e.const(I32, 0)), a, b)


def far_get(e: Emit, source: Value) -> Value:
    """dst = the slot at byte `source`, beyond what an operand reaches."""
    return e.load(Space.FRAME, I64, source)


def far_set(e: Emit, value: Value, to: Value) -> None:
    """The slot at byte `to`, beyond what an operand reaches, = value."""
    e.store(Space.FRAME, to, value)


def rows() -> Iterator[Row]:
    """Moves, branches, calls."""
    yield row("halt", "", lambda e: e.halt(), "the entry frame has returned: the run is finished")
    yield row("unreachable", "", lambda e: e.trap(Cause.UNREACHABLE), "trap")
    yield row("move", "a:i64:any -> i64:any", lambda _e, a: a, "dst = a, any 8-byte slot, bits unchanged")
    yield row("i32.const", "n:i32.imm32:any -> i32:any", lambda _e, n: n, "dst = n; serves f32, funcref and externref too")
    yield row("i64.const", "n:i64.imm64:any -> i64:any", lambda _e, n: n, "dst = n; serves f64 too")
    yield row("select", "c:i32 a:i64:any b:i64:any -> i64:any", select)
    yield row("frame.get far", "source:u32:far.get -> i64:any", far_get)
    yield row("frame.set far", "value:i64:any to:u32:far.set", far_set)
    for name, signature, meaning in (
        ("br", "to:label", br),
        ("br_if", "c:i32 to:label", br_if),
        ("br_unless", "c:i32 to:label", br_unless),
    ):
        forward = row(name, signature, meaning)
        yield from (forward, looping(forward))
    yield row("br_table", "index:i32 to:labels", br_table)
    for count in range(ENTER_MAX + 1):
        yield row(
            f"enter{count}",
            "first:u16:zeroed size:u32:size",
            _enter(count),
            f"stack check for a frame of size bytes, fuel; {count} slots from byte first = 0",
        )
    yield row(
        "zero16", "first:u32:zeroed", lambda e, first: _zero(e, first, ZERO_COUNT), f"{ZERO_COUNT} slots from byte first = 0"
    )
    yield row("call", "frame:u32:frame header:u32:callee to:label", call)
    yield row("call_indirect", "index:i32 disp:u32:table.call type_:type frame:u32:frame header:u32:callee", call_indirect)
    yield row("call_import", "disp:u32:func.call type_:type frame:u32:frame header:u32:callee", call_import)
    yield row(
        "call_host", "", lambda e: e.helper(Helper.HOST_CALL), "the host function whose index is vmctx, on this frame's arguments"
    )
    yield row("return", "header:u32:header", return_)
