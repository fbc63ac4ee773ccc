"""Files in memory as Python sees them, and how much of them there may be."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

import interrupts
from arenite import MemoryFS, SnapshotError
from arenite.world.memory.nodes import BLOCK
from arenite.world.memory.travel import Contents
from arenite.world.sandbox import Trail
from arenite.world.stat import FileType

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def fs() -> MemoryFS:
    return MemoryFS({"a/b.txt": b"hello", "c": "text"}, max_bytes=100_000, max_entries=10)


def test_it_is_a_mapping(fs: MemoryFS) -> None:
    assert dict(fs) == {"a/b.txt": b"hello", "c": b"text"}
    assert len(fs) == 2
    fs["new/deep/x"] = b"1"
    assert "new/deep/x" in fs
    assert "/new/deep/x" in fs
    assert {"new", "missing", "a"}.isdisjoint(fs)
    fs["c"] = b"t"
    assert fs["c"] == b"t"
    del fs["c"]
    for path in ("c", "a", "a/b.txt/c", "../x"):
        with pytest.raises((KeyError, PermissionError)):
            fs[path]
    with pytest.raises(KeyError):
        del fs["a"]
    assert fs.pop("a/b.txt") == b"hello"


def test_open_files(fs: MemoryFS) -> None:
    with fs.open("a/b.txt", "r+b") as file:
        assert file.read(2) == b"he"
        file.seek(0, os.SEEK_END)
        file.write(b"!" * BLOCK)
        file.seek(3)
        assert file.read(3) == b"lo!"
    assert len(fs["a/b.txt"]) == 5 + BLOCK
    with fs.open("a/b.txt", "a") as text:
        text.write("é\n")
    with fs.open("a/b.txt", "r") as text:
        assert text.read() == "hello" + "!" * BLOCK + "é\n"
    with fs.open("w", "wb") as file:
        with pytest.raises(OSError, match="read"):
            file.read()
        file.truncate(7)
    assert fs["w"] == bytes(7)
    with pytest.raises(FileExistsError):
        fs.open("w", "x")
    with pytest.raises(FileNotFoundError, match="nothing"):
        fs.open("nothing")
    with pytest.raises(ValueError, match="invalid mode"):
        fs.open("w", "rw")
    with pytest.raises(IsADirectoryError):
        fs.open("a", "w")


def test_directories_and_links(fs: MemoryFS) -> None:
    fs.mkdir("d")
    fs.symlink("../a/b.txt", "d/l")
    fs.link("c", "d/c")
    assert fs["d/l"] == b"hello"
    assert fs.readlink("d/l") == "../a/b.txt"
    assert fs.stat("d/l", follow=False).type is FileType.SYMBOLIC_LINK
    assert fs.stat("c").links == 2
    assert fs.listdir("d") == ["l", "c"]
    assert list(fs.walk()) == [(".", ["a", "d"], ["c"]), ("a", [], ["b.txt"]), ("d", [], ["c"])]
    fs.rename("d/c", "e")
    fs["e"] = b"through"
    assert fs["c"] == b"through"
    for refused in (
        lambda: fs.symlink("../../x", "d/m"),
        lambda: fs.symlink("/etc/passwd", "d/m"),
        lambda: fs["../x"],
    ):
        with pytest.raises(PermissionError, match="leads out"):
            refused()
    fs.unlink("d/l")
    fs.rmdir("d")
    with pytest.raises(OSError, match="a") as raised:
        fs.rmdir("a")
    assert raised.value.errno == errno.ENOTEMPTY


def test_what_was_cut_off_reads_as_zeros(fs: MemoryFS) -> None:
    fs["z"] = b"x" * (BLOCK + 10)
    with fs.open("z", "r+b") as file:
        file.truncate(5)
        file.truncate(2 * BLOCK)
    assert fs["z"] == b"x" * 5 + bytes(2 * BLOCK - 5)


def test_bytes_are_bounded_holes_included(fs: MemoryFS) -> None:
    before = dict(fs), fs.used_bytes
    with pytest.raises(OSError, match="big") as raised:
        fs["big"] = b"x" * 100_000
    assert raised.value.errno == errno.ENOSPC
    del fs["big"]  # it was made, and is empty
    with fs.open("c", "r+b") as file, pytest.raises(OSError, match="space") as raised:
        file.truncate(1 << 40)
    assert raised.value.errno == errno.ENOSPC
    assert (dict(fs), fs.used_bytes) == before
    with fs.open("c", "wb") as file:
        raw = file.raw  # type: ignore[attr-defined]  # it is buffered
        assert raw.write(b"x" * 200_000) == 100_000 - 5, "as much as there is room for"
        with pytest.raises(OSError, match="space"):
            raw.write(b"x")
    assert fs.used_bytes == 100_000
    fs["c"] = b""
    assert fs.used_bytes == 5


def test_names_are_bounded(fs: MemoryFS) -> None:
    for n in range(10 - fs.used_entries):
        fs[f"n{n}"] = b""
    for refused in (lambda: fs.mkdir("x"), lambda: fs.symlink("c", "x"), lambda: fs.link("c", "x"), lambda: fs.open("x", "w")):
        with pytest.raises(OSError, match="space") as raised:
            refused()
        assert raised.value.errno == errno.ENOSPC
    file = fs.open("c")
    fs.unlink("c")
    with pytest.raises(OSError, match="space"):
        fs.mkdir("x")  # what is open has no name, but is there
    assert file.read() == b"text"
    file.close()
    fs.mkdir("x")


def test_copies_share_until_they_write(fs: MemoryFS) -> None:
    fs["big"] = b"0" * (3 * BLOCK)
    one, two = fs.copy(), fs.copy()
    with one.open("big", "r+b") as file:
        file.seek(BLOCK)
        file.write(b"1")
    fs["c"] = b"mine"
    del two["a/b.txt"]
    assert (one["big"][BLOCK], two["big"][BLOCK], fs["big"][BLOCK]) == (ord("1"), ord("0"), ord("0"))
    assert (one["c"], two["c"], fs["c"]) == (b"text", b"text", b"mine")
    assert ("a/b.txt" in one, "a/b.txt" in two) == (True, False)
    theirs, ours = (each._tree.node(each._tree.find(1, "big")).blocks for each in (one, two))  # type: ignore[union-attr]
    assert [theirs.get(n) is ours.get(n) for n in range(3)] == [True, False, True]


def test_a_large_directory_is_shared_too() -> None:
    fs = MemoryFS({f"{n}": b"" for n in range(5000)})
    one = fs.copy()
    one["new"] = b""
    del one["2500"]
    assert set(one) ^ set(fs) == {"new", "2500"}
    theirs, ours = (each._tree.directory(1).order.pages for each in (fs, one))
    assert sum(theirs[at] is not ours[at] for at in theirs.keys() & ours.keys()) <= 2


def test_folders_of_the_host(fs: MemoryFS, tmp_path: Path) -> None:
    fs.symlink("a", "l")
    fs.mkdir("empty")
    fs.extract(tmp_path / "out")
    fs.extract(tmp_path / "again")
    assert (tmp_path / "out/a/b.txt").read_bytes() == b"hello"
    assert (tmp_path / "out/l").readlink().name == "a"
    again = MemoryFS.of(tmp_path / "out")
    assert dict(again) == dict(fs)
    assert again.is_dir("empty")
    assert again.stat("c").modified == fs.stat("c").modified
    with pytest.raises(OSError, match="space") as raised:
        MemoryFS.of(tmp_path / "out", max_bytes=5)
    assert raised.value.errno == errno.ENOSPC


def test_nothing_is_extracted_outside(fs: MemoryFS, tmp_path: Path) -> None:
    fs["d/x"] = b"guest"
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (out / "d").symlink_to(outside)
    with pytest.raises(NotADirectoryError):
        fs.extract(out)
    (out / "d").unlink()
    fs.symlink("../c", "d/l")
    fs.rename("d/l", "l")  # what it says leads out now
    with pytest.raises(PermissionError, match="leads out"):
        fs.extract(out)
    assert not any(outside.iterdir())
    assert not (out / "l").exists()


@pytest.mark.parametrize("limits", [{"max_bytes": -1}, {"max_entries": 1 << 40}])
def test_limits_are_in_range(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be from 0 to"):
        MemoryFS(**limits)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "packages"
    (root / "p").mkdir(parents=True)
    (root / "p" / "a").write_bytes(bytes(range(256)) * 300)
    (root / "b").write_bytes(b"b")
    (root / "l").symlink_to("p/a")
    (root / "out").symlink_to("/etc/passwd")
    return root


def test_files_over_a_folder(folder: Path) -> None:
    before = (folder / "p/a").read_bytes()
    fs = MemoryFS({"new": b"1"}, lower=folder, max_bytes=len(before) + 100)
    assert {**fs} == {"b": b"b", "new": b"1", "p/a": before}
    assert fs["l"] == before
    with pytest.raises(PermissionError, match="leads out"):
        fs["out"]
    untouched, fork = fs.used_bytes, fs.copy()
    assert untouched < 100, "what nobody changes counts for nothing"
    with fork.open("p/a", "r+b") as file:
        file.seek(2 * BLOCK)
        file.write(b"changed")
    assert fork["p/a"] == before[: 2 * BLOCK] + b"changed" + before[2 * BLOCK + 7 :]
    assert (fork.used_bytes, fs.used_bytes) == (untouched + len(before), untouched)
    with fork.open("p/a", "r+b") as file:
        file.truncate(BLOCK + 1)
        file.truncate(BLOCK + 5)
    assert fork["p/a"] == before[: BLOCK + 1] + bytes(4)
    fork.rename("p", "q")
    del fork["b"]
    fork["q/a"] = b""
    assert ("b" in fork, fork.exists("p"), fs["p/a"] == before) == (False, False, True)
    assert (folder / "p/a").read_bytes() == before


def test_a_folder_that_changes_below(folder: Path) -> None:
    fs = MemoryFS(lower=folder)
    used = fs.used_bytes
    (folder / "b").write_bytes(b"other")
    (folder / "p/a").unlink()
    (folder / "p/a").symlink_to("/etc/passwd")
    for path in ("b", "p/a"):
        for mode in ("rb", "r+b"):
            with pytest.raises(OSError, match="Stale") as raised, fs.open(path, mode) as file:
                file.write(b"x") if "+" in mode else file.read()
            assert raised.value.errno == errno.ESTALE
    assert fs.used_bytes == used
    fs["b"] = b"mine"
    assert (fs["b"], (folder / "b").read_bytes()) == (b"mine", b"other")


def test_what_lies_below_does_not_travel(folder: Path) -> None:
    fs = MemoryFS(lower=folder)
    with fs.open("p/a", "r+b") as file:
        file.write(b"changed")
    chunk = Contents.of(fs._tree).chunk()
    there = MemoryFS(lower=folder).going_on(chunk)
    assert {**there} == {**fs}
    assert there.used_bytes == fs.used_bytes
    with pytest.raises(SnapshotError, match="say which"):
        MemoryFS().going_on(chunk)


def test_directories_in_directories_take_one_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [0]
    step = Trail.step

    def counted(trail: Trail) -> None:
        steps[0] += 1
        step(trail)

    monkeypatch.setattr(Trail, "step", counted)
    fs = MemoryFS()
    fs.mkdir("/".join("d" * 1000), parents=True)
    assert (steps[0] < 5000, fs.used_entries) == (True, 1000)


def test_directories_that_are_missing_are_made_and_others_stay(tmp_path: Path) -> None:
    fs = MemoryFS({"a/b": b"file"})
    fs.symlink("a", "l")
    fs.symlink("nowhere", "dangling")
    fs.mkdir("l/x/../y/./z//", parents=True)
    fs.mkdir("a/y", parents=True)
    fs.mkdir("/", parents=True)
    assert sorted(fs.listdir("a")) == ["b", "x", "y"]
    assert fs.is_dir("a/y/z")
    for taken in ("a/b", "a/b/c", "dangling", "dangling/x"):
        with pytest.raises(FileExistsError):
            fs.mkdir(taken, parents=True)
    with pytest.raises(PermissionError):
        fs.mkdir("../x", parents=True)
    assert not fs.exists("nowhere")


@pytest.mark.parametrize(("old", "new"), [("d/a", "d/b"), ("d/a", "e/a"), ("d/a", "f"), ("d", "e/d"), ("g", "e")])
def test_a_rename_that_a_signal_interrupts_is_done_or_not(old: str, new: str) -> None:
    def prepared() -> tuple[MemoryFS, Callable[[], object]]:
        fs = MemoryFS({"d/a": b"text", "f": b"other"})
        fs.mkdir("e")
        fs.mkdir("g")
        return fs, lambda: fs.rename(old, new)

    def seen(fs: MemoryFS) -> tuple[str, int]:
        return repr(list(fs.walk())), fs.used_entries

    was, (done, action) = prepared()[0], prepared()
    action()
    assert seen(was) != seen(done)
    for place in interrupts.places(prepared):
        fs, action = prepared()
        interrupts.interrupted(action, place)
        assert seen(fs) in (seen(was), seen(done)), place
        assert b"text" in fs.values(), place
