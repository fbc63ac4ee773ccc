"""Who finds what a snapshot out of a file only names; see `snapshot.resolver`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite import translate as translator  # which is imported when something is translated
from arenite.api.translated import structure, translated
from arenite.bytecode.module import worth_keeping
from arenite.machine.run.hosts import Hosts
from arenite.snapshot import translations
from arenite.snapshot.code import bytecode_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arenite.api.engine import Engine
    from arenite.api.linker import Linker
    from arenite.bytecode.module import ModuleCode, WasmFile
    from arenite.machine.records.objects import HostFunction
    from arenite.machine.run.hosts import HostModuleConfig
    from arenite.machine.space.window import Windows
    from arenite.snapshot.file import Embedded
    from arenite.snapshot.travel import Load


class GivenModules:
    """The modules of a snapshot alone, for whoever looks into one."""

    def __init__(self, modules: Mapping[str, ModuleCode]) -> None:
        """`modules`: by the digest of their files, in hexadecimal."""
        self._modules = modules

    def module(self, digest: str) -> ModuleCode | None:
        """One of those given."""
        return self._modules.get(digest)

    def translate(self, wasm: bytes, paid: int) -> ModuleCode:
        """A module that travels along.  `paid`: how many bytes it was unpacked from."""
        return translator.translate(wasm, paid)

    def structure(self, wasm: bytes, paid: int) -> ModuleCode:
        """A module whose bytecode travels along, too: its bodies are not translated."""
        return translator.structure(wasm, paid)

    def kept(self, wasm: WasmFile, module: Embedded) -> ModuleCode | None:
        """Nothing: only engines have a cache."""
        del wasm, module
        return None

    def keep(self, code: ModuleCode, module: Embedded) -> None:
        """Nothing."""


class EngineResolver(GivenModules):
    """Everything that a snapshot refers to, to go on in an engine.  Modules that travel along are the engine's from then on."""

    def __init__(
        self,
        modules: Mapping[str, ModuleCode],
        engine: Engine,
        linker: Linker,
        configs: Mapping[str, HostModuleConfig],
        load: Load | None,
    ) -> None:
        super().__init__(modules)
        self._engine = engine
        self._linker = linker
        self._configs = configs
        self.load = load

    @property
    def windows(self) -> Windows:
        """The engine's."""
        return self._engine.windows

    def hosts(self) -> Hosts:
        """Host modules with the options given."""
        return Hosts(self._configs)

    def module(self, digest: str) -> ModuleCode | None:
        """One of those given, or of the engine's."""
        return super().module(digest) or self._engine.modules.get(digest)

    def structure(self, wasm: bytes, paid: int) -> ModuleCode:
        """A module whose bytecode travels along, too: its bodies, which use no more than the engine's features, are not translated."""
        return translator.structure(wasm, paid, self._engine.config.features)

    def translate(self, wasm: bytes, paid: int) -> ModuleCode:
        """A module that travels along."""
        code = translated(self._engine, wasm, paid)
        self._engine.modules[code.digest.hex()] = code
        return code

    def kept(self, wasm: WasmFile, module: Embedded) -> ModuleCode | None:
        """As of the protocol.  Its file is in this snapshot only; when another one of the engine's has the module, that one's is looked at."""
        cache, key = self._engine.cache, (module.digest, module.bytecode_digest)
        if cache is None or not worth_keeping(module.size):
            return None
        code = self._engine.unread.get(key)
        if code is not None:
            code.wasm.know(wasm)
            return code
        code = translations.find(cache, translations.entry_name(wasm.digest, module.bytecode_digest), wasm, structure)
        if code is None:
            code = translations.find(cache, translations.entry_name(wasm.digest), wasm, structure)
            if code is None or bytecode_digest(code) != module.bytecode_digest:
                return None
        self._engine.unread[key] = code
        return code

    def keep(self, code: ModuleCode, module: Embedded) -> None:
        """As of the protocol."""
        if self._engine.cache is not None and worth_keeping(module.size):
            name = translations.entry_name(code.digest, module.bytecode_digest)
            translations.keep(self._engine.cache, name, code)

    def host_function(self, module: str, name: str) -> HostFunction:
        """What the linker has under a name.  Raises: `LinkError`."""
        return self._linker.host_function(module, name, self._configs)
