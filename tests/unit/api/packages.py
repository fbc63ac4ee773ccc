"""The `wasmtime` package and arenite's tiers behind one face: tests that hold for each compare them by running on each.

@pytest.mark.parametrize("package", PACKAGES)
def test_something(package: str) -> None:
    p = Package(package)
    assert p.call('(module (func (export "f") (result i32) (i32.const 3)))', "f") == 3
"""

from __future__ import annotations

import importlib
from typing import Any

from tiers import TIERS

PACKAGES = ("wasmtime", *TIERS)


class Package:
    """A package with an engine and a store.  `api`: the package; names that it has are attributes of this, too."""

    def __init__(self, name: str, **options: Any) -> None:
        self.ours = name != "wasmtime"
        self.api: Any = importlib.import_module("arenite" if self.ours else name)
        config = self.api.Config(tier=name) if self.ours else self.api.Config()
        for option, value in options.items():
            setattr(config, option, value)
        self.engine = self.api.Engine(config)
        self.store = self.api.Store(self.engine)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.api, name)

    def module(self, text: str) -> Any:
        """A module of a text."""
        return self.api.Module(self.engine, text)

    def linker(self) -> Any:
        """An empty linker."""
        return self.api.Linker(self.engine)

    def exports(self, text: str, *imports: Any) -> Any:
        """The exports of an instance."""
        return self.api.Instance(self.store, self.module(text), list(imports)).exports(self.store)

    def call(self, text: str, name: str, *args: object) -> Any:
        """What a function of a module gives."""
        return self.exports(text)[name](self.store, *args)

    def type(self, params: str = "", results: str = "") -> Any:
        """A function's type, of the names of value types."""
        params_, results_ = ([getattr(self.api.ValType, name)() for name in side.split()] for side in (params, results))
        return self.api.FuncType(params_, results_)
