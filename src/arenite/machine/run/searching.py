"""The search for an exception's handler, where the machine has to do with it: ops do its steps (`bytecode.exceptions`).

Where it is stands in the store context while ops run, and in `Activation.rest` where it has stopped; there, the arena is as it was when the
exception was thrown.  What comes from a file is distrusted: an op's pc and a clause's number are checked (`searches`), all else by the ops themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.bytecode.stops import KEEP, UNCAUGHT
from arenite.layout.cage import UNIT
from arenite.layout.frame import HALT_PC
from arenite.layout.handlers import CLAUSE_PC, FRAME_PC, KEEP_PC, ClauseRecord, SearchRecord
from arenite.layout.records import ExceptionRecord, FrameHeader, StoreContext
from arenite.layout.spaces import Space
from arenite.machine.run.exceptions import make_room, passed, thrown, uncaught
from arenite.machine.run.interrupts import trap
from arenite.machine.run.searches import Search
from arenite.traps import Cause

if TYPE_CHECKING:
    from arenite.machine.machine import Machine

SEARCH: Final = SearchRecord.packer()
HEADER: Final = FrameHeader.packer()
AT: Final = StoreContext.arguments.offset


def stopped_at(machine: Machine) -> Search:
    """The search that a run has just stopped in."""
    return Search._make(SEARCH.unpack_from(machine.cage.store_page, AT))


def go_on(machine: Machine, search: tuple[int, ...], pc: int, sp: int, vmctx: int) -> int:
    """Where a search goes on that the op at `pc` has begun: the pc of its next step.  Raises: `Trap` for one that cannot be."""
    now = Search._make(search)
    window = machine.window
    if now.pc >= len(window.code) or now.clause * ClauseRecord.size >= len(window.handlers[Space.CLAUSES]):
        trap(machine, Cause.CORRUPT, pc, sp, vmctx)
    SEARCH.pack_into(machine.cage.store_page, AT, *now._replace(thrown=pc))
    if not now.clause:
        return FRAME_PC
    return KEEP_PC if now.left else CLAUSE_PC


def settle(machine: Machine, status: int, pc: int, sp: int, vmctx: int) -> Search:
    """Do what a search asks for: room for an object.  Raises: what nobody catches; `Limit`, `Trap`."""
    search = stopped_at(machine)
    if status == UNCAUGHT:
        uncaught(machine, search.tag, search.values, search.reference, pc, sp, vmctx)
    assert status == KEEP, status
    make_room(machine, (status, pc, sp, vmctx), search.tag)
    return search


def thrown_by_host(machine: Machine, error: BaseException, header: int, pc: int, sp: int, vmctx: int) -> tuple[int, ...]:
    """The search for a handler of what a host function has let out, from its caller's frame on; nothing if it crosses the guest's frames as it is.

    `header`: of the frame at `sp` in which the thunk at `pc` has called the function.
    """
    caller_sp, return_pc, caller, *_ = HEADER.unpack_from(machine.cage.arena, header)
    by_host = return_pc == HALT_PC
    if by_host or not machine.window.handlers[Space.CLAUSES]:  # none of all its modules has a handler
        passed(machine, error, pc, sp, vmctx, by_host=by_host)
        return ()
    reference = thrown(machine, error)
    if not reference:
        return ()
    if caller_sp >= sp or not machine.window.is_return_point(return_pc):
        trap(machine, Cause.CORRUPT, pc, sp, vmctx)
    tag = ExceptionRecord.tag.read(machine.cage.arena, reference)
    return Search(tag, reference + ExceptionRecord.size, reference, pc, return_pc - UNIT, caller_sp, caller)
