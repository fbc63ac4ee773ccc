"""Calls by the host: arguments into a frame, the run, results out of it.

`call` is what short calls cost, so what it needs is written out in it.
"""

from __future__ import annotations

import struct
from threading import get_ident
from typing import TYPE_CHECKING, Final, cast

from arenite.errors import Trap
from arenite.layout.frame import HALT_PC
from arenite.layout.records import FrameHeader
from arenite.layout.types import REFERENCES
from arenite.machine.records.functions import resolve
from arenite.machine.records.values import convert, converted, expect_count, get_bits, put_bits
from arenite.machine.run.fuel import UNATTENDED
from arenite.machine.run.loop import run
from arenite.machine.run.watch import watch
from arenite.machine.turn import admit
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import FuncAddr

HEADER: Final = FrameHeader.packer()


def call(machine: Machine, function: FuncAddr, args: Sequence[object], *, bits: bool = False) -> Sequence[object]:
    """Call a function with Python values; function references are `FuncAddr`s.  `bits`: with the bit patterns of slots, references as objects, and get such.

    Raises: `Trap`, what a host function raised, `TypeError`, `OverflowError`.
    """
    me, users = get_ident(), machine.users  # as `machine.turn.alone`, written out: this is what short calls cost
    outermost = me not in users
    try:
        if outermost:
            users.add(me)
            if len(users) > 1:
                admit(users, me)
        kind, sp = function.codec, machine.top
        can_pause, hosts, progress = machine.can_pause, len(machine.host_stack), machine.progress
        machine.depth += 1  # what an argument calls to say its value runs above, and may do no more than a host function
        try:
            if bits:
                _put_bits(machine, function, args)
            else:
                put_arguments(machine, function, args)
            if machine.depth > machine.quota.nesting:
                raise _nested_too_deeply(f"{machine.quota.nesting} are allowed (max_nesting)")
            pc, vmctx, caller = function.entry or resolve(machine, function)
            HEADER.pack_into(machine.cage.arena, sp + kind.header, 0, HALT_PC, caller, 0)
            machine.can_pause = False
            if not machine.attended:
                ensure_attended(machine)
            run(machine, pc, sp, vmctx)
        finally:  # nothing is called before all is as it was: an exception of a signal's handler comes behind a call
            machine.depth -= 1
            machine.top = sp
            machine.can_pause, machine.progress, machine.crossing = can_pause, progress, None
            del machine.host_stack[hosts:]
        if bits:
            return get_bits(machine.cage.arena, sp, kind.type.results)
        if kind.plain_results:
            return kind.get_results(machine.cage.arena, sp)
        return kind.read_results(machine.cage.arena, sp, machine.from_guest)
    except Trap:
        machine.cage.check()  # zeros in place of what a file has no more look like damage
        raise
    except RecursionError as error:
        if machine.depth == 0:  # whoever calls, or the only host function, is to blame
            raise
        raise _nested_too_deeply("Python's stack has no room for more (sys.getrecursionlimit)") from error
    finally:
        if outermost:
            users.discard(me)


def _nested_too_deeply(why: str) -> Trap:
    """What to raise at this level."""
    return Trap(f"{Cause.NESTING.message}: {why}", Cause.NESTING.code)


def _put_bits(machine: Machine, function: FuncAddr, args: Sequence[object]) -> None:
    """`put_arguments` for what is bits already, but for references."""
    if machine.top + function.codec.frame > machine.stack_limit:
        raise Trap(Cause.STACK_OVERFLOW.message, Cause.STACK_OVERFLOW.code)
    sp, machine.top, types = machine.top, machine.top + function.codec.room, function.type.params
    expect_count(args, types)
    values = [convert(arg, t, machine.to_guest) if t in REFERENCES else arg for arg, t in zip(args, types, strict=True)]
    put_bits(machine.cage.arena, sp, types, cast("Sequence[int]", values))


def put_arguments(machine: Machine, function: FuncAddr, args: Sequence[object]) -> None:
    """Begin the frame of this function at the top, which moves above it.  An argument may call guests: whoever calls this has `depth` say so.

    Raises: `TypeError`, `OverflowError`, `Trap`.
    """
    kind, sp, arena = function.codec, machine.top, machine.cage.arena
    if sp + kind.frame > machine.stack_limit:
        raise Trap(Cause.STACK_OVERFLOW.message, Cause.STACK_OVERFLOW.code)
    machine.top = sp + kind.room
    if kind.plain_params:
        try:
            kind.put_params(arena, sp, *args)
        except (struct.error, OverflowError):  # a value in another acceptable form, or the error is raised below
            pass
        else:
            return
    values = converted(args, kind.type.params, machine.to_guest)
    kind.put_params(machine.cage.arena, sp, *values)


def put_entry(machine: Machine, function: FuncAddr, sp: int) -> tuple[int, int]:
    """Write the header of a frame that returns to the host; the function's (pc, vmctx)."""
    pc, vmctx, caller = function.entry or resolve(machine, function)
    HEADER.pack_into(machine.cage.arena, sp + function.codec.header, 0, HALT_PC, caller, 0)
    return pc, vmctx


def ensure_attended(machine: Machine) -> None:
    """A guest of this machine begins to run, and nobody makes it look up."""
    if not watch.attend(machine):
        machine.fuel.slice = min(machine.fuel.slice, UNATTENDED)
