"""Standard input that has nothing to read yet."""

from __future__ import annotations

import io
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from arenite import NotReady
from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from unit.wasi.program import OUT, Program
from unit.wasi.test_poll import CLOCK, MONOTONIC, MS, READ, WRITE, poll

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from arenite.world.streams import Source

NOTHING = "^standard input has nothing to read$"
no_pipes = pytest.mark.skipif(sys.platform == "win32", reason="descriptors cannot be waited for")


def pausing(stdin: Source) -> Program:
    program = Program(WasiConfig(stdin=stdin))
    program.can_pause = True
    return program


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    source, sink = os.pipe()
    with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=0) as writing:
        yield reading, writing


@no_pipes
def test_a_pipe(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reading, writing = pipe
    program = pausing(reading)
    for _ in range(2):
        before = bytes(program.memory[:OUT])
        with pytest.raises(NotReady, match=NOTHING) as raised:
            program.read(0)
        assert raised.value.stream == "stdin"
        assert program.memory[:OUT] == before
    program.memory.append(0)  # raises BufferError if a view of the memory is kept
    assert program.read(0, 0) == b""
    writing.write(b"now")
    assert program.read(0) == b"now"
    writing.close()
    assert program.read(0) == b""


@no_pipes
def test_a_guest_that_wants_no_waiting_is_not_paused(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    program = pausing(pipe[0])
    assert program.call("fd_fdstat_set_flags", 0, 4) is Errno.SUCCESS
    assert program.call("fd_read", 0, b"....", OUT) is Errno.AGAIN


@no_pipes
def test_what_is_left_comes_before_waiting(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    before = Program(WasiConfig(stdin=lambda _: b"too much"))
    before.read(0, 4)
    program = Program.going_on(WasiConfig(stdin=pipe[0]), before.module.freeze())
    program.can_pause = True
    assert poll(program, (READ, 0)) == [(0, 0, READ, 4, 0)]
    assert program.read(0) == b"much"
    with pytest.raises(NotReady, match=NOTHING):
        program.read(0)


def test_a_callable() -> None:
    pieces = [None, b"more than that", None]
    program = pausing(lambda _: pieces.pop(0))
    with pytest.raises(NotReady, match=NOTHING):
        program.read(0)
    assert [program.read(0, 5), program.read(0)] == [b"more ", b"than that"]
    program.can_pause = False
    assert program.call("fd_read", 0, b"....", OUT) is Errno.AGAIN


@pytest.mark.parametrize("kind", ["bytes", "memory", "text", "path", "nothing"])
def test_the_end_is_always_ready(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x")
    stdin: Source = {
        "bytes": b"x",
        "memory": io.BytesIO(b"x"),
        "text": io.StringIO("x"),
        "path": tmp_path / "in",
        "nothing": None,
    }[kind]  # type: ignore[assignment]  # one of a mixed dict
    program = pausing(stdin)
    assert program.read(0) == (b"" if stdin is None else b"x")
    assert program.read(0) == b""


@no_pipes
def test_another_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = Program(WasiConfig(dirs={"/": tmp_path}))
    program.can_pause = True
    fd = program.open("pipe", rights=2 | 8 | 1 << 27, fdflags=4)
    with (tmp_path / "pipe").open("wb", buffering=0):
        assert program.call("fd_read", fd, b"....", OUT) is Errno.AGAIN
        with pytest.raises(NotReady, match=r"^none of the descriptors that the guest waits for is ready$") as raised:
            poll(program, (READ, fd))
        assert raised.value.stream is None


@no_pipes
def test_poll(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reading, writing = pipe
    clocks = VirtualClocks()
    program = Program(WasiConfig(stdin=reading, stdout=writing, clocks=clocks))
    program.can_pause = True
    with pytest.raises(NotReady, match=NOTHING) as raised:
        poll(program, (READ, 0))
    assert raised.value.stream == "stdin"
    assert clocks.passed == 0
    assert poll(program, (READ, 0), (WRITE, 1)) == [(1, 0, WRITE, 1, 0)]
    assert poll(program, (READ, 0), (READ, 77)) == [(1, Errno.BADF, READ, 0, 0)]
    writing.write(b"abc")
    assert poll(program, (READ, 0)) == [(0, 0, READ, 3, 0)]


@no_pipes
def test_poll_with_a_clock_waits(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    program = pausing(pipe[0])
    start = time.monotonic()
    assert poll(program, (READ, 0), (CLOCK, MONOTONIC, 20 * MS)) == [(1, 0, CLOCK, 0, 0)]
    assert time.monotonic() - start >= 0.02
