"""Ratios with their spread.

What is drawn from is lives: a life's ratio is that of the two ways' least disturbed runs in it (processes that ran in turns), the point is the median
of the lives' ratios, and an interval holds 95 % of what lives drawn again, with replacement, give (bootstrap).  Draws are the same each
time, so equal samples give equal numbers.

Example:  mean(seconds, "single", "raw")  # Estimate(1.003, 0.997, 1.008)
"""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from bench.measure import geometric_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
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


@functools.cache
def draws(count: int) -> npt.NDArray[np.int64]:
    """Lives drawn from so many, with replacement: a row of their numbers for each draw."""
    choose = random.Random(0)  # noqa: S311 (no secret)
    return np.array([choose.choices(range(count), k=count) for _ in range(DRAWS)])


def bootstrap(each: Sequence[Sequence[float]]) -> Estimate:
    """The geometric mean of the medians of some things' lives, and its spread.  `each`: of every thing, the ratio in each life.

    Lives are drawn for all things at once: a process's luck is the same in all that it ran.
    """
    table = np.array(each)
    medians = np.median(table[:, draws(table.shape[1])], axis=2)
    drawn = np.sort(np.exp(np.log(medians).mean(axis=0)))
    cut = int(TAIL * DRAWS)
    value = geometric_mean(np.median(table, axis=1).tolist())
    return Estimate(value, float(drawn[cut]), float(drawn[-1 - cut]))


def compared(seconds: Seconds, way: str, base: str) -> dict[str, Estimate]:
    """Time of a way / the base's, of each thing that both have run."""
    both = {name: of for name, of in seconds.items() if way in of and base in of}
    return {name: bootstrap([ratios(of[way], of[base])]) for name, of in both.items()}


def mean(seconds: Seconds, way: str, base: str, names: Iterable[str] | None = None) -> Estimate | None:
    """The geometric mean of a way's times / the base's, over all things or those named; None where there are none."""
    chosen = [seconds.get(name, {}) for name in (seconds if names is None else names)]
    each = [ratios(of[way], of[base]) for of in chosen if way in of and base in of]
    return bootstrap(each) if each else None
