"""Every function on every kind of descriptor, beside wasmtime's own WASI; every path, beside the kernel.

What differs is in `DIFFERENCES`, with the reason; a difference that is none any more fails as well.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from arenite.wasi.errno import Errno
from arenite.wasi.errno import of as errno_of
from marks import EACH_TIER
from wasi.passthrough import ALL, OUT, Guest

if TYPE_CHECKING:
    from collections.abc import Callable

READ, WRITE = 2, 64
CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
APPEND, NONBLOCK, SYNC = 1, 4, 16
NO_WRITE = ALL & ~WRITE

KINDS: dict[str, Callable[[Guest], int]] = {
    "nothing": lambda _: 77,
    "stdin": lambda _: 0,
    "stdout": lambda _: 1,
    "preopen": lambda _: 3,
    "directory": lambda g: g.opened("sub", rights=NO_WRITE),
    "file": lambda g: g.opened("file"),
    "file to read": lambda g: g.opened("file", rights=READ),
    "file to write": lambda g: g.opened("file", rights=WRITE),
    "file for nothing": lambda g: g.opened("file", rights=0),
    "file to append": lambda g: g.opened("file", fdflags=APPEND),
    "preopen ro": lambda _: 4,
    "directory ro": lambda g: g.opened("sub", fd=4, rights=NO_WRITE),
    "file ro": lambda g: g.opened("file", fd=4, rights=NO_WRITE),
}
STREAMS = {"stdin", "stdout"}
DIRECTORIES = {"preopen", "directory", "preopen ro", "directory ro"}
READ_ONLY = {"preopen ro", "directory ro", "file ro"}
FILES = {kind for kind in KINDS if kind.startswith("file")}

CALLS: dict[str, Callable[[Guest, int], Errno]] = {
    "advise": lambda g, fd: g.call("fd_advise", fd, 0, 1, 0),
    "allocate": lambda g, fd: g.call("fd_allocate", fd, 0, 10),
    "datasync": lambda g, fd: g.call("fd_datasync", fd),
    "sync": lambda g, fd: g.call("fd_sync", fd),
    "fdstat": lambda g, fd: g.call("fd_fdstat_get", fd, OUT),
    "no flags": lambda g, fd: g.call("fd_fdstat_set_flags", fd, 0),
    "append": lambda g, fd: g.call("fd_fdstat_set_flags", fd, APPEND),
    "nonblock": lambda g, fd: g.call("fd_fdstat_set_flags", fd, NONBLOCK),
    "sync flag": lambda g, fd: g.call("fd_fdstat_set_flags", fd, SYNC),
    "no rights": lambda g, fd: g.call("fd_fdstat_set_rights", fd, 0, 0),
    "all rights": lambda g, fd: g.call("fd_fdstat_set_rights", fd, ALL, ALL),
    "filestat": lambda g, fd: g.call("fd_filestat_get", fd, OUT),
    "set size": lambda g, fd: g.call("fd_filestat_set_size", fd, 3),
    "set times": lambda g, fd: g.call("fd_filestat_set_times", fd, 10**9, 10**9, 5),
    "pread": lambda g, fd: g.call("fd_pread", fd, b"....", 0, OUT),
    "pwrite": lambda g, fd: g.call("fd_pwrite", fd, b"ab", 0, OUT),
    "read": lambda g, fd: g.call("fd_read", fd, b"....", OUT),
    "write": lambda g, fd: g.call("fd_write", fd, b"ab", OUT),
    "prestat": lambda g, fd: g.call("fd_prestat_get", fd, OUT),
    "prestat name": lambda g, fd: g.call("fd_prestat_dir_name", fd, OUT, 3),
    "readdir": lambda g, fd: g.call("fd_readdir", fd, OUT + 8, 200, 0, OUT),
    "renumber": lambda g, fd: g.call("fd_renumber", fd, 2),
    "renumber to it": lambda g, fd: g.call("fd_renumber", 2, fd),
    "renumber to nothing": lambda g, fd: g.call("fd_renumber", fd, 99),
    "seek": lambda g, fd: g.call("fd_seek", fd, 0, 0, OUT),
    "tell": lambda g, fd: g.call("fd_tell", fd, OUT),
    "close": lambda g, fd: g.call("fd_close", fd),
    "mkdir": lambda g, fd: g.call("path_create_directory", fd, "new"),
    "stat": lambda g, fd: g.call("path_filestat_get", fd, 0, "x", OUT),
    "path times": lambda g, fd: g.call("path_filestat_set_times", fd, 0, "empty", 0, 0, 5),
    "link": lambda g, fd: g.call("path_link", fd, 0, "file", fd, "new"),
    "open": lambda g, fd: g.open("x", fd=fd, rights=READ),
    "open to write": lambda g, fd: g.open("file", fd=fd, rights=WRITE),
    "open a new file": lambda g, fd: g.open("new", fd=fd, oflags=CREAT),
    "readlink": lambda g, fd: g.call("path_readlink", fd, "link", OUT + 8, 100, OUT),
    "rmdir": lambda g, fd: g.call("path_remove_directory", fd, "empty"),
    "rename": lambda g, fd: g.call("path_rename", fd, "file", fd, "new"),
    "symlink": lambda g, fd: g.call("path_symlink", "file", fd, "new"),
    "unlink": lambda g, fd: g.call("path_unlink_file", fd, "file"),
}
FLAGS = {"no flags", "append", "nonblock", "sync flag"}
RIGHTS = {"no rights", "all rights"}


@dataclass(frozen=True, eq=False)
class Difference:
    """Where wasmtime gives `theirs` (any of several), and arenite one of `ours`, and why."""

    why: str
    calls: set[str]
    kinds: set[str]
    theirs: set[str]
    ours: set[str]

    def covers(self, call: str, kind: str, theirs: Errno, ours: Errno) -> bool:
        return call in self.calls and kind in self.kinds and theirs.name in self.theirs and ours.name in self.ours


EVERY = set(CALLS)
DIFFERENCES = (
    Difference(
        "the directory is called one, as POSIX does: a bad descriptor is one that is not there",
        EVERY - RIGHTS - FLAGS - {"sync", "datasync"},
        DIRECTORIES,
        {"BADF"},
        {"ISDIR"},
    ),
    Difference("what is no directory is called so, as POSIX does", EVERY - RIGHTS, STREAMS | FILES, {"BADF"}, {"NOTDIR"}),
    Difference(
        "as a file system that is mounted to read only says it", EVERY - RIGHTS, READ_ONLY, {"PERM", "BADF", "NOTSUP"}, {"ROFS"}
    ),
    Difference("streams have no places, as POSIX says it", {"advise", "allocate"}, STREAMS, {"BADF"}, {"SPIPE"}),
    Difference("streams have no size and times of the guest's", {"set size", "set times"}, STREAMS, {"BADF"}, {"INVAL"}),
    Difference("what can be synchronised is", {"sync", "datasync"}, STREAMS | DIRECTORIES, {"BADF"}, {"SUCCESS"}),
    Difference("everything can be told not to wait", {"no flags", "nonblock"}, STREAMS | DIRECTORIES, {"BADF"}, {"SUCCESS"}),
    Difference(
        "the other flags are not those of streams and directories",
        {"append", "sync flag"},
        STREAMS | DIRECTORIES,
        {"BADF"},
        {"NOTSUP"},
    ),
    Difference(
        "how writes are synchronised is decided at opening; the suite wants NOTSUP", {"sync flag"}, FILES, {"INVAL"}, {"NOTSUP"}
    ),
    Difference("wasmtime has given room on the disk up", {"allocate"}, FILES, {"NOTSUP"}, {"SUCCESS", "BADF"}),
    Difference("rights can be given up", {"no rights"}, STREAMS | DIRECTORIES | FILES, {"NOTSUP", "BADF"}, {"SUCCESS"}),
    Difference("rights cannot be won", {"all rights"}, STREAMS | DIRECTORIES | FILES, {"NOTSUP", "BADF"}, {"NOTCAPABLE"}),
    Difference(
        "a guest asks one after the other until it is BADF",
        {"prestat name"},
        STREAMS | FILES | {"directory", "directory ro"},
        {"NOTDIR"},
        {"BADF"},
    ),
)


def world(folder: Path) -> Path:
    root = folder / "root"
    for directory in ("sub", "empty"):
        (root / directory).mkdir(parents=True)
    (folder / "in").write_text("some input")
    (root / "file").write_text("hello")
    (root / "sub/x").write_text("x")
    for name, text in LINKS.items():
        (root / name).symlink_to(text)
    return root


LINKS = {
    "link": "file",
    "to-sub": "sub",
    "dangling": "nowhere",
    "slashed": "file/",  # a file is no directory, whoever says so
    "sub/up": "..",
    "sub/out": "../..",
}
Answers: TypeAlias = dict[tuple[str, str], Errno]


@functools.cache
def answers(engine: str) -> Answers:
    """Of every call on every kind, each in a new guest and a new world."""
    found = {}
    for call, made in CALLS.items():
        for kind, opened in KINDS.items():
            with tempfile.TemporaryDirectory() as folder:
                world(Path(folder))
                guest = Guest(engine, Path(folder))
                found[call, kind] = made(guest, opened(guest))
    return found


@EACH_TIER
def test_every_function_on_every_kind_of_descriptor(tier: str) -> None:
    outside, own = answers("wasmtime"), answers(tier)
    differing = {case for case in own if own[case] is not outside[case]}
    explained = {one: {case for case in differing if one.covers(*case, outside[case], own[case])} for one in DIFFERENCES}
    unexplained = differing.difference(*explained.values())
    assert {case: (outside[case].name, own[case].name) for case in unexplained} == {}
    assert [one.why for one, cases in explained.items() if not cases] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nothing"])
def test_what_a_descriptor_shows_it_can(kind: str, tmp_path: Path) -> None:
    """Rights as `fd_fdstat_get` tells them, and what is refused, are one thing: a right that is missing fails on both engines."""
    world(tmp_path)
    own, outside = Guest("threaded", tmp_path), Guest("wasmtime", tmp_path)
    shown, theirs = own.rights(KINDS[kind](own)), outside.rights(KINDS[kind](outside))
    for right, call in {READ: "read", WRITE: "write"}.items():
        assert bool(shown & right) == (answers("threaded")[call, kind] is Errno.SUCCESS)
        if kind not in DIRECTORIES:
            assert bool(theirs & right) == bool(shown & right)


PATHS = [
    *(
        "file",
        "file/",
        "file/.",
        "file/..",
        "file/x",
        "sub",
        "sub/",
        "sub/.",
        "sub/..",
        "sub//x",
        ".",
        "./",
        "empty",
        "empty/",
        "empty/.",
    ),
    *(
        "to-sub",
        "to-sub/",
        "to-sub/.",
        "to-sub/x",
        "to-sub/../file",
        "link",
        "link/",
        "slashed",
        "slashed/",
        "dangling",
        "dangling/",
    ),
    *("dangling/.", "nope", "nope/", "nope/.", "nope/x", "sub/up", "sub/up/", "sub/up/file", ""),
]
LEADING_OUT = ["..", "../", "sub/../..", "/", "/etc/passwd", "sub/out/x", "sub/up/../x", "./../root/file"]


rename, symlink = os.rename, os.symlink  # pathlib's drop slashes and dots


def opening(rights: int, host: int, oflags: int = 0) -> tuple[Callable[[Guest, str], Errno], Callable[[str], object]]:
    return lambda g, p: g.open(p, rights=rights, oflags=oflags), lambda p: os.close(os.open(p, host))


OPERATIONS: dict[str, tuple[Callable[[Guest, str], Errno], Callable[[str], object]]] = {
    "stat": (lambda g, p: g.call("path_filestat_get", 3, 1, p, OUT), os.stat),
    "lstat": (lambda g, p: g.call("path_filestat_get", 3, 0, p, OUT), os.lstat),
    "set times": (
        lambda g, p: g.call("path_filestat_set_times", 3, 0, p, 0, 0, 5),
        lambda p: os.utime(p, (0, 0), follow_symlinks=False),
    ),
    "open to read": opening(READ, os.O_RDONLY),
    "open to write": opening(WRITE, os.O_WRONLY),
    "open both": opening(READ | WRITE, os.O_RDWR),
    "open a directory": opening(0, os.O_DIRECTORY, DIRECTORY),
    "open a directory to write": opening(WRITE, os.O_DIRECTORY | os.O_WRONLY, DIRECTORY),
    "open no link": (
        lambda g, p: g.open(p, rights=READ, follow=0),
        lambda p: os.close(os.open(p, os.O_NOFOLLOW)),
    ),
    "create": opening(READ | WRITE, os.O_RDWR | os.O_CREAT, CREAT),
    "create to read": opening(READ, os.O_RDONLY | os.O_CREAT, CREAT),
    "create a new one": opening(READ, os.O_RDONLY | os.O_CREAT | os.O_EXCL, CREAT | EXCL),
    "cut off": opening(WRITE, os.O_WRONLY | os.O_TRUNC, TRUNC),
    "mkdir": (lambda g, p: g.call("path_create_directory", 3, p), os.mkdir),
    "rmdir": (lambda g, p: g.call("path_remove_directory", 3, p), os.rmdir),
    "unlink": (lambda g, p: g.call("path_unlink_file", 3, p), os.unlink),
    "readlink": (lambda g, p: g.call("path_readlink", 3, p, OUT + 8, 50, OUT), os.readlink),
    "rename": (lambda g, p: g.call("path_rename", 3, p, 3, "new"), lambda p: rename(p, "new")),
    "rename to a directory": (lambda g, p: g.call("path_rename", 3, p, 3, "new/"), lambda p: rename(p, "new/")),
    "rename a file to it": (lambda g, p: g.call("path_rename", 3, "file", 3, p), lambda p: rename("file", p)),
    "rename a directory to it": (lambda g, p: g.call("path_rename", 3, "sub", 3, p), lambda p: rename("sub", p)),
    "link": (lambda g, p: g.call("path_link", 3, 0, p, 3, "new"), lambda p: os.link(p, "new", follow_symlinks=False)),
    "link to it": (lambda g, p: g.call("path_link", 3, 0, "file", 3, p), lambda p: os.link("file", p)),
    "symlink": (lambda g, p: g.call("path_symlink", "file", 3, p), lambda p: symlink("file", p)),
}


def tree(root: Path) -> list[tuple[str, str]]:
    """Every name, and what is there."""
    return sorted(
        (str(path.relative_to(root)), "link" if path.is_symlink() else "directory" if path.is_dir() else path.read_text())
        for path in root.rglob("*")
    )


def by_kernel(operation: Callable[[str], object], path: str, root: Path) -> Errno:
    before = Path.cwd()
    os.chdir(root)
    try:
        operation(path)
    except OSError as error:
        return errno_of(error)
    finally:
        os.chdir(before)
    return Errno.SUCCESS


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels answer otherwise")
@pytest.mark.parametrize("name", OPERATIONS)
def test_paths_are_answered_as_the_kernel_answers_them(name: str, tmp_path: Path) -> None:
    by_guest, by_host = OPERATIONS[name]
    mine, its = tmp_path / "mine", tmp_path / "kernel"
    untouched, guest = None, None
    for path in PATHS:
        if guest is None or tree(mine / "root") != untouched:  # the last one changed something
            shutil.rmtree(mine, ignore_errors=True)
            shutil.rmtree(its, ignore_errors=True)
            world(its)
            untouched = tree(world(mine))
            guest = Guest("threaded", mine)
        found, told = by_guest(guest, path), by_kernel(by_host, path, its / "root")
        if (name, path) == ("rmdir", "sub/.."):
            assert (found, told) == (Errno.INVAL, Errno.NOTEMPTY)  # it is named by dots only, like "sub/."
            continue
        assert (path, found.name) == (path, told.name)
        assert tree(mine / "root") == tree(its / "root")


@pytest.mark.parametrize("engine", ["threaded", "wasmtime"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_leads_out_is_refused_by_both(name: str, engine: str, tmp_path: Path) -> None:
    root = world(tmp_path)
    before = tree(root)
    for path in LEADING_OUT:
        assert (path, OPERATIONS[name][0](Guest(engine, tmp_path), path)) == (path, Errno.PERM)
    assert tree(root) == before
