"""What is read is what the file has, and what is large is read onto large pages."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from arenite.errors import Limit
from arenite.platform import libc, reading
from arenite.platform.reading import LARGE, some, whole

SIZES = (0, 1, LARGE - 1, LARGE, LARGE + 12345)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_read_whole(tmp_path: Path, size: int) -> None:
    content = os.urandom(min(size, 999)) * (size // 999 + 1)
    (tmp_path / "x").write_bytes(content[:size])
    found = whole(tmp_path / "x")
    assert type(found) is bytes
    assert found == content[:size]


def test_what_is_missing_at_the_end_is_not_made_up(tmp_path: Path) -> None:
    content = os.urandom(LARGE + 10)
    (tmp_path / "x").write_bytes(content)
    with (tmp_path / "x").open("rb") as file:
        os.lseek(file.fileno(), 5, os.SEEK_SET)
        assert some(file.fileno(), LARGE + 100) == content[5:]
        assert some(file.fileno(), LARGE + 100) == some(file.fileno(), 7) == b""
        os.lseek(file.fileno(), 5, os.SEEK_SET)
        assert some(file.fileno(), 7) == content[5:12]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    writer = threading.Thread(target=(tmp_path / "x").write_bytes, args=(b"some" * 50_000,))
    writer.start()
    assert whole(tmp_path / "x") == b"some" * 50_000
    writer.join()


def test_what_has_no_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"some" * 5)
    assert whole(tmp_path / "x", most=20) == b"some" * 5
    for endless in (tmp_path / "x", Path(os.devnull).with_name("zero")):
        with pytest.raises(Limit, match="a file has at most 19 bytes here"):
            whole(endless, most=19)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked for large pages")
def test_large_pages_are_asked_for_before_any_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, bool]] = []
    enlarge = libc.enlarge_pages

    def seen(view: memoryview) -> None:
        asked.append((len(view) >= LARGE, any(view[:: 1 << 12])))
        enlarge(view)

    monkeypatch.setattr(libc, "enlarge_pages", seen)
    for size in (LARGE - 1, LARGE):
        (tmp_path / "x").write_bytes(b"x" * size)
        assert whole(tmp_path / "x") == b"x" * size
    assert asked == [(True, False)]


def test_without_ctypes_it_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arenite.platform.libc", None)
    monkeypatch.delattr("arenite.platform.libc", raising=False)
    (tmp_path / "x").write_bytes(b"x" * LARGE)
    assert reading.whole(tmp_path / "x") == b"x" * LARGE
