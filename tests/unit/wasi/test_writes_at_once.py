"""Files of the host that wait (no O_NONBLOCK), as standard output of guests that may not: what does not fit is not waited for."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

import pytest

from arenite import Finished, Linker, Module, Paused, PauseReason, Store
from arenite.wasi import WasiConfig
from arenite.wasi.errno import Errno
from arenite.world import hostio
from arenite.world.hostio import Ready
from marks import EACH_TIER
from unit.machine.guests import engine
from unit.wasi.program import OUT, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors cannot be waited for")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="a terminal cannot be opened anew")

NONBLOCK = 4
LINES = 10_000  # empty ones, which a terminal makes two characters each of
ROUNDS = 20
GUEST = f"""(module
    (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 20)
    (data (i32.const 0) "\\00\\10\\00\\00\\00\\00\\10\\00")
    (func (export "large") (param i32) (result i32)
        (drop (call $flags (i32.const 1) (local.get 0)))
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    (func (export "lines") (result i32) (local $round i32) (local $sum i32)
        (i32.store (i32.const 4) (i32.const {LINES}))
        (memory.fill (i32.const 4096) (i32.const 10) (i32.const {LINES}))
        (loop $more
            (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (then (unreachable)))
            (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 16))))
            (local.set $round (i32.add (local.get $round) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $round) (i32.const {ROUNDS}))))
        (local.get $sum)))"""


class Reader:
    """Reads what nobody else has, but only when asked, or at the end: so that a guest that waits fails a test and does not stop it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.asked = threading.Event()
        self.late = False
        self.seen = bytearray()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self) -> None:
        self.late = not self.asked.wait(10)
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:  # a terminal whose other end is closed
                return
            if not data:
                return
            self.seen += data


@pytest.fixture
def pipe() -> Iterator[tuple[Reader, IO[bytes]]]:
    source, sink = os.pipe()
    yield from both(source, sink)


@pytest.fixture
def terminal() -> Iterator[tuple[Reader, IO[bytes]]]:
    yield from both(*os.openpty())


def both(source: int, sink: int) -> Iterator[tuple[Reader, IO[bytes]]]:
    reader = Reader(source)
    writing = os.fdopen(sink, "wb", buffering=0)
    yield reader, writing
    reader.asked.set()
    writing.close()
    reader.thread.join()
    os.close(source)


def start(tier: str, stdout: IO[bytes], name: str, *arguments: int) -> Any:
    of = engine(tier=tier)
    linker = Linker(of)
    linker.define_wasi()
    store = Store(of)
    store.set_wasi(WasiConfig(stdout=stdout))
    exports: Any = linker.instantiate(store, Module(of, GUEST)).exports(store)
    return exports[name].start(store, *arguments)


@EACH_TIER
@pytest.mark.parametrize("flags", [0, NONBLOCK])
def test_a_deadline_comes_though_nobody_reads_a_pipe(tier: str, flags: int, pipe: tuple[Reader, IO[bytes]]) -> None:
    reader, writing = pipe
    execution = start(tier, writing, "large", flags)
    outcome = execution.run(deadline=0.05)
    assert not reader.late
    assert isinstance(outcome, (Finished, Paused))
    assert os.get_blocking(writing.fileno())


@on_linux
@EACH_TIER
def test_a_deadline_comes_though_nobody_reads_a_terminal(tier: str, terminal: tuple[Reader, IO[bytes]]) -> None:
    reader, writing = terminal
    execution = start(tier, writing, "lines")
    outcome = execution.run(deadline=0.05)
    assert not reader.late
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.DEADLINE
    assert os.get_blocking(writing.fileno())
    reader.asked.set()
    outcome = execution.run(deadline=60.0)
    assert isinstance(outcome, Finished)
    writing.close()
    reader.thread.join()
    assert reader.seen == b"\r\n" * outcome.values[0]


def test_what_does_not_fit_is_told(pipe: tuple[Reader, IO[bytes]]) -> None:
    reader, writing = pipe
    program = Program(WasiConfig(stdout=writing))
    assert program.call("fd_fdstat_set_flags", 1, NONBLOCK) is Errno.SUCCESS
    data = bytes(range(200)) * 100
    written = 0
    while (outcome := program.call("fd_write", 1, data, OUT)) is Errno.SUCCESS:
        written += program.number()
        data = data[program.number() :] + data[: program.number()]
        program.free = 0x1000
    assert outcome is Errno.AGAIN
    assert not reader.late
    reader.asked.set()
    writing.close()
    reader.thread.join()
    assert reader.seen == (bytes(range(200)) * (written // 200 + 1))[:written]


@on_linux
@pytest.mark.parametrize("flags", [0, NONBLOCK])
def test_somebody_else_took_the_room(flags: int, pipe: tuple[Reader, IO[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writing = pipe
    os.set_blocking(writing.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing.fileno(), bytes(4096))
    os.set_blocking(writing.fileno(), True)
    program = Program(WasiConfig(stdout=writing))
    program.hurried = True
    assert program.call("fd_fdstat_set_flags", 1, flags) is Errno.SUCCESS
    looks = []

    def wait(*_: object) -> Ready:
        looks.append(reader.late)
        if len(looks) == 2:
            reader.asked.set()
        return Ready(writable=frozenset({writing.fileno()}))

    monkeypatch.setattr("arenite.world.hostio.wait", wait)
    assert program.call("fd_write", 1, b"x", OUT) is (Errno.AGAIN if flags else Errno.SUCCESS)
    assert not reader.late


def test_a_socket_takes_little_at_once() -> None:
    one, other = socket.socketpair()
    with one, other, os.fdopen(os.dup(one.fileno()), "wb", buffering=0) as writing:
        program = Program(WasiConfig(stdout=writing))
        assert program.call("fd_fdstat_set_flags", 1, NONBLOCK) is Errno.SUCCESS
        assert program.write(1, bytes(30_000)) <= hostio.PIPE_BUF


def test_a_file_takes_all(tmp_path: Any) -> None:
    program = Program(WasiConfig(stdout=tmp_path / "out"))
    program.hurried = True
    assert program.call("fd_fdstat_set_flags", 1, NONBLOCK) is Errno.SUCCESS
    assert program.write(1, bytes(30_000)) == 30_000


def test_what_is_not_open_for_writing_is_not_written() -> None:
    source, sink = os.pipe()
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            hostio.write_at_once(source, [memoryview(b"x")])
        assert not hostio.wait((source,), (), 0)
    finally:
        os.close(source)
        os.close(sink)


def test_the_other_end_of_a_terminal_is_not_another_terminal() -> None:
    """To open it again makes a new one."""
    near, far = os.openpty()
    try:
        assert hostio.write_at_once(near, [memoryview(b"hello\n")]) == 6
        assert hostio.wait((far,), (), 5 * 10**9)
        assert os.read(far, 100) == b"hello\n"
    finally:
        os.close(near)
        os.close(far)


def test_nothing_stays_open(pipe: tuple[Reader, IO[bytes]]) -> None:
    _, writing = pipe
    free = os.dup(writing.fileno())
    os.close(free)
    assert hostio.write_at_once(writing.fileno(), [memoryview(b"x")]) == 1
    again = os.dup(writing.fileno())
    os.close(again)
    assert again == free
