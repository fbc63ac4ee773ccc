"""The official WebAssembly test suite, on each tier and with each way of addressing: a sample (threaded: all but the vectors),
or all of it with ARENITE_SPEC=all (`make spec`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from arenite.cli.script import ScriptRunner
from arenite.cli.script_engine import AreniteEngine
from spec.scripts import Expectation, converted, differences, expectations, features, names
from tiers import WAYS, engine_of

if TYPE_CHECKING:
    from pathlib import Path

    from tiers import Way


OPTIONS: dict[str, tuple[Way, dict[str, Any]]] = {way: (way, {}) for way in WAYS} | {  # each must give the same verdicts
    "baseline, spaces": ("baseline", {"addressing": "spaces"}),
    "baseline, explicit": ("baseline", {"explicit_bounds": True}),
    "spaces": ("threaded", {"addressing": "spaces"}),
    "explicit": ("threaded", {"explicit_bounds": True}),
}
SMALL_SAMPLE = """address block br_if bulk call call_indirect conversions elem exports f32_bitwise f64_cmp fac func_ptrs global i32 i64
    if labels linking loop memory_copy memory_grow memory_trap ref_func ref_null select start switch table_grow table_set traps
    unreachable unwind return_call"""  # each kind of command and of instruction


def cases() -> list[tuple[str, str]]:
    """Which scripts are played in which ways."""
    if os.environ.get("ARENITE_SPEC") == "all":
        return [(way, name) for way in OPTIONS for name in names()]
    scalar, small = [name for name in names() if "simd" not in name], [f"{stem}.wast" for stem in SMALL_SAMPLE.split()]
    return [(way, name) for way in OPTIONS for name in (scalar if way in {"threaded", "baseline"} else small)]


@pytest.fixture(scope="session")
def conversions(request: pytest.FixtureRequest) -> Path:
    return request.config.cache.mkdir("wast")


@pytest.mark.parametrize(("way", "name"), cases())
def test_script(way: str, name: str, conversions: Path) -> None:
    tier, options = OPTIONS[way]
    engine = AreniteEngine(engine_of(tier, features=features(name), **options))
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
