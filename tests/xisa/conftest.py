"""A Python of another CPU, as `make xisa` builds it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".xisa"


@pytest.fixture(scope="session")
def elsewhere() -> Callable[..., str]:
    """`elsewhere(program, *arguments)`: run a program's text in an aarch64 Python with arenite; what it prints."""
    if not (FOLDER / "ready").exists():
        pytest.skip("no aarch64 Python: `make xisa` builds one")

    def run(program: str, *arguments: str | Path) -> str:
        command = [FOLDER / "bin" / "python", "-c", program, *arguments]
        environment = {"ARENITE_CACHE_DIR": str(FOLDER / "cache")} | os.environ
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3600, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
