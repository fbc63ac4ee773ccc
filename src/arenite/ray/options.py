"""How a run is done.

Example:  Options(every=1.0, ahead=2)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.ray.answer import Progress


@dataclass(frozen=True)
class Options:
    """`ordered`: answers come as the inputs do.   `every`: seconds of a stretch.   `ahead`: calls that a worker is given at a time; `window`: inputs that are
    taken and whose answers nobody has fetched.   `timeout`: seconds without an answer after which a worker is given up.   `tries`: of one item.
    `patience`: seconds without any worker.   `seconds`, `output`, `fuel`: of each item, in all its stretches.
    """

    ordered: bool
    every: float | None
    ahead: int
    window: int
    timeout: float | None
    tries: int
    patience: float
    seconds: float | None
    output: int
    fuel: int | None
    progress: Callable[[Progress], object] | None
