"""Which proposals beyond WebAssembly 1.0 a module uses: seen while it is validated.

Example:  features(decode(code)) == ["bulk-memory", "multi-value"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.features import FEATURES
from arenite.layout.types import REFERENCES
from arenite.wasm.opcodes import BY_CODE
from arenite.wasm.sink import Sink
from arenite.wasm.uses import uses
from arenite.wasm.validate import BodyValidator, validate_module

if TYPE_CHECKING:
    from arenite.wasm.module import Module


class Survey(Sink):
    """Collects the instructions that the bodies use: those the table of opcodes knows a feature of."""

    def __init__(self) -> None:
        super().__init__()
        self.ops: set[int] = set()
        self.multi_value = False
        self.references = False

    def begin(self, func: int, params: tuple[int, ...], results: tuple[int, ...], locals_: list[int], size: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.references |= any(t in REFERENCES for t in locals_)

    def numeric(self, op: int, operands: int, result: int) -> None:  # noqa: ARG002
        """See `Sink`."""
        self.ops.add(op)

    def wide(self, op: int) -> None:
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
        self.references |= any(t in REFERENCES for t in results)

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
    used = {BY_CODE[op].feature for op in survey.ops} | {name for name, _ in uses(module)}
    if survey.multi_value:
        used.add("multi-value")
    if survey.references:
        used.add("reference-types")
    return [feature.name for feature in FEATURES if feature.name in used and feature.standard != "1.0"]
