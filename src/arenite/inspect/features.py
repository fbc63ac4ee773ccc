"""Which proposals beyond WebAssembly 1.0 a module uses: seen while it is validated.

Example:  features(decode(code)) == ["bulk-memory", "multi-value"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.features import FEATURES
from arenite.wasm.annotations import HINTS
from arenite.wasm.codes import code_of
from arenite.wasm.features import TYPES
from arenite.wasm.opcodes import BY_CODE, CHAPTER, PREFIX
from arenite.wasm.reader import Reader
from arenite.wasm.sink import Sink
from arenite.wasm.uses import uses
from arenite.wasm.validate import BodyValidator, validate_module

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arenite.wasm.module import Module


class Survey(Sink):
    """Collects the features of the instructions that the bodies use, as the table of opcodes has them, and of the types in them.

    An opcode that is not told is read where it stands, `at`.  What is told of rows of 1.0 alone is left out: there is much of it.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data
        self.ops: set[int] = set()
        self.used: set[str] = set()

    def told(self, op: int, *_: object, **__: object) -> None:
        """An instruction, by its code."""
        self.ops.add(op)

    def read(self, *_: object, **__: object) -> None:
        """An instruction."""
        first = self.data[self.at]
        prefixed = CHAPTER[first] == PREFIX
        self.ops.add(code_of(first, Reader(self.data, self.at + 1, len(self.data)).u32()) if prefixed else first)

    numeric = wide = load = store = vector = lane = access_lane = bulk = told
    throw = throw_ref = catch = catch_all = delegate = rethrow = read
    const128 = shuffle = ref_is_null = ref_func = table_get = table_set = return_call = return_call_indirect = read

    def begin(self, func: int, params: tuple[int, ...], results: tuple[int, ...], locals_: list[int], size: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.types(locals_)

    def block(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """See `Sink`."""
        self.types(results)
        if params or len(results) > 1:
            self.used.add("multi-value")

    loop = if_ = block

    def ref_null(self, type_: int) -> None:
        """See `Sink`."""
        self.types([type_])
        self.read()

    select = ref_null

    def try_(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """See `Sink`."""
        self.block(params, results)
        self.read()

    def try_table(self, params: tuple[int, ...], results: tuple[int, ...], catches: list[tuple[int, int, int]]) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.try_(params, results)

    def types(self, types: Iterable[int]) -> None:
        """Types that a body names."""
        self.used.update(TYPES[t] for t in set(types) if t in TYPES)

    def found(self) -> set[str]:
        """All features."""
        return self.used | {BY_CODE[op].feature for op in self.ops}


def features(module: Module) -> list[str]:
    """Validate the module; the names of the features it uses beyond 1.0, in the order of the table.

    Raises: ValidationError, DecodeError.
    """
    validate_module(module)
    survey = Survey(module.data)
    bodies = BodyValidator(module, survey)
    for index in range(len(module.bodies)):
        bodies.body(index)
    used = survey.found() | {name for name, _ in uses(module)}
    if any(custom.name == HINTS for custom in module.customs):
        used.add("branch-hinting")
    return [feature.name for feature in FEATURES if feature.name in used and feature.standard != "1.0"]
