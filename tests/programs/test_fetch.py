"""Fetching: digests are checked, and only what is wanted is unpacked."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from programs.fetch import FetchError, check, unpack

if TYPE_CHECKING:
    from pathlib import Path


def test_another_digest_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.wasm"
    file.write_bytes(b"\0asm")
    check(file, hashlib.sha256(b"\0asm").hexdigest())
    with pytest.raises(FetchError, match=r"a\.wasm has SHA-256"):
        check(file, hashlib.sha256(b"").hexdigest())


def test_only_what_is_wanted_is_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "a.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        for name in ("pkg/a.wasm", "pkg/share/x/y.txt", "pkg/other.py"):
            wheel.writestr(name, name)
    unpack(archive, ("pkg/a.wasm", "pkg/share"), tmp_path / "out")
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert found == ["pkg/a.wasm", "pkg/share/x/y.txt"]
