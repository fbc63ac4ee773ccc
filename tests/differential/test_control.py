"""Modules that stress control flow (`control`), on each tier and on wasmtime; ARENITE_CONTROL=N plays N, `side.py` more."""

from __future__ import annotations

import os

import pytest
from wasmtime import Engine, Module

from differential.control import module
from differential.side import difference, played

COUNT = int(os.environ.get("ARENITE_CONTROL", "40"))


@pytest.mark.parametrize("seed", range(1, 1 + COUNT))
def test_tiers_agree_with_wasmtime(seed: int) -> None:
    assert difference(seed) == ""


def test_modules_are_valid_the_same_again_and_mostly_do_not_trap() -> None:
    engine, lines = Engine(), list[str]()
    for seed in range(1, 60):
        wasm = module(seed)
        assert module(seed) == wasm
        Module.validate(engine, wasm)
        lines += played("wasmtime", seed, wasm)
    calls = [line for line in lines if "=" in line]
    assert len(calls) > 500
    assert sum("trap" in line for line in calls) < len(calls) / 2
