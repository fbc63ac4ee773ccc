"""What the translator must know of the module around a body: types of functions, and places in the instance.

Compiled by mypyc; see `writer` for what that forbids.
"""

from __future__ import annotations

from typing import final

from mypy_extensions import i64  # noqa: TC002 (mypyc wants to see it)

from arenite.layout.instance import InstanceLayout, vector_globals
from arenite.layout.types import slots
from arenite.wasm.module import ExternKind, Module


@final
class Shape:
    """`func_types`: typeidx by funcidx; `params` and `results`, by typeidx: how many slots, and which; `functions` (imported ones), `tables` and `globals`: places."""

    def __init__(self, module: Module) -> None:
        self.imported_functions: i64 = module.imported(ExternKind.FUNC)
        self.imported_globals: i64 = module.imported(ExternKind.GLOBAL)
        functions, globals_ = module.imported(ExternKind.FUNC), module.imported(ExternKind.GLOBAL)
        own = module.globals[globals_:]
        layout = InstanceLayout(functions, len(module.tables), globals_, len(own), vector_globals(own))
        self.func_types = list(module.funcs)
        self.params = [len(slots(type_.params)) for type_ in module.types]
        self.results = [slots(type_.results) for type_ in module.types]
        self.functions = [layout.function(i) for i in range(functions)]
        self.tables = [layout.table(i) for i in range(len(module.tables))]
        self.globals = [
            layout.imported_global(i) if i < globals_ else layout.defined_global(i - globals_) for i in range(len(module.globals))
        ]
