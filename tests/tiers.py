"""The tiers that tests run on, said once.

    TIERS       what a test of one matter is tried on
    WAYS        for suites of many guests: also functions that change tier in mid-run, and tiers that are mixed
    engine_of("mixed", consume_fuel=True)

`auto` is so impatient here that functions change tier in mid-run: at their second call, and at the end of slices that begin with three
units of fuel.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from arenite import Config, Engine
from arenite.config import TierName
from arenite.layout.raw import RAW

Way = TierName | Literal["mixed"]

IN_PYTHON: Final[tuple[TierName, ...]] = () if RAW else ("safe",)
TIERS: Final[tuple[TierName, ...]] = ("threaded", "baseline", *IN_PYTHON)
GENERATED: Final[tuple[Way, ...]] = ("threaded", "baseline", "auto", "mixed")
WAYS: Final[tuple[Way, ...]] = (*GENERATED, *IN_PYTHON)
CALLS, ROUNDS = 2, 3  # before `auto` compiles a function


def engine_of(way: Way, **options: Any) -> Engine:
    """An engine that runs guests so; `options`: of its `Config`."""
    engine = Engine(Config(tier="baseline" if way == "mixed" else way, **options))
    if way in {"auto", "mixed"}:
        from arenite.tiers.baseline import BaselineTier  # noqa: PLC0415 (it loads ctypes, which `safe` never needs)
        from arenite.tiers.threaded import ThreadedTier  # noqa: PLC0415 (as above)

        assert isinstance(engine.tier, ThreadedTier)
        if way == "auto":
            engine.tier = BaselineTier(engine.tier.variant, lazily=True, calls=CALLS, rounds=ROUNDS)
        else:
            engine.tier = BaselineTier(engine.tier.variant, wanted=is_even)
    return engine


def is_even(number: int) -> bool:
    """Of two functions behind each other one is compiled, so that calls lead from each tier to the other."""
    return number % 2 == 0
