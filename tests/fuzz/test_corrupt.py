"""A few thousand corruptions on each tier, in child processes; `ARENITE_CORRUPTIONS=100000` for more (`corrupt.py` says how to see one again)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.corrupt import VARIANTS

COUNT = int(os.environ.get("ARENITE_CORRUPTIONS", "1500"))


@pytest.mark.timeout(180 + COUNT / 20)
@pytest.mark.parametrize("variant", VARIANTS)
def test_damage_ends_in_a_result_a_trap_or_an_error(variant: str) -> None:
    program = Path(__file__).with_name("corrupt.py")
    command = [sys.executable, str(program), "--tier", variant, "--count", str(COUNT), "--seed", "2", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120 + COUNT / 20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
