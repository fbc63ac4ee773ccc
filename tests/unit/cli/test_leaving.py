"""How the process of a command ends: what others have for its end is done, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, os, sys, threading, time, types

class Kept:
    def __del__(self, write=os.write):
        write(1, b"taken apart ")

def late():
    time.sleep(0.05)
    os.write(1, b"thread ")

def main():
    threading.Thread(target=late).start()
    atexit.register(print, "registered ", end="")
    {main}

sys.kept = Kept()  # which is taken apart last, and is in no cycle
{before}
sys.modules["arenite.cli.app"] = types.SimpleNamespace(main=main)
import arenite_command
sys.exit(arenite_command.main())
"""


def ended(main: str, before: str = "", stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """A process whose command does so."""
    command = [sys.executable, "-S", "-c", PROGRAM.format(main=main, before=before)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src"), "PYTHONUNBUFFERED": ""}
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environment)


def test_a_python_that_does_not_tell_leaves_as_usual() -> None:
    done = ended("return 7", "del atexit._ncallbacks")
    assert (done.returncode, done.stdout, done.stderr) == (7, "thread registered taken apart ", "")


def test_what_the_command_has_left_is_done() -> None:
    done = ended("return 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "thread registered ", "")


@pytest.mark.parametrize(
    ("main", "before", "code", "said"),
    [
        ("return 7", "atexit.register(print, 'earlier ', end='')", 7, "thread registered earlier taken apart "),
        ("raise ValueError", "", 1, "thread registered taken apart "),
        ("return 256 + 7", "", 7, "thread registered taken apart "),
    ],
    ids=["registered before", "an exception", "a large code"],
)
def test_what_is_unusual_is_left_to_python(main: str, before: str, code: int, said: str) -> None:
    done = ended(main, before)
    assert (done.returncode, sorted(done.stdout.split())) == (code, sorted(said.split()))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is full")
def test_output_that_cannot_be_written_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = ended("print('something'); return 7", stdout=full.fileno())
    assert done.returncode == 120  # Python's own
    assert "No space left" in done.stderr
