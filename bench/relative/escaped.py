"""Escapes from the cage, counted in a process of its own: `python -m bench.relative.escaped WAY COUNT SEED` prints what the corruption fuzzer says."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any, Final

from bench.relative.turns import ROOT, environment

TESTS: Final = ROOT / "tests"


def counted(way: str, count: int, seed: int) -> dict[str, Any]:
    """What `tests/fuzz/escapes.py` counts."""
    command = [sys.executable, "-m", "bench.relative.escaped", way, str(count), str(seed)]
    done = subprocess.run(command, cwd=ROOT, env=environment(way), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    WAY, COUNT, SEED = sys.argv[1:]
    print(json.dumps(importlib.import_module("fuzz.escapes").escapes(WAY, int(COUNT), int(SEED))))
