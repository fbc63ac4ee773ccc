"""Ratios with their spread.

What is drawn from is lives: a life's ratio is that of the two ways' least disturbed runs in it (processes that ran in turns), the point is the median
of the lives' ratios, and an interval holds 95 % of what lives drawn again, with replacement, give (bootstrap).  Draws are the same each
time, so equal samples give equal numbers.

Example:  mean(seconds, "single", "raw")  # Estimate(1.003, 0.997, 1.008)
"""

from __future__ import annotations

import random
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.measure import geometric_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.relative.turns import Seconds

DRAWS: Final = 2000
TAIL: Final = 0.025


class Estimate(NamedTuple):
    """A ratio, and the interval in which 95 % of the draws are."""

    value: float
    low: float
    high: float

    @property
    def off(self) -> float:
        """How far from 1 the interval reaches, as a ratio above 1, less 1."""
        return max(self.high, 1 / self.low) - 1


def ratios(runs: Sequence[Sequence[float]], base: Sequence[Sequence[float]]) -> list[float]:
    """The ratio in each life."""
    return [min(a) / min(b) for a, b in zip(runs, base, strict=True)]


def bootstrap(count: int, value: Callable[[Sequence[int]], float]) -> Estimate:
    """The value of all lives, and its spread.  `value`: of some lives, by their numbers."""
    choose = random.Random(0)  # noqa: S311 (no secret)
    drawn = sorted(value(choose.choices(range(count), k=count)) for _ in range(DRAWS))
    cut = int(TAIL * DRAWS)
    return Estimate(value(range(count)), drawn[cut], drawn[-1 - cut])


def compared(seconds: Seconds, way: str, base: str) -> dict[str, Estimate]:
    """Time of a way / the base's, of each thing that both have run."""
    found = {}
    for name, by_way in seconds.items():
        if way in by_way and base in by_way:
            each = ratios(by_way[way], by_way[base])
            found[name] = bootstrap(len(each), lambda lives, each=each: statistics.median([each[i] for i in lives]))  # type: ignore[misc]  # a default binds it
    return found


def mean(seconds: Seconds, way: str, base: str, names: Iterable[str] | None = None) -> Estimate | None:
    """The geometric mean of a way's times / the base's, over all things or those named; None where there are none.

    Lives are drawn for all things at once: a process's luck is the same in all that it ran.
    """
    each = [
        ratios(seconds[name][way], seconds[name][base])
        for name in (seconds if names is None else names)
        if way in seconds.get(name, {}) and base in seconds[name]
    ]
    if not each:
        return None
    return bootstrap(len(each[0]), lambda lives: geometric_mean(statistics.median([of[i] for i in lives]) for of in each))
