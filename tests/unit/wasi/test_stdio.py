from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from arenite.wasi import WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.records import FDSTAT, FileType
from unit.wasi.program import OUT, Program


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "path", "file", "memory", "text", "callable"])
def test_sources(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one\ntwo\n")
    with (tmp_path / "in").open("rb") as file:
        pieces = [b"one\n", b"two\n"]
        stdin = {
            "bytes": b"one\ntwo\n",
            "bytearray": bytearray(b"one\ntwo\n"),
            "path": tmp_path / "in",
            "file": file,
            "memory": io.BytesIO(b"one\ntwo\n"),
            "text": io.StringIO("one\ntwo\n"),
            "callable": lambda _: pieces.pop(0) if pieces else b"",
        }[kind]
        program = Program(WasiConfig(stdin=stdin))  # type: ignore[arg-type]  # one of a mixed dict
        read = b""
        while piece := program.read(0, 3):
            read += piece
        assert read == b"one\ntwo\n"
        program.module.close()
        assert not file.closed
        os.fstat(file.fileno())


def test_nothing_is_given_unless_said() -> None:
    program = Program(WasiConfig())
    assert program.read(0) == b""
    assert program.write(1, b"gone") == 4
    assert program.write(2, b"gone") == 4
    assert program.call("fd_fdstat_get", 3, OUT) is Errno.BADF


def test_sinks(tmp_path: Path) -> None:
    collected, memory, text = bytearray(b"> "), io.BytesIO(), io.StringIO()
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before ")
        for sink in (collected, memory, text, tmp_path / "path", file):
            program = Program(WasiConfig(stdout=sink))
            assert program.write(1, b"h\xc3") == 2
            assert program.write(1, b"\xa9!") == 2
            program.module.close()
    assert collected == b"> h\xc3\xa9!"
    assert memory.getvalue() == b"h\xc3\xa9!"
    assert text.getvalue() == "hé!"
    assert (tmp_path / "path").read_bytes() == b"h\xc3\xa9!"
    assert (tmp_path / "file").read_bytes() == b"before h\xc3\xa9!"


@pytest.mark.parametrize(("taken", "told"), [(None, 5), (3, 3), (99, 5), (-1, 0)])
def test_a_callable_may_take_less(taken: int | None, told: int) -> None:
    program = Program(WasiConfig(stderr=lambda _: taken))
    assert program.write(2, b"hello") == told


def test_a_failing_callable() -> None:
    def broken(data: bytes) -> None:
        raise BrokenPipeError(32, "broken")

    def wrong(_: object) -> bytes:
        raise ZeroDivisionError

    assert Program(WasiConfig(stdout=broken)).call("fd_write", 1, b"x", OUT) is Errno.PIPE
    program = Program(WasiConfig(stdout=lambda data: len(wrong(data)), random=wrong))
    for name, arguments in (("fd_write", (1, b"x", OUT)), ("random_get", (0, 8))):
        with pytest.raises(ZeroDivisionError) as raised:
            program.call(name, *arguments)
        assert raised.tb is not None
        program.memory.append(0)  # raises BufferError if a view of the memory is kept


def test_what_is_no_stream() -> None:
    with pytest.raises(TypeError, match="standard output must be"):
        WasiConfig(stdout=3).open()  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="standard input must be"):
        WasiConfig(stdin="text").open()  # type: ignore[arg-type]


def test_a_python_stream_is_no_terminal() -> None:
    program = Program(WasiConfig(stdout=bytearray()))
    assert program.call("fd_fdstat_get", 1, OUT) is Errno.SUCCESS
    assert FDSTAT.unpack_from(program.memory, OUT)[0] == FileType.UNKNOWN


def test_another_device_is_no_terminal() -> None:
    with open(os.devnull, "r+b", buffering=0) as device:  # noqa: PTH123 (a name that systems differ in)
        program = Program(WasiConfig(stdin=device, stdout=device))
        for fd in (0, 1):
            assert program.call("fd_fdstat_get", fd, OUT) is Errno.SUCCESS
            assert FDSTAT.unpack_from(program.memory, OUT)[0] == FileType.UNKNOWN


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_a_terminal_is_one() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "wb", buffering=0) as terminal, os.fdopen(ours, "rb", buffering=0) as screen:
        program = Program(WasiConfig(stdout=terminal))
        assert program.call("fd_fdstat_get", 1, OUT) is Errno.SUCCESS
        file_type, _, rights, _ = FDSTAT.unpack_from(program.memory, OUT)
        assert file_type == FileType.CHARACTER_DEVICE
        assert not rights & (1 << 2 | 1 << 5)  # how C libraries know a terminal: it cannot seek
        program.write(1, b"hi")
        assert screen.read(2) == b"hi"


def test_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = {name: io.BytesIO(b"in" if name == "stdin" else b"") for name in ("stdin", "stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    config = WasiConfig()
    config.inherit_stdin()
    config.inherit_stdout()
    config.inherit_stderr()
    program = Program(config)
    assert program.read(0) == b"in"
    program.write(1, b"out")
    program.write(2, b"err")
    assert (streams["stdout"].getvalue(), streams["stderr"].getvalue()) == (b"out", b"err")


def test_output_of_host_and_guest_comes_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        program = Program(WasiConfig(stdout=log))
        for n in range(3):
            log.write(f"host {n} ")
            program.write(1, f"guest {n} ".encode())
    assert Path(tmp_path / "log").read_text() == "host 0 guest 0 host 1 guest 1 host 2 guest 2 "
