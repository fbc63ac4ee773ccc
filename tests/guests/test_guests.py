"""Guests of other toolchains do what they do on `wasmtime`, from beginning to end and frozen on the way.

`make test` runs all of them on `threaded`, the quicker ones on `safe`; ARENITE_PROGRAMS_RUN=all (`make programs`) runs the others, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import testdata
from guests.build import built, guests
from guests.record import recorded
from marks import EACH_TIER
from programs.fetch import FetchError

pytestmark = pytest.mark.timeout(1800)  # the first time a toolchain is fetched, and builds its library
RUN = Path(__file__).with_name("run.py")
WHOLE = os.environ.get("ARENITE_PROGRAMS_RUN") == "all"
SLOW = {("safe", "go"), ("safe", "rust")}
NO_CODE = "exit with invalid exit status outside of [0..126)"  # what wasmtime says in place of a code


@EACH_TIER
@pytest.mark.parametrize("name", guests())
def test_guest(tier: str, name: str, tmp_path: Path) -> None:
    if (tier, name) in SLOW and not WHOLE:
        pytest.skip("takes long on this tier: make programs")
    try:
        module = built([name])[name]
    except FetchError as error:
        testdata.absent(str(error))
    expected = recorded()[name]
    assert expected["key"] == guests()[name].key, "the guest has changed since: python tests/guests/record.py"
    command = [sys.executable, str(RUN), tier, name, str(module), str(tmp_path / "case")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert list(told["whole"]) == list(told["frozen"]) == list(expected["cases"])
    for case, wanted in expected["cases"].items():
        assert as_recorded(told["whole"][case], wanted) == wanted, case
        assert as_recorded(told["frozen"][case], wanted) == wanted, f"{case}, frozen"


def as_recorded(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The same, with wasmtime's word for a code that it does not pass on."""
    code = found["end"].removeprefix("exit ")
    if wanted["end"] == NO_CODE and code.isdecimal() and int(code) > 125:
        return found | {"end": NO_CODE}
    return found
