"""Real programs give what was recorded: a sample, or all of them with ARENITE_PROGRAMS_RUN=all (`make programs`)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import testdata
from programs.fetch import FetchError, fetch, programs

RUN = Path(__file__).with_name("run.py")
SMALL = ("icepll", "micropython")
SAMPLE: dict[str, tuple[str, ...]] = {"auto": (*SMALL, "quickjs"), "baseline": SMALL, "threaded": SMALL, "safe": SMALL}
SAFE = (*SMALL, "avr-as", "boolector", "usvg", "resvg", "quickjs")  # what the tier of the audit can do in minutes
WHOLE = os.environ.get("ARENITE_PROGRAMS_RUN") == "all"
TIMEOUT = {"auto": 300, "baseline": 300, "threaded": 300, "safe": 900}


def cases() -> list[tuple[str, str]]:
    """Which programs run on which tiers."""
    chosen = SAMPLE
    if WHOLE:
        every = tuple(programs(testdata.find("programs.toml")))
        chosen = dict.fromkeys(("auto", "baseline", "threaded"), every) | {"safe": SAFE}
    return [(tier, name) for tier, names in chosen.items() for name in names]


@pytest.mark.timeout(max(TIMEOUT.values()) + 100)
@pytest.mark.parametrize(("tier", "name"), cases())
def test_program(tier: str, name: str, tmp_path: Path) -> None:
    manifest = testdata.find("programs.toml")
    program = programs(manifest)[name]
    try:
        fetch(program)
    except FetchError as error:
        testdata.absent(str(error))
    for file, content in program.input_files.items():
        (tmp_path / file).write_text(content, "utf-8")
    command = [sys.executable, str(RUN), tier, name, str(manifest), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT.get(tier))
    assert done.returncode == program.expect_exit, done.stderr.decode(errors="replace")[-2000:]
    if program.stdout_deterministic and program.expect_stdout is not None:
        assert done.stdout.decode() == program.expect_stdout
    for file, sha256 in program.expect_file_sha256.items():
        assert hashlib.sha256((tmp_path / file).read_bytes()).hexdigest() == sha256, file
