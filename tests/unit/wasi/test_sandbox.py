"""No path leaves its directory, with directory descriptors and without."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from arenite.wasi import WasiConfig
from arenite.wasi.errno import Errno
from arenite.world import hostio, sandbox
from arenite.world.host_place import HostPlace
from released import OPEN, open_files
from unit.wasi import chain
from unit.wasi.program import DATA, OUT, Program

if TYPE_CHECKING:
    from pathlib import Path

CREATE = 1
ESCAPES = [
    "/etc/passwd",
    "..",
    "../secret",
    "dir/../../secret",
    "dir/../../inside/file",
    "dir/up/secret",
    "up",
    "up/",
    "up/secret",
    "far",
    "far/passwd",
    "chain",
    "dir/back/../../secret",
    "./././../secret",
]


@pytest.fixture(params=["by descriptor", "by path"])
def inside(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hostio, "HAS_DIR_FD", request.param == "by descriptor")
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "inside"
    (root / "dir").mkdir(parents=True)
    (root / "file").write_text("file")
    (root / "dir" / "file").write_text("deep")
    (root / "up").symlink_to("..")
    (root / "dir" / "up").symlink_to("../..")
    (root / "dir" / "back").symlink_to("..")
    (root / "far").symlink_to("/etc")
    (root / "chain").symlink_to("dir/up/secret")
    (root / "link").symlink_to("dir/file")
    (root / "loop").symlink_to("loop")
    (root / "slashed").symlink_to("file/")
    return root


by_descriptor = pytest.mark.parametrize("inside", ["by descriptor"], indirect=True)


@pytest.fixture
def program(inside: Path) -> Program:
    return Program(WasiConfig(dirs={"/": inside}))


@pytest.mark.parametrize("path", ESCAPES)
def test_escape(path: str, program: Program, inside: Path) -> None:
    before = sorted(os.walk(inside.parent))
    assert program.open_errno(path) is Errno.PERM
    assert program.open_errno(path, oflags=CREATE, rights=64) is Errno.PERM
    assert program.call("path_filestat_get", 3, 1, path, OUT) is Errno.PERM
    assert program.call("path_link", 3, 1, path, 3, "stolen") is Errno.PERM
    assert program.call("path_filestat_set_times", 3, 1, path, 0, 0, 1) is Errno.PERM
    assert sorted(os.walk(inside.parent)) == before


@pytest.mark.parametrize("path", ["../new", "up/new", "dir/up/new", "/new", "far/new"])
def test_escape_by_creating(path: str, program: Program, inside: Path) -> None:
    before = sorted(os.walk(inside.parent))
    assert program.call("path_create_directory", 3, path) is Errno.PERM
    assert program.call("path_symlink", "file", 3, path) is Errno.PERM
    assert program.call("path_rename", 3, "file", 3, path) is Errno.PERM
    assert program.call("path_rename", 3, path, 3, "mine") is Errno.PERM
    assert program.call("path_link", 3, 0, "file", 3, path) is Errno.PERM
    assert program.call("path_unlink_file", 3, path) is Errno.PERM
    assert program.call("path_remove_directory", 3, path) is Errno.PERM
    assert sorted(os.walk(inside.parent)) == before


@pytest.mark.parametrize(
    ("text", "where", "errno"),
    [
        ("/etc/passwd", "made", Errno.PERM),
        ("/", "dir/made", Errno.PERM),
        ("../secret", "made", Errno.PERM),
        ("..", "made", Errno.PERM),
        ("./.././", "made", Errno.PERM),
        ("dir/../../secret", "made", Errno.PERM),
        ("../../secret", "dir/made", Errno.PERM),
        ("../../secret", "dir/back/made", Errno.PERM),
        ("link/../secret", "dir/made", Errno.PERM),  # behind a link `..` leads anywhere
        ("later/../../secret", "dir/made", Errno.PERM),  # and what is none yet may become one
        ("file", "made", Errno.SUCCESS),
        ("nothing/at/all", "made", Errno.SUCCESS),
        (".", "made", Errno.SUCCESS),
        ("...", "made", Errno.SUCCESS),
        ("..", "dir/made", Errno.SUCCESS),
        (".././file", "dir/made", Errno.SUCCESS),
        ("../file", "dir/../dir/made", Errno.SUCCESS),
    ],
)
def test_no_link_is_made_that_leads_out(text: str, where: str, errno: Errno, program: Program, inside: Path) -> None:
    assert program.call("path_symlink", text, 3, where) is errno
    assert (inside / where).is_symlink() == (errno is Errno.SUCCESS)


def test_a_link_may_lead_out_of_a_directory_that_the_guest_opened(program: Program, inside: Path) -> None:
    fd = program.open("dir", oflags=2, rights=0)
    assert program.call("path_symlink", "../../secret", fd, "made") is Errno.PERM
    assert program.call("path_symlink", "../file", fd, "made") is Errno.SUCCESS
    assert (inside / "dir/made").read_text() == "file"
    assert program.open_errno("made", fd=fd) is Errno.PERM
    assert program.read(program.open("dir/made")) == b"file"


@by_descriptor
def test_where_a_directory_was_does_not_help_a_link(program: Program, inside: Path) -> None:
    (inside / "dir/deep").mkdir()
    fd = program.open("dir/deep", oflags=2, rights=0)
    assert program.call("path_rename", 3, "dir/deep", 3, "shallow") is Errno.SUCCESS
    assert program.call("path_symlink", "../../secret", fd, "made") is Errno.PERM
    assert program.call("path_create_directory", fd, "more") is Errno.SUCCESS
    assert program.call("path_symlink", "../file", fd, "more/made") is Errno.SUCCESS
    assert not (inside / "shallow/made").is_symlink()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("file", b"file"),
        ("dir/file", b"deep"),
        ("dir/../file", b"file"),
        ("link", b"deep"),
        ("dir/back/file", b"file"),
        ("./dir//./file", b"deep"),
    ],
)
def test_inside(path: str, content: bytes, program: Program) -> None:
    assert program.read(program.open(path, rights=2)) == content


def test_a_directory_inside_is_a_border_of_its_own(program: Program) -> None:
    fd = program.open("dir", oflags=2, rights=1 << 13)
    assert program.open_errno("file", fd=fd) is Errno.SUCCESS
    assert program.open_errno("../file", fd=fd) is Errno.PERM
    assert program.open_errno("back/file", fd=fd) is Errno.PERM


def test_links(program: Program) -> None:
    assert program.open_errno("loop") is Errno.LOOP
    assert program.open_errno("link", lookup=0) is Errno.LOOP
    assert program.open_errno("file/x") is Errno.NOTDIR
    assert program.open_errno("file/") is Errno.NOTDIR
    assert program.open_errno("file/.") is Errno.NOTDIR
    assert program.open_errno("slashed") is Errno.NOTDIR  # whoever says so, a file is no directory
    assert program.call("path_filestat_get", 3, 1, "slashed", OUT) is Errno.NOTDIR
    assert program.call("path_filestat_get", 3, 0, "slashed", OUT) is Errno.SUCCESS
    assert program.open_errno("nothing/x") is Errno.NOENT
    assert program.open_errno("") is Errno.NOENT


@pytest.mark.parametrize("path", ["dir/.", "dir/..", ".", "dir/deep/../."])
def test_dots_name_nothing(path: str, program: Program, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the host is not asked to remove or rename it: some take the dots away first."""
    for name in ("rmdir", "replace"):
        monkeypatch.setattr(os, name, lambda *_, **__: pytest.fail("the host was asked"))
    (inside / "dir/deep").mkdir()
    assert program.call("path_remove_directory", 3, path) is Errno.INVAL
    assert program.call("path_rename", 3, path, 3, "new") is Errno.BUSY
    assert program.call("path_rename", 3, "dir", 3, path) is Errno.BUSY


@pytest.mark.parametrize(("path", "errno"), [(b"a\0b", Errno.INVAL), (b"\xff", Errno.ILSEQ), (b"a" * 5000, Errno.NAMETOOLONG)])
def test_what_is_no_path(path: bytes, errno: Errno, program: Program) -> None:
    assert program.call("path_create_directory", 3, program.put(path), len(path)) is errno


@pytest.mark.skipif(not hostio.HAS_DIR_FD, reason="this host has no directory descriptors")
def test_a_directory_swapped_for_a_link_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    opening = HostPlace.child

    def swap_then_open(place: HostPlace, name: str) -> HostPlace:
        if name == "dir" and not (root / "dir").is_symlink():
            (root / "dir").rmdir()
            (root / "dir").symlink_to("..")
        return opening(place, name)

    monkeypatch.setattr(HostPlace, "child", swap_then_open)
    program = Program(WasiConfig(dirs={"/": root}))
    assert program.open_errno("dir/secret") is Errno.PERM


@pytest.mark.skipif(not hostio.HAS_DIR_FD, reason="this host has no directory descriptors")
def test_a_file_swapped_for_a_link_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_text("file")
    reading = HostPlace.link

    def read_then_swap(place: HostPlace, name: str) -> str | None:
        found = reading(place, name)
        (root / "file").unlink()
        (root / "file").symlink_to("../secret")
        return found

    monkeypatch.setattr(HostPlace, "link", read_then_swap)
    program = Program(WasiConfig(dirs={"/": root}))
    assert program.open_errno("file") is Errno.LOOP


@pytest.mark.skipif(not OPEN.is_dir(), reason="nowhere to count descriptors")
def test_no_descriptor_is_left_open(program: Program) -> None:
    before = open_files()
    for path in [*ESCAPES, "dir/nothing", "link", "dir/../dir/back/dir/nothing"]:
        program.call("path_filestat_get", 3, 1, path, OUT)
    assert open_files() == before


@by_descriptor
@pytest.mark.skipif(not OPEN.is_dir(), reason="nowhere to count descriptors")
def test_a_long_walk_keeps_few_directories_open(program: Program, inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain.make(inside, "d", 1000, "f")
    opening = HostPlace.child
    opened: list[int] = []

    def count(place: HostPlace, name: str) -> HostPlace:
        opened.append(len(list(OPEN.iterdir())))
        return opening(place, name)

    with chain.removed(inside, "d"):
        for path in ("d/" * 1000 + "f", "d/" * 1000 + "../" * 200 + "d/" * 200 + "f", "d/" * 800 + "../" * 800 + "file"):
            assert program.call("path_filestat_get", 3, 0, path, OUT) is Errno.SUCCESS
            program.free = DATA
        monkeypatch.setattr(HostPlace, "child", count)
        assert program.call("path_filestat_get", 3, 0, "d/" * 1000 + "f", OUT) is Errno.SUCCESS
        assert max(opened) <= opened[0] + sandbox.MOST_OPEN
        assert program.call("path_create_directory", 3, "d/" * 999 + "e") is Errno.SUCCESS
        (inside / ("d/" * 999 + "e")).rmdir()


@by_descriptor
def test_a_walk_takes_a_bounded_number_of_steps(program: Program, inside: Path) -> None:
    for link in range(sandbox.MOST_LINKS):
        (inside / f"walk{link}").symlink_to("dir/../" * 500 + (f"walk{link + 1}" if link + 1 < sandbox.MOST_LINKS else "file"))
    assert program.open_errno("walk39") is Errno.SUCCESS
    assert program.open_errno("walk0") is Errno.NAMETOOLONG


@by_descriptor
def test_back_through_directories_that_were_moved_meanwhile(
    program: Program, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not kept open is walked to again, from the first directory on, so it is inside or not found."""
    monkeypatch.setattr(sandbox, "MOST_OPEN", 1)
    (inside / "a/b/c").mkdir(parents=True)
    leaving = sandbox.Trail.leave

    def move_then_leave(trail: sandbox.Trail) -> None:
        if (inside / "a/b").exists():
            (inside / "a/b").rename(inside.parent / "b")
            (inside / "a/b").symlink_to("../..")
        leaving(trail)

    monkeypatch.setattr(sandbox.Trail, "leave", move_then_leave)
    assert program.open_errno("a/b/c/../secret") in {Errno.NOTDIR, Errno.LOOP}


def test_other_systems_paths() -> None:
    assert all(sandbox.foreign(path) for path in ("a\\..\\b", "C:x"))
    assert not sandbox.foreign("a.b-c")
