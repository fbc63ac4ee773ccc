"""How a run is done.

Example:  Options(every=1.0, ahead=2)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from arenite.api import numbers

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

    def __post_init__(self) -> None:
        """What would never come to an end is refused.  Raises: `TypeError`, `ValueError`."""
        for name in ("ahead", "window", "tries"):
            numbers.integer(name, getattr(self, name), 1)
        if self.every is not None and numbers.seconds("every", self.every) <= 0:
            raise ValueError(f"every {self.every}; expected more than no time")
