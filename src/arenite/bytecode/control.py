"""Rows of moves and branches, and what begins a function.  Spec: exec-br … exec-br_table.

Fuel: one unit per function entered and per back-edge taken, equal on every tier.  A function pays when it is entered (so `enter` is
asked again if it could not pay); a back-edge has happened when it pays, so it owes its unit.  The same comparison serves interrupts: the
watch (`machine.run.watch`) raises the floor under which a run pauses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.integers import is_zero, trap_if
from arenite.bytecode.protocol import I32, I64, REF, Emit, Label, Labels, Value
from arenite.bytecode.row import Meaning, Row, looping, row
from arenite.layout.records import StoreContext
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTER_MAX: Final = 15  # slots that one `enter` zeroes
ZERO_COUNT: Final = 16  # slots that one `zero` does


def charge(e: Emit, at: Label, *, owed: bool) -> None:
    """One unit of fuel; with none left in the slice, or fewer than the floor, the run pauses, to go on at `at`."""
    fuel = e.register("fuel")
    with e.when(e.pure("le_u", fuel, e.register("floor")), cold=True):
        e.pause(at, owed=owed)
    e.set_register("fuel", e.pure("sub", fuel, e.const(I64, 1)))


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


def br_table(e: Emit, index: Value, to: Labels) -> None:
    """Go to to[index], or to the last one; never a back-edge (those pass through a `loop_br`)."""
    e.switch(index, to)


def _enter(count: int) -> Meaning:
    def enter(e: Emit, first: Value, size: Value) -> None:
        top = e.pure("add", *(e.pure("extend_u", x, to=I64) for x in (e.register("sp"), size)))
        limit = e.load(Space.STORE, REF, e.const(I32, 0), StoreContext.stack_limit.offset)
        trap_if(e, e.pure("gt_u", top, e.pure("extend_u", limit, to=I64)), Cause.STACK_OVERFLOW)
        charge(e, e.here(), owed=False)
        _zero(e, first, count)

    return enter


def _zero(e: Emit, first: Value, count: int) -> None:
    for i in range(count):
        e.store(Space.FRAME, first, e.const(I64, 0), 8 * i)


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
    """Moves and branches, and beginnings of functions."""
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
