"""Translations for an engine: out of the user's cache where it has them, and into it where not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from arenite import translate as translator  # which is imported when something is translated
from arenite.bytecode.module import WasmFile, worth_keeping

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.api.engine import Engine
    from arenite.bytecode.module import ModuleCode


def structure(wasm: bytes) -> ModuleCode:
    """The module in a file without code; the translator is imported here, not where this is named."""
    return translator.structure(wasm)


def translated(
    engine: Engine, data: bytes, paid: int | None = None, *, progress: Callable[[int, int], None] | None = None
) -> ModuleCode:
    """As `translate`; a module that was translated by any of the user's processes before is not translated again."""
    if not worth_keeping(len(data)) or (cache := engine.cache) is None:
        return translator.translate(data, paid, progress=progress, features=engine.config.features)
    from arenite.snapshot import translations  # noqa: PLC0415 (small modules need nothing of it)

    wasm = WasmFile(lambda: data, translations.digest_of(cache, data))
    name = translations.entry_name(wasm.digest)
    code = translations.find(cache, name, wasm, structure)
    if code is None:
        code = replace(translator.translate(data, paid, progress=progress), wasm=wasm)  # whose digest is known
        translations.keep(cache, name, code)
    return code
