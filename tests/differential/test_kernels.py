"""Small modules on each tier and on wasmtime: every numeric instruction and access, and what is delicate by hand."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from differential.compare import observe
from differential.kernels import BY_HAND, accesses, loops, numerics
from marks import EACH_WAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiers import Way

GENERATED: dict[str, Callable[[], str]] = {
    "numerics exact": lambda: numerics(exact=True),
    "numerics with free NaNs": lambda: numerics(exact=False),
    "accesses": accesses,
    "loops": loops,
}
EXACT = {"numerics exact", "accesses", "loops", *(path.stem for path in BY_HAND)}
SOURCES = GENERATED | {path.stem: path.read_text for path in BY_HAND}


@cache
def reference(name: str) -> tuple[bytes, list[str]]:
    """The module, and what wasmtime does with it."""
    wasm = bytes(wat2wasm(SOURCES[name]()))
    lines = observe("wasmtime", wasm, exact=name in EXACT)
    assert len(lines) > 20
    return wasm, lines


@EACH_WAY
@pytest.mark.parametrize("name", SOURCES)
def test_tier_agrees_with_wasmtime(name: str, tier: Way) -> None:
    wasm, expected = reference(name)
    found = observe(tier, wasm, exact=name in EXACT)
    differences = [
        f"{mine}  <- {tier}, wasmtime ->  {theirs}" for mine, theirs in zip(found, expected, strict=False) if mine != theirs
    ]
    assert not differences, f"{len(differences)} differences in {name}:\n" + "\n".join(differences[:20])
    assert len(found) == len(expected)
