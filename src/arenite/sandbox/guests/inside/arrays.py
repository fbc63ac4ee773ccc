"""numpy inside a CPython guest: its scalars and arrays are plain data, and its chance begins anew where `random` does.

Its text stands behind that of `runner`, and what it defines there takes the place of what was.

Example:  packed(numpy.arange(3.0), repr)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    # in the guest these are what the names below stood for before
    from arenite.sandbox.guests.inside.runner import reseed as reseed_python  # noqa: TC004
    from arenite.sandbox.plain import Packed
    from arenite.sandbox.plain import packed as packed_plain  # noqa: TC004

MOST_ELEMENTS: Final = 1 << 19  # of an array that is handed over: more do not fit into an answer
WORD: Final = 8  # digits of a word of a seed


def packed(value: object, other: Callable[[object], str], depth: int = 0) -> Packed:
    """As before; scalars are numbers, and arrays lists of lists, of whatever their elements are as Python has them."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size <= MOST_ELEMENTS):
        return packed_plain(value.tolist(), other, depth)
    return packed_plain(value, other, depth)


def reseed(seed: str) -> None:
    """As before, and that of `numpy.random`; generators that the code makes are fresh by themselves."""
    reseed_python(seed)
    np.random.seed([int(seed[at : at + WORD], 16) for at in range(0, len(seed), WORD)])  # noqa: NPY002 (for code that uses it)
