"""The stencils of aarch64, made on any CPU: every hole is an instruction that takes its number, and nothing else differs."""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING

import pytest

from arenite import wat2wasm
from arenite.bytecode.encode import ops
from arenite.bytecode.module import FUNCTION
from arenite.emit.stencil import STUBS
from arenite.platform.architectures import AARCH64
from arenite.tiers.baseline import aarch64, holes
from arenite.tiers.baseline.blank import Blank, Opening
from arenite.tiers.baseline.compiler import Compiler
from arenite.tiers.baseline.fields import UncompilableError, filled
from arenite.tiers.baseline.table import table_of
from arenite.tiers.threaded.objects import Variant
from arenite.translate.module import translate

if TYPE_CHECKING:
    from arenite.tiers.baseline.stencil_table import StencilTable

MOVZ, MOVK_16, LDR_W, LDR_X, LDR_Q, B, B_EQ, CBZ, ADR, ADD = (
    *(0x52800000, 0x72A00000, 0xB9400000, 0xF9400000, 0x3DC00000),
    *(0x14000000, 0x54000000, 0x34000000, 0x10000000, 0x91000000),
)


@functools.cache
def sheet() -> StencilTable:
    """It takes seconds to make."""
    return table_of(Variant(), AARCH64)


def test_every_hole_is_an_instruction_that_takes_its_number() -> None:
    tables = sheet().tables()
    assert tables.instructions
    starts = struct.unpack(f"<{len(tables.first_code) // 4}i", tables.first_code)
    firsts = struct.unpack(f"<{len(tables.first_hole) // 4}i", tables.first_hole)
    words = struct.unpack(f"<{len(tables.holes) // 8}Q", tables.holes)
    assert len(starts) > len(STUBS) + 1
    assert all(start % 4 == 0 for start in starts)
    for begin, end, first, last in zip(starts, starts[1:], firsts, firsts[1:], strict=False):
        places = [word >> 8 & 0xFFF for word in words[first:last]]
        assert len(set(places)) == len(places)
        for word, place in zip(words[first:last], places, strict=True):
            assert word >> 6 & 3 == holes.INSTRUCTION
            assert begin + place < end
            (instruction,) = struct.unpack_from("<I", tables.code, begin + place)
            number = 16 if word & 63 < holes.LABELS else 8
            changed = filled(instruction, number)
            assert filled(changed, number) == changed
            assert filled(changed, 0) == filled(instruction, 0)


@pytest.mark.parametrize(
    ("instruction", "number", "expected"),
    [
        (MOVZ | 3, 0x12345, MOVZ | 0x2345 << 5 | 3),
        (MOVK_16 | 3, 0x12345, MOVK_16 | 1 << 5 | 3),
        (MOVK_16, -1, MOVK_16 | 0xFFFF << 5),
        (LDR_W, 16380, LDR_W | 4095 << 10),
        (LDR_X, 32760, LDR_X | 4095 << 10),
        (LDR_Q, 65520, LDR_Q | 4095 << 10),
        (B, -(1 << 27), B | 1 << 25),
        (B, (1 << 27) - 4, B | (1 << 25) - 1),
        (B_EQ, -4, B_EQ | 0x7FFFF << 5),
        (CBZ | 9, (1 << 20) - 4, CBZ | 9 | 0x3FFFF << 5),
        (ADR, 5, ADR | 1 << 29 | 1 << 5),
        (ADD, 4095, ADD | 4095 << 10),
    ],
)
def test_numbers_in_their_places(instruction: int, number: int, expected: int) -> None:
    assert filled(instruction, number) == expected
    assert filled(expected, number) == expected


@pytest.mark.parametrize(
    ("instruction", "number"),
    [
        *((LDR_W, 16384), (LDR_W, 2), (LDR_X, 32768), (LDR_X, 4), (LDR_X, -8), (B, 1 << 27), (B, -(1 << 27) - 4)),
        *((B_EQ, 1 << 20), (CBZ, -(1 << 20) - 4), (ADR, 1 << 20), (ADD, 4096)),
    ],
)
def test_what_does_not_reach_is_refused(instruction: int, number: int) -> None:
    with pytest.raises(UncompilableError):
        filled(instruction, number)


def test_conditional_jumps_around_jumps_are_turned() -> None:
    jump = Opening(0, holes.INSTRUCTION, "to", 0)
    after = Opening(0, holes.INSTRUCTION, "next", 0)
    code = struct.pack("<4I", MOVZ, B_EQ | 2 << 5, B, B)  # mov; b.eq .+8; b to; b next
    blank = Blank(code, [jump._replace(place=8), after._replace(place=12)])
    short = aarch64.shortened(blank)
    assert struct.unpack("<2I", short.code)[1] & 0xF == 1  # b.ne
    assert short.holes == [jump._replace(place=4)]


def test_far_routines_keep_their_jump() -> None:
    jump = Opening(8, holes.INSTRUCTION, "start", 0)
    code = struct.pack("<3I", MOVZ, B_EQ | 2 << 5, B)
    blank = Blank(code, [jump])
    assert aarch64.shortened(blank) == blank


@pytest.mark.parametrize(("type_", "load", "farthest"), [("i32", LDR_W, 4095 * 4 & -8), ("i64", LDR_X, 4095 * 8)])
def test_a_function_with_a_slot_out_of_reach_is_left_to_the_interpreter(type_: str, load: int, farthest: int) -> None:
    def compiled(slot: int) -> list[int]:
        """The instructions of a function that adds one to the local at so many bytes of its frame."""
        local = slot // 8 - 3  # behind the result and the header
        many = f"{type_} " * (local + 1)
        code = translate(
            wat2wasm(f"(module (func (result {type_}) (local {many}) ({type_}.add (local.get {local}) ({type_}.const 1))))")
        )
        (begin, end, *_), *_ = FUNCTION.iter_unpack(code.functions)
        assert slot in [op.values.get("a") for op in ops(code.bytecode, begin, end)]
        routines = struct.pack(f"<{len(sheet().routines)}i", *range(0, 16 * len(sheet().routines), 16))
        compiler = Compiler(sheet().tables(), code.bytecode, 1 << 18, struct.pack("<i", 7), routines, 0, b"", {})
        text = compiler.function(begin, end, 1 << 12)
        return list(struct.unpack(f"<{len(text) // 4}I", text))

    scale = 4 if type_ == "i32" else 8
    assert load | farthest // scale << 10 in [word & ~0x3FF for word in compiled(farthest)]
    with pytest.raises(UncompilableError):
        compiled(farthest + 8)
