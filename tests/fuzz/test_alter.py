"""A few hundred altered snapshots on each tier, in child processes; `ARENITE_ALTERATIONS=100000` for more (`alter.py` says how to see one again)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = int(os.environ.get("ARENITE_ALTERATIONS", "200"))


@pytest.mark.parametrize("tier", ["threaded", "safe"])
def test_altered_files_end_in_a_result_a_trap_or_an_error(tier: str) -> None:
    program = Path(__file__).with_name("alter.py")
    command = [sys.executable, str(program), "--tier", tier, "--count", str(COUNT), "--seed", "3", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240 + COUNT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tier", ["threaded", "safe"])
def test_altered_files_with_a_key_are_refused(tier: str) -> None:
    program = Path(__file__).with_name("alter.py")
    command = [sys.executable, str(program), "--tier", tier, "--count", str(COUNT), "--seed", "5", "--kind", "keyed", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240 + COUNT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
