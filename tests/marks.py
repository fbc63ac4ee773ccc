"""Marks of tests that are the same for each of several tiers (`tiers` says which)."""

from __future__ import annotations

from typing import Final

import pytest

from tiers import TIERS, WAYS

EACH_TIER: Final = pytest.mark.parametrize("tier", TIERS)
EACH_WAY: Final = pytest.mark.parametrize("tier", WAYS)
