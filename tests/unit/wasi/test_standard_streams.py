"""A standard stream is read or written and nothing else, whatever the host has there: its place, size, times and flags are everyone's."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from arenite.wasi import WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.records import FDSTAT, Rights
from unit.wasi.program import OUT, Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPEND, NONBLOCK = 1, 4
OK = Errno.SUCCESS


@pytest.fixture(params=["open file", "path"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    (tmp_path / "in").write_bytes(b"input")
    if request.param == "path":
        yield Program(WasiConfig(stdin=tmp_path / "in", stdout=tmp_path / "out"))
    else:
        with (tmp_path / "in").open("rb") as reading, (tmp_path / "out").open("wb") as writing:
            yield Program(WasiConfig(stdin=reading, stdout=writing))


def test_it_has_no_places(program: Program, tmp_path: Path) -> None:
    program.write(1, b"first ")
    assert program.call("fd_pwrite", 1, b"other", 0, OUT) is Errno.SPIPE
    assert program.call("fd_pread", 0, b"....", 0, OUT) is Errno.SPIPE
    for fd in (0, 1):
        assert program.call("fd_seek", fd, 0, 0, OUT) is Errno.SPIPE
        assert program.call("fd_tell", fd, OUT) is Errno.SPIPE
        assert program.call("fd_advise", fd, 0, 0, 0) is Errno.SPIPE
        assert program.call("fd_allocate", fd, 0, 100) is Errno.SPIPE
    program.write(1, b"second")
    assert program.read(0) == b"input"
    assert (tmp_path / "out").read_bytes() == b"first second"


def test_its_size_and_times_stay(program: Program, tmp_path: Path) -> None:
    program.write(1, b"text")
    before = [(tmp_path / name).stat() for name in ("in", "out")]
    for fd in (0, 1):
        assert program.call("fd_filestat_set_size", fd, 1) is Errno.INVAL
        assert program.call("fd_filestat_set_times", fd, 10**9, 10**9, 1 | 4) is Errno.INVAL
    after = [(tmp_path / name).stat() for name in ("in", "out")]
    assert [(one.st_size, one.st_atime_ns, one.st_mtime_ns) for one in before] == [
        (one.st_size, one.st_atime_ns, one.st_mtime_ns) for one in after
    ]


def test_its_host_keeps_its_flags(program: Program) -> None:
    for fd in (0, 1):
        descriptor = program.module.session.descriptors.find(fd, 0).resource.host_fd()
        assert descriptor is not None
        before = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        assert program.call("fd_fdstat_set_flags", fd, APPEND) is Errno.NOTSUP
        assert program.call("fd_fdstat_set_flags", fd, NONBLOCK) is OK
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) == before
        assert program.call("fd_fdstat_get", fd, OUT) is OK
        assert FDSTAT.unpack_from(program.memory, OUT)[1] == NONBLOCK


def test_a_file_that_is_appended_to_is_not_cut_off(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"what was there ")
    with (tmp_path / "log").open("ab") as log:
        program = Program(WasiConfig(stdout=log))
        assert program.call("fd_filestat_set_size", 1, 0) is Errno.INVAL
        assert program.call("fd_pwrite", 1, b"X", 0, OUT) is Errno.SPIPE
        program.write(1, b"and more")
    assert (tmp_path / "log").read_bytes() == b"what was there and more"


@pytest.mark.parametrize("fd", [0, 1, 3, 4, 5])
def test_every_kind_can_be_told_not_to_wait(fd: int, tmp_path: Path) -> None:
    """As programs made with Go tell everything that they open."""
    (tmp_path / "file").touch()
    (tmp_path / "d").mkdir()
    config = WasiConfig(stdin=b"x", stdout=bytearray(), dirs={"/": tmp_path})
    program = Program(config)
    assert [program.open("file"), program.open("d", rights=int(Rights.FD_READ))] == [4, 5]
    assert program.call("fd_fdstat_set_flags", fd, NONBLOCK) is OK
    going_on = Program.going_on(config, program.module.freeze())
    for each in (program, going_on):
        assert each.call("fd_fdstat_get", fd, OUT) is OK
        assert FDSTAT.unpack_from(each.memory, OUT)[1] == NONBLOCK
    assert program.call("fd_fdstat_set_flags", fd, 0) is OK


def test_what_a_guest_opened_itself_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"text")
    program = Program(WasiConfig(stdout=tmp_path / "other", dirs={"/": tmp_path}))
    fd = program.open("out", fdflags=APPEND)
    descriptor = program.module.session.descriptors.find(fd, 0).resource.host_fd()
    assert descriptor is not None
    assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
    assert program.call("fd_fdstat_set_flags", fd, 0) is OK
    assert program.call("fd_pwrite", fd, b"n", 0, OUT) is OK
    assert program.call("fd_filestat_set_size", fd, 2) is OK
    assert (tmp_path / "out").read_bytes() == b"ne"
