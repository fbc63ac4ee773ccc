"""The official WebAssembly test suite, on each tier: a sample (threaded: all but the vectors),
or all of it with ARENITE_SPEC=all (`make spec`)."""

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

TIERS: tuple[TierName, ...] = ("threaded", "safe")
SAFE_SAMPLE = """address block br_if bulk call call_indirect conversions elem exports f32_bitwise f64_cmp fac func_ptrs global i32 i64
    if labels linking loop memory_copy memory_grow memory_trap ref_func ref_null select start switch table_grow table_set traps
    unreachable unwind return_call"""  # each kind of command and of instruction


def cases() -> list[tuple[TierName, str]]:
    """Which scripts are played on which tiers."""
    if os.environ.get("ARENITE_SPEC") == "all":
        return [(tier, name) for tier in TIERS for name in names()]
    sample = {
        "threaded": [name for name in names() if "simd" not in name],
        "safe": [f"{stem}.wast" for stem in SAFE_SAMPLE.split()],
    }
    return [(tier, name) for tier in TIERS for name in sample[tier]]


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
