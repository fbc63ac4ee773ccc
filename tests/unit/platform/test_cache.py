"""The cache gives back what was put, or nothing; and says once why."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from arenite.platform import aside, cache, cache_key, folders, ours
from arenite.platform.cache import Cache, Found

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "c0ffee"
SAND: Final = [b"sand", b"", b"more sand"]


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has nothing yet, and to whom nothing was said."""
    monkeypatch.setenv("ARENITE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ARENITE_CACHE_SIZE", raising=False)
    monkeypatch.setattr(cache_key, "place", lambda: tmp_path / "data" / cache_key.NAME)
    monkeypatch.setattr(ours, "_said", set())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was said, by those who say it."""
    return lambda: [f"{r.levelname}: {r.getMessage()}" for r in caplog.records if r.name == "arenite"]


def put(pieces: list[bytes] | None = None, name: str = NAME) -> Path:
    """An entry; its file."""
    kept = Cache.usual()
    kept.put(name, SAND if pieces is None else pieces, "sand")
    return cache.entry(kept.folder, name)


def get(name: str = NAME) -> Found | None:
    return Cache.usual().get(name)


FOUND: Final = Found(tuple(SAND), proven=True)


def test_what_was_put_is_got(said: Callable[[], list[str]]) -> None:
    assert get() is None
    put([b"first"])
    put()
    assert get() == FOUND
    assert get("beef") is None
    put([], "beef")
    assert get("beef") == Found((), proven=True)
    assert said() == []


def test_the_users_cache_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARENITE_CACHE_DIR")
    assert cache.usual_folder() == folders.caches()


def test_every_damaged_byte_is_noticed_and_every_cut() -> None:
    path = put()
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert get() is None
        path.write_bytes(whole[:at])
        assert get() is None
    path.write_bytes(whole + b"\0")
    assert get() is None
    put()
    assert get() == FOUND


def test_a_damaged_entry_is_said_once(said: Callable[[], list[str]]) -> None:
    for name in (NAME, "beef"):
        put(name=name).write_bytes(b"foreign")
        assert [get(name) for _ in range(3)] == [None] * 3
    (words,) = said()
    assert words.startswith("WARNING: the cache in ")
    assert words.endswith(f"what is there is not used: {NAME}: it is no entry of this version")


def test_an_entry_under_another_name_is_refused() -> None:
    path = put()
    path.rename(cache.entry(path.parent, "beef"))
    assert get("beef") is None


def test_pieces_cannot_be_cut_otherwise() -> None:
    """Their borders are under the digest as well."""
    path = put([b"ab", b"c"])
    whole = path.read_bytes()
    before, after = (struct.pack("<QQ", *sizes) for sizes in ((2, 1), (1, 2)))
    assert whole.count(before) == 1
    path.write_bytes(whole.replace(before, after))
    assert get() is None


def test_an_entry_of_another_key_is_refused_and_made_again(said: Callable[[], list[str]]) -> None:
    put()
    cache_key.place().write_bytes(bytes(cache_key.SIZE))
    assert get() is None
    assert "another key" in said()[0]
    put()
    assert get() == FOUND


def test_the_key_is_the_users_secret_and_stays(tmp_path: Path) -> None:
    put()
    place = cache_key.place()
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    key = place.read_bytes()
    assert len(set(key)) > 8
    put()
    assert place.read_bytes() == key
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert place.parent == tmp_path / "data"


def test_the_key_lies_outside_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not cache_key.place().is_relative_to(cache.usual_folder())


def _loose(place: Path) -> None:
    place.chmod(0o640)


def _short(place: Path) -> None:
    place.write_bytes(b"short")


def _linked(place: Path) -> None:
    place.rename(place.with_name("elsewhere"))
    place.symlink_to("elsewhere")


def _folder(place: Path) -> None:
    place.unlink()
    place.mkdir()


def _in_an_open_folder(place: Path) -> None:
    place.parent.chmod(0o777)


@pytest.mark.parametrize("spoil", [_loose, _short, _linked, _folder, _in_an_open_folder])
def test_a_key_that_is_not_the_users_alone_proves_nothing(spoil: Callable[[Path], None], said: Callable[[], list[str]]) -> None:
    put()
    spoil(cache_key.place())
    assert get() is None  # what was written with it
    put()
    assert get() == Found(tuple(SAND), proven=False)
    assert cache.get(NAME) is None  # machine code would run as the user
    assert len([words for words in said() if "the key of the cache" in words]) == 1
    assert Cache.usual().key_state().startswith("not used: ")


def test_a_key_inside_the_cache_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_key, "place", lambda: folder / "deep" / cache_key.NAME)
    put()
    assert get() == Found(tuple(SAND), proven=False)
    assert not (folder / "deep").exists()


def test_without_a_place_for_a_key_machine_code_is_not_kept(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file where the folder should be")
    cache.put(NAME, b"sand")
    assert not folder.exists()


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702])
def test_a_folder_that_others_can_write_is_not_used(folder: Path, mode: int, said: Callable[[], list[str]]) -> None:
    path = put()
    folder.chmod(mode)
    assert get() is None
    path.unlink()
    put()
    assert not path.exists()
    assert [words.rpartition(": ")[2] for words in said()] == ["others can write to it"] * 2
    folder.chmod(0o755)
    put()
    assert get() == FOUND


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_an_entry_that_others_can_write_is_not_used(mode: int) -> None:
    put().chmod(mode)
    assert get() is None


@pytest.mark.parametrize("what", ["folder", "entry", "key"])
def test_what_belongs_to_somebody_else_is_not_used(what: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"folder": folder, "entry": put(), "key": cache_key.place()}[what].stat()
    real = ours.check

    def check(info: os.stat_result) -> None:
        if os.path.samestat(info, theirs):
            values = list(info)
            values[4] = os.geteuid() + 1  # st_uid
            info = os.stat_result(values)
        real(info)

    monkeypatch.setattr(ours, "check", check)
    found = get()
    assert found is None
    assert Cache.usual().state() == ("not used: it belongs to somebody else" if what == "folder" else "used")
    assert Cache.usual().key_state() == ("not used: it belongs to somebody else" if what == "key" else "used")


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
    cache.entry(folder, NAME).mkdir(parents=True)
    gc.collect()  # what earlier tests have left may go now, and not in between
    before = open_files()
    assert [cache.get(NAME) for _ in range(20)] == [None] * 20
    assert open_files() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "dangling link", "device", "empty"])
def test_what_is_no_file_is_not_there_and_nobody_waits(folder: Path, kind: str) -> None:
    put(name="beef")
    path, other = put(), folder / "other"
    path.replace(other)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")
    else:
        path.symlink_to({"link": other, "dangling link": folder / "none", "device": Path("/dev/zero")}[kind])
    asked = threading.Thread(target=lambda: found.extend(get() for _ in range(20)), daemon=True)
    gc.collect()  # what earlier tests have left may go now, and not in between
    before = open_files()
    found: list[Found | None] = []
    asked.start()
    asked.join(10)
    assert found == [None] * 20
    assert open_files() == before
    put()
    assert get() == (None if kind == "folder" else FOUND)
    assert other.read_bytes()  # nothing was written through a link


def test_a_huge_file_is_not_read(folder: Path, said: Callable[[], list[str]]) -> None:
    path = put()
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert get() is None
    assert said()[0].endswith(f"it has {1 << 40} bytes")
    put()
    assert get() == FOUND
    assert [path] == list(folder.iterdir())


def test_a_huge_size_in_a_small_file_takes_no_memory() -> None:
    path = put()
    head = cache.HEAD.pack(cache.MAGIC, 1, bytes(32))
    path.write_bytes(head + (1 << 62).to_bytes(8, "little"))
    assert get() is None
    path.write_bytes(cache.HEAD.pack(cache.MAGIC, 0xFFFFFFFF, bytes(32)))
    assert get() is None


def test_a_folder_that_cannot_be_made_is_no_error(folder: Path, said: Callable[[], list[str]]) -> None:
    folder.write_bytes(b"a file where the folder should be")
    put()
    assert get() is None
    assert [words.startswith("WARNING: the cache in") for words in said()] == [True] * len(said())


def refused(number: int) -> Callable[..., None]:
    """A call of the system's that fails."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def refusing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have every file aside be refused by the system, as it does not refuse root."""
    monkeypatch.setattr(aside, "create", refused(number))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_read_only_folder_is_read(number: int, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]) -> None:
    put()
    refusing(monkeypatch, number)
    monkeypatch.setattr(cache, "FRESH", -1)
    monkeypatch.setattr(os, "utime", refused(number))
    for name in ("beef", "feed"):
        put(name=name)
        assert get(name) is None
    assert get() == FOUND
    assert [words.rpartition(": ")[2] for words in said()] == [os.strerror(number)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]) -> None:
    put([b"before"])
    real = aside.create

    def create(path: Path, mode: int = 0o666) -> tuple[int, Path]:
        fd, new = real(path, mode)
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, fd)
        os.close(full)
        return fd, new

    monkeypatch.setattr(aside, "create", create)
    gc.collect()  # what earlier tests have left may go now, and not in between
    before = open_files()
    put([bytes(1 << 20)])
    put([b"small"])
    assert open_files() == before
    assert get() == Found((b"before",), proven=True)
    assert [path.name for path in folder.iterdir()] == [NAME + cache.ENDING]
    assert [words.rpartition(": ")[2] for words in said()] == [os.strerror(errno.ENOSPC)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_exception_in_the_middle_leaves_nothing(
    folder: Path, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    put([b"before"])

    def replace(_self: Path, _to: object) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", replace)
    gc.collect()  # what earlier tests have left may go now, and not in between
    before = open_files()
    with pytest.raises(error):
        put()
    assert open_files() == before
    assert [path.name for path in folder.iterdir()] == [NAME + cache.ENDING]


def test_a_failed_rename_leaves_nothing(folder: Path) -> None:
    path = cache.entry(folder, NAME)
    path.mkdir(parents=True)  # a rename onto a folder fails
    put()
    assert list(folder.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from arenite.platform import cache_key
from arenite.platform.cache import Cache
cache_key.place = lambda: Path(sys.argv[2]) / "cache.key"
cache = Cache(Path(sys.argv[1]), 1 << 30)
pieces = [bytes([i]) * (1 << 16) for i in range(int(sys.argv[3]))]
sys.stdin.readline()
for n in range(200):
    cache.put("c0ffee", pieces, "sand")
    found = cache.get("c0ffee")
    assert found is not None and found.proven and all(p == p[:1] * (1 << 16) for p in found.pieces), found
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from arenite.platform import aside, cache_key
from arenite.platform.cache import Cache
cache_key.place = lambda: Path(sys.argv[2]) / "cache.key"
def replace(self, to):
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = replace
Cache(Path(sys.argv[1]), 1 << 30).put("beef", [bytes(1 << 16)], "sand")
"""


def process(program: str, *arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)


def test_processes_that_begin_together_agree_on_a_key_and_write_whole_entries(folder: Path, tmp_path: Path) -> None:
    writers = [process(WRITER, folder, tmp_path / "data", size) for size in (1, 5, 9)]
    put(name="beef")  # so that they have a key already: which of three is the last is not said
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, words = writer.communicate()
        assert (writer.returncode, words) == (0, "")
    found = get()
    assert found is not None
    assert len(found.pieces) in {1, 5, 9}
    assert sorted(path.name for path in folder.iterdir()) == ["beef" + cache.ENDING, NAME + cache.ENDING]


@pytest.mark.skipif(not aside.HAS_LOCKS, reason="without locks nobody can tell")
def test_what_a_killed_writer_leaves_goes_with_the_next_entry(folder: Path, tmp_path: Path) -> None:
    put()  # and the key
    killed = process(KILLED, folder, tmp_path / "data")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert len(list(folder.glob(".beef*.part"))) == 1
    assert get("beef") is None
    put(name="feed")
    assert not list(folder.glob(".*"))
    assert get() == FOUND


def age(folder: Path) -> None:
    """Have entries be older."""
    for path in folder.iterdir():
        info = path.stat()
        os.utime(path, (info.st_atime - 10_000, info.st_mtime - 10_000))


def test_what_was_used_least_recently_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENITE_CACHE_SIZE", "40000")
    for name in ("aa", "bb", "cc"):
        put([bytes(10_000)], name)
        age(folder)
    assert get("aa") is not None  # the oldest, and used now
    (folder / "README").write_bytes(bytes(100_000))  # somebody's file is neither counted nor removed
    (folder / "abcdef").write_bytes(b"")
    put([bytes(10_000)], "dd")
    assert {path.stem for path in folder.glob("*.entry")} == {"aa", "cc", "dd"}
    assert (folder / "README").exists()
    assert (folder / "abcdef").exists()


def test_an_entry_that_is_larger_than_all_may_be_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENITE_CACHE_SIZE", "40000")
    put()
    put([bytes(40_000)], "beef")
    assert [path.name for path in folder.iterdir()] == [NAME + cache.ENDING]


def test_a_cache_of_no_size_is_off(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]) -> None:
    path = put()
    monkeypatch.setenv("ARENITE_CACHE_SIZE", "0")
    assert get() is None
    put(name="beef")
    cache.put("feed", b"sand")
    assert list(folder.iterdir()) == [path]
    assert said() == []


def test_a_size_that_is_no_number_is_said(monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]) -> None:
    monkeypatch.setenv("ARENITE_CACHE_SIZE", "1G")
    assert cache.usual_size() == cache.MOST
    assert said() == [f"WARNING: ARENITE_CACHE_SIZE is '1G'; expected a number of bytes: the cache may have {cache.MOST}"]


def test_a_size_of_many_digits_is_no_number_of_bytes(monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]) -> None:
    """Python refuses to make a number of some thousands."""
    monkeypatch.setenv("ARENITE_CACHE_SIZE", "9" * 5000)
    assert cache.usual_size() == cache.MOST
    assert said()[0].startswith("WARNING: ARENITE_CACHE_SIZE is '999")


def test_a_folder_that_is_a_link_to_itself_is_no_error(folder: Path, said: Callable[[], list[str]]) -> None:
    folder.symlink_to(folder)
    put()
    assert get() is None
    assert [words.startswith("WARNING: the cache in") for words in said()] == [True] * 2


def test_it_lists_and_clears_what_is_its_own(folder: Path) -> None:
    assert Cache.usual().clear() == 0
    assert Cache.usual().state() == Cache.usual().key_state() == "made at first use"
    before = time.time()
    path = put()
    (folder / "README").write_bytes(b"somebody's")
    (folder / f"beef{cache.ENDING}").write_bytes(b"foreign")
    listed = {file.path.stem: file for file in Cache.usual().listed()}
    assert set(listed) == {NAME, "beef"}
    assert listed[NAME][:2] == (path, path.stat().st_size)
    assert before - 2 <= listed[NAME].used <= time.time() + 2
    assert (listed[NAME].label, listed["beef"].label) == ("sand", "")
    assert Cache.usual().clear() == listed[NAME].size + len(b"foreign")
    assert [found.name for found in folder.iterdir()] == ["README"]
    assert Cache.usual().state() == Cache.usual().key_state() == "used"


def test_nothing_is_said_where_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    put()
    get()
    assert caplog.records == []
