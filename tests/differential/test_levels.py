"""Vectors on x86-64 CPUs that have less than this one: code is generated for a lower level, which every higher one runs too.

A CPU with SSE2 alone has no table of stencils, since LLVM rounds floats by calls there: `baseline` is `threaded` then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from arenite.platform.architectures import HOST, X86_64
from arenite.platform.llvm import LEVELS, host_cpu

PROGRAM = """
import sys
from arenite.platform import llvm
llvm.host_cpu = lambda: sys.argv[1]
from differential.test_vectors import INSTRUCTIONS, MOST, actual, differences, expected, plain
from tiers import engine_of
way, tier = sys.argv[2:]
assert engine_of(way).tier.name == tier, engine_of(way).tier.name
for deterministic in (True, False):
    found = actual(way, MOST, deterministic=deterministic)
    for name in INSTRUCTIONS:
        pair = expected()[name], found[name]
        print(*differences(name, *(pair if deterministic else (plain(name, p) for p in pair))), sep="\\n", end="")
"""
KNOWN = [X86_64.baseline, *LEVELS]
LOWER = [("x86-64", "threaded", "threaded")]
if os.environ.get("ARENITE_VECTORS") == "all":  # each makes its code first, which takes half a minute
    LOWER += [("x86-64", "baseline", "threaded"), ("x86-64-v2", "threaded", "threaded"), ("x86-64-v2", "baseline", "baseline")]


@pytest.mark.skipif(HOST is not X86_64, reason="levels are of x86-64")
@pytest.mark.parametrize(("level", "way", "tier"), LOWER)
def test_vectors(level: str, way: str, tier: str) -> None:
    assert KNOWN.index(level) <= KNOWN.index(host_cpu())
    path = os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", PROGRAM, level, way, tier]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=3600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
