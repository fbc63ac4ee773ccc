"""The guest's frames as data: which of their slots are live where a run has stopped.

Frames are found by walking the headers in the arena, which are distrusted: a caller's frame lies below its callee's, and where it goes
on is a return point.  What is live in a frame: its parameters and locals, its header, and the operands that the safepoint names; before
the first op has run, parameters and header alone.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

from arenite.bytecode.encode import decode
from arenite.bytecode.locals import locals_at
from arenite.bytecode.stops import PAUSE_AGAIN, PAUSE_OWED, SEARCHES, SEARCHING
from arenite.errors import InternalError, SnapshotError
from arenite.layout.cage import ALIGNMENT, UNIT
from arenite.layout.frame import HALT_PC, SLOT, header_offset
from arenite.layout.raw import RAW
from arenite.layout.records import FrameHeader
from arenite.layout.types import EXNREF, EXTERNREF, slots
from arenite.light import NamedTuple
from arenite.machine.run.activation import HOST_CALL, READY
from arenite.machine.run.builtins import BUILTINS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.run.activation import Activation
    from arenite.machine.run.marks import Marks
    from arenite.machine.space.window import Window

WORD: Final = struct.Struct("<I")
CALLER: Final = FrameHeader.packer("caller_sp", "return_pc")
MOST_SHAPES: Final = 4096  # of a window's frames that are remembered
Live: TypeAlias = "list[tuple[int, int]]"


class Shape(NamedTuple):
    """What the frames that go on at one place have in common, counted from their beginning.

    `header`: where it lies.  `live`: ascending ranges of live bytes.  `externs`, `exceptions`: live slots that hold references to the host's
    objects, and to exceptions.
    """

    header: int
    live: Live
    externs: tuple[int, ...]
    exceptions: tuple[int, ...]


class StackFrame(NamedTuple):
    """A frame: where it begins, where the next one begins, and the live bytes in it, as ascending ranges of arena offsets.

    `pc`: where it goes on.
    """

    sp: int
    end: int
    header: int
    live: Live
    pc: int


_callers: WeakKeyDictionary[Window, dict[int, tuple[Shape, int]]] = WeakKeyDictionary()


def frames_in(arena: memoryview, window: Window, activation: Activation) -> Iterator[StackFrame]:
    """The frames of an activation that has stopped, innermost first.  Raises: `SnapshotError` when they are damaged."""
    for sp, end, shape, pc in _walk(arena, window, activation):
        yield StackFrame(sp, end, sp + shape.header, [(sp + a, min(sp + b, end)) for a, b in shape.live if sp + a < end], pc)


def hold_references(arena: memoryview, window: Window, activation: Activation, marks: Marks) -> None:
    """The frames of an activation hold their references.  Raises: `SnapshotError` when they are damaged."""
    if RAW:  # a control of measurements, in whose frames guests have no exceptions
        for sp, end, shape, _ in _walk(arena, window, activation):
            marks.externs.update(WORD.unpack_from(arena, sp + at)[0] for at in shape.externs if sp + at < end)
        return
    from arenite.machine.run.marks import FrameShape  # noqa: PLC0415 (few guests hold anything)

    def marked(shape: Shape, extent: int) -> FrameShape:
        return FrameShape(shape.header, extent, list(shape.exceptions), list(shape.externs))

    def find(pc: int) -> FrameShape:
        if not window.is_return_point(pc):
            raise SnapshotError(f"the guest's stack is damaged: nothing returns to {pc:#x}")
        return marked(_shape(window, activation, pc, innermost=False), window.frame_extent(pc - 1))

    first = marked(_shape(window, activation, activation.pc, innermost=True), window.frame_extent(activation.pc) + ALIGNMENT - 1)
    stack = bytes(arena[activation.at : activation.end + SLOT])
    marks.hold_frames(stack, activation.at, activation.sp, activation.end, first, find)


def _walk(arena: memoryview, window: Window, activation: Activation) -> Iterator[tuple[int, int, Shape, int]]:
    """(beginning, end, shape, pc) of each frame; frames that go on at one place share the shape."""
    pc, sp, end = activation.pc, activation.sp, activation.end
    shape, size = _shape(window, activation, pc, innermost=True), window.frame_extent(pc) + ALIGNMENT - 1
    callers = _callers.setdefault(
        window, {}
    )  # by where they go on: a recursion has few, and stores that stop at one place have the same
    while True:
        at = sp + shape.header
        if not activation.at <= sp <= at <= end - FrameHeader.size or end - sp > size:
            raise SnapshotError(f"the guest's stack is damaged at {sp:#x}")
        yield sp, end, shape, pc
        end = sp
        sp, pc = CALLER.unpack_from(arena, at)
        if pc == HALT_PC:
            if end != activation.at:
                raise SnapshotError(f"the guest's stack is damaged at {end:#x}: frames below it belong to nobody")
            return
        found = callers.get(pc)
        if sp >= end or (found is None and not window.is_return_point(pc)):
            raise SnapshotError(f"the guest's stack is damaged at {at:#x}")
        if found is None:
            if len(callers) >= MOST_SHAPES:
                callers.clear()
            found = callers[pc] = _shape(window, activation, pc, innermost=False), window.frame_extent(pc - 1)
        shape, size = found


def _shape(window: Window, activation: Activation, pc: int, *, innermost: bool) -> Shape:
    """The shape of the frame at `pc`."""
    if pc == HALT_PC:
        return _shape_of(activation.function.codec.header, ())
    type_ = window.preamble.thunk_at(pc)
    if type_ is not None:
        header = header_offset(type_)
        answered = pc - UNIT in window.preamble.host_calls
        return _shape_of(header, slots(type_.results if answered else type_.params))
    index = window.module_at(pc)
    placed = None if index is None else window.modules[index]
    number = None if placed is None else placed.code.function_at(pc - placed.origin - (not innermost))
    if placed is None or number is None:
        raise SnapshotError(f"the guest's stack is damaged: no code at {pc:#x}")
    function, local = placed.code.function(number), pc - placed.origin
    params = slots(placed.code.types[function.type_index].params)
    if innermost and activation.status in BUILTINS:
        asked = asked_at(window, pc)
        if asked is None or asked.builtin != activation.status:
            raise SnapshotError(f"the guest's stack is damaged: nothing is half done at {pc:#x}")
        local = asked.safepoint - placed.origin
    elif innermost and local == function.begin and activation.status != PAUSE_OWED:
        return _shape_of(function.header, params)
    elif innermost and activation.status not in (PAUSE_OWED, READY, *SEARCHES):
        raise SnapshotError(f"the guest's stack is damaged: a run cannot stop at {pc:#x}")
    locals_ = memoryview(placed.code.locals[number]).cast("I")[len(params) :]
    safepoint = placed.safepoints(number).get(local)
    if safepoint is None:
        raise SnapshotError(f"the guest's stack is damaged: no safepoint at {pc:#x}")
    return _shape_of(function.header, params, (locals_at(placed.code, number), locals_.tolist()), sorted(safepoint.slots))


def _shape_of(
    header: int, params: Sequence[int], declared: tuple[int, Sequence[int]] = (0, ()), operands: Sequence[tuple[int, int]] = ()
) -> Shape:
    """The shape of a frame with these types of parameters' slots; of locals, behind where they lie; and these (slot, type) of operands."""
    first, locals_ = declared
    live = [(0, SLOT * len(params)), (header, header + FrameHeader.size)]
    live += [(first, first + SLOT * len(locals_))] if locals_ else []
    live += [(SLOT * slot, SLOT * slot + SLOT) for slot, _ in operands]
    typed = [(SLOT * i, t) for i, t in enumerate(params)] + [(first + SLOT * i, t) for i, t in enumerate(locals_)]
    typed += [(SLOT * slot, t) for slot, t in operands]
    externs, exceptions = (tuple([at for at, t in typed if t == wanted]) for wanted in (EXTERNREF, EXNREF))
    return Shape(header, live, externs, exceptions)


class Asked(NamedTuple):
    """What an op asks the machine for: the builtin, where the run goes on behind it, the byte offset of the result's slot.

    `safepoint`: pc of the one that says what is live meanwhile; `listed`: the result's slot as it names it.  In a wide function these
    may be another op further than `next_pc` and `slot`: the one that brings the result where others cannot.
    """

    builtin: int
    next_pc: int
    slot: int | None
    safepoint: int
    listed: int | None


def asked_at(window: Window, pc: int) -> Asked | None:
    """What the op at `pc` asks for, if a run can stop in the middle of it: behind it is a safepoint, which says what is live."""
    found = window.function_at(pc)
    if found is None:
        return None
    placed, number = found
    safepoints, origin = placed.safepoints(number), placed.origin
    code = placed.code.bytecode  # not the window's, which a tier patches
    try:
        from arenite.bytecode.effects import effects  # noqa: PLC0415 (few stop there)

        op = decode(code, pc - origin)
        builtin, slot = effects(op.row).builtin, op.values.get("dst")
        safepoint, listed = op.end, slot
        if slot is not None and safepoint not in safepoints:
            landing = decode(code, op.end)
            values = {o.role: landing.values[o.name] for o in landing.row.encoded}
            if values.get("any") == slot and "far.set" in values:
                safepoint, listed = landing.end, values["far.set"]
    except InternalError:
        return None
    if builtin is None or safepoint not in safepoints:
        return None
    return Asked(builtin, origin + op.end, slot, origin + safepoint, listed)


def throws(window: Window, pc: int) -> bool:
    """Whether the op at `pc`, which is one of a module's, begins a search."""
    from arenite.bytecode.effects import effects  # noqa: PLC0415 (as in `asked_at`)

    index = window.module_at(pc)
    assert index is not None, "its shape is known"
    placed = window.modules[index]
    return "search" in effects(decode(placed.code.bytecode, pc - placed.origin).row).transfers


def check_place(window: Window, activation: Activation) -> None:
    """See that a run can stand like that: what the loop takes for granted.  Raises: `SnapshotError`."""
    pc, status, host_calls = activation.pc, activation.status, window.preamble.host_calls
    entered = status == PAUSE_OWED or status >= HOST_CALL  # otherwise the stack may have no room, which its first op will find
    if status == HOST_CALL:
        good = pc in host_calls
    elif window.preamble.thunk_at(pc) is not None:
        good = status == SEARCHING and pc in host_calls
        good |= status in (READY, PAUSE_AGAIN) and (pc + UNIT in host_calls or (pc - UNIT in host_calls and status == READY))
    elif pc == HALT_PC:
        good = status == READY
    else:
        _shape(window, activation, pc, innermost=True)
        good = True
        entered = entered or (status == READY and window.stops(pc)(pc))
    if status == SEARCHING:
        from arenite.machine.run.searches import check  # noqa: PLC0415 (few stop in one)

        good = good and (pc in host_calls or throws(window, pc)) and check(window, pc, activation.rest)
    if not good:
        raise SnapshotError(f"an execution cannot stand at {pc:#x}")
    sizes = (
        activation.sp + window.frame_extent(pc) * entered,
        activation.at + SLOT * activation.function.codec.results,  # its parameters and header may be gone, by a tail call
        activation.at + (activation.function.codec.frame if pc == HALT_PC else 0),
    )
    if max(sizes) > activation.end:
        raise SnapshotError(f"the guest's stack is damaged: its frames end at {max(sizes):#x}, behind {activation.end:#x}")


def clear_dead(machine: Machine) -> None:
    """Write zeros to what no live frame holds, so that equal machines are equal bytes, and nothing left over travels."""
    arena = machine.cage.arena
    for activation in machine.activations:
        gaps: dict[tuple[int, int], Live] = {}  # by the identity of the shape and the frame's size
        for sp, end, shape, _ in list(_walk(arena, machine.window, activation)):  # all are looked at before anything is written
            key = id(shape), end - sp
            found = gaps.get(key)
            if found is None:
                found = gaps[key] = _gaps(shape.live, end - sp)
            for start, stop in found:
                if any(arena[sp + start : sp + stop]):
                    arena[sp + start : sp + stop] = bytes(stop - start)


def _gaps(live: Live, size: int) -> Live:
    """What ascending ranges leave free of `size` bytes."""
    free, at = [], 0
    for start, stop in (*live, (size, size)):
        if at < min(start, size):
            free.append((at, min(start, size)))
        at = max(at, stop)
    return free
