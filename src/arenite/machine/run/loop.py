"""The loop around a tier: it runs until it stops; the loop does what the stop asks for and lets it go on.

A stop asks for a host function, a builtin, a slice of fuel, or a look at the time.  No machine stack lies between guest and host at that moment: what is
going on stands in the arena and the store context.

Invariants: the arena is distrusted (a word is read once and bounded); the store context below the base is the machine's own;
`Machine.top` is where a new activation's frame may begin.
"""

from __future__ import annotations

import struct
from time import monotonic
from typing import TYPE_CHECKING, Final

from arenite.bytecode.stops import FAULT, FINISHED, HOT, LOOK_UP, PAUSE_AGAIN, PAUSE_OWED, SEARCHES, SEARCHING
from arenite.layout.cage import ALIGNMENT, UNIT
from arenite.layout.raw import RAW
from arenite.layout.records import FrameHeader, StoreContext
from arenite.machine.run.activation import HOST_CALL, READY, SPENT
from arenite.machine.run.builtin_calls import do_builtin
from arenite.machine.run.builtins import BUILTINS
from arenite.machine.run.collect import tidy
from arenite.machine.run.fuel import SLICE, UNATTENDED
from arenite.machine.run.host_calls import fail, pause_at, put_results
from arenite.machine.run.interrupts import UNSEEN, give_way, is_late, look_up, trap
from arenite.machine.run.searching import go_on as search_on
from arenite.machine.run.searching import settle, stopped_at, thrown_by_host
from arenite.traps import Cause

if RAW:
    from arenite.machine.records import raw

if TYPE_CHECKING:
    from arenite.machine.machine import Machine
    from arenite.machine.run.tier import Runner

HEADER: Final = FrameHeader.packer()
CONTEXT: Final = StoreContext.packer("status", "pc", "sp", "vmctx", "fuel")


def run(machine: Machine, pc: int, sp: int, vmctx: int, status: int = READY, rest: tuple[int, ...] = ()) -> None:
    """The loop.  `status`: what is to be done before the tier goes on, as if it had just stopped for that; see `Activation`."""
    fuel = machine.fuel
    left = granted = 0 if machine.has_epochs or status != READY else fuel.grant()
    machine.look_at = 0.0
    calls = UNSEEN  # of host functions since the clock was looked at
    while True:
        if status == HOST_CALL:  # written out: each function on the way to a host function takes of Python's stack
            type_, functions = machine.window.preamble.host_calls[pc], machine.registry.host_functions
            function = functions[vmctx] if vmctx < len(functions) else None
            if function is None or (function.type is not type_ and function.type != type_):
                trap(machine, Cause.BAD_SIGNATURE, pc, sp, vmctx)
            kind, arena = function.codec, machine.cage.arena
            end = sp + kind.frame
            if end > machine.stack_limit:
                trap(machine, Cause.CORRUPT, pc, sp, vmctx)
            args = kind.get_params(arena, sp) if kind.plain_params else kind.read_params(arena, sp, machine.from_guest)
            if machine.can_pause and machine.until.pause_at:
                pause_at(machine, pc, sp, vmctx, rest[0] if rest else 0)
            machine.progress, rest = rest[0] if rest else 0, ()
            machine.top = end = end + ALIGNMENT - 1 & -ALIGNMENT
            machine.host_stack.append((vmctx, pc, sp, end))
            if function.before is not None:
                if not kind.plain_results:
                    tidy(machine)
                callers = HEADER.unpack_from(arena, sp + kind.header)[2:]  # the last is of a tail call, if it was one
                args = function.before(machine, callers[-1] or callers[0], args)
            try:
                result = function.call(*args)
                if function.after is not None:
                    result = function.after(machine, args, result)
            except BaseException as error:
                fail(machine, function, args, error, pc, sp, vmctx)
                rest = thrown_by_host(machine, error, sp + kind.header, pc, sp, vmctx)
                if not rest:
                    raise
                machine.host_stack.pop()
                status, args = SEARCHING, ()
                continue
            machine.host_stack.pop()
            if kind.results == 1 and kind.plain_results:  # the usual case, written out: this is what short host calls cost
                try:
                    kind.put_results(machine.cage.arena, sp, result)
                except (struct.error, OverflowError):  # a value in another acceptable form, or the error is raised here
                    put_results(machine, kind, result, sp)
            elif result is not None or kind.results:
                put_results(machine, kind, result, sp)
            args, result = (), None  # what was in them may go
            pc += UNIT
            calls += 1
            if machine.due or calls >= UNSEEN:
                calls = 0
                if is_late(machine):
                    look_up(machine, READY, pc, sp, vmctx)
            granted = left
            if fuel.left is not None:  # which the host function may have changed
                left = granted = fuel.grant()
        elif status == READY:
            pass
        elif status in (PAUSE_AGAIN, PAUSE_OWED):
            left = granted = _next_slice(machine, status, pc, sp, vmctx)
        elif status in BUILTINS:
            pc = do_builtin(machine, status, pc, sp, vmctx, rest)
            rest = ()
            granted = left
            if fuel.left is not None:
                left = granted = fuel.grant()
        elif status in SEARCHES:
            if status == SEARCHING:
                found = rest or stopped_at(machine)
                left = granted = _next_slice(machine, status, pc, sp, vmctx, found)
            else:
                found = settle(machine, status, pc, sp, vmctx)
                granted = left
                if fuel.left is not None:
                    left = granted = fuel.grant()
            pc, rest = search_on(machine, found, pc, sp, vmctx), ()
        elif status == LOOK_UP:
            look_up(machine, READY, pc, sp, vmctx)
        elif status in (HOT, FAULT):
            status, pc = machine.tier.settle(machine.window, status, pc)
            continue
        else:
            trap(machine, Cause(status), pc, sp, vmctx)
        cage = machine.cage
        page = cage.store_page
        CONTEXT.pack_into(page, 0, FINISHED, pc, sp, vmctx, left)
        runner = machine.runner
        if runner is None or machine.runner_generation != cage.generation:
            runner = _refresh(machine)
        try:
            runner()
            status, pc, sp, vmctx, left = CONTEXT.unpack_from(page, 0)
        except BaseException:  # of a signal's handler; the guest pays for what it did
            fuel.charge(granted, StoreContext.fuel.read(page, 0))
            raise
        if fuel.left is not None:
            if not 0 <= left <= granted:  # a fault on a damaged record may come while the register is in use
                left = 0
            fuel.left -= granted - left
            granted = left
        if cage.lost[0]:
            cage.check()
        if status == FINISHED:
            return


def _next_slice(machine: Machine, status: int, pc: int, sp: int, vmctx: int, rest: tuple[int, ...] = ()) -> int:
    """A slice was used up, or the watch has ended it: look up, pay what is owed."""
    used_up = not machine.due
    look_up(machine, status, pc, sp, vmctx, rest)
    fuel = machine.fuel
    slice_ = machine.tier.sample(machine.window, pc, fuel.slice)
    fuel.slice = slice_ if machine.attended else min(slice_, UNATTENDED)
    if machine.until.sharing is not None:
        fuel.slice = machine.until.sharing.next(monotonic(), SLICE if machine.attended else UNATTENDED, used_up=used_up)
    owed = status == PAUSE_OWED
    if fuel.left is None:
        return fuel.slice - owed
    if fuel.left <= 0:
        give_way(machine, SPENT, status, pc, sp, vmctx, rest)
    fuel.left -= owed
    return fuel.grant()


def _refresh(machine: Machine) -> Runner:
    """Give the tier the present buffers and window."""
    generation, cage = machine.cage.generation, machine.cage  # in this order: the first has it made
    cage.show(machine.window)
    runner = machine.tier.runner(cage, machine.window)
    if RAW:
        raw.settle(machine)
    machine.runner_generation, machine.runner = generation, runner
    return runner
