"""What killed saves leave behind goes with the next save; what somebody is writing, and what is not ours, stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from arenite import Snapshot
from arenite.platform import aside
from arenite.snapshot.container import Writer
from arenite.snapshot.magic import MAGIC
from unit.snapshot.counting import RESULT, ended, of, paused

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not aside.HAS_LOCKS, reason="without locks nobody can tell")

SAVE = """
import os, signal, sys, time
from pathlib import Path
from unit.snapshot.counting import paused
def progress(done, total):
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print("writing", flush=True)
    time.sleep(60)
paused().snapshot().save(sys.argv[1], packed=sys.argv[3] == "packed", progress=progress)
"""


def save(path: Path, what: str, form: str) -> subprocess.Popen[str]:
    """A process that saves, and dies or waits in the middle of it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", SAVE, str(path), what, form], stdout=subprocess.PIPE, env=environment, text=True
    )


def parts(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.endswith(".part"))


@pytest.mark.parametrize("form", ["image", "packed"])
def test_a_killed_save_is_cleared_away_by_the_next(tmp_path: Path, form: str) -> None:
    path = tmp_path / "s.arn"
    for name in ("s.arn", "other.arn"):
        killed = save(tmp_path / name, "die", form)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
    assert len(parts(tmp_path)) == 2
    paused().snapshot().save(path)
    left = parts(tmp_path)
    assert len(left) == 1
    assert left[0].startswith(".other.arn.")
    assert ended(Snapshot.open(path, of())) == RESULT


def test_what_a_process_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    with save(path, "wait", "image") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "writing\n"
        assert len(parts(tmp_path)) == 1
        paused().snapshot().save(path)
        assert len(parts(tmp_path)) == 1
        other.kill()
    paused().snapshot().save(path)
    assert not parts(tmp_path)


def test_what_a_thread_is_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    with Writer(path):
        paused().snapshot().save(path)
        assert len(parts(tmp_path)) == 1
    assert not parts(tmp_path)


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    token = "0123456789ab"
    elsewhere = tmp_path / "kept"
    elsewhere.write_bytes(b"")
    kept = {
        f".s.arn.{token}.part.bak": b"",
        f".s.arn.{token[1:]}.part": b"",
        f".s.arn.{token.upper()}.part": b"",
        f"s.arn.{token}.part": b"",
        f".s,arn.{token}.part": b"",
        f".s.arn.{token}.part": b"somebody's text",
    }
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".s.arn.00000000000a.part").mkdir()
    (tmp_path / ".s.arn.00000000000b.part").symlink_to(elsewhere)
    os.mkfifo(tmp_path / ".s.arn.00000000000c.part")
    os.link(elsewhere, tmp_path / ".s.arn.00000000000d.part")
    before = parts(tmp_path)
    paused().snapshot().save(path)
    assert parts(tmp_path) == before
    (tmp_path / ".s.arn.00000000000e.part").write_bytes(bytes(5000))
    (tmp_path / ".s.arn.00000000000f.part").write_bytes(MAGIC + bytes(5000))
    paused().snapshot().save(path)
    assert parts(tmp_path) == before


def test_a_new_file_that_was_taken_for_a_leftover_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else saves between the moments when it appears and when it is locked."""
    path, locked, seen = tmp_path / "s.arn", aside._locked, 0

    def locking(fd: int) -> bool | None:
        nonlocal seen
        seen += 1
        if seen == 1:
            monkeypatch.setattr(aside, "_locked", locked)
            aside.sweep(path.parent, "s.arn", MAGIC)
        return locked(fd)

    monkeypatch.setattr(aside, "_locked", locking)
    fd, name = aside.create(path)
    assert seen == 1
    assert name.exists()
    os.close(fd)
    assert parts(tmp_path) == [name.name]
