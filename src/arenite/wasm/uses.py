"""Which features of WebAssembly a module uses outside of its bodies; what its instructions need stands in their rows.

`validate_module` refuses what is switched off by this, and `inspect` tells people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.types import FUNCREF, REFERENCES, GlobalType
from arenite.wasm.module import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.wasm.module import Data, Element, Module

HINTS: Final = "metadata.code.branch_hint"  # the custom section of branch hints


def uses(module: Module) -> Iterator[tuple[str, int]]:
    """(feature, offset in the file of the section where that shows).  The module has been decoded."""
    if any(len(type_.results) > 1 for type_ in module.types):
        yield "multi-value", _at(module, 1)
    for section, externs in ((2, module.import_types()), (7, module.export_types())):
        if any(isinstance(item.type, GlobalType) and item.type.mutable for item in externs):
            yield "mutable-globals", _at(module, section)
    if any(t in REFERENCES for type_ in module.types for t in (*type_.params, *type_.results)):
        yield "reference-types", _at(module, 1)
    if any(item.content in REFERENCES for item in module.globals):
        yield "reference-types", _at(module, 6)
    if len(module.tables) > 1 or any(table.element != FUNCREF for table in module.tables):
        yield "reference-types", _at(module, 4)
    segments: list[tuple[int, Data | Element]] = [(9, element) for element in module.elements]
    segments += [(11, segment) for segment in module.segments]
    for section, segment in segments:
        if segment.mode != Mode.ACTIVE:
            yield "bulk-memory", _at(module, section)
    if module.data_count is not None:
        yield "bulk-memory", _at(module, 12)
    constants = [(6, init.value) for init in module.inits] + [(section, segment.offset) for section, segment in segments]
    for section, constant in constants:
        if len(constant) > 1:
            yield "extended-const", _at(module, section)
    if any(custom.name == HINTS for custom in module.customs):
        yield "branch-hinting", 0


def _at(module: Module, section: int) -> int:
    """Where a section begins, or that of imports, by which a module may have the same."""
    return module.sections.get(section, module.sections.get(2, (0, 0)))[0]
