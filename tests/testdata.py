"""Where the test data lies that is too large for the repository: official suites and real programs.

It is looked for in `$ARENITE_TESTDATA` and then beside the repository.  A test whose data is missing is skipped and
says so; under `CI=true` it fails, for a suite that is silently skipped there protects nobody.

    manifest = testdata.find("programs.toml")
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLACES = (ROOT.parent / "shared" / "tests",)


def find(name: str) -> Path:
    """The path of the file or folder `name` of the test data.

    Raises: pytest's skip when there is none, its failure under `CI=true`.
    """
    given = os.environ.get("ARENITE_TESTDATA")
    places = (Path(given),) if given else PLACES
    for place in places:
        path = place / name
        if path.exists():
            return path
    reason = f"no test data {name!r} in {', '.join(map(str, places))}; set ARENITE_TESTDATA"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)
