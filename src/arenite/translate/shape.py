"""What the translator must know of the module around a body: types of functions, and places in the instance.

Compiled by mypyc; see `writer` for what that forbids.
"""

from __future__ import annotations

from typing import Final, final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.instance import InstanceLayout, named_memories, vector_globals
from arenite.layout.types import PAGE_BITS, MemoryType, slots
from arenite.wasm.module import ExternKind, Module

PLAIN: Final = 0  # memory 0, addresses of 32 bits: its ops are the shortest
FIRST64: Final = 1  # memory 0, addresses of 64 bits
OTHER: Final = 2  # another, which is looked up
EXACT: Final = 3  # pages are not of 64 KiB: the length is compared


def kind_of(index: int, type_: MemoryType) -> int:
    """How a memory is accessed."""
    if type_.page_bits != PAGE_BITS:
        return EXACT
    if index:
        return OTHER
    return FIRST64 if type_.is_64 else PLAIN


@final
class Shape:
    """`func_types`: typeidx by funcidx; `params` and `results`, by typeidx: how many slots, and which; `largest`: the most of any; `functions` (imported ones), `tables`, `globals`, `memories` and `tags`: places.

    `memory_kinds`: how each memory is accessed; `tables64`: whether indexes have 64 bits; `tag_types`: the slots of what an exception carries.
    """

    def __init__(self, module: Module) -> None:
        self.imported_functions: i64 = module.imported(ExternKind.FUNC)
        self.imported_globals: i64 = module.imported(ExternKind.GLOBAL)
        functions, globals_ = module.imported(ExternKind.FUNC), module.imported(ExternKind.GLOBAL)
        defined = module.globals[globals_:]
        words = named_memories(module.memories)
        layout = InstanceLayout(
            functions, len(module.tables), globals_, len(defined), vector_globals(defined), words, len(module.tags)
        )
        self.func_types = list(module.funcs)
        self.params = [len(slots(type_.params)) for type_ in module.types]
        self.results = [slots(type_.results) for type_ in module.types]
        self.largest: i64 = max([0, *self.params, *map(len, self.results)])
        self.functions = [layout.function(i) for i in range(functions)]
        self.tables = [layout.table(i) for i in range(len(module.tables))]
        self.tables64 = [table.is_64 for table in module.tables]
        self.memories = [layout.memory(i) for i in range(len(module.memories))]
        self.memory_kinds = [kind_of(i, type_) for i, type_ in enumerate(module.memories)]
        self.memory_bits = [type_.page_bits for type_ in module.memories]
        self.tags = [layout.tag(i) for i in range(len(module.tags))]
        self.tag_types = [slots(module.types[type_].params) for type_ in module.tags]
        self.globals = [
            layout.imported_global(i) if i < globals_ else layout.defined_global(i - globals_) for i in range(len(module.globals))
        ]
