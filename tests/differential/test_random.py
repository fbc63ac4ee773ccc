"""Random modules (wasm-tools smith) on each tier and on wasmtime: same results, traps, memories, globals and tables.

ARENITE_FUZZ=N plays N modules, ARENITE_FUZZ_FIRST=S begins at seed S; a failure names its seed, which makes the same module again.
"""

from __future__ import annotations

import os
import random
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from arenite.api.text import wasm_tools
from differential.compare import observe
from marks import EACH_WAY

if TYPE_CHECKING:
    from tiers import Way

CONFIG = Path(__file__).with_name("smith.json")  # NaNs canonical, small memories
FIRST = int(os.environ.get("ARENITE_FUZZ_FIRST", "0"))
COUNT = int(os.environ.get("ARENITE_FUZZ", "25"))
FUEL = "500"  # calls and turns of loops, counted by the module itself: it always ends


@lru_cache(maxsize=1)
def module(seed: int) -> tuple[bytes, list[str]]:
    """The module of a seed, and what wasmtime does with it."""
    generator = random.Random(seed)
    with TemporaryDirectory() as folder:
        entropy, wasm = Path(folder) / "seed", Path(folder) / "a.wasm"
        entropy.write_bytes(generator.randbytes(generator.choice((2048, 8192, 32768))))
        tame = str(seed % 2 == 0).lower()  # half of the modules avoid traps: they run longer
        limits = ("--ensure-termination", "--fuel", FUEL, "--disallow-traps", tame)
        wasm_tools("smith", entropy, "--config", CONFIG, *limits, "-o", wasm)
        code = wasm.read_bytes()
    return code, observe("wasmtime", code, limit=6, exact=True, fresh=True)


@EACH_WAY
@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_tier_agrees_with_wasmtime(seed: int, tier: Way) -> None:
    wasm, expected = module(seed)
    found = observe(tier, wasm, limit=6, exact=True, fresh=True)
    assert found == expected, f"seed {seed}: play it again with ARENITE_FUZZ=1 ARENITE_FUZZ_FIRST={seed}"
