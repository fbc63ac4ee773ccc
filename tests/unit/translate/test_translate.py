"""What golden files do not show: wide functions, places in the file, linking, limits."""

from __future__ import annotations

from itertools import pairwise

import pytest
import wasmtime

from arenite.bytecode.encode import ops
from arenite.bytecode.module import FUNCTION
from arenite.bytecode.safepoints import safepoints_of
from arenite.translate.module import locate, translate
from arenite.translate.tables import INSTRUCTIONS, entry
from arenite.wasm.decode import decode
from arenite.wasm.opcodes import BY_CODE, OPCODES, Opcode

NEAR = 0xFFFF


FREE = {  # instructions that change nothing of a slot: the upper half of a 32-bit one is zero
    "i64.extend_i32_u",
    "i32.reinterpret_f32",
    "i64.reinterpret_f64",
    "f32.reinterpret_i32",
    "f64.reinterpret_i64",
}


def wasm(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def leb(value: int) -> bytes:
    """An unsigned LEB128 of three bytes."""
    return bytes([value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14])


@pytest.mark.parametrize("opcode", OPCODES, ids=lambda opcode: opcode.name)
def test_every_plain_instruction_has_an_op_or_is_free(opcode: Opcode) -> None:
    if opcode.computes or opcode.width:
        assert (entry(INSTRUCTIONS, opcode.code) == 0) == (opcode.name in FREE)


def test_a_function_with_many_locals_is_wide() -> None:
    locals_ = "i32 " * 9000
    code = translate(
        wasm(f"(module (func (param i32) (result i32) (local {locals_}) (local.set 9000 (local.get 0)) (local.get 9000)) (func))")
    )
    wide, narrow = code.all_functions()
    names = [op.row.name for op in ops(code.bytecode, wide.begin, wide.end)]
    assert wide.frame_size > NEAR
    assert "frame.set far" in names
    assert "frame.get far" in names
    assert narrow.frame_size < NEAR  # the next function is translated as always


def test_a_function_with_a_deep_stack_is_wide() -> None:
    deep = "(i32.clz (local.get 0)) " * 9000
    code = translate(wasm(f"(module (func (param i32) (result i32) {deep} {'i32.add ' * 8999}))"))
    assert code.function(0).frame_size > NEAR
    assert code.function_count == 1
    assert len(code.functions) == FUNCTION.size


def test_calls_forward_and_backward_are_linked() -> None:
    code = translate(wasm("(module (func $a (call $b)) (func $b (call $a) (call $b)))"))
    targets = [op.values["to"] for op in ops(code.bytecode, 0, len(code.bytecode)) if op.row.name == "call"]
    first, second = (f.begin for f in code.all_functions())
    assert targets == [second, first, second]


def test_locate_finds_the_instruction_that_traps() -> None:
    data = wasm(
        """(module (memory 1) (func) (func (param i32 i32) (result i32)
             (i32.store (local.get 0) (i32.add (local.get 1) (i32.const 4)))
             (block (br_if 0 (i32.load8_u (local.get 0))))
             (i32.add (i32.load (local.get 0)) (local.get 1))
             (i32.load (i32.add (local.get 0) (local.get 1))) (i32.add)
             (i32.div_s (local.get 0) (local.get 1)) (i32.add)))"""
    )
    code, module = translate(data), decode(data)
    f = code.function(1)
    found = {}
    for op in ops(code.bytecode, f.begin, f.end):
        offset = locate(module, code, 1, op.pc)
        found[op.row.name] = BY_CODE[data[offset]].name if f.body < offset else ""
    assert found["load32 memory0; i32.add"] == "i32.load"
    assert found["i32.add; load32 memory0"] == "i32.load"
    assert found["i32.add_imm; store32 memory0"] == "i32.store"
    assert found["load8_u memory0; br_if"] == "i32.load8_u"
    assert found["i32.div_s"] == "i32.div_s"


def test_safepoints_name_calls_in_the_file() -> None:
    data = wasm("(module (func $f (call $f) (call $f)) (func (loop (call $f) (br 0))))")
    code = translate(data)
    for index in range(code.function_count):
        points = list(safepoints_of(code, index))
        assert all(a.pc < b.pc for a, b in pairwise(points))
        assert {BY_CODE[data[point.offset]].name for point in points} <= {"call", "loop"}
    assert len(list(safepoints_of(code, 0))) == 2


def test_progress_ends_with_all_functions() -> None:
    seen: list[tuple[int, int]] = []
    translate(wasm("(module " + "(func)" * 600 + ")"), progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 600)
    assert seen[-1] == (600, 600)
    assert len(seen) > 2


def test_names_come_from_the_module_or_the_caller() -> None:
    data = wasm('(module $m (func $f) (func (export "e")))')
    assert translate(data).name == "m"
    assert translate(data, name="n").name == "n"
    assert [translate(data).function_name(i) for i in (0, 1)] == ["f", "e"]
