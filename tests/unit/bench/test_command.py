from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from arenite.layout.records import FuncRefRecord

ROOT = Path(__file__).resolve().parents[3]


def bench(*args: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys, runpy; sys.path[:0] = {[str(ROOT), *sys.path]!r}; sys.argv[1:] = {list(args)!r}; runpy.run_module('bench', run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_a_suite_prints_a_table_and_keeps_its_numbers(tmp_path: Path) -> None:
    kept = tmp_path / "results.json"
    done = bench("sizes", "safe", "--only", "function reference", "--json", str(kept))  # no kernel is called so
    assert done.returncode == 0, done.stderr
    assert "Structures" in done.stdout
    (report,) = json.loads(kept.read_text())["reports"]
    assert [row[1] for row in report["rows"]] == [FuncRefRecord.size]


@pytest.mark.parametrize("args", [("no-such-suite",), ("--rounds", "0")])
def test_a_wrong_command_line(args: tuple[str, ...]) -> None:
    assert bench(*args).returncode == 2


def test_help_lists_the_suites() -> None:
    done = bench("--help")
    assert done.returncode == 0
    assert all(
        suite in done.stdout for suite in ("kernels", "safe", "compile", "frontend", "start", "import", "calls", "sizes", "forks")
    )
