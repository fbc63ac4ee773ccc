"""Exceptions on their way between guests and Python.

A guest's that no guest has caught becomes a `WasmException`; one that a host function lets out, or an exception of a class that is bound to a tag,
becomes one of its guest again, by an object that stands for it: so the very same comes out again where guests pass it on.  Any other of
Python's crosses the guest's frames, and runs none of its handlers.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from arenite.errors import Failure, Limit, Trap, WasmException
from arenite.layout.records import TagRecord
from arenite.layout.types import slots
from arenite.machine.records.exceptions import SPARE, affordable, clear_room, object_at, object_size
from arenite.machine.records.python_exceptions import (
    binding_of,
    carried,
    new_object,
    python_exception,
    tag_name,
    values_at,
    wasm_exception,
)
from arenite.machine.run.backtrace import backtrace
from arenite.machine.run.collect import collect, tidy
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr
    from arenite.machine.records.python_exceptions import Binding
    from arenite.machine.run.collect import Place

T = TypeVar("T")
LONGEST: Final = 256  # places in Python that an exception keeps while it is a guest's


def make_room(machine: Machine, place: Place, tag: int) -> None:
    """See that there is room for an object of this tag, which the present run, that stands at `place`, has thrown.

    Raises: `Limit` where there is none, though all that nobody holds was let go; `Trap` for what is no tag.
    """
    size = object_size(_tag_at(machine, tag))
    _with_room(machine, lambda: clear_room(machine, size), place)


def _with_room(machine: Machine, make: Callable[[], T], place: Place | None = None) -> T:
    """What `make` makes; where much has gathered, or there is no room, what nobody holds is let go first.  Raises: `Limit`."""
    tidy(machine, place)
    can_look = affordable(machine)
    try:
        return make()
    except Limit as full:
        if not can_look:
            raise
        try:
            collect(machine, place)
        except Failure:
            raise full from None
        if machine.registry.exceptions.free < machine.quota.exceptions // SPARE:
            raise
    return make()


def _tag_at(machine: Machine, at: int) -> TagAddr:
    """The tag whose record lies there, as a word from the arena says, and says what it said when it was made.  Raises: `Trap`."""
    found = machine.registry.tags.get(at)
    if found is None or TagRecord.slots.read(machine.cage.arena, at) != len(slots(found.type.type.params)):
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    return found


def uncaught(machine: Machine, tag: int, at: int, reference: int, pc: int, sp: int, vmctx: int) -> NoReturn:
    """Raise what no guest has caught: its object, or its tag and where its values lie; `pc`, `sp`, `vmctx`: of who threw it.

    Raises: it, `Trap` for what is none.
    """
    if reference:
        error, known = python_exception(machine, reference), object_at(machine, reference)
    else:
        known = _tag_at(machine, tag)
        error = wasm_exception(machine, known, values_at(machine, known, at))
    _tell(machine, error, known, pc, sp, vmctx)
    crossing, machine.crossing = machine.crossing, None
    try:
        raise error if crossing is None or crossing[0] is not error else error.with_traceback(crossing[1])
    finally:
        del error, crossing  # a cycle with this frame's, by the traceback: it would keep the frames of the loop, which have views


def thrown(machine: Machine, error: BaseException) -> int:
    """The object by which guests may catch what a host function of theirs has let out; 0: none may, so it crosses their frames as it is.

    Raises: `Limit` as `new_exception`; what the binding of its class raises; `TypeError`, `OverflowError` for values of other types.
    """
    binding = _own_binding(machine, error)
    if binding is None:
        return 0
    at = _with_room(machine, lambda: new_object(machine, error, binding))
    machine.crossing = error, _short(error.__traceback__)
    error.__traceback__ = None  # it leads to frames, which hold views and the store, and a guest may keep the exception
    return at


def passed(machine: Machine, error: BaseException, pc: int, sp: int, vmctx: int, *, by_host: bool) -> None:
    """What a host function has let out comes to guests of whom none can catch it; `by_host`: not even to guests, the host itself called the function.

    Raises: as `thrown`: whether values fit does not depend on who could catch them.
    """
    binding = _own_binding(machine, error)
    if binding is not None:
        if not by_host:
            carried(machine, error, binding)
        _tell(machine, error, binding.tag, pc, sp, vmctx)


def _own_binding(machine: Machine, error: BaseException) -> Binding | None:
    """What guests of this machine know an exception by.  Raises: `TypeError` from a `WasmException` whose tag is none."""
    try:
        return binding_of(machine, error)
    except TypeError as wrong:
        raise wrong from error
    except Failure:  # its tag is of another store, whose guests alone know it
        return None


def _tell(machine: Machine, error: BaseException, tag: TagAddr | None, pc: int, sp: int, vmctx: int) -> None:
    """An exception leaves the guest that has thrown it there."""
    if isinstance(error, WasmException):
        error.leave(None if tag is None else tag_name(machine, tag, vmctx), backtrace(machine, pc, sp, vmctx))


def _short(traceback: TracebackType | None) -> TracebackType | None:
    """The places in Python where an exception was, unless they are too many: guests may send it to and fro."""
    return None if next(islice(_places(traceback), LONGEST, None), None) is not None else traceback


def _places(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
