"""Rows of the loads and stores of vectors, whole ones and lanes.  Spec: exec-vload … exec-vstore-lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.bytecode.memory import first
from arenite.bytecode.protocol import I32, I64, I64X2, LANES, Emit, Memory, Type, Value
from arenite.bytecode.row import Meaning, Row, far, row
from arenite.bytecode.vector_words import INTEGER_SHAPES, extended, lane_of, replaced, shaped

if TYPE_CHECKING:
    from collections.abc import Iterator


def _load(e: Emit, at: Value, disp: Value, memory: Memory) -> Value:
    return e.load(memory, I64X2, at, disp)


def _store(e: Emit, at: Value, value: Value, disp: Value, memory: Memory) -> None:
    e.store(memory, at, value, disp)


def _load_splat(type_: Type) -> Meaning:
    return lambda e, at, disp, memory: e.pure("splat", e.load(memory, LANES[type_], at, disp), to=type_)


def _load_alone(type_: Type) -> Meaning:
    return lambda e, at, disp, memory: e.pure("alone", e.load(memory, LANES[type_], at, disp), to=type_)


def _load_extended(type_: Type, sign: str) -> Meaning:
    def meaning(e: Emit, at: Value, disp: Value, memory: Memory) -> Value:
        return extended(e, shaped(e, e.pure("alone", e.load(memory, I64, at, disp), to=I64X2), type_), "low", sign)

    return meaning


def _load_lane(type_: Type) -> Meaning:
    def meaning(e: Emit, at: Value, a: Value, lane: Value, disp: Value, memory: Memory) -> Value:
        return replaced(e, type_, a, lane, e.load(memory, LANES[type_], at, disp))

    return meaning


def _store_lane(narrow: Type) -> Meaning:
    def meaning(e: Emit, at: Value, half: Value, shift: Value, disp: Value, memory: Memory) -> None:
        value = half if narrow is I64 else lane_of(e, half, shift, narrow)
        e.store(memory, at, value, disp)

    return meaning


def accesses() -> Iterator[Row]:
    """Loads and stores of a memory, with near static offsets; `memories` has them for any."""
    load = "at:i32 disp:u16:offset memory:memory -> v128"
    yield row("v128.load", load, _load, "dst = memory0[at + disp], 128 bits")
    yield row("v128.store", "at:i32 value:v128 disp:u16:offset memory:memory", _store, "memory0[at + disp] = value, 128 bits")
    for (shape, type_), wide in zip(INTEGER_SHAPES.items(), ("8x8", "16x4", "32x2", ""), strict=True):
        bits = LANES[type_].bits
        yield row(f"v128.load{bits}_splat", load, _load_splat(type_), f"dst = memory0[at + disp], {bits} bits, in every lane")
        if bits >= I32.bits:
            yield row(f"v128.load{bits}_zero", load, _load_alone(type_), f"dst = memory0[at + disp], {bits} bits; the rest is 0")
        for sign in "su" if wide else "":
            yield row(
                f"v128.load{wide}_{sign}",
                load,
                _load_extended(type_, sign),
                f"dst = memory0[at + disp], 64 bits, as {shape} extended",
            )
        signature = "at:i32 a:v128 lane:u16:lane disp:u16:offset memory:memory -> v128"
        yield row(
            f"v128.load{bits}_lane", signature, _load_lane(type_), f"dst = a with {bits} bits of memory0[at + disp] in a lane"
        )
        signature = "at:i32 half:i64 shift:i64.imm16 disp:u16:offset memory:memory"
        yield row(
            f"v128.store{bits}_lane", signature, _store_lane(LANES[type_]), f"memory0[at + disp] = half >> shift, {bits} bits"
        )


def rows() -> Iterator[Row]:
    """The accesses for memory 0, which is a constant of them."""
    for access in accesses():
        near = first(access, f"{access.name} memory0")
        if access.name in ("v128.load", "v128.store"):
            yield from (near, far(near))
        else:
            yield far(near)._replace(derivation=near.derivation)
