"""Host modules: groups of host functions with a state of their own for each store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from arenite.light import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from arenite.api.types import FuncType

WASI: Final = "wasi"  # the name of the host module that `set_wasi` gives


class Supplied(NamedTuple):
    """A host module that comes with arenite.

    `name`: by which stores have it.  `prefix`: of the import modules that it serves.  `missing`: what to tell whoever instantiates a module without it; `frozen`: whoever
    goes on from a snapshot without it; `unlinked`: whoever has it, and a linker that does not look there.
    """

    name: str
    prefix: str
    missing: str
    frozen: str
    unlinked: str


SUPPLIED: Final[dict[str, Supplied]] = {
    WASI: Supplied(
        name=WASI,
        prefix="wasi_",
        missing="the store has no WASI: store.set_wasi(WasiConfig())",
        unlinked="the linker has no WASI: linker.define_wasi()",
        frozen="say what it goes on with: fork(wasi=WasiConfig()), or link(linker, wasi=WasiConfig()) where it is linked before",
    )
}
"""By the name that stores have it under.  What is said here needs no import of the package that brings it."""


def serves(name: str, module: str) -> bool:
    """Whether the host module of that name may have what is imported from `module`; a user's may have anything."""
    supplied = SUPPLIED.get(name)
    return supplied is None or module.startswith(supplied.prefix)


def lacking(names: Iterable[str], module: str) -> Supplied | None:
    """Of these host modules, which a store has not, the one that is for imports from `module`."""
    return next((SUPPLIED[name] for name in names if name in SUPPLIED and serves(name, module)), None)


class HostModule(Protocol):
    """A group of host functions with state of its own for each store, such as WASI.

    A callable of it gets the `Caller` first and finds the state by `caller.host(name)`, never by what it closes over: forks of a
    store share the functions.
    """

    def function(self, module: str, name: str) -> tuple[FuncType, Callable[..., object]] | None:
        """Type and callable of an import, or None."""
