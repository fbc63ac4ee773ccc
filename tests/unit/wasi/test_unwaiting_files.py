"""Files of the host that never wait (O_NONBLOCK), as standard streams: the guest asked for nothing of the kind, so it waits."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import pytest

from arenite import Engine, Finished, Instance, Linker, Module, NotReady, Paused, PauseReason, Store
from arenite.wasi import WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.records import IOVEC
from arenite.world import hostio
from arenite.world.hostio import Ready
from marks import EACH_TIER
from unit.machine.guests import engine
from unit.wasi.program import OUT, Program

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors cannot be waited for")

NONBLOCK = 4
GUEST = r"""(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\10\00\00\00\10\00\00")
  (func (export "read") (result i32)
    (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
  (func (export "write") (result i32)
    (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))"""


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    source, sink = os.pipe()
    os.set_blocking(source, False)
    os.set_blocking(sink, False)
    with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=0) as writing:
        yield reading, writing


def fill(sink: IO[bytes]) -> int:
    """So that nothing more goes into a pipe; how much that took."""
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += os.write(sink.fileno(), bytes(4096))
    return filled


Later: TypeAlias = Callable[[Callable[[], object]], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    """Has another thread do something as soon as the guest waits, which it must."""
    waiting = hostio.wait
    threads: list[threading.Thread] = []

    def begin(do: Callable[[], object]) -> None:
        def wait(readable: Collection[int], writable: Collection[int], nanoseconds: int | None) -> Ready:
            if nanoseconds != 0 and not threads:
                threads.append(thread := threading.Thread(target=do))
                thread.start()
            return waiting(readable, writable, nanoseconds)

        monkeypatch.setattr(hostio, "wait", wait)

    yield begin
    assert threads
    threads[0].join()


def test_a_read_waits(pipe: tuple[IO[bytes], IO[bytes]], later: Later) -> None:
    reading, writing = pipe
    program = Program(WasiConfig(stdin=reading))
    later(lambda: writing.write(b"hello"))
    assert program.read(0) == b"hello"
    writing.close()
    assert program.read(0) == b""


def test_a_write_waits(pipe: tuple[IO[bytes], IO[bytes]], later: Later) -> None:
    reading, writing = pipe
    program = Program(WasiConfig(stdout=writing))
    filled = fill(writing)
    later(lambda: os.read(reading.fileno(), filled))
    assert program.write(1, b"hello") == 5
    assert os.read(reading.fileno(), 10) == b"hello"


def test_what_the_host_has_buffered_waits_too(later: Later) -> None:
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=1 << 16) as writing:
        program = Program(WasiConfig(stdout=writing))
        filled = fill(writing)
        writing.write(b"host ")
        later(lambda: os.read(reading.fileno(), filled))
        assert program.write(1, b"guest") == 5
        assert os.read(reading.fileno(), 20) == b"host guest"


def test_a_guest_that_wants_no_waiting_has_none(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reading, writing = pipe
    program = Program(WasiConfig(stdin=reading, stdout=writing))
    fill(writing)
    os.read(reading.fileno(), 1 << 20)
    fill(writing)
    for fd in (0, 1):
        assert program.call("fd_fdstat_set_flags", fd, NONBLOCK) is Errno.SUCCESS
    assert program.call("fd_write", 1, b"x", OUT) is Errno.AGAIN
    os.read(reading.fileno(), 1 << 20)
    assert program.call("fd_read", 0, program.put(IOVEC.pack(0, 1)), 1, OUT) is Errno.AGAIN


def test_a_failure_of_pythons_is_none_to_wait_for() -> None:
    def broken(_: object) -> bytes:
        raise BlockingIOError(11, "later")

    program = Program(WasiConfig(stdin=broken, stdout=lambda data: len(broken(data))))
    assert program.call("fd_write", 1, b"x", OUT) is Errno.AGAIN
    assert program.call("fd_read", 0, b"x", OUT) is Errno.AGAIN


def test_somebody_else_was_faster(pipe: tuple[IO[bytes], IO[bytes]], later: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that can be paused is told that there is nothing, though there was when it was asked."""
    program = Program(WasiConfig(stdin=pipe[0]))
    program.can_pause = True
    pipe[1].write(b"x")
    reading = os.readv

    def steal(fd: int, buffers: list[memoryview]) -> int:
        os.read(fd, 100)
        return reading(fd, buffers)

    def give() -> None:
        monkeypatch.setattr(hostio, "readv", reading)
        pipe[1].write(b"y")

    monkeypatch.setattr(hostio, "readv", steal)
    later(give)
    assert program.read(0) == b"y"
    with pytest.raises(NotReady):
        program.read(0)


class Stopped(BaseException):
    """As the machine leaves a host function whose guest must stop."""


def test_a_file_that_is_always_ready_and_never_read(pipe: tuple[IO[bytes], IO[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(WasiConfig(stdin=pipe[0]))
    looks = 0

    def checkpoint() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Stopped

    monkeypatch.setattr("arenite.world.hostio.wait", lambda *_: Ready(frozenset({pipe[0].fileno()})))
    monkeypatch.setattr(program, "checkpoint", checkpoint)
    with pytest.raises(Stopped):
        program.read(0)


def guest(tier: str, config: WasiConfig, **options: Any) -> tuple[Store, Any]:
    of: Engine = engine(tier=tier, **options)
    linker = Linker(of)
    linker.define_wasi()
    store = Store(of)
    store.set_wasi(config)
    instance: Instance = linker.instantiate(store, Module(of, GUEST))
    return store, instance.exports(store)


@EACH_TIER
def test_a_read_in_an_execution_pauses(tier: str, pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    store, exports = guest(tier, WasiConfig(stdin=pipe[0]))
    execution = exports["read"].start(store)
    outcome = execution.run()
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.NOT_READY
    pipe[1].write(b"x")
    assert execution.run() == Finished((0,))


@EACH_TIER
@pytest.mark.parametrize("waits", [False, True])
def test_a_deadline_ends_a_write_that_waits(tier: str, waits: bool, pipe: tuple[IO[bytes], IO[bytes]]) -> None:  # noqa: FBT001
    reading, writing = pipe
    store, exports = guest(tier, WasiConfig(stdout=writing))
    filled = fill(writing)
    os.set_blocking(writing.fileno(), waits)
    execution = exports["write"].start(store)
    for _ in range(2):
        outcome = execution.run(deadline=0.02)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.DEADLINE
    os.read(reading.fileno(), filled)
    assert execution.run(deadline=60.0) == Finished((0,))
    written = exports["memory"].read(store, 16, 20)
    assert 0 < len(os.read(reading.fileno(), filled)) == int.from_bytes(written, "little")
