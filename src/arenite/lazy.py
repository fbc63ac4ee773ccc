"""Names that a package has and imports when they are first touched (PEP 562), so that importing the package imports none of them.

if TYPE_CHECKING:
from arenite.api.engine import Engine as Engine         # for type checkers and editors: the table again
else:
__all__, __getattr__, __dir__ = lazily(__name__, {"Engine": "arenite.api.engine.Engine"})
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@contextmanager
def uncollected() -> Iterator[None]:
    """No cycles are looked for meanwhile: for what makes many objects and no garbage, as the start of a process does, where that took a tenth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def lazily(package: str, homes: Mapping[str, str]) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """A package's `__all__`, `__getattr__` and `__dir__`.  `homes`: its names -> where each is defined, `module.name`."""
    namespace = vars(sys.modules[package])

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        module, _, defined = homes[name].rpartition(".")
        with uncollected():
            found: object = getattr(import_module(module), defined)
        namespace[name] = found  # asked once
        return found

    return sorted(homes), find, lambda: sorted(namespace.keys() | homes.keys())
