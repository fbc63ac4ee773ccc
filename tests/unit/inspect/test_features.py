"""`features`: what a module needs beyond WebAssembly 1.0."""

from __future__ import annotations

import pytest

from arenite import wat2wasm
from arenite.inspect.features import features
from arenite.wasm.decode import decode


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
    ],
)
def test_features(fields: str, expected: list[str]) -> None:
    assert features(decode(wat2wasm(f"(module {fields})"))) == expected
