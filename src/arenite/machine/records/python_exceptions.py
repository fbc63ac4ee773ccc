"""Exceptions of Python's that guests know by an object (`machine.records.exceptions`), and what guests' own are in Python.

A guest's reference means the very exception that came from there, or one that is made for the guest's and stands for it from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from arenite.errors import AreniteError, Failure, Limit, Trap, WasmException
from arenite.layout.frame import SLOT
from arenite.layout.records import ExceptionRecord
from arenite.layout.types import EXNREF, slots
from arenite.light import NamedTuple
from arenite.machine.records.exceptions import OBJECT_HEADER, object_at, object_size, take
from arenite.machine.records.values import codec, converted
from arenite.traps import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import TagAddr

LOOKED_AT: Final = 16  # instances that may know what the tag is called that a host function has thrown
DEEPEST: Final = 32  # exceptions that carry each other, as Python has them


class Binding(NamedTuple):
    """What guests know an exception of Python's by.  `values`: what it carries."""

    tag: TagAddr
    values: Callable[[BaseException], Sequence[object]]


def values_at(machine: Machine, tag: TagAddr, at: int, depth: int = 0) -> Sequence[object]:
    """What an exception of this tag carries that has its values there, as the machine has values.  Raises: `Trap`, `Limit`.

    `depth`: in how many others it is.
    """
    arena, kind = machine.cage.arena, codec(tag.type.type)
    if at + SLOT * len(slots(tag.type.type.params)) > len(arena):
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)

    def from_guest(type_: int, reference: int) -> object:
        if type_ == EXNREF and reference:
            return python_exception(machine, reference, depth + 1)
        return machine.from_guest(type_, reference)

    return kind.read_params(arena, at, from_guest)


def python_exception(machine: Machine, reference: int, depth: int = 0) -> BaseException:
    """What a guest's reference means in Python: the very object that came from there, or the one that stands for the guest's.

    Raises: `Trap` for none, `Limit` for one that leads to others, and these to others, without an end.
    """
    found = machine.registry.exceptions.known.get(reference)
    if found is not None:
        return found
    tag = object_at(machine, reference)
    if tag is None:
        raise Trap(Cause.CORRUPT.message, Cause.CORRUPT.code)
    if depth > DEEPEST:
        raise Limit(f"an exception carries another, and that another, more than {DEEPEST} deep: too many for the host")
    error = wasm_exception(machine, tag, values_at(machine, tag, reference + ExceptionRecord.size, depth))
    machine.registry_to_change().exceptions.know(reference, error)
    return error


def wasm_exception(machine: Machine, tag: TagAddr, values: Sequence[object]) -> WasmException:
    """A guest's exception as Python has it."""
    wrap = machine.handles.wrap
    return WasmException(wrap(machine, tag), [wrap(machine, value) for value in values])


def exception_reference(machine: Machine, error: BaseException) -> int:
    """The object that stands for an exception of Python's, which is a guest's or was one; its room is not looked for where others are held.

    Raises: `TypeError`, `OverflowError` for values of other types than its tag's, `Failure` for a tag of another store, `Limit`.
    """
    found = binding_of(machine, error)
    if found is None and isinstance(error, WasmException):
        raise TypeError(f"expected a Tag for an exception, found {type(error.tag).__name__}")
    if found is None:
        raise TypeError(f"expected a WasmException or None for exnref, found {type(error).__name__}")
    return new_object(machine, error, found)


def binding_of(machine: Machine, error: BaseException) -> Binding | None:
    """The tag of an exception that guests may have, and what gives its values; None: it is none of theirs.

    Raises: `Failure` for a tag of another store, `TypeError` for one that is none.
    """
    if isinstance(error, WasmException):
        tag = machine.handles.tag(machine, error.tag)
        if tag is None and error.tag is not None:  # it is, in a copy from another process
            raise TypeError(f"expected a Tag for a WasmException, found {type(error.tag).__name__}")
        return None if tag is None else Binding(tag, _values)
    bindings = machine.registry.bindings
    if not bindings or isinstance(error, AreniteError):
        return None
    return next((bindings[kind] for kind in type(error).__mro__ if kind in bindings), None)


def _values(error: BaseException) -> Sequence[object]:
    assert isinstance(error, WasmException)
    return error.values


def tag_name(machine: Machine, tag: TagAddr, vmctx: int = 0) -> str | None:
    """What a module calls a tag, as an export or an import: that of the instance at `vmctx`, or of one of the first."""
    registry = machine.registry
    instances = [registry.by_record[vmctx]] if vmctx in registry.by_record else registry.instances[:LOOKED_AT]
    names = (one.code.tag_names.get(one.tags.index(tag)) for one in instances if tag in one.tags)
    return next(filter(None, names), None)


def carried(machine: Machine, error: BaseException, binding: Binding) -> list[object]:
    """What an exception of Python's carries for guests, as `struct` wants it.

    Raises: what its binding raises; `TypeError`, `OverflowError`, `Failure` from the exception, which name its class, the tag and the value that does not fit; `Limit`.
    """
    types, core = binding.tag.type.type.params, machine.handles.core
    machine.depth += 1  # what a value calls to say what it is must not let go of what was made for another
    try:
        values = binding.values(error)
        try:
            return converted([core(machine, value) for value in _several(values)], types, machine.to_guest)
        except (TypeError, OverflowError, Failure) as wrong:
            if type(wrong) not in {TypeError, OverflowError, Failure}:  # a limit, and what else says enough
                raise
            name = tag_name(machine, binding.tag)
            tag = f"the {binding.tag.type}" if name is None else f"{name!r}, the {binding.tag.type}"
            raise type(wrong)(f"a {type(error).__name__} cannot be thrown with {tag}: {wrong}") from error
    finally:
        machine.depth -= 1


def _several(values: object) -> Sequence[object]:
    """What a binding has given.  Raises: `TypeError` if that is no sequence of values."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
        raise TypeError(f"expected a sequence of values, found {type(values).__name__}")
    return values


def new_object(machine: Machine, error: BaseException, binding: Binding) -> int:
    """An object that stands for an exception of Python's.  Raises: as `exception_reference`, and as `carried`."""
    tag = binding.tag
    kind, numbers = codec(tag.type.type), carried(machine, error, binding)
    at = take(machine, object_size(tag))
    arena = machine.cage.arena
    OBJECT_HEADER.pack_into(arena, at, tag.at, len(slots(kind.type.params)))
    kind.put_params(arena, at + ExceptionRecord.size, *numbers)
    machine.registry_to_change().exceptions.know(at, error)
    return at
