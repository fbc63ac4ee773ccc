"""Features are an argument: what is switched off is refused by its name where it is used, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from arenite import AreniteError, DecodeError, ValidationError, wat2wasm
from arenite.api.text import wasm_tools
from arenite.features import FEATURES, SUPPORTED
from arenite.translate.module import translate
from arenite.wasm.features import CODES, EXTERNS, HAS_MAXIMUM, LIMITS, SECTIONS, TYPES
from arenite.wasm.opcodes import BY_CODE

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = {  # ours -> that of wasm-tools
    "mutable-globals": "mutable-global",
    "sign-extension": "sign-extension",
    "nontrapping-float-to-int": "saturating-float-to-int",
    "multi-value": "multi-value",
    "reference-types": "reference-types",
    "bulk-memory": "bulk-memory",
    "extended-const": "extended-const",
    "wide-arithmetic": "wide-arithmetic",
    "tail-call": "tail-call",
    "simd": "simd",
    "relaxed-simd": "relaxed-simd",
    "multi-memory": "multi-memory",
    "memory64": "memory64",
    "custom-page-sizes": "custom-page-sizes",
    "exceptions": "exceptions",
    "legacy-exceptions": "legacy-exceptions",
}
USERS: Final = {
    "mutable-globals": [
        '(global (export "g") (mut i32) (i32.const 0))',
        '(import "m" "g" (global (mut i32)))',
    ],
    "sign-extension": [
        "(func (param i32) (result i32) (i32.extend8_s (local.get 0)))",
        "(func unreachable (drop (i64.extend32_s)))",
    ],
    "nontrapping-float-to-int": ["(func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))"],
    "multi-value": [
        "(func (result i32 i32) (i32.const 1) (i32.const 2))",
        "(func (i32.const 1) (block (param i32) drop))",
        "(func (loop (result i32 i32) (i32.const 1) (i32.const 2)) drop drop)",
    ],
    "reference-types": [
        "(func (param externref))",
        "(func (local funcref))",
        "(global externref (ref.null extern))",
        "(table 1 externref)",
        "(table 1 funcref) (table 1 funcref)",
        "(func (block (result externref) (ref.null extern)) drop)",
        "(table 1 funcref) (func (drop (table.get 0 (i32.const 0))))",
    ],
    "bulk-memory": [
        "(memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        '(memory 1) (data "x")',
        "(func $f) (elem func $f)",
    ],
    "simd": ["(func (param v128))", "(func (drop (v128.const i64x2 0 0)))", "(func unreachable (drop (i8x16.add)))"],
    "relaxed-simd": ["(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))"],
    "multi-memory": [
        "(memory 1) (memory 1)",
        "(memory 0) (memory $b 0) (func (drop (i32.load $b (i32.const 0))))",
        '(import "" "" (memory 1)) (import "" "" (memory 1))',
    ],
    "memory64": [
        "(memory i64 1)",
        "(table i64 1 funcref)",
        '(import "" "" (table i64 1 funcref))',
        '(import "" "" (memory i64 1))',
    ],
    "custom-page-sizes": ["(memory 1 (pagesize 1))", '(import "" "" (memory 1 (pagesize 1)))'],
    "wide-arithmetic": [
        "(func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))",
        "(func unreachable i64.sub128 drop drop)",
    ],
    "exceptions": [
        "(tag)",
        '(import "" "" (tag))',
        "(func (param exnref))",
        "(func (local exnref))",
        "(global exnref (ref.null exn))",
        "(table 1 exnref)",
        "(elem exnref (ref.null exn))",
        "(func (drop (ref.null exn)))",
        "(func (block (result exnref) unreachable) drop)",
        "(func (try_table (catch_all 0)))",
        "(func unreachable throw_ref)",
    ],
    "legacy-exceptions": ["(func try catch_all end)", "(func unreachable try delegate 0)"],
    "extended-const": ["(global i32 (i32.add (i32.const 1) (i32.const 2)))"],
    "tail-call": [
        "(func $f (return_call $f))",
        "(type $t (func)) (table 1 funcref) (func unreachable (return_call_indirect (type $t)))",
    ],
}
PLAIN: Final = """
    (type $binary (func (param i32 i32) (result i32)))
    (import "m" "f" (func $f (type $binary)))
    (memory 1)
    (table 2 funcref)
    (elem (i32.const 0) $f $g)
    (data (i32.const 0) "x")
    (global $n (mut i32) (i32.const 1))
    (func $g (export "g") (type $binary)
        (call_indirect (type $binary) (local.get 0) (local.get 1) (i32.const 0)))"""


def cases() -> list[tuple[str, str]]:
    return [(feature, fields) for feature, every in USERS.items() for fields in every]


def judged_without(feature: str, wasm: bytes, tmp_path: Path) -> bool:
    """Whether wasm-tools accepts a module where a feature is switched off."""
    path = tmp_path / "module.wasm"
    path.write_bytes(wasm)
    known = ",".join(["mvp", *(theirs for ours, theirs in NAMES.items() if ours != feature)])
    try:
        wasm_tools("validate", "--features", known, path)
    except AreniteError:
        return False
    return True


def test_every_feature_is_used_here() -> None:
    assert set(USERS) == SUPPORTED - {
        "mvp",
        "branch-hinting",
    }  # which refuse nothing: everything is one, hints are a custom section
    assert {row.feature for row in BY_CODE.values()} <= {feature.name for feature in FEATURES}


def test_a_byte_belongs_to_one_feature() -> None:
    for table, column in ((CODES, "codes"), (TYPES, "types"), (SECTIONS, "sections"), (EXTERNS, "externs")):
        rows = [item for f in FEATURES for item in getattr(f, column)]
        wanted = sum(last - first + 1 for first, last in rows) if column == "codes" else len(rows)
        assert len(table) == wanted
    assert len({HAS_MAXIMUM, *LIMITS.values()}) == 1 + sum(f.limits != 0 for f in FEATURES)


@pytest.mark.parametrize(("feature", "fields"), cases())
def test_what_is_switched_off_is_refused_by_name(feature: str, fields: str, tmp_path: Path) -> None:
    wasm = wat2wasm(f"(module {fields})")
    translate(wasm)
    with pytest.raises((DecodeError, ValidationError), match=f"needs {feature}, which is switched off") as caught:
        translate(wasm, features=SUPPORTED - {feature})
    assert isinstance(caught.value, (DecodeError, ValidationError))
    assert caught.value.offset
    assert not judged_without(feature, wasm, tmp_path)


@pytest.mark.parametrize(("feature", "fields"), cases())
def test_other_features_are_not_missed(feature: str, fields: str, tmp_path: Path) -> None:
    wasm = wat2wasm(f"(module {fields})")
    for other in USERS:
        if other != feature and judged_without(other, wasm, tmp_path):
            translate(wasm, features=SUPPORTED - {other})


@pytest.mark.parametrize("feature", USERS)
def test_a_plain_module_needs_none(feature: str, tmp_path: Path) -> None:
    wasm = wat2wasm(f"(module {PLAIN})")
    assert judged_without(feature, wasm, tmp_path)
    assert translate(wasm, features=SUPPORTED - {feature}).bytecode == translate(wasm).bytecode
