"""Files that are mapped from the cache: an entry says which file it is, and a file that has changed is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from arenite.errors import SnapshotError
from arenite.platform import aside, cache_key, ours
from arenite.platform.cache import ENDING, FILE, NEW, Cache

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "c0ffee"
SAND: Final = b"sand" * 1000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a user who has nothing yet."""
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ARENITE_CACHE_SIZE", raising=False)
    monkeypatch.setattr(cache_key, "place", lambda: tmp_path / "data" / cache_key.NAME)
    monkeypatch.setattr(ours, "_said", set())
    return tmp_path / "cache"


def put(name: str = NAME) -> None:
    Cache.usual().put_file(name, lambda path: path.write_bytes(SAND), "sand")


def test_what_was_put_is_found() -> None:
    assert Cache.usual().file(NAME) is None
    put()
    found = Cache.usual().file(NAME)
    assert found is not None
    assert found.read_bytes() == SAND
    assert Cache.usual().file("beef") is None


def test_the_first_stays() -> None:
    """Two processes that make one at the same time go by the same from then on."""

    def write(path: Path) -> None:
        put()
        path.write_bytes(b"later")

    Cache.usual().put_file(NAME, write, "sand")
    found = Cache.usual().file(NAME)
    assert found is not None
    assert found.read_bytes() == SAND
    assert list((found.parent / NEW).iterdir()) == []


def test_who_stands_still_while_he_writes_keeps_nobody_from_it(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(aside, "PATIENCE", 0.01)
    (folder / NEW).mkdir(mode=0o700, parents=True)
    with aside.alone(folder / NEW):
        put()
    assert Cache.usual().file(NAME) is not None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners here")
def test_nobody_else_can_open_it_at_any_time(folder: Path) -> None:
    """It is mapped by whoever runs: who could write to it would change what they have."""
    seen: list[int] = []

    def write(path: Path) -> None:
        path.write_bytes(SAND)
        seen.append(path.parent.stat().st_mode & 0o077)

    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        Cache.usual().put_file(NAME, write, "sand")
    finally:
        os.umask(before)
    found = Cache.usual().file(NAME)
    assert found == folder / (NAME + FILE)
    assert (found.stat().st_mode & 0o777, seen) == (0o600, [0])


def changed(path: Path) -> None:
    info = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))  # as it was; when that was done stays to be seen


def replaced(path: Path) -> None:
    info = path.stat()
    path.with_suffix(".new").write_bytes(SAND)
    path.with_suffix(".new").replace(path)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".other"))
    path.symlink_to(path.with_suffix(".other"))


@pytest.mark.parametrize("change", [changed, replaced, linked, Path.unlink, lambda path: os.truncate(path, 5)])
def test_a_file_that_is_not_as_it_was_left_is_none(folder: Path, change: Callable[[Path], object]) -> None:
    put()
    change(folder / (NAME + FILE))
    assert Cache.usual().file(NAME) is None
    (folder / (NAME + FILE)).unlink(missing_ok=True)
    put()
    assert Cache.usual().file(NAME) is not None


def test_an_entry_of_another_kind_is_no_file(folder: Path) -> None:
    put()
    for pieces in ([b""], [b"sand"], [b"x", b"y"]):
        Cache.usual().put(NAME, pieces, "sand")
        assert Cache.usual().file(NAME) is None
    assert (folder / (NAME + FILE)).exists()


def test_without_a_key_none_is_kept(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")  # no folder, so there is no place for a key
    put()
    assert not folder.exists()
    assert Cache.usual().file(NAME) is None


def test_a_file_that_cannot_be_written_is_no_error(folder: Path) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "no room", path)

    def refused(path: Path) -> None:
        raise SnapshotError(str(path))

    Cache.usual().put_file(NAME, full, "sand")
    assert Cache.usual().file(NAME) is None
    with pytest.raises(SnapshotError):
        Cache.usual().put_file(NAME, refused, "sand")
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_counts_and_goes_with_its_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENITE_CACHE_SIZE", "10000")
    for name in ("aa", "bb", "cc"):
        put(name)
        for path in folder.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 5000))
    assert {path.name for path in folder.iterdir()} >= {"bb" + FILE, "cc" + FILE, "cc" + ENDING}
    assert not (folder / ("aa" + FILE)).exists()
    assert {file.label for file in Cache.usual().listed() if file.path.suffix == FILE} == {"sand"}
    Cache.usual().clear()
    assert not [path for path in folder.rglob("*") if path.is_file()]
