"""Value types.

A *value type* is an int.  Numeric types and the abstract references of WebAssembly 2.0 are their code in the binary format
(`I32 == 0x7F`).  A typed reference (WebAssembly 3.0) will be `typeidx << 8 | 0x63 or 0x64`, so that one int is always enough and the
validator's stack stays a stack of ints.  Spec: syntax-valtype.
"""

from __future__ import annotations

from typing import Final

I32: Final = 0x7F
I64: Final = 0x7E
F32: Final = 0x7D
F64: Final = 0x7C
V128: Final = 0x7B
FUNCREF: Final = 0x70
EXTERNREF: Final = 0x6F
EXNREF: Final = 0x69
BOTTOM: Final = 0  # the type of what unreachable code pops: matches every type
UPPER: Final = 1  # in tables of slots: the second slot of a v128

NAMES: Final[dict[int, str]] = {
    I32: "i32",
    I64: "i64",
    F32: "f32",
    F64: "f64",
    V128: "v128",
    FUNCREF: "funcref",
    EXTERNREF: "externref",
    EXNREF: "exnref",
}
NUMERIC: Final = (I32, I64, F32, F64)
REFERENCES: Final = (FUNCREF, EXTERNREF, EXNREF)

VECTORS: Final = (V128,)

MAX_U32: Final = (1 << 32) - 1
MAX_U64: Final = (1 << 64) - 1


def type_name(type_: int) -> str:
    """`i32`, `funcref`, …"""
    return NAMES.get(type_, f"type {type_:#x}")


def slots(types: tuple[int, ...]) -> tuple[int, ...]:
    """The types of the slots that values of these types lie in: one each, but of a v128 two, the second of type `UPPER`."""
    if V128 not in types:
        return types
    return tuple([slot for type_ in types for slot in ((V128, UPPER) if type_ == V128 else (type_,))])
