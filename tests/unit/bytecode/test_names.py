"""A listing numbers things as the standard does, imported ones first, and names them where a module does."""

from __future__ import annotations

from arenite import Engine, Module

WAT = """(module
  (import "env" "h" (func $h)) (import "env" "v" (global $iv v128)) (import "env" "t" (tag $t)) (import "env" "memory" (memory 1))
  (import "env" "table" (table $x 1 funcref))
  (tag $own (export "own") (param i32)) (tag $bare) (memory $second (export "second") 1) (table $y 1 exnref)
  (global $a v128 (v128.const i64x2 1 2)) (global $b (export "b") (mut i32) (i32.const 1)) (global $c (mut i64) (i64.const 1))
  (data $d "abc") (elem $e func $h) (elem declare func $f)
  (func $f (export "f")
    (call $h) (call $g)
    (block $mine (result i32) (try_table (catch $own $mine) (catch $t 1) (throw $bare)) (i32.const 3))
    (global.set $b)
    (global.set $c (i64.const 5))
    (drop (global.get $a)) (drop (global.get $iv))
    (i32.store $second (i32.const 3) (i32.const 4))
    (drop (memory.grow $second (i32.const 1)))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
    (table.set $y (i32.const 0) (ref.null exn))
    (call_indirect $x (i32.const 0))
    (drop (table.grow $x (ref.func $f) (i32.const 1))) (table.set $x (i32.const 0) (ref.func $h)))
  (func $g))"""


def test_what_ops_name() -> None:
    text = Module(Engine(), WAT).disassemble()
    found = [line.split(": ", 1)[-1].strip() for line in text.splitlines()]
    for part in (
        "call_import function 0 h,",
        "function 2 g",
        "throw tag 2,",
        "tag 1 own .",
        "tag 0 env.t .",
        "global 2 b",
        "global 3",
        "global 1",
        "global 0 env.v",
        "memory 1 second",
        "data 0",
        "elem 0",
        "table 1",
        "table 0 env.table",
        "ref.func function 1 f",
        "ref.func imported function 0 h",
    ):
        assert any(part in line for line in found), f"{part} in\n{text}"
    assert [line.split("(")[0].strip() for line in found if line.startswith("function ")] == ["function 1 f", "function 2 g"]


def test_one_function_has_the_number_that_it_is_asked_by() -> None:
    module = Module(Engine(), WAT)
    assert module.disassemble(2).startswith("function 2 g ")
    assert module.disassemble(2) in module.disassemble()


def test_a_long_name_is_cut_and_one_of_control_characters_is_shown() -> None:
    wat = f'(module (tag (export "{"x" * 300}")) (tag (export "\\1b[1m")) (func (throw 0)) (func (throw 1)))'
    first, second = Module(Engine(), wat).disassemble().split("\nfunction 1")
    assert f"throw tag 0 {'x' * 59}…" in first
    assert "\x1b" not in second
    assert "[1m" in second
