"""Why a run of guest code stops: one table, from which tiers, errors and the `wast` runner derive.

`Stop` is what a tier leaves in the store context.  1..63 are traps (`TrapCode` is that part of it, for users);
64 and above are *exits*: the tier hands control to the machine, which does something and goes on.
"""

from __future__ import annotations

from enum import IntEnum


class TrapCode(IntEnum):
    """A trap, numbered as tiers store it.  `message` is what the official suite expects."""

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
    HOST = 15

    @property
    def message(self) -> str:
        """The standard's words for it."""
        return MESSAGES[self]


MESSAGES: dict[TrapCode, str] = {
    TrapCode.UNREACHABLE: "unreachable",
    TrapCode.INTEGER_DIVISION_BY_ZERO: "integer divide by zero",
    TrapCode.INTEGER_OVERFLOW: "integer overflow",
    TrapCode.BAD_CONVERSION_TO_INTEGER: "invalid conversion to integer",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "out of bounds memory access",
    TrapCode.TABLE_OUT_OF_BOUNDS: "out of bounds table access",
    TrapCode.UNDEFINED_ELEMENT: "undefined element",
    TrapCode.INDIRECT_CALL_TO_NULL: "uninitialized element",
    TrapCode.BAD_SIGNATURE: "indirect call type mismatch",
    TrapCode.STACK_OVERFLOW: "call stack exhausted",
    TrapCode.OUT_OF_FUEL: "all fuel consumed by WebAssembly",
    TrapCode.INTERRUPT: "interrupt",
    TrapCode.NESTING: "call stack exhausted: too many nested calls between host and guest",
    TrapCode.CORRUPT: "the machine's records are damaged",
    TrapCode.HOST: "a host function failed",
}
