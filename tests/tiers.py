"""The tiers that tests run on, said once.

    @EACH_TIER                      every way of running that a user can choose: what each tier must do by itself
    for way in WAYS: …              also those in which functions change tier in mid-run, and where the tiers are mixed
    engine_of("mixed", consume_fuel=True)

`auto` is so impatient here that functions change tier in mid-run: at their second call, at the third round of a loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import pytest

from arenite import Config, Engine
from arenite.bytecode.module import FUNCTION
from arenite.config import TierName
from arenite.tiers.baseline import BaselineTier
from arenite.tiers.baseline.code import CompiledWindow

if TYPE_CHECKING:
    from arenite.machine.space.window import Window

Way = TierName | Literal["mixed"]

TIERS: Final[tuple[TierName, ...]] = ("threaded", "baseline", "safe")
GENERATED: Final[tuple[Way, ...]] = ("threaded", "baseline", "auto", "mixed")
WAYS: Final[tuple[Way, ...]] = (*GENERATED, "safe")
CALLS, ROUNDS = 2, 3  # before `auto` compiles a function

EACH_TIER: Final = pytest.mark.parametrize("tier", TIERS)
EACH_WAY: Final = pytest.mark.parametrize("tier", WAYS)


class MixedTier(BaselineTier):
    """Every second function compiled, the others never: each call may lead from one tier to the other."""

    name = "mixed"

    def compiled(self, window: Window) -> CompiledWindow:
        """See `BaselineTier`."""
        found = self.windows.get(window)
        if found is None:
            found = self.windows[window] = CompiledWindow(window, self._handlers, self.variant)
            for placed in window.modules:
                for begin, *_ in list(FUNCTION.iter_unpack(placed.code.functions))[::2]:
                    found.compile_at(window, placed.origin + begin, now=True)
        return found


def patient(way: Way) -> TierName:
    """The option that stands for a way."""
    return "baseline" if way == "mixed" else way


def engine_of(way: Way, **options: Any) -> Engine:
    """An engine that runs guests so; `options`: of its `Config`."""
    return impatient(Engine(Config(tier=patient(way), **options)), way)


def impatient(engine: Engine, way: Way) -> Engine:
    """An engine without stores yet, now running guests so."""
    config = engine.config
    options = {"explicit_bounds": config.explicit_bounds, "deterministic": config.deterministic}
    if way == "auto":
        engine.tier = BaselineTier(config.addressing, **options, lazily=True, calls=CALLS, rounds=ROUNDS)
    elif way == "mixed":
        engine.tier = MixedTier(config.addressing, **options)
    return engine


def test_every_tier_that_can_be_chosen_is_tried() -> None:
    assert {*get_args(TierName)} < {*WAYS}
