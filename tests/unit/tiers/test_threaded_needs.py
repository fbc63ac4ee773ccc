"""Where the threaded tier cannot run it says why."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine
from arenite.bytecode.ops import TABLE
from arenite.errors import Limit
from arenite.platform import HAS_OBJECTS, cache, llvm
from arenite.tiers import threaded
from arenite.tiers.threaded.objects import Variant

if TYPE_CHECKING:
    from pathlib import Path


def test_larger_pages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "HAS_OBJECTS", True)
    monkeypatch.setattr(threaded, "page_size", 1 << 14)
    with pytest.raises(Limit, match="pages of 0x1000 bytes, found 0x4000"):
        threaded.Handlers(Variant())


def test_other_systems_are_told_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "HAS_OBJECTS", False)
    with pytest.raises(Limit, match="x86-64 or aarch64"):
        threaded.Handlers(Variant())


def test_a_missing_llvmlite_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither LLVM nor the machine is to blame where nobody has asked them."""
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "SHIPPED", tmp_path / "built")
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    threaded.handlers.cache_clear()
    llvm.preserve_none_supported.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match=r"slower tier 'safe': .* llvmlite, .* cannot be imported .* install llvmlite"):
            assert Engine(Config(tier="threaded")).tier.name == "safe"
    finally:
        threaded.handlers.cache_clear()
        llvm.preserve_none_supported.cache_clear()


@pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")
def test_baseline_goes_to_the_handlers_that_it_has() -> None:
    from arenite.tiers.baseline import BaselineTier  # noqa: PLC0415 (it loads machine code)

    before = BaselineTier()
    threaded.handlers.cache_clear()
    tier = BaselineTier()
    assert tier._handlers is not before._handlers
    assert struct.unpack_from("<Q", tier._opcodes) == (tier._handlers.symbols[f"op {TABLE[0].name}"],)
