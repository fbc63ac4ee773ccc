"""Tags: what exceptions are known by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from arenite.api.extern import Extern, machine_of
from arenite.api.numbers import expect
from arenite.api.types import TagType, wrapped
from arenite.errors import AreniteError, Failure
from arenite.layout.types import EXTERNREF
from arenite.machine.records.objects import TagAddr
from arenite.machine.records.python_exceptions import Binding
from arenite.machine.records.tags import new_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arenite.api.extern import Storelike

ErrorClass: TypeAlias = type[Exception]
Values: TypeAlias = "Callable[[Any], Sequence[object]]"


class Tag(Extern, of=TagAddr):
    """A tag: `Tag(store, TagType(FuncType([ValType.i32()], [])))`.

    A host function throws with it what guests may catch: `raise WasmException(tag, [3])`.
    """

    __slots__ = ()

    addr: TagAddr

    def __init__(self, store: Storelike, ty: TagType) -> None:
        """Raises: `Failure` for a type with results."""
        expect(ty, TagType)
        if ty.core.type.results:
            raise Failure("a tag's type has no results")
        machine = machine_of(store)
        self.addr, self.lineage = new_tag(machine, ty.core), machine.lineage

    def type(self, store: Storelike) -> TagType:
        """Its type."""
        self.machine_in(store)
        return wrapped(self.addr.type)  # type: ignore[return-value]  # the wrapper of a tag's type

    def eq(self, store: Storelike, other: Tag) -> bool:
        """Whether it is the same as another: guests catch what is thrown with either."""
        expect(other, Tag)
        self.machine_in(store)
        other.machine_in(store)
        return self == other

    def bind(
        self,
        store: Storelike,
        error: ErrorClass,
        values: Values | None = None,
    ) -> None:
        """Let guests catch exceptions of this class, and of those derived from it, as thrown with this tag when a host function lets one out.

        Where guests pass it on, the very same exception comes out again; one that a guest keeps goes on to hold its `__cause__` and its `__context__`.  `values`: what it carries; by default nothing where the tag has no values, the exception itself where
        its only value is an externref, and `error.args` otherwise.  Of classes derived from each other the nearest counts, and of a class the tag that it was bound to last.
        Raises: `TypeError` for what is no class of exceptions, or one of arenite's own errors, which no guest catches, and for `values` that
        cannot be called.
        """
        check_binding(error, values)
        machine = self.machine_in(store)
        machine.registry_to_change().bindings[error] = binding(self.addr, values)


def check_binding(error: object, values: object) -> None:
    """Raises: `TypeError` for what is no class that guests can catch, or gives no values."""
    if not isinstance(error, type) or not issubclass(error, Exception):
        raise TypeError(f"expected a class of exceptions, found {error!r}")
    if issubclass(error, AreniteError):
        raise TypeError(f"{error.__name__} is arenite's own: no guest catches it")
    if values is not None and not callable(values):
        raise TypeError(f"expected a callable that gives the values of a {error.__name__}, found {type(values).__name__}")


def binding(tag: TagAddr, values: Values | None) -> Binding:
    """How exceptions of a class are thrown with a tag; `values`: what they carry."""
    found = VALUES.get(tag.type.type.params, _args) if values is None else values
    return Binding(tag, cast("Callable[[BaseException], Sequence[object]]", found))


def _args(error: Exception) -> Sequence[object]:
    return error.args


VALUES: Final[dict[tuple[int, ...], Values]] = {(): lambda _error: (), (EXTERNREF,): lambda error: (error,)}
"""What an exception carries by default, by the types of its tag's values; otherwise its `args`."""
