"""Samples that nobody measured, of the form that `python -m bench.relative` keeps: for tests of what is worked out from them."""

from __future__ import annotations

import random
from typing import Any

from bench.relative.kernels import KERNELS
from bench.relative.ways import AGAIN, DEFAULT_TIER, KERNEL_TIERS, RAW, SINGLE, SPACES, TIERS, WAYS

LIVES = 5
PROGRAMS = ("fib", "sieve", "cpython")


def runs(factor: float, noise: float, seed: object) -> list[list[float]]:
    """Two runs in each life."""
    choose = random.Random(str(seed))
    return [[factor * (1 + choose.uniform(-noise, noise)) for _ in range(2)] for _ in range(LIVES)]


def seconds(names: tuple[str, ...], factors: dict[str, float], noise: float, tier: str) -> dict[str, Any]:
    return {name: {way: runs(factors[way], noise, (tier, name, way)) for way in WAYS} for name in names}


def data(*, noise: float = 0.002, escapes: int = 0, words: int = 0, **factors: float) -> dict[str, Any]:
    """Every way takes 1 second, times its factor: `single`, `spaces`, `raw`, and `large` for `single` on large tables."""
    large = factors.pop("large", factors.get("single", 1.0))
    by_way = {SINGLE: 1.0, SPACES: 1.0, RAW: 1.0} | factors
    by_way[AGAIN] = by_way[SINGLE]
    kernels = {}
    for tier in KERNEL_TIERS:
        kernels[tier] = seconds(tuple(k.name for k in KERNELS), by_way, noise, tier)
        for k in KERNELS:
            if k.elements >= 1 << 20 and k.order == "random":
                kernels[tier] |= seconds((k.name,), by_way | {SINGLE: large, AGAIN: large}, noise, tier)
    facts = {
        way: {
            "records": {"StoreContext": 4096, "FuncRefRecord": 32 if way == RAW else 16, "table element": 8 if way == RAW else 4},
            "code": {"interpreter": 48_000, "CPython": 30_000_000},
            "casts": {"inttoptr, interpreter": 100 * (way == RAW), "ptrtoint, interpreter": 0, "inttoptr, stencils": 0},
            "arenas": {"CPython": 300_000},
            "forks": {"refused": "no"} if way == RAW else {"microseconds": 20.0},
        }
        for way in WAYS
    }
    return {
        "machine": {"cpu": "invented"},
        "when": "2026-01-01T00:00:00+00:00",
        "commit": "none",
        "missing": [],
        "ways": {way: known.what for way, known in WAYS.items()},
        "default tier": DEFAULT_TIER,
        "lives": LIVES,
        "programs": {tier: seconds(PROGRAMS, by_way, noise, tier) for tier in TIERS},
        "kernels": kernels,
        "kernel facts": {
            k.name: {"group": k.group, "elements": k.elements, "targets": k.targets, "order": k.order} for k in KERNELS
        },
        "facts": facts,
        "state": {"deep": {way: {"words": 1000, "differ": 400 if way == RAW else words} for way in WAYS}},
        "caches": {
            "perf": "perf is not installed",
            "cachegrind": {KERNELS[0].name: {SINGLE: {"instructions": 90.0, "L1": 1.0, "last": 0.5}}},
        },
        "escapes": {
            way: {
                "corruptions": 100_000,
                "escapes": 20_000 if way == RAW else escapes,
                "failures": [],
                "fields": {
                    "TableRecord.elements": {"bits": 6, "inside": 4, "trap": 2 - 2 * (way == RAW), "escape": 2 * (way == RAW)}
                },
            }
            for way in WAYS
            if way != AGAIN
        },
    }
