"""Which features of WebAssembly a module uses outside of its bodies and custom sections, which refuse nothing; what instructions need stands in their rows (`opcodes`), what bytes show in `features`.

`validate_module` refuses what is switched off by this, and `inspect` tells people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.layout.types import FUNCREF, PAGE_BITS, GlobalType
from arenite.wasm.features import EXTERNS, SECTIONS, TYPES
from arenite.wasm.module import ExternKind, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arenite.wasm.module import Data, Element, Module


def uses(module: Module) -> Iterator[tuple[str, int]]:
    """(feature, offset in the file of the section where that shows).  The module has been decoded."""
    if any(len(type_.results) > 1 for type_ in module.types):
        yield "multi-value", _at(module, 1)
    for section, externs in ((2, module.import_types()), (7, module.export_types())):
        if any(isinstance(item.type, GlobalType) and item.type.mutable for item in externs):
            yield "mutable-globals", _at(module, section)
    yield from _types(module, 1, (t for type_ in module.types for t in (*type_.params, *type_.results)))
    yield from _types(module, 6, (item.content for item in module.globals))
    yield from _types(module, 4, (table.element for table in module.tables if table.element != FUNCREF))
    yield from _types(module, 9, (element.type for element in module.elements if element.type != FUNCREF))
    if any(table.is_64 for table in module.tables) or any(memory.is_64 for memory in module.memories):
        yield "memory64", _at(module, 5 if any(memory.is_64 for memory in module.memories) else 4)
    if len(module.memories) > 1:
        yield "multi-memory", _at(module, 5)
    if any(memory.page_bits != PAGE_BITS for memory in module.memories):
        yield "custom-page-sizes", _at(module, 5)
    if len(module.tables) > 1:
        yield "reference-types", _at(module, 4)
    segments: list[tuple[int, Data | Element]] = [(9, element) for element in module.elements]
    segments += [(11, segment) for segment in module.segments]
    for section, segment in segments:
        if segment.mode != Mode.ACTIVE:
            yield "bulk-memory", _at(module, section)
    if module.tags:
        yield EXTERNS[ExternKind.TAG], _at(module, 13)
    for section in module.sections:
        if section in SECTIONS:
            yield SECTIONS[section], _at(module, section)
    constants = [(6, init.value) for init in module.inits] + [(section, segment.offset) for section, segment in segments]
    for section, constant in constants:
        if len(constant) > 1:
            yield "extended-const", _at(module, section)


def _types(module: Module, section: int, types: Iterable[int]) -> Iterator[tuple[str, int]]:
    """What value types need, of which a section says so much."""
    for name in dict.fromkeys(TYPES[t] for t in types if t in TYPES):
        yield name, _at(module, section)


def _at(module: Module, section: int) -> int:
    """Where a section begins; where there is none, that of imports, which brings the same things."""
    return module.sections.get(section, module.sections.get(2, (0, 0)))[0]
