"""Rules of modules, and the promises of `Sink`; single rules of bodies have filetests."""

from __future__ import annotations

import pytest
import wasmtime

from arenite.errors import DecodeError, ValidationError
from arenite.wasm.decode import decode
from arenite.wasm.module import ExternKind, Import, Module
from arenite.wasm.validate import validate
from unit.wasm.recorder import report, report_wat


def module(wat: str) -> Module:
    return decode(bytes(wasmtime.wat2wasm(f"(module {wat})")))


@pytest.mark.parametrize(
    ("wat", "message"),
    [
        ("(table 2 1 funcref)", "size minimum must not be greater than maximum"),
        ("(memory 1 65537)", "memory size"),
        ("(memory i64 1) (data (i32.const 0))", "type mismatch: i64 expected, i32 found"),
        ("(memory i64 0x1_0000_0000_0001)", "memory size must be at most 281474976710656 pages"),
        ("(global i32 (i64.const 0))", "type mismatch"),
        ("(global i32)", "type mismatch: i32 expected, nothing found"),
        ("(global i32 (i32.const 0) (i32.const 1))", "type mismatch"),
        ("(global i32 (i32.add (i32.const 0)))", "type mismatch"),
        ("(global i32 (global.get 0))", "unknown global 0"),
        ('(import "" "" (global (mut i32))) (global i32 (global.get 0))', "constant expression required"),
        ("(global funcref (ref.func 0))", "unknown function 0"),
        ("(elem (table 0) (i32.const 0) func)", "unknown table 0"),
        ("(table 1 externref) (func $f) (elem (table 0) (i32.const 0) func $f)", "type mismatch: funcref in a table of externref"),
        ("(table 1 funcref) (elem (i64.const 0))", "type mismatch"),
        ("(elem func 3)", "unknown function 3"),
        ("(elem externref (ref.func 0)) (func)", "type mismatch"),
        ('(data (i32.const 0) "")', "unknown memory 0"),
        ("(start 1) (func)", "unknown function 1"),
        ("(func (result i32) i32.const 0) (start 0)", "start function"),
        ('(export "f" (func 0))', "unknown function 0"),
        ('(export "t" (table 0))', "unknown table 0"),
        ('(export "m" (memory 0))', "unknown memory 0"),
        ('(export "g" (global 0))', "unknown global 0"),
        ('(memory 1) (export "a" (memory 0)) (export "a" (memory 0))', "duplicate export name 'a'"),
        ('(import "a" "b" (func (type 7)))', "unknown type 7"),
        ("(func (type 7))", "unknown type 7"),
    ],
)  # fmt: skip
def test_rule(wat: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(module(wat))
    assert caught.value.message.startswith(message)


def test_a_global_may_use_imported_ones() -> None:
    validate(module('(global $a (import "a" "b") i32) (global i32 (global.get $a))'))
    with pytest.raises(ValidationError, match="unknown global 0: it needs gc"):
        validate(module("(global $a i32 (i32.const 1)) (global i32 (global.get $a))"))


def test_errors_name_function_and_offset() -> None:
    wasm = bytes(wasmtime.wat2wasm("(module (func) (func (i32.const 1) (i64.eqz) (drop)))"))
    with pytest.raises(ValidationError) as caught:
        validate(decode(wasm))
    assert caught.value.func == 1
    assert wasm[caught.value.offset] == 0x50


def test_index_spaces_begin_with_imports() -> None:
    m = module('(import "a" "b" (func (param i32))) (import "a" "c" (global i64)) (func) (export "f" (func 1))')
    assert [(i.name, i.kind, i.index) for i in m.imports] == [("b", ExternKind.FUNC, 0), ("c", ExternKind.GLOBAL, 0)]
    assert isinstance(m.imports[0], Import)
    assert [str(m.func_type(i)) for i in range(2)] == ["(i32) -> ()", "() -> ()"]
    assert [str(e.type) for e in m.export_types()] == ["() -> ()"]
    assert [i.name for i in m.import_types()] == ["b", "c"]


def test_begin_tells_parameters_and_locals_apart() -> None:
    wasm = bytes(wasmtime.wat2wasm("(module (func (param i32) (result i64) (local f32 f32 f64) (i64.const 0)))"))
    at, name, args = report(wasm)[0]
    func, params, results, locals_, size = args
    assert (name, func, params, results, locals_) == ("begin", 0, (0x7F,), (0x7E,), [0x7D, 0x7D, 0x7C])
    assert size == wasm[at - 1]


def test_dead_code_is_checked_but_never_reported() -> None:
    dead = "(func (result i32) (block (br 0) (drop (i32.add)) (block (br 1)) (if (i32.const 1) (then) (else))) (i32.const 1))"
    live = "(func (result i32) (block (br 0)) (i32.const 1))"
    assert report_wat(dead) == report_wat(live)
    with pytest.raises(ValidationError, match="type mismatch"):
        report_wat("(func (unreachable) (i32.add (i64.const 0)) (drop))")


def test_liveness_at_else_and_end() -> None:
    entries = report_wat("(func (if (i32.const 1) (then (return)) (else)) (block (br 0)) (block))")
    assert [entry for entry in entries if entry[0] in {"else_", "end"}] == [
        ("else_", False),
        ("end", True),
        ("end", False),
        ("end", True),
        ("end", True),
    ]


def test_branch_table_labels_have_one_arity() -> None:
    with pytest.raises(ValidationError, match="labels of different arity"):
        report_wat("(func (block (result i32) (block (unreachable) (br_table 0 1)) (i32.const 0)) (drop))")


def test_data_instructions_need_a_data_count() -> None:
    wasm = b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\7\1\5\0\xfc\x09\0\x0b"
    with pytest.raises(DecodeError, match="data count section required"):
        report(wasm)
