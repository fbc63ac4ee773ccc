"""Modules that stress control flow (`control`), on each tier and on wasmtime; ARENITE_CONTROL=N plays N, `side.py` more."""

from __future__ import annotations

import os

import pytest
from wasmtime import Module

from arenite.inspect.features import features
from arenite.wasm.decode import decode
from differential.control import module
from differential.side import difference, hopping, played
from differential.wasmtime_engine import WasmtimeEngine

COUNT = int(os.environ.get("ARENITE_CONTROL", "40"))
SEEDS = range(1, 1 + COUNT)


@pytest.mark.parametrize("seed", SEEDS)
def test_tiers_agree_with_wasmtime(seed: int) -> None:
    assert difference(seed) == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_paused_frozen_and_moved_agrees_too(seed: int) -> None:
    assert hopping(seed)[0] == ""


def test_some_are_moved() -> None:
    assert sum(hopping(seed)[1] for seed in range(1, 6)) > 5


def test_modules_are_valid_the_same_again_and_mostly_do_not_trap() -> None:
    engine, lines = WasmtimeEngine(inside={"wasm_simd"}).engine, list[str]()
    for seed in range(1, 60):
        wasm = module(seed)
        assert module(seed) == wasm
        Module.validate(engine, wasm)
        lines += played("wasmtime", seed, wasm)
    calls = [line for line in lines if "=" in line]
    assert len(calls) > 500
    assert sum("trap" in line for line in calls) < len(calls) / 2


def test_they_use_what_is_seldom_used() -> None:
    used = [set(features(decode(module(seed)))) for seed in range(1, 60)]
    for feature in ("simd", "memory64", "multi-memory", "custom-page-sizes", "tail-call", "bulk-memory", "reference-types"):
        assert sum(feature in found for found in used) > 5, feature
