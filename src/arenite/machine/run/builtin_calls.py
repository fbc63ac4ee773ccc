"""What the loop does where an op asks for a builtin: pieces of its work, and looks at the time between two."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from arenite.bytecode.stops import Builtin
from arenite.errors import Trap
from arenite.layout.records import StoreContext
from arenite.machine.run.activation import SPENT
from arenite.machine.run.builtins import BUILTINS, GuestTrap, Rest
from arenite.machine.run.frames import asked_at
from arenite.machine.run.interrupts import give_way, is_late, look_up, trap
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.machine.machine import Machine


def do_builtin(machine: Machine, status: int, pc: int, sp: int, vmctx: int, rest: tuple[int, ...]) -> int:
    """Do what a builtin's op asks for, or the rest of it; where to go on."""
    builtin, page = Builtin(status), machine.cage.store_page
    if rest:
        asked = asked_at(machine.window, pc)
        assert asked is not None, "it could stop there"
        next_pc, slot = asked.next_pc, asked.slot
    else:
        next_pc, slot = StoreContext.next_pc.read(page, 0), StoreContext.result_slot.read(page, 0)
        rest = struct.unpack_from(f"<{len(builtin.arguments)}Q", page, StoreContext.arguments.offset)
    while True:
        if is_late(machine):
            _look_up_in(machine, builtin, pc, sp, vmctx, rest)
        done = _piece(machine, builtin, pc, sp, vmctx, rest)
        if isinstance(done, int):
            break
        rest = done
    if builtin.result is not None:
        _write(machine, sp + (slot or 0), done)
    return next_pc


def _piece(machine: Machine, builtin: Builtin, pc: int, sp: int, vmctx: int, rest: tuple[int, ...]) -> int | Rest:
    """Do a piece of a builtin's work: its result, or the rest.  Raises: `Trap`, `Suspended`."""
    done: int | Rest = 0
    code: Cause | None = None
    try:
        done = BUILTINS[builtin](machine, vmctx, *rest)
    except GuestTrap as stop:
        code = stop.code
    except (Trap, struct.error, IndexError):  # an offset or an instance from the arena that leads astray
        code = Cause.CORRUPT
    # what follows is raised here, so that it leads to no frame of the builtin, which has views
    if code is Cause.OUT_OF_FUEL and _clear_result(machine, pc, sp):
        give_way(machine, SPENT, builtin, pc, sp, vmctx, rest)
    if code is not None:
        trap(machine, code, pc, sp, vmctx)
    return done


def _look_up_in(machine: Machine, builtin: Builtin, pc: int, sp: int, vmctx: int, rest: tuple[int, ...]) -> None:
    """Look up in the middle of a builtin's work, unless an execution could not pause there."""
    if not machine.can_pause or _clear_result(machine, pc, sp):
        look_up(machine, builtin, pc, sp, vmctx, rest)


def _clear_result(machine: Machine, pc: int, sp: int) -> bool:
    """Whether a run can stop at the op at `pc`; if so, the slot of its result is 0 until there is one."""
    asked = asked_at(machine.window, pc)
    if asked is not None and asked.listed is not None:
        _write(machine, sp + asked.listed, 0)
    return asked is not None


def _write(machine: Machine, at: int, value: int) -> None:
    """Set a slot; a frame that the arena's damage has sent astray is a trap."""
    try:
        struct.pack_into("<Q", machine.cage.arena, at, value)
    except struct.error:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code) from None
