"""Rows of the vector instructions (v128) but loads and stores (`vector_memory`), named as these are.  Spec: syntax-instr-vec.

A v128 lies in two slots, so its halves are slots like others: an op that takes a lane out takes one half, as an i64.  Ops that do the same have
one row: `f32x4.splat` is `i32x4.splat`, since a slot holds bits, and of the relaxed instructions most are those that are not (`RELAXED`).

What differs from shape to shape stands in the tables, what a shape does in the meanings below, made of `vector_words`.  As of scalars, whatever may
make a NaN passes through `e.canonical`.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from arenite.bytecode.control import select
from arenite.bytecode.integers import flag
from arenite.bytecode.protocol import (
    F32X4,
    F64X2,
    I8,
    I8X16,
    I16,
    I16X8,
    I32,
    I32X4,
    I64,
    I64X2,
    LANES,
    REF,
    Emit,
    Type,
    Value,
)
from arenite.bytecode.references import global_set, global_set_imported
from arenite.bytecode.row import Meaning, Row, row
from arenite.bytecode.vector_prims import INTEGERS
from arenite.bytecode.vector_words import (
    INTEGER_SHAPES,
    chosen,
    complement,
    extended,
    lane_of,
    narrowed,
    pairs,
    repeated,
    replaced,
    shaped,
    shifted,
)
from arenite.layout.spaces import Space

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOAT_SHAPES: Final[dict[str, Type]] = {"f32x4": F32X4, "f64x2": F64X2}
SCALARS: Final = {"i8x16": "i32", "i16x8": "i32", "i32x4": "i32", "i64x2": "i64"}

# instruction -> the primitive on both operands, and the shapes that have it
BINARY: Final[tuple[tuple[str, str, str], ...]] = (
    ("add", "add", "i8x16 i16x8 i32x4 i64x2"),
    ("sub", "sub", "i8x16 i16x8 i32x4 i64x2"),
    ("mul", "mul", "i16x8 i32x4 i64x2"),
    *((f"{op}_sat_{s}", f"{op}_sat_{s}", "i8x16 i16x8") for op in ("add", "sub") for s in "su"),
    *((f"{op}_{s}", f"{op}_{s}", "i8x16 i16x8 i32x4") for op in ("min", "max") for s in "su"),
    *((op, op, "i8x16 i16x8 i32x4 i64x2") for op in ("eq", "ne")),
    *((f"{op}_s", f"{op}_s", "i8x16 i16x8 i32x4 i64x2") for op in ("lt", "gt", "le", "ge")),
    *((f"{op}_u", f"{op}_u", "i8x16 i16x8 i32x4") for op in ("lt", "gt", "le", "ge")),
    *((op, "f" + op, "f32x4 f64x2") for op in ("eq", "ne", "lt", "gt", "le", "ge")),
)
ARITHMETIC: Final = ("add", "sub", "mul", "div")
ROUNDINGS: Final = ("ceil", "floor", "trunc", "nearest", "sqrt")

RELAXED: Final = {
    "i8x16.relaxed_swizzle": "i8x16.swizzle",
    "i32x4.relaxed_trunc_f32x4_s": "i32x4.trunc_sat_f32x4_s",
    "i32x4.relaxed_trunc_f32x4_u": "i32x4.trunc_sat_f32x4_u",
    "i32x4.relaxed_trunc_f64x2_s_zero": "i32x4.trunc_sat_f64x2_s_zero",
    "i32x4.relaxed_trunc_f64x2_u_zero": "i32x4.trunc_sat_f64x2_u_zero",
    **{f"{shape}.relaxed_laneselect": "v128.bitselect" for shape in INTEGER_SHAPES},
    **{f"{shape}.relaxed_{op}": f"{shape}.{op}" for shape in FLOAT_SHAPES for op in ("min", "max")},
    "i16x8.relaxed_q15mulr_s": "i16x8.q15mulr_sat_s",
}
"""Relaxed instruction -> the op that does what it does here, on every tier and CPU.

The others: `relaxed_madd` and `relaxed_nmadd` round twice, the product and the sum; `relaxed_dot` takes both operands signed, and its sums of
16 bits wrap around.
"""


# ----------------------------------------------------------------------------------------------------------------------------- meanings


def _binary(type_: Type, prim: str) -> Meaning:
    return lambda e, a, b: e.pure(prim, shaped(e, a, type_), shaped(e, b, type_))


def _unary(type_: Type, prim: str) -> Meaning:
    return lambda e, a: e.pure(prim, shaped(e, a, type_))


def _float(type_: Type, prim: str) -> Meaning:
    return lambda e, *args: e.canonical(e.pure(prim, *(shaped(e, a, type_) for a in args)))


def _extremum(type_: Type, less: str, zeros: str) -> Meaning:
    """As of scalars: NaN if there is one; of two zeros the one that `zeros` of their bits gives."""

    def meaning(e: Emit, a: Value, b: Value) -> Value:
        equal = shaped(e, e.pure(zeros, a, b), type_)
        a, b = shaped(e, a, type_), shaped(e, b, type_)
        ordered = chosen(e, e.pure(less, a, b), a, chosen(e, e.pure(less, b, a), b, equal))
        return e.canonical(chosen(e, e.pure("fuo", a, b), e.pure("fadd", a, b), ordered))

    return meaning


def _pseudo(type_: Type, less: str) -> Meaning:
    """`pmin` and `pmax`: b if it is less (greater) than a, otherwise a, bit for bit."""
    return lambda e, a, b: chosen(e, e.pure(less, shaped(e, b, type_), shaped(e, a, type_)), b, a)


def _changed_bits(type_: Type, change: str, constant: int) -> Meaning:
    return lambda e, a: e.pure(change, shaped(e, a, type_), repeated(e, type_, constant))


def _negated(type_: Type) -> Meaning:
    return lambda e, a: e.pure("sub", e.const(type_, 0), shaped(e, a, type_))


def _shift(type_: Type, prim: str) -> Meaning:
    lane = LANES[type_]

    def meaning(e: Emit, a: Value, count: Value) -> Value:
        by = e.pure("and", count, e.const(I32, lane.bits - 1))
        by = e.pure("extend_u" if lane is I64 else "wrap", by, to=lane)
        return e.pure(prim, shaped(e, a, type_), e.pure("splat", by, to=type_))

    return meaning


def _splat(type_: Type) -> Meaning:
    lane = LANES[type_]
    return lambda e, a: e.pure("splat", e.pure("wrap", a, to=lane), to=type_)


def _replace(type_: Type) -> Meaning:
    return lambda e, a, b, lane: replaced(e, type_, a, lane, e.pure("wrap", b, to=LANES[type_]))


def _extract(narrow: Type, extend: str) -> Meaning:
    def meaning(e: Emit, half: Value, shift: Value) -> Value:
        lane = lane_of(e, half, shift, narrow)
        return e.pure(extend, lane, to=I32) if extend else lane

    return meaning


def _bitselect(e: Emit, a: Value, b: Value, c: Value) -> Value:
    """dst = bits of a where c has ones, of b where it has none."""
    return chosen(e, c, a, b)


def _andnot(e: Emit, a: Value, b: Value) -> Value:
    """dst = a & ~b."""
    return e.pure("and", a, complement(e, b))


def _average(type_: Type) -> Meaning:
    def meaning(e: Emit, a: Value, b: Value) -> Value:
        a, b = shaped(e, a, type_), shaped(e, b, type_)
        return e.pure("sub", e.pure("or", a, b), shifted(e, "shr_u", e.pure("xor", a, b), 1))

    return meaning


def _question(type_: Type, prim: str) -> Meaning:
    return lambda e, a: flag(e, e.pure(prim, shaped(e, a, type_)))


def _narrow(type_: Type, sign: str) -> Meaning:
    return lambda e, a, b: narrowed(e, shaped(e, a, type_), shaped(e, b, type_), sign)


def _extend(type_: Type, half: str, sign: str) -> Meaning:
    return lambda e, a: extended(e, shaped(e, a, type_), half, sign)


def _extended_product(type_: Type, half: str, sign: str) -> Meaning:
    return lambda e, a, b: e.pure("mul", *(extended(e, shaped(e, x, type_), half, sign) for x in (a, b)))


def _sums(type_: Type, sign: str) -> Meaning:
    return lambda e, a: e.pure("add", *pairs(e, shaped(e, a, type_), sign))


def dot(e: Emit, type_: Type, a: Value, b: Value) -> Value:
    """The products of lanes, signed, each added to its neighbour's."""
    (a_low, a_high), (b_low, b_high) = (pairs(e, shaped(e, x, type_), "s") for x in (a, b))
    return e.pure("add", e.pure("mul", a_low, b_low), e.pure("mul", a_high, b_high))


def _dot_add(e: Emit, a: Value, b: Value, c: Value) -> Value:
    """dst = the products of bytes, signed, added by fours (by twos, 16 bits that wrap around, then exactly), and c."""
    sums = e.pure("add", *pairs(e, dot(e, I8X16, a, b), "s"))
    return e.pure("add", sums, shaped(e, c, I32X4))


def _rounded_product(e: Emit, a: Value, b: Value) -> Value:
    """dst = (a * b + 0x4000) >> 15, clamped to 16 bits."""
    halves = []
    for half in ("low", "high"):
        product = e.pure("mul", *(extended(e, shaped(e, x, I16X8), half, "s") for x in (a, b)))
        halves.append(shifted(e, "shr_s", e.pure("add", product, repeated(e, I32X4, 0x4000)), 15))
    return narrowed(e, halves[0], halves[1], "s")


def _multiply_add(type_: Type, *, negative: bool) -> Meaning:
    """`a * b + c` or `-(a * b) + c`, rounded twice."""

    def meaning(e: Emit, a: Value, b: Value, c: Value) -> Value:
        product = e.canonical(e.pure("fmul", shaped(e, a, type_), shaped(e, b, type_)))
        return e.canonical(
            e.pure("fsub", shaped(e, c, type_), product) if negative else e.pure("fadd", product, shaped(e, c, type_))
        )

    return meaning


def _truncated(source: Type, sign: str) -> Meaning:
    """Toward zero, clamped; NaN is 0.  What the primitive has no answer for becomes 0 before, and what it should be afterwards.  Of f64 the upper two lanes are 0."""
    bits, integers = LANES[source].bits, INTEGERS[source]
    prim = f"trunc_{sign}" if source is F32X4 else f"trunc_zero_{sign}"
    top = float_bits(2.0**31 if sign == "s" else 2.0**32, bits)
    bottom = float_bits(-(2.0**31) if sign == "s" else 0.0, bits)
    most, least = ((1 << 31) - 1, 1 << 31) if sign == "s" else ((1 << 32) - 1, 0)

    def meaning(e: Emit, a: Value) -> Value:
        x = shaped(e, a, source)
        over = e.pure("fge", x, shaped(e, repeated(e, integers, top), source))
        inside = e.pure("flt", x, shaped(e, repeated(e, integers, top), source))
        above = e.pure("fge", x, shaped(e, repeated(e, integers, bottom), source))
        number = e.pure("fuo", x, x)
        good = e.pure("and", inside, above)
        kept = e.pure(prim, shaped(e, e.pure("and", shaped(e, x, integers), good), source), to=I32X4)
        over, under = (_low_words(e, m) for m in (over, complement(e, e.pure("or", e.pure("or", over, above), number))))
        kept = e.pure("or", kept, e.pure("and", over, repeated(e, I32X4, most)))
        return e.pure("or", kept, e.pure("and", under, repeated(e, I32X4, least))) if least else kept

    return meaning


def _low_words(e: Emit, mask: Value) -> Value:
    """A mask as that of four lanes; of two lanes the upper ones are 0."""
    return mask if mask.type is I32X4 else e.pure("even", shaped(e, mask, I32X4), e.const(I32X4, 0))


def float_bits(x: float, bits: int) -> int:
    """The bit pattern of a float."""
    return int.from_bytes(struct.pack("<f" if bits == I32.bits else "<d", x), "little")


def _convert(source: Type, prim: str, to: Type, *, canonical: bool = False) -> Meaning:
    if canonical:
        return lambda e, a: e.canonical(e.pure(prim, shaped(e, a, source), to=to))
    return lambda e, a: e.pure(prim, shaped(e, a, source), to=to)


def _bytes_of(e: Emit, low: Value, high: Value) -> Value:
    """A vector from its halves."""
    return shaped(e, e.pure("pair", low, high, to=I64X2), I8X16)


def _const(e: Emit, low: Value, high: Value) -> Value:
    """dst = a constant, by its halves."""
    return e.pure("pair", low, high, to=I64X2)


def _shuffle(e: Emit, a: Value, b: Value, low: Value, high: Value) -> Value:
    """dst = bytes of a (0 to 15) and b (16 to 31), as the bytes of a constant name them."""
    by = _bytes_of(e, low, high)
    of_a = e.pure("swizzle", shaped(e, a, I8X16), by)
    of_b = e.pure("swizzle", shaped(e, b, I8X16), e.pure("sub", by, repeated(e, I8X16, 16)))
    return e.pure("or", of_a, of_b)


def _swizzle(e: Emit, a: Value, b: Value) -> Value:
    """dst = bytes of a, as those of b name them; 0 where they are 16 or more."""
    return e.pure("swizzle", shaped(e, a, I8X16), shaped(e, b, I8X16))


# ------------------------------------------------------------------------------------------------------------------------------- globals


def _global_get(e: Emit, disp: Value) -> Value:
    """dst = arena[vmctx + disp], a global of this instance."""
    return e.load(Space.ARENA, I64X2, e.register("vmctx"), disp)


def _global_get_imported(e: Emit, disp: Value) -> Value:
    """dst = arena[arena[vmctx + disp]], a global of another instance."""
    return e.load(Space.ARENA, I64X2, e.load(Space.ARENA, REF, e.register("vmctx"), disp))


# --------------------------------------------------------------------------------------------------------------------------------- rows

ONE: Final = "a:v128 -> v128"
TWO: Final = "a:v128 b:v128 -> v128"
THREE: Final = "a:v128 b:v128 c:v128 -> v128"


def _moves() -> Iterator[Row]:
    yield row("v128.move", ONE, lambda _e, a: a, "dst = a")
    yield row("v128.const", "low:i64.imm64 high:i64.imm64 -> v128", _const)
    yield row("v128.select", "c:i32 a:v128 b:v128 -> v128", select, "dst = a if c is not zero else b")
    yield row("v128.global.get", "disp:u32:defined_global.get -> v128", _global_get)
    yield row("v128.global.set", "value:v128 disp:u32:defined_global.set", global_set)
    yield row("v128.global.get imported", "disp:u32:imported_global.get -> v128", _global_get_imported)
    yield row("v128.global.set imported", "value:v128 disp:u32:imported_global.set", global_set_imported)


def _lane_moves() -> Iterator[Row]:
    yield row("i8x16.shuffle", "a:v128 b:v128 low:i64.imm64 high:i64.imm64 -> v128", _shuffle)
    yield row("i8x16.swizzle", TWO, _swizzle)
    for shape, type_ in INTEGER_SHAPES.items():
        t = SCALARS[shape]
        yield row(f"{shape}.splat", f"a:{t} -> v128", _splat(type_), "dst = a in every lane")
        yield row(f"{shape}.replace_lane", f"a:v128 b:{t} lane:u16:lane -> v128", _replace(type_), "dst = a with b in a lane")
    signature = "half:i64 shift:i64.imm16 -> i32"
    for shape, narrow in (("i8x16", I8), ("i16x8", I16)):
        for sign in "su":
            doc = f"dst = {narrow.bits} bits of half a vector, from bit shift on, extended"
            yield row(f"{shape}.extract_lane_{sign}", signature, _extract(narrow, f"extend_{sign}"), doc)
    yield row("i32x4.extract_lane", signature, _extract(I32, ""), "dst = 32 bits of half a vector, from bit shift on")


def _bitwise() -> Iterator[Row]:
    yield row("v128.not", ONE, complement)
    for name in ("and", "or", "xor"):
        yield row(f"v128.{name}", TWO, _binary(I64X2, name), f"dst = a {name} b")
    yield row("v128.andnot", TWO, _andnot)
    yield row("v128.bitselect", THREE, _bitselect)
    yield row("v128.any_true", "a:v128 -> i32", _question(I64X2, "any_true"), "dst = whether any bit is set")


def _integers() -> Iterator[Row]:
    for shape, type_ in INTEGER_SHAPES.items():
        yield row(f"{shape}.abs", ONE, _unary(type_, "abs"), "dst = a without its sign; the least stays")
        yield row(f"{shape}.neg", ONE, _negated(type_), "dst = -a")
        yield row(f"{shape}.all_true", "a:v128 -> i32", _question(type_, "all_true"), "dst = whether no lane is zero")
        bitmask = _convert(type_, "bitmask", I32)
        yield row(f"{shape}.bitmask", "a:v128 -> i32", bitmask, "dst = the sign bits of the lanes, the first lowest")
        for shift in ("shl", "shr_s", "shr_u"):
            yield row(
                f"{shape}.{shift}",
                "a:v128 count:i32 -> v128",
                _shift(type_, shift),
                f"dst = a {shift} count, modulo the lane's width",
            )
    yield row("i8x16.popcnt", ONE, _unary(I8X16, "popcnt"), "dst = bits set in a")
    for shape in ("i8x16", "i16x8"):
        yield row(f"{shape}.avgr_u", TWO, _average(INTEGER_SHAPES[shape]), "dst = (a + b + 1) / 2")
    for name, prim, shapes in BINARY:
        for shape in shapes.split():
            yield row(f"{shape}.{name}", TWO, _binary((INTEGER_SHAPES | FLOAT_SHAPES)[shape], prim), f"dst = a {name} b")


def _widths() -> Iterator[Row]:
    """Between lanes of one width and the next."""
    shapes = list(INTEGER_SHAPES.items())
    for (narrow, type_), (wide, wide_type) in pairwise(shapes):
        for sign in "su":
            for half in ("low", "high"):
                doc = f"dst = the {half} lanes of a, twice as wide"
                yield row(f"{wide}.extend_{half}_{narrow}_{sign}", ONE, _extend(type_, half, sign), doc)
                product = _extended_product(type_, half, sign)
                yield row(
                    f"{wide}.extmul_{half}_{narrow}_{sign}", TWO, product, f"dst = the {half} lanes of a by those of b, exactly"
                )
            if wide != "i64x2":
                yield row(f"{narrow}.narrow_{wide}_{sign}", TWO, _narrow(wide_type, sign), "dst = the lanes of a and b, clamped")
                sums = _sums(type_, sign)
                yield row(f"{wide}.extadd_pairwise_{narrow}_{sign}", ONE, sums, "dst = each lane of a plus the next, exactly")
    yield row("i16x8.q15mulr_sat_s", TWO, _rounded_product)
    doc = "dst = the products of lanes, signed, each plus the next one's"
    yield row("i32x4.dot_i16x8_s", TWO, lambda e, a, b: dot(e, I16X8, a, b), doc)
    yield row("i16x8.relaxed_dot_i8x16_i7x16_s", TWO, lambda e, a, b: dot(e, I8X16, a, b), doc)
    yield row("i32x4.relaxed_dot_i8x16_i7x16_add_s", THREE, _dot_add)


def _floats() -> Iterator[Row]:
    for shape, type_ in FLOAT_SHAPES.items():
        integers, top = INTEGERS[type_], 1 << (LANES[type_].bits - 1)
        for name in ARITHMETIC:
            yield row(f"{shape}.{name}", TWO, _float(type_, "f" + name), f"dst = a {name} b, rounded")
        for name in ROUNDINGS:
            yield row(f"{shape}.{name}", ONE, _float(type_, "f" + name), f"dst = {name} a")
        for name, less, zeros in (("min", "flt", "or"), ("max", "fgt", "and")):
            word = "lesser; -0 is less than 0" if name == "min" else "greater"
            yield row(f"{shape}.{name}", TWO, _extremum(type_, less, zeros), f"dst = the {word}; NaN if either is")
            yield row(f"{shape}.p{name}", TWO, _pseudo(type_, less), f"dst = b if that is {word.partition(';')[0]}, else a")
        yield row(f"{shape}.abs", ONE, _changed_bits(integers, "and", top - 1), "dst = a without its sign, bit for bit")
        yield row(f"{shape}.neg", ONE, _changed_bits(integers, "xor", top), "dst = a with the other sign, bit for bit")
        yield row(f"{shape}.relaxed_madd", THREE, _multiply_add(type_, negative=False), "dst = a * b + c, rounded twice")
        yield row(f"{shape}.relaxed_nmadd", THREE, _multiply_add(type_, negative=True), "dst = -(a * b) + c, rounded twice")
    for sign in "su":
        yield row(f"i32x4.trunc_sat_f32x4_{sign}", ONE, _truncated(F32X4, sign), "dst = a toward zero, clamped; NaN is 0")
        yield row(
            f"i32x4.trunc_sat_f64x2_{sign}_zero",
            ONE,
            _truncated(F64X2, sign),
            "dst = a toward zero, clamped; NaN is 0; two zeros",
        )
        yield row(f"f32x4.convert_i32x4_{sign}", ONE, _convert(I32X4, f"from_{sign}", F32X4), "dst = a, rounded")
        yield row(f"f64x2.convert_low_i32x4_{sign}", ONE, _convert(I32X4, f"from_low_{sign}", F64X2), "dst = the low lanes of a")
    yield row(
        "f32x4.demote_f64x2_zero", ONE, _convert(F64X2, "demote_zero", F32X4, canonical=True), "dst = a, rounded; two zeros"
    )
    yield row(
        "f64x2.promote_low_f32x4", ONE, _convert(F32X4, "promote_low", F64X2, canonical=True), "dst = the low lanes of a, exact"
    )


def rows() -> Iterator[Row]:
    """The ops but those of memory."""
    for chapter in (_moves(), _lane_moves(), _bitwise(), _integers(), _widths(), _floats()):
        yield from chapter
