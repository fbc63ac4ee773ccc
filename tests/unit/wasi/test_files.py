from __future__ import annotations

import itertools
import os
import sys
from typing import TYPE_CHECKING

import pytest

from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.preview1 import MODULE
from arenite.wasi.records import DIRENT, FDSTAT, IOVEC, FileType, Rights
from arenite.wasi.travel import MOST_DESCRIPTORS
from arenite.world import hostio
from arenite.world.directories import Directory
from arenite.world.host_place import MOST_KEPT, HostListing
from unit.wasi.program import ALL, DATA, OUT, Program

if TYPE_CHECKING:
    from pathlib import Path

OK = Errno.SUCCESS
CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
APPEND, NONBLOCK, SYNC = 1, 4, 16
READ, WRITE = int(Rights.FD_READ), int(Rights.FD_WRITE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"hello")
    (tmp_path / "d").mkdir()
    return tmp_path


@pytest.fixture
def program(root: Path) -> Program:
    return Program(WasiConfig(dirs={"/": root}, clocks=VirtualClocks(start=10**18)))


def fdstat(program: Program, fd: int) -> tuple[int, ...]:
    assert program.call("fd_fdstat_get", fd, OUT) is OK
    return FDSTAT.unpack_from(program.memory, OUT)


@pytest.fixture
def reader(root: Path) -> Program:
    return Program(WasiConfig(dirs={"/": (root, "ro")}))


def test_read_write_seek(program: Program, root: Path) -> None:
    fd = program.open("a")
    assert program.read(fd, 2) == b"he"
    assert program.call("fd_tell", fd, OUT) is OK
    assert program.number(wide=True) == 2
    assert program.write(fd, b"LL") == 2
    assert program.call("fd_seek", fd, -3, 1, OUT) is OK
    assert program.number(wide=True) == 1
    assert program.read(fd) == b"eLLo"
    assert program.read(fd) == b""
    assert (root / "a").read_bytes() == b"heLLo"
    assert program.call("fd_seek", fd, -6, 2, OUT) is Errno.INVAL
    assert program.call("fd_seek", fd, 0, 3, OUT) is Errno.INVAL


def test_vectors(program: Program) -> None:
    fd = program.open("a")
    at = program.put(bytes(16))
    vector = program.put(IOVEC.pack(at, 2) + IOVEC.pack(0xFFFFFFFF, 0) + IOVEC.pack(at + 8, 8))
    assert program.call("fd_read", fd, vector, 3, OUT) is OK
    assert program.number() == 5
    assert program.memory[at : at + 11] == b"he\0\0\0\0\0\0llo"


def test_positions_of_their_own(program: Program, root: Path) -> None:
    fd = program.open("a")
    assert program.call("fd_pwrite", fd, b"J", 0, OUT) is OK
    buffer = program.put(bytes(8))
    assert program.call("fd_pread", fd, program.put(IOVEC.pack(buffer, 3)), 1, 2, OUT) is OK
    assert program.memory[buffer : buffer + 3] == b"llo"
    assert program.read(fd) == b"Jello"
    assert program.call("fd_pwrite", fd, b"x", 1 << 63, OUT) is Errno.INVAL


def test_open_flags(program: Program, root: Path) -> None:
    assert program.open_errno("new") is Errno.NOENT
    program.open("new", oflags=CREAT)
    assert program.open_errno("new", oflags=CREAT | EXCL) is Errno.EXIST
    assert program.open_errno("new", oflags=DIRECTORY) is Errno.NOTDIR
    assert program.open_errno("new", oflags=DIRECTORY | CREAT) is Errno.INVAL
    assert program.open_errno("new", oflags=64) is Errno.INVAL
    assert program.open_errno("d", rights=WRITE) is Errno.ISDIR
    program.open("a", oflags=TRUNC, rights=0)
    assert (root / "a").read_bytes() == b""


def test_append(program: Program, root: Path) -> None:
    fd = program.open("a", fdflags=APPEND)
    program.write(fd, b"1")
    assert program.call("fd_fdstat_set_flags", fd, 0) is OK
    assert program.call("fd_seek", fd, 0, 0, OUT) is OK
    program.write(fd, b"2")
    assert program.call("fd_fdstat_set_flags", fd, APPEND) is OK
    program.write(fd, b"3")
    assert (root / "a").read_bytes() == b"2ello13"
    assert program.call("fd_fdstat_get", fd, OUT) is OK
    assert FDSTAT.unpack_from(program.memory, OUT)[1] == APPEND
    assert program.call("fd_fdstat_set_flags", fd, SYNC) is Errno.NOTSUP


def test_lowest_number_is_given(program: Program) -> None:
    assert [program.open("a"), program.open("a"), program.open("a")] == [4, 5, 6]
    assert program.call("fd_close", 5) is OK
    assert program.call("fd_close", 5) is Errno.BADF
    assert program.open("a") == 5


def test_descriptors_are_bounded(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostio, "most_descriptors", lambda: 1 << 20)
    codes = [program.open_errno("a") for _ in range(MOST_DESCRIPTORS)]
    assert codes == [OK] * (MOST_DESCRIPTORS - 4) + [Errno.MFILE] * 4
    program.module.close()


@pytest.mark.parametrize(("most", "opened"), [(10, 6), (3, 0), (1 << 20, 30)])
def test_a_guest_may_be_given_fewer(root: Path, most: int, opened: int) -> None:
    guest = Program(WasiConfig(dirs={"/": root}, max_descriptors=most))
    assert [guest.open_errno("a") for _ in range(30)] == [OK] * opened + [Errno.MFILE] * (30 - opened)
    guest.module.close()


def test_one_guest_leaves_others_some(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostio, "most_descriptors", lambda: 800)
    codes = [program.open_errno("a") for _ in range(210)]
    assert codes == [OK] * (200 - 4) + [Errno.MFILE] * 14
    program.module.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is not ours to set")
def test_guests_leave_their_host_some(program: Program, root: Path) -> None:
    """However many guests there are, and whatever they open: files, directories, directories that they read, walks."""
    import resource  # noqa: PLC0415 - POSIX alone has it

    def last_number() -> int:
        """The lowest that is free."""
        os.close(free := os.dup(0))
        return free

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    (root / "d/e/f").mkdir(parents=True)
    guests = [Program(WasiConfig(dirs={"/": root})) for _ in range(12)]
    limit = 512 + last_number()  # others of this process have some open, too
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
        for guest in guests:
            while guest.open_errno("d", rights=READ) is OK:
                if guest.call("fd_readdir", guest.number(), OUT + 8, 100, 0, OUT) is Errno.MFILE:
                    break
                guest.free = DATA
        assert last_number() == limit - hostio.RESERVED
        last = guests[-1]
        last.free = DATA
        assert last.call("fd_readdir", 3, OUT + 8, 100, 0, OUT) is Errno.MFILE
        assert last.open_errno("new", oflags=CREAT) is Errno.MFILE
        assert last.call("path_filestat_get", 3, 0, "d/e/f", OUT) is Errno.MFILE
        assert last.call("path_filestat_get", 3, 0, "a", OUT) is OK  # needs none
        assert not (root / "new").exists()
        mine = [os.open(root, os.O_RDONLY) for _ in range(hostio.RESERVED // 2)]
        for fd in mine:
            os.close(fd)
        for guest in guests[:6]:
            guest.module.close()
        assert last.call("path_filestat_get", 3, 0, "d/e/f", OUT) is OK
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for guest in guests:
            guest.module.close()


def test_renumber(program: Program) -> None:
    one, other = program.open("a"), program.open("d", rights=ALL & ~WRITE)
    assert program.call("fd_renumber", one, other) is OK
    assert program.read(other) == b"hello"
    assert program.call("fd_tell", one, OUT) is Errno.BADF
    assert program.call("fd_renumber", other, 77) is Errno.BADF
    assert program.call("fd_renumber", other, other) is OK
    assert program.read(other) == b""


def test_rights(program: Program) -> None:
    fd = program.open("a", rights=READ)
    assert program.read(fd) == b"hello"
    assert program.call("fd_write", fd, b"x", OUT) is Errno.BADF
    assert program.call("fd_fdstat_set_rights", fd, READ | WRITE, 0) is Errno.NOTCAPABLE
    assert program.call("fd_fdstat_set_rights", fd, READ, 0) is OK
    assert program.call("fd_seek", fd, 0, 0, OUT) is Errno.NOTCAPABLE
    assert program.call("fd_fdstat_set_rights", fd, 0, 0) is OK
    assert program.call("fd_read", fd, b"x", OUT) is Errno.BADF
    assert program.call("fd_fdstat_set_rights", 3, int(Rights.PATH_OPEN), WRITE) is OK
    assert program.open_errno("new", oflags=CREAT) is Errno.NOTCAPABLE
    assert program.call("fd_read", program.open("a"), b"x", OUT) is Errno.BADF


def test_no_rights_are_won(program: Program) -> None:
    """Neither those of a descriptor nor those that it passes on, each asked for alone."""
    assert program.call("fd_fdstat_set_rights", 3, int(Rights.PATH_OPEN), READ) is OK
    before = fdstat(program, 3)
    assert program.call("fd_fdstat_set_rights", 3, int(Rights.PATH_OPEN | Rights.PATH_SYMLINK), READ) is Errno.NOTCAPABLE
    assert program.call("fd_fdstat_set_rights", 3, int(Rights.PATH_OPEN), READ | WRITE) is Errno.NOTCAPABLE
    assert fdstat(program, 3) == before
    assert program.call("fd_write", program.open("a"), b"x", OUT) is Errno.BADF


@pytest.mark.parametrize(
    ("asked", "read", "write"), [(READ, OK, Errno.BADF), (WRITE, Errno.BADF, OK), (READ | WRITE, OK, OK), (0, OK, Errno.BADF)]
)
def test_a_file_can_do_all_but_what_it_was_not_opened_for(asked: int, read: Errno, write: Errno, program: Program) -> None:
    fd = program.open("a", rights=asked)
    assert program.call("fd_read", fd, b"..", OUT) is read
    assert program.call("fd_pread", fd, b"..", 0, OUT) is read
    assert program.call("fd_write", fd, b"x", OUT) is write
    assert program.call("fd_pwrite", fd, b"x", 0, OUT) is write
    assert program.call("fd_seek", fd, 0, 0, OUT) is OK
    assert program.call("fd_tell", fd, OUT) is OK
    assert program.call("fd_filestat_get", fd, OUT) is OK
    assert program.call("fd_filestat_set_times", fd, 0, 0, 1) is OK
    assert program.call("fd_datasync", fd) is OK
    assert program.call("fd_advise", fd, 0, 0, 0) is OK
    assert program.call("fd_filestat_set_size", fd, 3) is (OK if write is OK else Errno.INVAL)


def test_a_directory_passes_on_what_it_has(program: Program) -> None:
    """Whatever masks it was opened with: programs in the field pass masks that lack what they do then."""
    assert program.call("path_open", 3, 0, "d", DIRECTORY, 0, 0, 0, OUT) is OK
    fd = program.number()
    assert fdstat(program, fd)[2:] == fdstat(program, 3)[2:]
    assert program.call("path_create_directory", fd, "e") is OK
    program.write(program.open("e/new", fd=fd, oflags=CREAT, rights=WRITE), b"x")
    assert program.names(fd) == [".", "..", "e"]


def test_rights_of_a_read_only_directory_are_shown(reader: Program) -> None:
    """It is seen without what it refuses; what it passes on is whole, so that a program asks for what it wants, and is told `ROFS`."""
    inner = reader.open("d", rights=READ)
    refused = int(Rights.PATH_CREATE_FILE | Rights.PATH_SYMLINK | Rights.PATH_UNLINK_FILE | Rights.FD_FILESTAT_SET_TIMES)
    for fd in (3, inner):
        _, _, rights, inheriting = fdstat(reader, fd)
        assert not rights & refused
        assert rights & int(Rights.PATH_OPEN)
        assert rights & int(Rights.FD_READDIR)
        assert inheriting & WRITE
    _, _, rights, _ = fdstat(reader, reader.open("a", rights=READ))
    assert not rights & int(Rights.FD_WRITE | Rights.FD_FILESTAT_SET_SIZE | Rights.FD_FILESTAT_SET_TIMES)
    assert rights & int(Rights.FD_SEEK)


def test_the_wrong_kind(program: Program) -> None:
    assert program.call("fd_read", 3, b"x", OUT) is Errno.ISDIR
    assert program.call("fd_seek", 3, 0, 0, OUT) is Errno.ISDIR
    assert program.call("path_create_directory", program.open("a"), "x") is Errno.NOTDIR
    assert program.call("fd_seek", 1, 0, 0, OUT) is Errno.SPIPE
    assert program.call("fd_read", 1, b"x", OUT) is Errno.BADF
    assert program.call("sock_shutdown", 3, 3) is Errno.NOTSOCK
    assert program.call("sock_shutdown", 30, 3) is Errno.BADF


def test_read_only(reader: Program, root: Path) -> None:
    before = sorted(os.walk(root))
    fd = reader.open("a", rights=READ | int(Rights.FD_FILESTAT_SET_TIMES))
    assert reader.read(fd) == b"hello"
    for path, oflags, rights in [("a", 0, WRITE), ("a", TRUNC, 0), ("n", CREAT, READ)]:
        assert reader.open_errno(path, oflags=oflags, rights=rights) is Errno.ROFS
    assert reader.open_errno("missing/n", rights=WRITE) is Errno.ROFS  # said before the path is looked at
    assert reader.call("fd_filestat_set_times", fd, 0, 0, 1) is Errno.ROFS
    changes: list[tuple[str, tuple[int | str, ...]]] = [
        ("path_create_directory", (3, "n")),
        ("path_unlink_file", (3, "a")),
        ("path_remove_directory", (3, "d")),
        ("path_rename", (3, "a", 3, "n")),
        ("path_link", (3, 0, "a", 3, "n")),
        ("path_symlink", ("a", 3, "n")),
        ("path_filestat_set_times", (3, 0, "a", 0, 0, 1)),
    ]
    inner = reader.open("d", rights=ALL & ~WRITE)
    for name, arguments in changes:
        assert reader.call(name, *arguments) is Errno.ROFS
        assert reader.call(name, *(inner if argument == 3 else argument for argument in arguments)) is Errno.ROFS
    assert sorted(os.walk(root)) == before
    assert (root / "a").read_bytes() == b"hello"


def test_a_read_only_file_gets_no_writable_name(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    program = Program(WasiConfig(dirs={"/ro": (root, "ro"), "/rw": scratch}))
    assert program.call("path_link", 3, 0, "a", 4, "mine") is Errno.ROFS
    assert program.call("path_rename", 3, "a", 4, "mine") is Errno.ROFS
    assert list(scratch.iterdir()) == []
    assert program.call("fd_datasync", program.open("a", rights=READ | int(Rights.FD_DATASYNC))) is OK


def test_filestat(program: Program, root: Path) -> None:
    told = (root / "a").stat()
    assert program.call("path_filestat_get", 3, 0, "a", OUT) is OK
    assert program.filestat() == (
        told.st_dev,
        told.st_ino,
        FileType.REGULAR_FILE,
        1,
        5,
        told.st_atime_ns,
        told.st_mtime_ns,
        told.st_ctime_ns,
    )
    by_path = program.filestat()
    assert program.call("fd_filestat_get", program.open("a"), OUT) is OK
    assert program.filestat() == by_path
    assert program.call("fd_filestat_get", 3, OUT) is OK
    assert program.filestat()[2] == FileType.DIRECTORY


@pytest.mark.parametrize("by_path", [False, True])
def test_times(*, by_path: bool, program: Program, root: Path) -> None:
    fd = program.open("a")

    def set_times(*arguments: int) -> Errno:
        return (
            program.call("path_filestat_set_times", 3, 0, "a", *arguments)
            if by_path
            else program.call("fd_filestat_set_times", fd, *arguments)
        )

    assert set_times(10**9 + 1, 2 * 10**9 + 2, 1 | 4) is OK
    assert (root / "a").stat().st_mtime_ns == 2 * 10**9 + 2
    assert set_times(3 * 10**9, 9, 1) is OK
    assert ((root / "a").stat().st_atime_ns, (root / "a").stat().st_mtime_ns) == (3 * 10**9, 2 * 10**9 + 2)
    assert set_times(0, 0, 8) is OK
    assert (root / "a").stat().st_mtime_ns // 10**9 == 10**9
    assert set_times(0, 0, 1 | 2) is Errno.INVAL
    assert set_times(0, 0, 4 | 8) is Errno.INVAL


def test_size(program: Program, root: Path) -> None:
    fd = program.open("a")
    assert program.call("fd_filestat_set_size", fd, 2) is OK
    assert program.call("fd_filestat_set_size", fd, 1 << 63) is Errno.INVAL
    assert (root / "a").read_bytes() == b"he"
    assert program.call("fd_allocate", fd, 0, 10) in {OK, Errno.NOTSUP}
    assert program.call("fd_allocate", fd, 0, 0) is Errno.INVAL
    assert program.call("fd_allocate", fd, (1 << 63) - 1, 2) is Errno.INVAL
    assert program.call("fd_advise", fd, 0, 0, 5) is OK
    assert program.call("fd_advise", fd, 0, 0, 6) is Errno.INVAL
    assert program.call("fd_sync", fd) is OK
    assert program.call("fd_datasync", fd) is OK


@pytest.mark.parametrize("size", [24 + 255, 300, 4096])
def test_readdir(size: int, program: Program, root: Path) -> None:
    names = {f"name-{n:03}" for n in range(100)}
    for name in names:
        (root / "d" / name).touch()
    fd = program.open("d", rights=ALL & ~WRITE)
    assert set(program.names(fd, size)) == {".", ".."} | names
    (root / "d" / "name-000").unlink()
    assert "name-000" not in program.names(fd, size)
    assert program.call("fd_readdir", fd, 0, 100, ALL, OUT) is OK
    assert program.number() == 0


def test_every_entry_has_an_inode(program: Program, root: Path) -> None:
    """Where it is 0 wasi-libc asks for it, and stops reading when `..` is refused."""
    (root / "d" / "x").touch()
    inode = (root / "d").stat().st_ino
    fd = program.open("d", rights=ALL & ~WRITE)
    assert sorted(program.entries(fd)) == [
        (".", inode),
        ("..", inode),
        *sorted((p.name, p.stat().st_ino) for p in (root / "d").iterdir()),
    ]


def test_readdir_from_an_earlier_cookie(program: Program, root: Path) -> None:
    for n in range(20):
        (root / "d" / f"name-{n:03}").touch()
    fd = program.open("d", rights=ALL & ~WRITE)
    everything = program.names(fd)
    for cookie in (20, 3, 10, 0, 7):
        buffer = program.put(bytes(64))
        assert program.call("fd_readdir", fd, buffer, 64, cookie, OUT) is OK
        following, _, length, _ = DIRENT.unpack_from(program.memory, buffer)
        assert following == cookie + 1
        assert program.memory[buffer + 24 : buffer + 24 + length].decode() == everything[cookie]


def test_a_listing_keeps_few_entries(program: Program, root: Path) -> None:
    """However much of a directory a guest reads at once, in however many descriptors."""
    for n in range(3 * MOST_KEPT):
        (root / "d" / f"{n}").touch()
    fd = program.open("d", rights=READ)
    buffer, names = program.put(bytes(40 * 4 * MOST_KEPT)), program.names(fd, 300)
    for size, cookie in ((40 * 4 * MOST_KEPT, 0), (40, 3 * MOST_KEPT), (40, 2 * MOST_KEPT), (40 * 2 * MOST_KEPT, 5), (40, 3)):
        assert program.call("fd_readdir", fd, buffer, size, cookie, OUT) is OK
        following, _, length, _ = DIRENT.unpack_from(program.memory, buffer)
        assert following == cookie + 1
        assert program.memory[buffer + DIRENT.size : buffer + DIRENT.size + length].decode() == names[cookie]
        directory = program.module.session.descriptors.find(fd, 0).resource
        assert isinstance(directory, Directory)
        assert isinstance(directory.listing, HostListing)
        assert len(directory.listing.kept) <= MOST_KEPT + 1


class Stopped(BaseException):
    """As the machine leaves a host function whose guest must stop."""


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("cookie", [0, 700])
def test_a_long_listing_is_stopped_and_goes_on(
    *, elsewhere: bool, cookie: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1000):
        (root / "d" / f"name-{n:03}").touch()
    config = WasiConfig(dirs={"/": root})
    program = Program(config)
    fd = program.open("d", rights=ALL & ~WRITE)
    size = 1000 * 40
    whole = program.names(fd, size)
    found = program.module.function(MODULE, "fd_readdir")
    assert found is not None
    buffer = program.put(bytes(size))
    looks = itertools.count()
    monkeypatch.setattr("arenite.wasi.fd.ENTRIES", 4)

    def checkpoint() -> None:
        if next(looks) % 90 == 0:
            raise Stopped

    program.progress = 0
    for stops in range(100):
        monkeypatch.setattr(program, "checkpoint", checkpoint)
        try:
            assert found[1](program, fd, buffer, size, cookie, OUT) == 0
        except Stopped:
            if elsewhere and stops == 1:
                other = Program.going_on(config, program.module.freeze())
                other.memory, other.progress = program.memory, program.progress
                program.module.close()
                program = other
        else:
            break
    assert 3 < stops < 99
    used, at, names = program.number(), buffer, []
    while at < buffer + used:
        following, _, length, _ = DIRENT.unpack_from(program.memory, at)
        names.append(program.memory[at + DIRENT.size : at + DIRENT.size + length].decode())
        at += DIRENT.size + length
    assert following == 1002
    assert names == whole[cookie:]


def test_names_that_go_while_they_are_read(program: Program, root: Path) -> None:
    for n in range(500):
        (root / "d" / f"name-{n:03}").touch()
    fd = program.open("d", rights=ALL & ~WRITE)
    cookie, buffer = 0, program.put(bytes(400))
    while True:
        assert program.call("fd_readdir", fd, buffer, 400, cookie, OUT) is OK
        used, at = program.number(), 0
        while at + DIRENT.size <= used:
            following, _, length, _ = DIRENT.unpack_from(program.memory, buffer + at)
            at += DIRENT.size + length
            if at <= used:
                cookie = following
                name = program.memory[buffer + at - length : buffer + at].decode()
                if not name.startswith("."):
                    (root / "d" / name).unlink()
        if used < 400:
            break
    assert list((root / "d").iterdir()) == []


def test_names_and_links(program: Program, root: Path) -> None:
    assert program.call("path_symlink", "a", 3, "s") is OK
    buffer = program.put(bytes(8))
    assert program.call("path_readlink", 3, "s", buffer, 8, OUT) is OK
    assert bytes(program.memory[buffer : buffer + program.number()]) == b"a"
    assert program.call("path_readlink", 3, "a", buffer, 8, OUT) is Errno.INVAL
    assert program.call("path_link", 3, 0, "a", 3, "b") is OK
    assert (root / "b").stat().st_nlink == 2
    assert program.call("path_link", 3, 1, "s", 3, "c") is OK
    assert not (root / "c").is_symlink()
    assert program.call("path_rename", 3, "b", 3, "d/b") is OK
    assert program.call("path_rename", 3, "d/b", 3, "x/") is Errno.NOTDIR
    assert program.call("path_rename", 3, "d", 3, "e/") is OK
    assert program.call("path_remove_directory", 3, "e") is Errno.NOTEMPTY
    assert program.call("path_unlink_file", 3, "e") is Errno.ISDIR
    assert program.call("path_unlink_file", 3, "e/b/") is Errno.NOTDIR
    assert program.call("path_unlink_file", 3, "e/b") is OK
    assert program.call("path_remove_directory", 3, "s") is Errno.NOTDIR
    assert program.call("path_remove_directory", 3, "e/") is OK
    assert sorted(path.name for path in root.iterdir()) == ["a", "c", "s"]


def test_preopens(root: Path) -> None:
    program = Program(WasiConfig(dirs={"/data": root, "x": (root / "d", "ro")}))
    assert program.call("fd_prestat_get", 3, OUT) is OK
    assert program.memory[OUT : OUT + 8] == b"\0\0\0\0\5\0\0\0"
    buffer = program.put(bytes(8))
    assert program.call("fd_prestat_dir_name", 3, buffer, 5) is OK
    assert program.memory[buffer : buffer + 6] == b"/data\0"
    assert program.call("fd_prestat_dir_name", 3, buffer, 4) is Errno.NAMETOOLONG
    assert program.call("fd_prestat_get", 4, OUT) is OK
    assert program.call("fd_prestat_get", 5, OUT) is Errno.BADF
    assert program.call("fd_prestat_get", 0, OUT) is Errno.BADF


def test_without_directory_descriptors(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostio, "HAS_DIR_FD", False)
    program = Program(WasiConfig(dirs={"/": root}))
    fd = program.open("d", rights=ALL & ~WRITE)
    assert program.open_errno("d", rights=WRITE) is Errno.ISDIR
    assert program.open_errno("a", oflags=DIRECTORY) is Errno.NOTDIR
    program.open("new", fd=fd, oflags=CREAT)
    assert program.names(fd) == [".", "..", "new"]
    assert program.call("fd_filestat_set_times", fd, 10**9, 10**9, 5) is OK
    assert (root / "d").stat().st_mtime_ns == 10**9
    assert program.call("fd_sync", fd) is OK
    assert program.call("path_rename", fd, "new", 3, "moved") is OK
    assert program.call("path_link", 3, 0, "moved", fd, "again") is OK
    assert program.call("path_filestat_get", fd, 0, "again", OUT) is OK
    assert program.call("path_unlink_file", 3, "moved") is OK
    assert sorted(path.name for path in root.iterdir()) == ["a", "d"]
