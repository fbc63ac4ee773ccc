"""Each program in `examples/` prints what the comment at its end says."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import testdata

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = testdata.files(testdata.ROOT / "examples", "*.py")
MARK = "# Output:\n"


ELSEWHERE = {"numpy_box": "its guest is 99 MB; tests/programs/test_numpy.py runs it"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path) -> None:
    if path.stem in ELSEWHERE:
        pytest.skip(ELSEWHERE[path.stem])
    expected = "".join(line.removeprefix("# ") for line in path.read_text().partition(MARK)[2].splitlines(keepends=True))
    assert expected, f"{path.name} does not say what it prints"
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_examples_are_short() -> None:
    assert [path.name for path in EXAMPLES if len(path.read_text().splitlines()) > 60] == []
