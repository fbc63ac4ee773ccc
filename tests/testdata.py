"""Where the test data lies that is too large for the repository: official suites and real programs.

It is looked for in `$ARENITE_TESTDATA` and then beside the repository.  A test whose data is missing is skipped and
says so; under `CI=true` it fails, for a suite that is silently skipped there protects nobody.  The same goes for whatever else a test
needs and may not have (`absent`), and for folders of files in which there are none (`files`).

    manifest = testdata.find("programs.toml")
    @pytest.mark.parametrize("path", testdata.files(HERE, "*.wat"))
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NoReturn

import pytest

CI: Final = os.environ.get("CI", "").lower() == "true"
ROOT = Path(__file__).resolve().parent.parent
PLACES = (ROOT.parent / "shared" / "tests",)


def absent(reason: str) -> NoReturn:
    """A test cannot be run for want of something.  Raises: pytest's skip, its failure under `CI=true`."""
    if CI:
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


def places() -> tuple[Path, ...]:
    """The folders where test data is looked for."""
    folder = os.environ.get("ARENITE_TESTDATA")
    return (Path(folder),) if folder else PLACES


def find(name: str) -> Path:
    """The path of the file or folder `name` of the test data.

    Raises: pytest's skip when there is none, its failure under `CI=true`.
    """
    for place in places():
        path = place / name
        if path.exists():
            return path
    absent(f"no test data {name!r} in {', '.join(map(str, places()))}; set ARENITE_TESTDATA")


def files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder by a pattern, in order.  Raises: `FileNotFoundError` when there are none: who tests each of no files tests nothing."""
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise FileNotFoundError(f"there is no {pattern} in {folder}")
    return found
