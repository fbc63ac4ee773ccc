"""The hot modules once more, uncompiled: what the compiled ones are compared with."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import testdata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from types import ModuleType

SOURCE = testdata.ROOT / "src"


class Sources:
    """Finds modules of these names as Python files, whatever has been compiled of them."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 (the finders' protocol)
        """See `importlib.abc.MetaPathFinder`."""
        if name not in self.names:
            return None
        return importlib.util.spec_from_file_location(name, SOURCE / (name.replace(".", "/") + ".py"))


def hot_modules() -> set[str]:
    """Names of all modules that are compiled where that is possible."""
    with contextlib.chdir(testdata.ROOT):
        paths = runpy.run_path("setup.py", run_name="setup")["hot"]()
    return {".".join(Path(path).with_suffix("").parts[1:]) for path in paths}


@contextlib.contextmanager
def forgotten(names: set[str]) -> Iterator[None]:
    """Within, nobody has imported these modules."""
    kept = {name: importlib.import_module(name) for name in names}
    for name in names:
        parent, _, last = name.rpartition(".")
        del sys.modules[name]
        delattr(sys.modules[parent], last)
    try:
        yield
    finally:
        for name, module in kept.items():
            parent, _, last = name.rpartition(".")
            sys.modules[name] = module
            setattr(sys.modules[parent], last, module)


def uncompiled(*wanted: str) -> list[ModuleType]:
    """These modules, using each other and all hot ones as the Python that they are."""
    names = hot_modules() | set(wanted)
    finder = Sources(names)
    with forgotten(names):
        sys.meta_path.insert(0, finder)
        try:
            found = [importlib.import_module(name) for name in wanted]
        finally:
            sys.meta_path.remove(finder)
    assert all((module.__file__ or "").endswith(".py") for module in found)
    return found


def need_compiled(module: ModuleType) -> None:
    """Skip where it is not compiled: there is nothing to compare."""
    if (module.__file__ or "").endswith(".py"):
        testdata.absent("the hot modules are not compiled here: tools/build.py")
