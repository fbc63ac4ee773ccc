"""The guest's frames as data: which of their slots are live where a run has stopped.

Frames are found by walking the headers in the arena, which are distrusted: a caller's frame lies below its callee's, and where it goes
on is a return point.  What is live in a frame: its parameters and locals, its header, and the operands that the safepoint names; before
the first op has run, parameters and header alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from arenite.bytecode.helpers import PAUSE_OWED
from arenite.errors import SnapshotError
from arenite.layout.cage import UNIT
from arenite.layout.records import FrameHeader
from arenite.machine.execution import HOST_CALL, READY
from arenite.machine.values import header_offset
from arenite.machine.window import HALT_PC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.machine.execution import Activation
    from arenite.machine.machine import Machine
    from arenite.machine.window import Window

SLOT: Final = 8


class Frame(NamedTuple):
    """A frame: where it begins, where the next one begins, and the live bytes in it, as ascending ranges of arena offsets.

    `pc`: where it goes on.
    """

    sp: int
    end: int
    header: int
    live: list[tuple[int, int]]
    pc: int


def frames(machine: Machine, activation: Activation) -> Iterator[Frame]:
    """The frames of an activation that has stopped, innermost first.  Raises: `SnapshotError` when they are damaged."""
    return frames_in(machine.cage.arena, machine.window, activation)


def frames_in(arena: memoryview, window: Window, activation: Activation) -> Iterator[Frame]:
    """The same, of an arena that no machine runs in."""
    pc, sp, end = activation.pc, activation.sp, activation.end
    header, live = _live(window, activation, pc, innermost=True)
    callers: dict[int, tuple[int, list[tuple[int, int]]]] = {}  # by where they go on: a recursion has few
    while True:
        at = sp + header
        if not activation.at <= sp <= at <= end - FrameHeader.size:
            raise SnapshotError(f"the guest's stack is damaged at {sp:#x}")
        ranges = [(sp + a, min(sp + b, end)) for a, b in live if sp + a < end]
        yield Frame(sp, end, at, ranges, pc)
        pc, end = FrameHeader.return_pc.read(arena, at), sp
        if pc == HALT_PC:
            if sp != activation.at:
                raise SnapshotError(f"the guest's stack is damaged at {sp:#x}: frames below it belong to nobody")
            return
        sp = FrameHeader.caller_sp.read(arena, at)
        if sp >= end or not window.is_return_point(pc):
            raise SnapshotError(f"the guest's stack is damaged at {at:#x}")
        found = callers.get(pc)
        if found is None:
            found = callers[pc] = _live(window, activation, pc, innermost=False)
        header, live = found


def _live(window: Window, activation: Activation, pc: int, *, innermost: bool) -> tuple[int, list[tuple[int, int]]]:
    """Where the frame at `pc` has its header, and its live ranges, counted from its beginning."""
    if pc == HALT_PC:
        header = activation.function.codec.header
        return header, [(header, header + FrameHeader.size)]
    type_ = window.preamble.thunk_at(pc)
    if type_ is not None:
        header = header_offset(type_)
        answered = pc - UNIT in window.preamble.host_calls
        count = len(type_.results if answered else type_.params)
        return header, [(0, SLOT * count), (header, header + FrameHeader.size)]
    index = window.module_at(pc)
    placed = None if index is None else window.modules[index]
    number = None if placed is None else placed.code.function_at(pc - placed.origin - (not innermost))
    if placed is None or number is None:
        raise SnapshotError(f"the guest's stack is damaged: no code at {pc:#x}")
    function, local = placed.code.function(number), pc - placed.origin
    params = len(placed.code.types[function.type_index].params)
    live = [(0, SLOT * params), (function.header, function.header + FrameHeader.size)]
    if innermost and activation.status != PAUSE_OWED:
        if local != function.begin:
            raise SnapshotError(f"the guest's stack is damaged: a run cannot stop at {pc:#x}")
        return function.header, live
    locals_ = len(placed.code.locals[number]) // 4 - params
    first = function.header + FrameHeader.size
    live.append((first, first + SLOT * locals_))
    safepoint = placed.safepoints(number).get(local)
    if safepoint is None:
        raise SnapshotError(f"the guest's stack is damaged: no safepoint at {pc:#x}")
    live += sorted((SLOT * slot, SLOT * slot + SLOT) for slot, _ in safepoint.slots)
    return function.header, live


def check_place(window: Window, activation: Activation) -> None:
    """See that a run can stand like that: what the loop takes for granted.  Raises: `SnapshotError`."""
    pc, status, host_calls = activation.pc, activation.status, window.preamble.host_calls
    if status == HOST_CALL:
        good = pc in host_calls
    elif window.preamble.thunk_at(pc) is not None:
        good = status != PAUSE_OWED and (pc + UNIT in host_calls or (pc - UNIT in host_calls and status == READY))
    elif pc == HALT_PC:
        good = status == READY
    else:
        _live(window, activation, pc, innermost=True)
        good = True
    if not good:
        raise SnapshotError(f"an execution cannot stand at {pc:#x}")


def clear_dead(machine: Machine) -> None:
    """Write zeros to what no live frame holds, so that equal machines are equal bytes, and nothing left over travels."""
    arena = machine.cage.arena
    for activation in machine.activations:
        for frame in list(frames(machine, activation)):  # all are looked at before anything is written
            at = frame.sp
            for start, stop in (*frame.live, (frame.end, frame.end)):
                if at < start and any(arena[at:start]):
                    arena[at:start] = bytes(start - at)
                at = max(at, stop)
