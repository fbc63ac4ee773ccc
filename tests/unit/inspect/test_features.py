"""`features`: what a module needs beyond WebAssembly 1.0."""

from __future__ import annotations

import pytest

from arenite import wat2wasm
from arenite.inspect.features import Survey, features
from arenite.wasm.decode import decode
from arenite.wasm.opcodes import OPCODES, Opcode
from unit.wasm.recorder import report
from unit.wasm.test_opcodes import using


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("(func (result i32) (i32.const 1))", []),
        ("(func (param i32) (result i32) (i32.extend8_s (local.get 0)))", ["sign-extension"]),
        ("(func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))", ["nontrapping-float-to-int"]),
        ("(func (result i32 i32) (i32.const 1) (i32.const 2))", ["multi-value"]),
        ("(func (drop (i32.const 1) (block (param i32) (result i32))))", ["multi-value"]),
        ('(memory 1) (data "x")', ["bulk-memory"]),
        ("(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))", ["bulk-memory"]),
        ("(func (drop (ref.null extern)))", ["reference-types"]),
        ("(table 1 externref)", ["reference-types"]),
        ("(func (local externref))", ["reference-types"]),
        ("(func (drop (block (result externref) (unreachable))))", ["reference-types"]),
        ("(global i32 (i32.add (i32.const 1) (i32.const 2)))", ["extended-const"]),
        ('(global (export "g") (mut i32) (i32.const 1))', []),
        ("(func (local v128))", ["simd"]),
        ("(func (drop (block (result v128) (unreachable))))", ["simd"]),
        ("(func (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3))))", ["reference-types"]),
        ("(func (drop (v128.const i64x2 0 0)) (return_call 0))", ["simd", "tail-call"]),
        ("(memory 1) (func (v128.store (i32.const 0) (v128.load (i32.const 0))))", ["simd"]),
    ],
)
def test_features(fields: str, expected: list[str]) -> None:
    assert features(decode(wat2wasm(f"(module {fields})"))) == expected


@pytest.mark.parametrize("opcode", OPCODES, ids=lambda opcode: opcode.name)
def test_each_row_is_seen_by_its_feature(opcode: Opcode) -> None:
    wasm = using(opcode)
    seen = []
    for at, name, args in report(wasm):
        if name not in {"begin", "finish"} and wasm.startswith(opcode.encoding, at):
            survey = Survey(wasm)
            survey.at = at
            getattr(survey, name)(*args)
            seen.append(survey.found())
    assert seen or opcode.name == "nop"  # which says nothing
    assert all(found - {"mvp"} == {opcode.feature} - {"mvp"} for found in seen)
