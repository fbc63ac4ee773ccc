"""The closure test of the opcode table: each row decodes, validates and is reported under its code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import wasmtime

import arenite
import testdata
from arenite.features import SUPPORTED
from arenite.layout.types import V128, type_name
from arenite.wasm.codes import CODES, FIRST_PREFIX, PAGE, code_of, encoding
from arenite.wasm.features import CODES as CODES_OF_FEATURES
from arenite.wasm.features import illegal
from arenite.wasm.opcodes import BY_CODE, BY_NAME, CHAPTER, CHAPTERS, OPCODES, PREFIX, Opcode
from arenite.wasm.reader import Reader
from unit.wasm.recorder import report

ROOM = Path(arenite.__file__).parent
READERS = (*testdata.files(ROOM, "wasm/**/*.py"), *testdata.files(ROOM, "translate/*.py"))

# How to use an instruction whose type depends on context, or whose immediates are not numbers.
USES = {
    "block": "block end",
    "loop": "loop end",
    "if": "i32.const 0 if end",
    "else": "i32.const 0 if else end",
    "end": "block end",
    "br": "br 0",
    "br_if": "i32.const 0 br_if 0",
    "br_table": "i32.const 0 br_table 0 0",
    "call": "call 0",
    "call_indirect": "i32.const 0 call_indirect",
    "return_call": "return_call 0",
    "return_call_indirect": "i32.const 0 return_call_indirect",
    "drop": "i32.const 0 drop",
    "select": "i32.const 0 i32.const 0 i32.const 0 select drop",
    "select t": "i32.const 0 i32.const 0 i32.const 0 select (result i32) drop",
    "local.get": "local.get 0 drop",
    "local.set": "i32.const 0 local.set 0",
    "local.tee": "i32.const 0 local.tee 0 drop",
    "global.get": "global.get 0 drop",
    "global.set": "i32.const 0 global.set 0",
    "table.get": "i32.const 0 table.get 0 drop",
    "table.set": "i32.const 0 ref.null func table.set 0",
    "table.grow": "ref.null func i32.const 0 table.grow 0 drop",
    "table.fill": "i32.const 0 ref.null func i32.const 0 table.fill 0",
    "ref.null": "ref.null extern drop",
    "ref.is_null": "ref.null func ref.is_null drop",
    "return": "return",
    "unreachable": "unreachable",
    "table.init": "i32.const 0 i32.const 0 i32.const 0 table.init 0 0",
}
USES |= {
    "try": "try end",
    "catch": "try catch 1 drop end",
    "throw": "i32.const 0 throw 1",
    "rethrow": "try catch_all rethrow 0 end",
    "throw_ref": "ref.null exn throw_ref",
    "delegate": "try delegate 0",
    "catch_all": "try catch_all end",
    "try_table": "block (result i32) try_table (catch_all 1) (catch 1 0) end i32.const 0 end drop",
}
USES |= {f"i64.{name}128": f"{'i64.const 0 ' * 4}i64.{name}128 drop drop" for name in ("add", "sub")}
USES |= {f"i64.mul_wide_{sign}": f"{'i64.const 0 ' * 2}i64.mul_wide_{sign} drop drop" for sign in "su"}
IMMEDIATES = {"memidx": "", "dataidx": "0", "elemidx": "0", "tableidx": "0", "funcidx": "0", "laneidx": "1", "v128": "i64x2 0 0"}
IMMEDIATES["laneidxs"] = " ".join(map(str, range(16)))


def use(opcode: Opcode) -> str:
    """Instructions that contain one of this row, in the text format."""
    if opcode.type is None or opcode.name in USES:
        return USES[opcode.name]
    operands = ["v128.const i64x2 0 0" if t == V128 else f"{type_name(t)}.const 0" for t in opcode.type[0]]
    immediates = [
        "0" if i in {"i32", "i64", "f32", "f64"} else IMMEDIATES.get(i.partition(":")[0], "") for i in opcode.immediates
    ]
    return " ".join([*operands, opcode.name, *immediates, *("drop" for _ in opcode.type[1])])


def using(opcode: Opcode) -> bytes:
    """A module with one of this row."""
    return bytes(
        wasmtime.wat2wasm(
            f"""(module (memory 1) (table 1 funcref) (global (mut i32) (i32.const 0)) (elem func 0) (data "") (tag) (tag (param i32))
                (func (local i32) {use(opcode)}))"""
        )
    )


@pytest.mark.parametrize("opcode", OPCODES, ids=lambda opcode: opcode.name)
def test_row_validates_and_is_reported(opcode: Opcode) -> None:
    wasm = using(opcode)
    encoded = opcode.encoding
    reported = {wasm[at : at + len(encoded)]: args for at, name, args in report(wasm) if name not in {"begin", "finish"}}
    assert (encoded in reported) == (opcode.name != "nop")  # which says nothing
    if opcode.chapter == "vector" and not opcode.immediates:
        assert reported[encoded] == (opcode.code,)
    elif opcode.immediates == () and opcode.type and opcode.name != "nop":
        assert reported[encoded] == (opcode.code, len(opcode.type[0]), opcode.type[1][0])


@pytest.mark.parametrize("path", READERS, ids=lambda path: str(path.relative_to(ROOM)))
def test_instructions_are_told_apart_by_their_rows(path: Path) -> None:
    """No code of an instruction is written as a number beside the table."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            named = any(getattr(side, "id", getattr(side, "attr", "")) in {"op", "code"} for side in sides)
            items = [item for side in sides for item in getattr(side, "elts", [side])]
            numbers = {item.value for item in items if isinstance(item, ast.Constant)}
            assert not (named and numbers - {0}), ast.unparse(node)  # 0: there is no such op


def test_a_code_without_a_row_is_illegal() -> None:
    for code in set(range(256)) - set(BY_CODE) - {0xFC, 0xFD}:
        assert illegal(code).startswith(f"illegal opcode {code:02x}")


def test_rows_and_missing_features_do_not_overlap() -> None:
    assert not set(CODES_OF_FEATURES) & set(BY_CODE)


def test_each_row_names_a_feature_that_is_on() -> None:
    assert {opcode.feature for opcode in OPCODES} <= SUPPORTED


def test_each_instruction_has_a_code_of_its_own() -> None:
    prefixed = [(prefix, number) for prefix in range(FIRST_PREFIX, 0x100) for number in range(PAGE)]
    codes = {code_of(prefix, number): (prefix, number) for prefix, number in prefixed}
    assert len(codes) == len(prefixed)
    assert min(codes) > 0xFF
    assert max(codes) < CODES
    for code, (prefix, number) in codes.items():
        r = Reader(encoding(code), 0, len(encoding(code)))
        assert (r.byte(), r.u32(), r.done()) == (prefix, number, True)


def test_each_chapter_has_a_number() -> None:
    assert {opcode.chapter for opcode in OPCODES} == set(CHAPTERS)
    assert len({PREFIX, *CHAPTERS.values()}) == 1 + len(CHAPTERS)
    assert {code for code in range(CODES) if CHAPTER[code]} == {*BY_CODE, 0xFC, 0xFD}


def test_names_are_unique_and_widths_are_those_of_the_names() -> None:
    assert len(BY_NAME) == len(BY_CODE) == len(OPCODES)
    assert BY_NAME["i64.load32_u"].width == BY_NAME["f32.store"].width == 4
    assert BY_NAME["i64.store8"].width == 1
    assert BY_NAME["i32.add"].width == 0
