"""A few hundred altered snapshots on each tier, in child processes; `ARENITE_ALTERATIONS=100000` for more (`alter.py` says how to see one again)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arenite import Snapshot, SnapshotError
from fuzz.frozen import BASE, FORMS, KEY, OLDER, engine, hosts, linker, load, specimens
from marks import EACH_TIER

if TYPE_CHECKING:
    from arenite.config import TierName

COUNT = int(os.environ.get("ARENITE_ALTERATIONS", "200"))


@pytest.mark.timeout(300 + COUNT)
@EACH_TIER
def test_altered_files_end_in_a_result_a_trap_or_an_error(tier: str) -> None:
    program = Path(__file__).with_name("alter.py")
    command = [sys.executable, str(program), "--tier", tier, "--count", str(COUNT), "--seed", "3", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240 + COUNT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300 + COUNT)
@EACH_TIER
def test_altered_files_with_a_key_are_refused(tier: str) -> None:
    program = Path(__file__).with_name("alter.py")
    command = [sys.executable, str(program), "--tier", tier, "--count", str(COUNT), "--seed", "5", "--kind", "keyed", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240 + COUNT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@EACH_TIER
def test_what_is_altered_opens_unaltered(tmp_path: Path, tier: TierName) -> None:
    """Every specimen in every form, the delta with its own parent beside it: else alterations would never get past the door."""
    of = engine(tier)
    found = specimens(tmp_path, of)
    assert set(OLDER) < {specimen.name for specimen in found}
    for specimen, key in [(one, None) for one in found] + [(one.keyed(), KEY) for one in found]:
        (tmp_path / BASE).write_bytes(specimen.base)
        for form in FORMS:
            (tmp_path / "one.arn").write_bytes(specimen.files[form])
            snapshot = Snapshot.open(tmp_path / "one.arn", of, verify=True, load=load, key=key)
            snapshot.link(linker(of), hosts=hosts()).fork().close()
        (tmp_path / BASE).unlink()
        (tmp_path / "one.arn").write_bytes(specimen.files["delta"])
        with pytest.raises(SnapshotError, match="not in its folder"):
            Snapshot.open(tmp_path / "one.arn", of, key=key)
