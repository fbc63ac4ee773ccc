"""The runner of scripts itself: it must see what an engine does wrong.  Played on `wasmtime`, which does nothing wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite.cli.script import Result, ScriptRunner, ScriptValue, Verdict, bits, convert, matches, says
from differential.wasmtime_engine import WasmtimeEngine
from spec.scripts import Expectation, differences

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """(module $M
  (func (export "one") (result i32) (i32.const 1))
  (func (export "nan") (result f32) (f32.const nan:0x200000))
  (func (export "trap") unreachable)
  (func (export "deep") (call 3))
  (func (export "id") (param externref) (result externref) (local.get 0))
  (global (export "bits") f64 (f64.const nan:0x4000000000001)))
"""
COMMANDS = {
    """(assert_return (invoke "one") (i32.const 1))""": Verdict.PASSED,
    """(assert_return (invoke "one") (i32.const 2))""": Verdict.FAILED,
    """(assert_return (invoke "one"))""": Verdict.FAILED,
    """(assert_return (invoke "nan") (f32.const nan:0x200000))""": Verdict.PASSED,
    """(assert_return (invoke "nan") (f32.const nan:canonical))""": Verdict.FAILED,
    """(assert_return (invoke "nan") (f32.const nan:arithmetic))""": Verdict.FAILED,
    """(assert_return (get "bits") (f64.const nan:0x4000000000001))""": Verdict.PASSED,
    """(assert_return (get "bits") (f64.const nan:0x4000000000000))""": Verdict.FAILED,
    """(assert_return (invoke "id" (ref.extern 7)) (ref.extern 7))""": Verdict.PASSED,
    """(assert_return (invoke "id" (ref.extern 7)) (ref.extern 8))""": Verdict.FAILED,
    """(assert_return (invoke "id" (ref.null extern)) (ref.extern))""": Verdict.FAILED,
    """(assert_return (invoke "trap"))""": Verdict.FAILED,
    """(assert_trap (invoke "trap") "unreachable")""": Verdict.PASSED,
    """(assert_trap (invoke "one") "unreachable")""": Verdict.FAILED,
    """(assert_exhaustion (invoke "deep") "call stack exhausted")""": Verdict.PASSED,
    """(assert_exhaustion (invoke "one") "call stack exhausted")""": Verdict.FAILED,
    """(assert_invalid (module (func (result i32))) "type mismatch")""": Verdict.PASSED,
    """(assert_invalid (module (func)) "type mismatch")""": Verdict.FAILED,
    """(assert_malformed (module binary "\\00asm") "unexpected end")""": Verdict.PASSED,
    """(assert_malformed (module binary "\\00asm\\01\\00\\00\\00") "unexpected end")""": Verdict.FAILED,
    """(assert_malformed (module quote "(func") "unexpected token")""": Verdict.TEXT,
    """(assert_unlinkable (module (import "no" "f" (func))) "unknown import")""": Verdict.PASSED,
    """(assert_unlinkable (module (import "spectest" "print" (func))) "unknown import")""": Verdict.FAILED,
    """(assert_trap (module (func unreachable) (start 0)) "unreachable")""": Verdict.PASSED,
    """(assert_trap (module (func) (start 0)) "unreachable")""": Verdict.FAILED,
    """(register "m") (module (import "m" "one" (func (result i32))))""": Verdict.PASSED,
    """(module $bad (import "no" "f" (func)))""": Verdict.FAILED,
    """(module $bad (import "no" "f" (func))) (assert_return (invoke "one"))""": Verdict.SKIPPED,
    """(module definition $d (func (export "f"))) (module instance $i $d) (invoke $i "f")""": Verdict.PASSED,
}


@pytest.mark.parametrize(("commands", "verdict"), COMMANDS.items())
def test_verdict(commands: str, verdict: Verdict, tmp_path: Path) -> None:
    wast = tmp_path / "a.wast"
    wast.write_text(f"{MODULE}{commands}")
    results = list(ScriptRunner(WasmtimeEngine(), convert(wast, tmp_path)).run())
    assert results[0].verdict is Verdict.PASSED
    assert results[-1].verdict is verdict
    assert results[-1].line == len(MODULE.splitlines()) + 1


@pytest.mark.parametrize(
    ("expected", "actual", "verdict"),
    [
        ({"type": "f32", "value": "nan:canonical"}, 0xFFC00000, True),
        ({"type": "f32", "value": "nan:canonical"}, 0x7FC00001, False),
        ({"type": "f32", "value": "nan:arithmetic"}, 0x7FC00001, True),
        ({"type": "f32", "value": "nan:arithmetic"}, 0x7F800001, False),
        ({"type": "f64", "value": "nan:canonical"}, 0x7FF8000000000000, True),
        ({"type": "i32", "value": "-1"}, 0xFFFFFFFF, True),
        ({"type": "i32", "value": "4294967295"}, 0xFFFFFFFF, True),
        ({"type": "funcref"}, None, False),
        ({"type": "funcref"}, object(), True),
        ({"type": "funcref", "value": {"index": 0}}, object(), True),
        ({"type": "funcref", "value": {"index": 0}}, None, False),
        ({"type": "refnull"}, None, True),
        ({"type": "externref", "value": "null"}, 0, False),
        ({"type": "either", "values": [{"type": "i32", "value": "1"}, {"type": "i32", "value": "2"}]}, 2, True),
        ({"type": "v128", "lane_type": "i16", "value": ["1", "-1", "0", "0", "0", "0", "0", "0"]}, 0xFFFF0001, True),
        ({"type": "v128", "lane_type": "f32", "value": ["nan:canonical", "0", "0", "0"]}, 0x7FC00000, True),
        ({"type": "v128", "lane_type": "f32", "value": ["nan:canonical", "0", "0", "0"]}, 1 << 32 | 0x7FC00000, False),
    ],
)
def test_patterns(expected: ScriptValue, actual: object, *, verdict: bool) -> None:
    assert matches(expected, actual) is verdict


def test_arguments_are_bits() -> None:
    assert bits({"type": "i64", "value": "-1"}) == 2**64 - 1
    assert bits({"type": "funcref", "value": "null"}) is None
    assert bits({"type": "v128", "lane_type": "i8", "value": ["1", "-1", *["0"] * 14]}) == 0xFF01


def test_words() -> None:
    assert says("unknown import", "unknown import: m.f")
    assert says("uninitialized element 2", "uninitialized element")
    assert not says("unknown import", "incompatible import type")
    assert not says("unknown import", "")


def test_a_change_shows(tmp_path: Path) -> None:
    results = [Result(tmp_path, line, "module", verdict) for line, verdict in ((1, Verdict.PASSED), (2, Verdict.FAILED))]
    results.append(Result(tmp_path, 3, "action", Verdict.SKIPPED))
    assert not differences(results, Expectation({"gc": [2]}, skipped=1))
    assert differences(results, Expectation({"gc": [1, 2]}, skipped=1))  # an unexpected pass
    assert differences(results, Expectation({}, skipped=1))  # an unexpected failure
    assert differences(results, Expectation({"gc": [2]}, skipped=0))
    assert differences([Result(tmp_path, 2, "module", Verdict.CRASHED)], Expectation({"gc": [2]}))
