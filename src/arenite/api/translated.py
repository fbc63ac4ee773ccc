"""Translations for an engine: out of the user's cache where it has them, and into it where not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from arenite.bytecode.module import WasmFile, file_digest, worth_keeping
from arenite.translate.module import structure, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.api.engine import Engine
    from arenite.bytecode.module import ModuleCode


def translated(
    engine: Engine, data: bytes, paid: int | None = None, *, progress: Callable[[int, int], None] | None = None
) -> ModuleCode:
    """As `translate`; a module that was translated by any of the user's processes before is not translated again."""
    if not worth_keeping(len(data)) or (cache := engine.cache) is None:
        return translate(data, paid, progress=progress, features=engine.config.features)
    from arenite.snapshot import translations  # noqa: PLC0415 (small modules need nothing of it)

    wasm = WasmFile(lambda: data, file_digest(data))
    name = translations.entry_name(wasm.digest)
    code = translations.find(cache, name, wasm, structure)
    if code is None:
        code = replace(translate(data, paid, progress=progress), wasm=wasm)  # whose digest is known
        translations.keep(cache, name, code)
    return code
