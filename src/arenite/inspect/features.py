"""Which proposals beyond WebAssembly 1.0 a module uses: seen while it is validated.

Example:  features(decode(code)) == ["bulk-memory", "multi-value"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.types import EXTERNREF, GlobalType
from arenite.wasm.features import FEATURES
from arenite.wasm.module import Mode
from arenite.wasm.opcodes import BY_CODE
from arenite.wasm.sink import Sink
from arenite.wasm.validate import BodyValidator, validate_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.wasm.module import Data, Element, Module

HINTS: Final = "metadata.code.branch_hint"  # the custom section of branch hints


class Survey(Sink):
    """Collects the instructions that the bodies use: those the table of opcodes knows a feature of."""

    def __init__(self) -> None:
        super().__init__()
        self.ops: set[int] = set()
        self.multi_value = False

    def numeric(self, op: int, operands: int, result: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(op)

    def bulk(self, op: int, x: int, y: int, operands: int, result: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(op)

    def ref_null(self, type_: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(0xD0)

    def ref_is_null(self) -> None:
        """See `Sink`."""
        self.ops.add(0xD1)

    def ref_func(self, func: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(0xD2)

    def table_get(self, table: int, type_: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(0x25)

    def table_set(self, table: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(0x26)

    def block(self, params: tuple[int, ...], results: tuple[int, ...]) -> None:
        """See `Sink`."""
        self.multi_value |= bool(params) or len(results) > 1

    loop = block
    if_ = block


def features(module: Module) -> list[str]:
    """Validate the module; the names of the features it uses beyond 1.0, in the order of the table.

    Raises: ValidationError, DecodeError.
    """
    validate_module(module)
    survey = Survey()
    bodies = BodyValidator(module, survey)
    for index in range(len(module.bodies)):
        bodies.body(index)
    used = {BY_CODE[op].feature for op in survey.ops} | set(declared(module))
    if survey.multi_value:
        used.add("multi-value")
    return [feature.name for feature in FEATURES if feature.name in used and feature.standard != "1.0"]


def declared(module: Module) -> Iterator[str]:
    """Features that show outside of bodies."""
    if any(len(type_.results) > 1 for type_ in module.types):
        yield "multi-value"
    externs = [item.type for item in module.import_types()] + [item.type for item in module.export_types()]
    if any(isinstance(type_, GlobalType) and type_.mutable for type_ in externs):
        yield "mutable-globals"
    values = [type_ for func in module.types for type_ in func.params + func.results]
    values += [table.element for table in module.tables] + [item.content for item in module.globals]
    if len(module.tables) > 1 or EXTERNREF in values:
        yield "reference-types"
    segments: list[Data | Element] = [*module.segments, *module.elements]
    if any(segment.mode == Mode.PASSIVE for segment in segments):
        yield "bulk-memory"
    constants = [segment.offset for segment in segments] + [item.value for item in module.inits]
    if any(len(constant) > 1 for constant in constants):
        yield "extended-const"
    if any(custom.name == HINTS for custom in module.customs):
        yield "branch-hinting"
