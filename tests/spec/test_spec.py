"""The official WebAssembly test suite, on each tier: a sample, or all of it with ARENITE_SPEC=all (`make spec`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from arenite.cli.script import ScriptRunner
from arenite.cli.script_engine import ArenitEngine
from spec.scripts import Expectation, converted, differences, expectations, names

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

SAMPLE: dict[TierName, str] = {  # each kind of command and of instruction; the safe tier plays what is quick
    "threaded": """address align binary binary-leb128 block br_if bulk call call_indirect const conversions custom data elem endianness
        exports f32 f32_cmp f64 f64_bitwise fac float_exprs float_literals float_memory float_misc func func_ptrs global i32 i64 if imports
        int_exprs labels left-to-right linking load local_tee loop memory memory_copy memory_fill memory_grow memory_init
        memory_trap names nop ref_func ref_is_null return select skip-stack-guard-page stack start store switch table_copy
        table_fill table_get table_grow table_init table_set traps type unreachable unreached-invalid unwind
        utf8-custom-section-id array simd_const return_call""",
    "safe": """address block br_if bulk call call_indirect conversions elem exports f32_bitwise f64_cmp fac func_ptrs global i32 i64 if
        labels linking loop memory_copy memory_grow memory_trap ref_func ref_null select start switch table_grow table_set traps
        unreachable unwind return_call""",
}
WHOLE = os.environ.get("ARENITE_SPEC") == "all"


def cases() -> list[tuple[TierName, str]]:
    """Which scripts are played on which tiers."""
    if WHOLE:
        return [(tier, name) for tier in SAMPLE for name in names()]
    return [(tier, f"{stem}.wast") for tier, stems in SAMPLE.items() for stem in stems.split()]


@pytest.fixture(scope="session")
def conversions(request: pytest.FixtureRequest) -> Path:
    return request.config.cache.mkdir("wast")


@pytest.mark.parametrize(("tier", "name"), cases())
def test_script(tier: TierName, name: str, conversions: Path) -> None:
    engine = ArenitEngine(tier)
    try:
        results = list(ScriptRunner(engine, converted(name, conversions)).run())
    finally:
        engine.close()
    assert results
    assert not (found := differences(results, expectations()[1].get(name, Expectation()))), "\n".join(found)


def test_expected_names_its_reasons_and_nothing_that_is_gone() -> None:
    reasons, files = expectations()
    assert {reason for entry in files.values() for reason in entry.failed} == set(reasons)
    assert set(files) <= set(names())
