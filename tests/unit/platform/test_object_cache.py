"""The cache gives back what was put, or nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import platformdirs
import pytest

from arenite.platform import cache

KEY = "c0ffee"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_put_is_got() -> None:
    assert cache.get(KEY) is None
    cache.put(KEY, b"first")
    cache.put(KEY, b"second")
    assert cache.get(KEY) == b"second"
    assert cache.get("beef") is None


def test_empty_data_is_data() -> None:
    cache.put(KEY, b"")
    assert cache.get(KEY) == b""


def test_the_users_cache_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARENITE_CACHE_DIR")
    assert cache.folder() == platformdirs.user_cache_path("arenite", appauthor=False)


def test_every_damaged_byte_is_noticed(folder: Path) -> None:
    cache.put(KEY, b"sand")
    whole = (folder / KEY).read_bytes()
    for at in range(len(whole)):
        (folder / KEY).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert cache.get(KEY) is None
        (folder / KEY).write_bytes(whole[:at])
        assert cache.get(KEY) is None
    cache.put(KEY, b"sand")
    assert cache.get(KEY) == b"sand"


def test_an_entry_under_another_name_is_refused(folder: Path) -> None:
    cache.put(KEY, b"sand")
    (folder / KEY).rename(folder / "beef")
    assert cache.get("beef") is None


def test_somebody_elses_entry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(KEY, b"sand")
    real = os.fstat

    def fstat(fd: int) -> os.stat_result:
        values = list(real(fd))
        values[4] = os.geteuid() + 1  # st_uid
        return os.stat_result(values)

    monkeypatch.setattr(os, "fstat", fstat)
    assert cache.get(KEY) is None


def open_files() -> int:
    """How many files this process has open."""
    return sum(is_open(fd) for fd in range(4096))


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("shipped", [False, True])
def test_an_entry_that_is_a_folder_leaves_nothing_open(folder: Path, shipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 (a parameter of a test)
    if shipped:
        monkeypatch.setattr(cache, "SHIPPED", folder)
    (folder / KEY).mkdir(parents=True)
    before = open_files()
    assert [cache.get(KEY) for _ in range(20)] == [None] * 20
    assert open_files() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "dangling link", "device", "unreadable"])
def test_what_is_no_file_is_not_there_and_nobody_waits(folder: Path, kind: str) -> None:
    cache.put("beef", b"sand")
    cache.put(KEY, b"sand")
    path, other = folder / KEY, folder / "other"
    path.replace(other)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "unreadable":
        path.write_bytes(b"")
        path.chmod(0)
    else:
        path.symlink_to({"link": other, "dangling link": folder / "none", "device": Path("/dev/zero")}[kind])
    asked = threading.Thread(target=lambda: found.extend(cache.get(KEY) for _ in range(20)), daemon=True)
    before = open_files()
    found: list[bytes | None] = []
    asked.start()
    asked.join(10)
    assert found == [None] * 20
    assert open_files() == before
    cache.put(KEY, b"new")
    assert cache.get(KEY) == (None if kind == "folder" else b"new")


def test_a_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    folder.write_bytes(b"a file where the folder should be")
    cache.put(KEY, b"sand")
    assert cache.get(KEY) is None


def test_a_failed_write_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / KEY).mkdir(parents=True)  # a rename onto a folder fails
    cache.put(KEY, b"sand")
    assert list(folder.iterdir()) == [folder / KEY]
