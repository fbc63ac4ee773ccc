"""Why a run of guest code stops: one table, from which tiers, errors and the `wast` runner derive.

`Cause` is what a tier leaves in the store context, 1..63, where 64 and above are *stops* (`bytecode.stops`): the tier hands control to the machine,
which does something and goes on.  `TrapCode` is what users see of it, with the names and numbers of the `wasmtime` package, which
tells fewer causes apart; the message tells all.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class TrapCode(Enum):
    """Why a guest trapped, as users see it.  From 1000 on: what the `wasmtime` package has no number for."""

    STACK_OVERFLOW = 0
    MEMORY_OUT_OF_BOUNDS = 1
    TABLE_OUT_OF_BOUNDS = 3
    INDIRECT_CALL_TO_NULL = 4
    BAD_SIGNATURE = 5
    INTEGER_OVERFLOW = 6
    INTEGER_DIVISION_BY_ZERO = 7
    BAD_CONVERSION_TO_INTEGER = 8
    UNREACHABLE = 9
    INTERRUPT = 10
    OUT_OF_FUEL = 11
    NULL_REFERENCE = 13
    UNCAUGHT_EXCEPTION = 49
    CORRUPT = 1000


class Cause(IntEnum):
    """A trap, numbered as tiers store it."""

    UNREACHABLE = 1
    INTEGER_DIVISION_BY_ZERO = 2
    INTEGER_OVERFLOW = 3
    BAD_CONVERSION_TO_INTEGER = 4
    MEMORY_OUT_OF_BOUNDS = 5
    TABLE_OUT_OF_BOUNDS = 6
    UNDEFINED_ELEMENT = 7
    INDIRECT_CALL_TO_NULL = 8
    BAD_SIGNATURE = 9
    STACK_OVERFLOW = 10
    OUT_OF_FUEL = 11
    INTERRUPT = 12
    NESTING = 13
    CORRUPT = 14
    NULL_EXCEPTION = 15

    @property
    def code(self) -> TrapCode:
        """What users see of it."""
        return CAUSES[self][0]

    @property
    def message(self) -> str:
        """The words that the official suite expects."""
        return CAUSES[self][1]


CAUSES: dict[Cause, tuple[TrapCode, str]] = {
    Cause.UNREACHABLE: (TrapCode.UNREACHABLE, "unreachable"),
    Cause.INTEGER_DIVISION_BY_ZERO: (TrapCode.INTEGER_DIVISION_BY_ZERO, "integer divide by zero"),
    Cause.INTEGER_OVERFLOW: (TrapCode.INTEGER_OVERFLOW, "integer overflow"),
    Cause.BAD_CONVERSION_TO_INTEGER: (TrapCode.BAD_CONVERSION_TO_INTEGER, "invalid conversion to integer"),
    Cause.MEMORY_OUT_OF_BOUNDS: (TrapCode.MEMORY_OUT_OF_BOUNDS, "out of bounds memory access"),
    Cause.TABLE_OUT_OF_BOUNDS: (TrapCode.TABLE_OUT_OF_BOUNDS, "out of bounds table access"),
    Cause.UNDEFINED_ELEMENT: (TrapCode.TABLE_OUT_OF_BOUNDS, "undefined element"),
    Cause.INDIRECT_CALL_TO_NULL: (TrapCode.INDIRECT_CALL_TO_NULL, "uninitialized element"),
    Cause.BAD_SIGNATURE: (TrapCode.BAD_SIGNATURE, "indirect call type mismatch"),
    Cause.STACK_OVERFLOW: (TrapCode.STACK_OVERFLOW, "call stack exhausted"),
    Cause.OUT_OF_FUEL: (TrapCode.OUT_OF_FUEL, "all fuel consumed by WebAssembly"),
    Cause.INTERRUPT: (TrapCode.INTERRUPT, "interrupt"),
    Cause.NESTING: (TrapCode.STACK_OVERFLOW, "call stack exhausted: too many nested calls between host and guest"),
    Cause.CORRUPT: (TrapCode.CORRUPT, "the machine's records are damaged"),
    Cause.NULL_EXCEPTION: (TrapCode.NULL_REFERENCE, "null exception reference"),
}
