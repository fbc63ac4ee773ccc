"""Words that the meanings of vector instructions are made of: functions over the protocol that are no op's, and the integer shapes."""

from __future__ import annotations

from typing import Final

from arenite.bytecode.protocol import I8X16, I16X8, I32X4, I64, I64X2, LANES, Emit, Type, Value

INTEGER_SHAPES: Final[dict[str, Type]] = {"i8x16": I8X16, "i16x8": I16X8, "i32x4": I32X4, "i64x2": I64X2}
WIDER: Final = {I8X16: I16X8, I16X8: I32X4, I32X4: I64X2}
NARROWER: Final = {wide: narrow for narrow, wide in WIDER.items()}


def repeated(e: Emit, type_: Type, n: int) -> Value:
    """The constant vector whose lanes all have the bit pattern `n`."""
    size = LANES[type_].size
    return e.const(type_, int.from_bytes(n.to_bytes(size, "little") * (type_.size // size), "little"))


def shaped(e: Emit, a: Value, type_: Type) -> Value:
    """The same bits as another vector."""
    return e.pure("bits", a, to=type_)


def complement(e: Emit, a: Value) -> Value:
    """All bits turned round."""
    return e.pure("xor", a, e.const(a.type, (1 << a.type.bits) - 1))


def chosen(e: Emit, mask: Value, a: Value, b: Value) -> Value:
    """Bits of a where the mask has ones, of b where it has none; the type is a's."""
    bits = mask.type
    left = e.pure("and", shaped(e, a, bits), mask)
    right = e.pure("and", shaped(e, b, bits), complement(e, mask))
    return shaped(e, e.pure("or", left, right), a.type)


def shifted(e: Emit, shift: str, a: Value, by: int) -> Value:
    """Every lane shifted by so many bits."""
    return e.pure(shift, a, repeated(e, a.type, by))


def extended(e: Emit, a: Value, half: str, sign: str) -> Value:
    """The lower or upper lanes, each twice as wide."""
    wide = WIDER[a.type]
    if sign == "u":
        return shaped(e, e.pure(f"interleave_{half}", a, e.const(a.type, 0)), wide)
    return shifted(e, "shr_s", shaped(e, e.pure(f"interleave_{half}", a, a), wide), LANES[a.type].bits)


def narrowed(e: Emit, a: Value, b: Value, sign: str) -> Value:
    """The lanes of both, clamped to half their width."""
    half = NARROWER[a.type]
    bits = LANES[half].bits
    whole = (1 << 2 * bits) - 1
    low, high = (-1 << (bits - 1), (1 << (bits - 1)) - 1) if sign == "s" else (0, (1 << bits) - 1)
    parts = []
    for x in (a, b):
        above = e.pure("max_s", x, repeated(e, a.type, low & whole))
        parts.append(shaped(e, e.pure("min_s", above, repeated(e, a.type, high)), half))
    return e.pure("even", *parts)


def pairs(e: Emit, a: Value, sign: str) -> tuple[Value, Value]:
    """Lanes two by two: the lower and the upper one of each two, twice as wide."""
    wide, bits = shaped(e, a, WIDER[a.type]), LANES[a.type].bits
    shift = f"shr_{sign}"
    return shifted(e, shift, shifted(e, "shl", wide, bits), bits), shifted(e, shift, wide, bits)


def replaced(e: Emit, type_: Type, a: Value, number: Value, x: Value) -> Value:
    """A vector of another value in lane `number` (i32): where the lanes' own numbers are this one."""
    lane = LANES[type_]
    numbers = b"".join(i.to_bytes(lane.size, "little") for i in range(type_.size // lane.size))
    wanted = e.pure("splat", e.pure("extend_u" if lane is I64 else "wrap", number, to=lane), to=type_)
    mask = e.pure("eq", wanted, e.const(type_, int.from_bytes(numbers, "little")))
    return chosen(e, mask, e.pure("splat", x, to=type_), shaped(e, a, type_))


def lane_of(e: Emit, half: Value, shift: Value, narrow: Type) -> Value:
    """The lane of half a vector that begins at a bit, whose number is taken modulo 64."""
    return e.pure("wrap", e.pure("shr_u", half, e.pure("and", shift, e.const(I64, I64.bits - 1))), to=narrow)
