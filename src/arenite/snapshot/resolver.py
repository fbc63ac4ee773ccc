"""What a snapshot out of a file refers to, and who finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.bytecode.module import ModuleCode, WasmFile
    from arenite.machine.records.objects import HostFunction
    from arenite.machine.run.hosts import Hosts
    from arenite.machine.space.window import Windows
    from arenite.snapshot.file import Embedded


class ModuleResolver(Protocol):
    """Finds the modules that a file names.  What it raises (`DecodeError`, `Limit`, …) is for whoever opens the file."""

    def module(self, digest: str) -> ModuleCode | None:
        """A module that is there already, by the digest of its file in hexadecimal."""

    def translate(self, wasm: bytes, paid: int) -> ModuleCode:
        """A module that travels along.  `paid`: how many bytes it was unpacked from."""

    def structure(self, wasm: bytes, paid: int) -> ModuleCode:
        """A module whose bytecode travels along, too: its bodies are not translated.  `paid`: as for `translate`."""

    def kept(self, wasm: WasmFile, module: Embedded) -> ModuleCode | None:
        """A module that travels along, with the bytecode that the snapshot was made with, from where earlier processes kept it.  `wasm`: its file."""

    def keep(self, code: ModuleCode, module: Embedded) -> None:
        """Keep what `restored` has made of a module that travels along."""


class Resolver(ModuleResolver, Protocol):
    """Finds everything that a file only names."""

    @property
    def load(self) -> Callable[[bytes], object] | None:
        """Makes an object of the host's of the bytes that it was saved as."""

    @property
    def windows(self) -> Windows:
        """Where the window of the modules is found."""

    def hosts(self) -> Hosts:
        """Host modules, with their options; their states are the file's."""

    def host_function(self, module: str, name: str) -> HostFunction:
        """The host function that an import names.  Raises: `LinkError` if there is none."""
