"""Rows of calls and returns, and what both check.  Spec: exec-call, exec-call_indirect, exec-return_call, exec-return_call_indirect, exec-return.

A call writes the callee's header and goes to its first op; a return goes on where the header says; a tail call hands its own header on.  The
arena is distrusted: a code handle is masked, so it is one of the window's; a function is called as the type that the window says it has; a frame
goes on at return points alone, and only below the frame that returns, so that returns come to an end without paying fuel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.integers import is_zero, trap_if
from arenite.bytecode.protocol import I8, I32, I64, REF, Code, Emit, Label, Value
from arenite.bytecode.references import element_at
from arenite.bytecode.row import Row, row
from arenite.bytecode.stops import Builtin
from arenite.layout.cage import HANDLE_MASK, UNIT
from arenite.layout.frame import SLOT, UNITS_IN_BYTE
from arenite.layout.raw import RAW
from arenite.layout.records import FrameHeader, FuncRefRecord, WindowEntry
from arenite.layout.spaces import Space
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator


def _enter(e: Emit, to: Label | Code, vmctx: Value | None, frame: Value, header: Value) -> None:
    """Write the callee's header, `header` bytes above our frame, and go to its first op; its frame begins `frame` bytes above ours."""
    sp = e.pure("add", e.register("sp"), e.pure("extend_u", frame, to=REF))
    e.store(Space.FRAME, header, e.register("sp"), FrameHeader.caller_sp.offset)
    e.store(Space.FRAME, header, e.next_pc(), FrameHeader.return_pc.offset)
    e.store(Space.FRAME, header, e.pure("extend_u", e.register("vmctx"), to=I64), FrameHeader.caller_vmctx.offset)
    e.enter(to, sp, vmctx)


def call(e: Emit, frame: Value, header: Value, to: Label) -> None:
    """Call a function of this module; its frame begins at our byte `frame`, where the arguments lie and the results will."""
    _enter(e, to, None, frame, header)


def _referenced(e: Emit, reference: Value, type_: Value) -> tuple[Code, Value]:
    """The code and the instance of what a function reference names, if the window says that it has this type."""
    if RAW:
        return _pointed(e, reference, type_)
    code = e.load(Space.ARENA, I32, reference, FuncRefRecord.code.offset)
    handle = e.pure("and", code, e.const(I32, HANDLE_MASK))  # inside the window, whatever the arena says
    entry = e.pure("shl", handle, e.const(I32, WindowEntry.size.bit_length() - 1))
    actual = e.load(Space.WINDOW, I32, entry, WindowEntry.type_id.offset)
    trap_if(e, e.pure("ne", actual, type_), Cause.BAD_SIGNATURE)
    vmctx = e.load(Space.ARENA, REF, reference, FuncRefRecord.vmctx.offset)
    return Code(e.load(Space.WINDOW, I32, entry, WindowEntry.pc.offset), handle), vmctx


def _pointed(e: Emit, reference: Value, type_: Value) -> tuple[Code, Value]:
    """Code and instance of a reference as other engines have it: it has the type and the code's address itself."""
    actual = e.load(Space.ARENA, I32, reference, FuncRefRecord.type_index.offset)
    trap_if(e, e.pure("ne", actual, type_), Cause.BAD_SIGNATURE)
    vmctx, bytecode, native = (
        e.load(Space.ARENA, I64, reference, field.offset)
        for field in (FuncRefRecord.vmctx, FuncRefRecord.array_call, FuncRefRecord.wasm_call)
    )
    return Code(bytecode, native), vmctx


def _element(e: Emit, index: Value, disp: Value) -> Value:
    """The function reference in a table at index."""
    reference = e.load(Space.ARENA, REF, element_at(e, disp, index, Cause.UNDEFINED_ELEMENT))
    trap_if(e, is_zero(e, reference), Cause.INDIRECT_CALL_TO_NULL)
    return reference


def _imported(e: Emit, disp: Value) -> Value:
    """The reference to an imported function; the instance holds it at `disp`."""
    return e.load(Space.ARENA, REF, e.register("vmctx"), disp)


def call_indirect(e: Emit, index: Value, disp: Value, type_: Value, frame: Value, header: Value) -> None:
    """Call the table's element at index if it has this type."""
    _enter(e, *_referenced(e, _element(e, index, disp), type_), frame, header)


def call_import(e: Emit, disp: Value, type_: Value, frame: Value, header: Value) -> None:
    """Call an imported function; the instance holds its reference at `disp`."""
    _enter(e, *_referenced(e, _imported(e, disp), type_), frame, header)


def _hand_on(e: Emit, old_header: Value, header: Value, *, tells: bool) -> None:
    """Our header, at byte `old_header`, becomes that of who comes in our place, at byte `header`.  `tells`: that one is to know who we were."""
    tells = tells and not RAW  # whose headers have no place for it
    last = FrameHeader.size - SLOT
    words = [
        (at, e.load(Space.FRAME, I32 if tells and at == last else I64, old_header, at)) for at in range(0, FrameHeader.size, SLOT)
    ]
    for at, word in words:
        e.store(Space.FRAME, header, word, at)
    if tells:
        e.store(Space.FRAME, header, e.register("vmctx"), FrameHeader.tail_vmctx.offset)


def return_call(e: Emit, old_header: Value, header: Value, to: Label) -> None:
    """Tail call of a function of this module, in the place of this frame; the arguments lie in the first slots."""
    _hand_on(e, old_header, header, tells=False)
    e.become(to, None)


def return_call_import(e: Emit, disp: Value, type_: Value, old_header: Value, header: Value) -> None:
    """Tail call of an imported function; the instance holds its reference at `disp`."""
    found = _referenced(e, _imported(e, disp), type_)
    _hand_on(e, old_header, header, tells=True)
    e.become(*found)


def return_call_indirect(e: Emit, index: Value, disp: Value, type_: Value, old_header: Value, header: Value) -> None:
    """Tail call of the table's element at index if it has this type."""
    found = _referenced(e, _element(e, index, disp), type_)
    _hand_on(e, old_header, header, tells=True)
    e.become(*found)


def callee(e: Emit, index: Value, disp: Value, type_: Value) -> None:
    """Trap unless the table's element at index has this type: before a `carry`, for then the frame is none that a trap can name."""
    _referenced(e, _element(e, index, disp), type_)


def carry(e: Emit, old_header: Value, header: Value, frame: Value) -> None:
    """Right before a tail call whose arguments lie at byte frame, since our header is in their way: it and they go where they belong."""
    _hand_on(e, old_header, header, tells=False)
    e.carry(frame, header)


def return_(e: Emit, header: Value) -> None:
    """Back to the caller; results lie in the first slots, the frame's header at byte `header`."""
    pc = e.return_point(e.load(Space.FRAME, I32, header, FrameHeader.return_pc.offset))
    sp = e.load(Space.FRAME, REF, header, FrameHeader.caller_sp.offset)
    trap_if(e, e.pure("ge_u", sp, e.register("sp")), Cause.CORRUPT)
    e.leave(pc, sp, e.load(Space.FRAME, REF, header, FrameHeader.caller_vmctx.offset))


def is_return_point(e: Emit, pc: Value) -> Value:
    """Whether a frame may go on at a pc: what the map of return points says."""
    unit = e.pure("shr_u", pc, e.const(I32, UNIT.bit_length() - 1))
    bits = e.load(Space.RETURNS, I8, e.pure("shr_u", pc, e.const(I32, (UNIT * UNITS_IN_BYTE).bit_length() - 1)))
    bit = e.pure("shr_u", e.pure("extend_u", bits, to=I32), e.pure("and", unit, e.const(I32, UNITS_IN_BYTE - 1)))
    return e.pure("ne", e.pure("and", bit, e.const(I32, 1)), e.const(I32, 0))


def mapped(e: Emit, return_pc: Value) -> Value:
    """`Emit.return_point` by the map of return points."""
    trap_if(e, e.pure("not", is_return_point(e, return_pc)), Cause.CORRUPT)
    return e.pure("and", return_pc, e.const(I32, -UNIT & 0xFFFFFFFF))


HEADERS: Final = "old_header:u32:header header:u32:callee"


def rows() -> Iterator[Row]:
    """Calls and returns."""
    yield row("call", "frame:u32:frame header:u32:callee to:label", call)
    yield row("call_indirect", "index:i32 disp:u32:table.call type_:type frame:u32:frame header:u32:callee", call_indirect)
    yield row("call_import", "disp:u32:imported_func.call type_:type frame:u32:frame header:u32:callee", call_import)
    yield row(
        "call_host",
        "",
        lambda e: e.builtin(Builtin.HOST_CALL),
        "the host function whose index is vmctx, on this frame's arguments",
    )
    yield row("return", "header:u32:header", return_)
    yield row("return_call", f"{HEADERS} to:label", return_call)
    yield row("return_call_import", f"disp:u32:imported_func.call type_:type {HEADERS}", return_call_import)
    yield row("return_call_indirect", f"index:i32 disp:u32:table.call type_:type {HEADERS}", return_call_indirect)
    yield row("callee", "index:i32 disp:u32:table.call type_:type", callee)
    yield row("carry", f"{HEADERS} frame:u32:frame", carry)
