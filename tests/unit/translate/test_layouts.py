"""The writer forms ops by hand: operands of ops of each shape stand where it puts them."""

from __future__ import annotations

import pytest

from arenite.bytecode.ops import ROWS

LAYOUTS = {
    "i32.add": "dst 2 a 4 b 6",
    "load32 memory0": "dst 2 at 4 disp 6",
    "load32 memory0 far": "dst 2 at 4 disp 8",
    "store32 memory0": "at 2 value 4 disp 6",
    "store32 memory0 far": "at 2 value 4 disp 8",
    "select": "dst 2 c 4 a 6 b 8",
    "i32.const": "dst 2 n 4",
    "i64.const": "dst 2 n 8",
    "table.get": "dst 2 index 4 disp 8",
    "table.set": "index 2 value 4 disp 8",
    "br_if": "c 2 to 4",
    "br_if i32.lt_s": "a 2 b 4 to 8",
    "inc_br_if i32.lt_s": "a 2 b 4 b2 6 to 8",
    "br_table": "index 2 to 4",
    "call": "frame 4 header 8 to 12",
    "call_import": "disp 4 type_ 8 frame 12 header 16",
    "call_indirect": "index 2 disp 4 type_ 8 frame 12 header 16",
    "return_call": "old_header 4 header 8 to 12",
    "return_call_import": "disp 4 type_ 8 old_header 12 header 16",
    "return_call_indirect": "index 2 disp 4 type_ 8 old_header 12 header 16",
    "callee": "index 2 disp 4 type_ 8",
    "carry": "old_header 4 header 8 frame 12",
    "i32.add; load32 memory0": "dst 2 a 4 b 6 disp 8",
    "i32.const; load32 memory0": "dst 2 n 4 disp 8",
    "global.get; i32.add_imm": "dst 2 disp 4 b 8",
    "global.get; i32.add_imm; global.set": "dst 2 disp 4 b 8 disp2 12",
    "i32.add_imm; global.set": "dst 2 a 4 b 6 disp 8",
    "i32.add_imm; store32 memory0": "dst 2 a 4 b 6 at 8 disp 10",
    "i32.add_imm; br_if": "dst 2 a 4 b 6 to 8",
    "load32 memory0; br_if": "dst 2 at 4 disp 6 to 8",
    "i8x16.add": "dst 2 a 4 b 6",
    "i8x16.shl": "dst 2 a 4 count 6",
    "i8x16.extract_lane_s": "dst 2 half 4 shift 6",
    "i8x16.replace_lane": "dst 2 a 4 b 6 lane 8",
    "i8x16.shuffle": "dst 2 a 4 b 6 low 8 high 16",
    "v128.bitselect": "dst 2 a 4 b 6 c 8",
    "v128.select": "dst 2 c 4 a 6 b 8",
    "v128.const": "dst 2 low 8 high 16",
    "v128.global.get": "dst 2 disp 4",
    "v128.global.set": "value 2 disp 4",
    "v128.load memory0": "dst 2 at 4 disp 6",
    "v128.load memory0 far": "dst 2 at 4 disp 8",
    "v128.store memory0": "at 2 value 4 disp 6",
    "v128.store memory0 far": "at 2 value 4 disp 8",
    "v128.load8_lane memory0 far": "dst 2 at 4 a 6 lane 8 disp 12",
    "v128.store8_lane memory0 far": "at 2 half 4 shift 6 disp 8",
}
"""One op of each shape -> its operands, each with its place."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_operands_stand_where_they_are_written(name: str) -> None:
    assert " ".join(f"{operand.name} {operand.at}" for operand in ROWS[name].encoded) == LAYOUTS[name]
