"""What is in a module, read from its binary form alone: nothing is translated, nothing runs.

Example:  inspect_module(Path("hello.wasm").read_bytes()).features
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import Failure
from arenite.inspect.customs import customs
from arenite.inspect.features import features
from arenite.inspect.words import SECTIONS, describe, page, pages, reach
from arenite.light import NamedTuple
from arenite.wasm.decode import decode
from arenite.wasm.module import ExternKind

if TYPE_CHECKING:
    from collections.abc import Sized

    from arenite.wasm.module import Module


class ModuleFacts(NamedTuple):
    """`size`: in bytes, as all sizes are; `memories`: what each may have room for, in words; `sections`, `functions`: by size, largest first."""

    name: str
    size: int
    counts: list[tuple[str, int]]
    memories: list[str]
    features: list[str]
    imports: list[tuple[str, str]]
    exports: list[tuple[str, str]]
    customs: list[tuple[str, str]]
    sections: list[tuple[str, int]]
    functions: list[tuple[str, int]]


def inspect_module(code: bytes) -> ModuleFacts:
    """Look at a module.  Raises: `DecodeError`, `ValidationError`."""
    module = decode(code)
    spaces: tuple[tuple[str, Sized], ...] = (
        ("function", module.funcs),
        ("table", module.tables),
        ("memory", module.memories),
        ("global", module.globals),
        ("tag", module.tags),
    )
    return ModuleFacts(
        module.names.module,
        len(module.data),
        [(what, len(space)) for what, space in spaces],
        [pages(reach(memory.limits, page(memory)), memory) for memory in module.memories],
        features(module),
        [(f"{item.module}.{item.name}", describe(item.type)) for item in module.import_types()],
        [(item.name, describe(item.type)) for item in module.export_types()],
        customs(module),
        section_sizes(module),
        function_sizes(module),
    )


def section_sizes(module: Module) -> list[tuple[str, int]]:
    """Each section's name and bytes, largest first; equal names of custom sections are added up."""
    sizes = {SECTIONS[number]: end - start for number, (start, end) in module.sections.items()}
    for custom in module.customs:
        label = f"custom: {custom.name}"
        sizes[label] = sizes.get(label, 0) + custom.end - custom.start
    return sorted(sizes.items(), key=lambda item: -item[1])


def function_sizes(module: Module) -> list[tuple[str, int]]:
    """Each defined function's label and the bytes of its body, largest first."""
    first = module.imported(ExternKind.FUNC)
    sizes = [(function_label(module, first + i), end - start) for i, (start, end) in enumerate(module.bodies)]
    return sorted(sizes, key=lambda item: -item[1])


def function_label(module: Module, index: int) -> str:
    """`#12 malloc`: the index, and a name where the module tells one."""
    exported = (export.name for export in module.exports if export.kind == ExternKind.FUNC and export.index == index)
    name = module.names.funcs.get(index) or next(exported, "")
    return f"#{index} {name}".rstrip()


def function_index(code: bytes, wanted: str) -> int:
    """The index of the function that has this index or name, exported or of the name section.  Raises: `Failure`, as `decode`."""
    module = decode(code)
    named = {name: index for index, name in module.names.funcs.items()}
    named |= {export.name: export.index for export in module.exports if export.kind == ExternKind.FUNC}
    index = named.get(wanted, int(wanted) if wanted.isdecimal() else -1)
    first, end = module.imported(ExternKind.FUNC), len(module.funcs)
    if not 0 <= index < end:
        raise Failure(f"no function {wanted!r}: give a name or an index below {end}")
    if index < first:
        raise Failure(f"function {wanted} is imported: it has no code here")
    return index
