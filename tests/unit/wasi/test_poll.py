from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from arenite.wasi import VirtualClocks, WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.records import EVENT, SUBSCRIPTION
from arenite.world.clocks import Clock
from unit.wasi.program import ALL, OUT, Program

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

CLOCK, READ, WRITE = 0, 1, 2
REALTIME, MONOTONIC, CPU = 0, 1, 2
MS = 10**6


def poll(program: Program, *subscriptions: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Subscriptions are (kind, clock or descriptor, timeout, flags); events (index, error, kind, bytes, flags)."""
    packed = [
        SUBSCRIPTION.pack(n, kind, subject, *(rest or (0,))[:1], 0, *rest[1:] or (0,))
        for n, (kind, subject, *rest) in enumerate(subscriptions)
    ]
    events = program.put(bytes(EVENT.size * len(subscriptions)))
    assert program.call("poll_oneoff", program.put(b"".join(packed)), events, len(subscriptions), OUT) is Errno.SUCCESS
    return [EVENT.unpack_from(program.memory, events + EVENT.size * n) for n in range(program.number())]


def test_sleep() -> None:
    start = time.monotonic_ns()
    assert poll(Program(WasiConfig()), (CLOCK, MONOTONIC, 30 * MS)) == [(0, 0, CLOCK, 0, 0)]
    assert time.monotonic_ns() - start >= 30 * MS


def test_the_first_of_several() -> None:
    program = Program(WasiConfig(clocks=VirtualClocks()))
    assert poll(program, (CLOCK, MONOTONIC, 10**12), (CLOCK, REALTIME, 10**10)) == [(1, 0, CLOCK, 0, 0)]
    assert 10**10 <= program.module.session.world.clocks.now(Clock.REALTIME) < 10**11


def test_a_point_in_time() -> None:
    program = Program(WasiConfig(clocks=VirtualClocks(start=5 * 10**9)))
    assert poll(program, (CLOCK, REALTIME, 4 * 10**9, 1), (CLOCK, REALTIME, 10**9, 0)) == [(0, 0, CLOCK, 0, 0)]


def test_the_end_of_all_time() -> None:
    program = Program(WasiConfig(clocks=VirtualClocks(start=5)))
    for _ in range(2):
        assert poll(program, (CLOCK, MONOTONIC, ALL)) == [(0, 0, CLOCK, 0, 0)]
        assert program.call("clock_time_get", REALTIME, 0, OUT) is Errno.SUCCESS
        assert program.number(wide=True) == ALL


def test_errors_are_events() -> None:
    program = Program(WasiConfig())
    assert poll(program, (READ, 77), (CLOCK, CPU, 1), (9, 0), (CLOCK, MONOTONIC, 10**15), (WRITE, 0)) == [
        (0, Errno.BADF, READ, 0, 0),
        (1, Errno.INVAL, CLOCK, 0, 0),
        (2, Errno.INVAL, 9, 0, 0),
        (4, Errno.BADF, WRITE, 0, 0),
    ]


def test_streams_never_wait() -> None:
    program = Program(WasiConfig(stdin=b"x"))
    assert poll(program, (READ, 0), (WRITE, 1), (CLOCK, MONOTONIC, 10**15)) == [(0, 0, READ, 1, 0), (1, 0, WRITE, 1, 0)]


def test_nothing_to_wait_for() -> None:
    assert Program(WasiConfig()).call("poll_oneoff", 0, 0, 0, OUT) is Errno.INVAL
    assert Program(WasiConfig()).call("poll_oneoff", 0, 0, 1 << 30, OUT) is Errno.INVAL


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors cannot be waited for")
def test_a_pipe() -> None:
    source, sink = os.pipe()
    with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=0) as writing:
        program = Program(WasiConfig(stdin=reading, stdout=writing))
        assert poll(program, (READ, 0), (CLOCK, MONOTONIC, 1 * MS)) == [(1, 0, CLOCK, 0, 0)]
        assert poll(program, (READ, 0), (WRITE, 1)) == [(1, 0, WRITE, 1, 0)]
        assert program.call("fd_fdstat_set_flags", 0, 4) is Errno.SUCCESS
        assert program.call("fd_read", 0, b"....", OUT) is Errno.AGAIN
        assert os.get_blocking(source)
        writing.write(b"abc")
        assert poll(program, (READ, 0), (CLOCK, MONOTONIC, 10**15)) == [(0, 0, READ, 3, 0)]
        assert program.read(0) == b"abc"
        writing.close()
        assert poll(program, (READ, 0)) == [(0, 0, READ, 0, 1)]


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_named_pipe_that_nobody_writes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = Program(WasiConfig(dirs={"/": tmp_path}))
    fd = program.open("pipe", rights=2 | 8 | 1 << 27, fdflags=4)
    assert program.read(fd) == b""
    with (tmp_path / "pipe").open("wb", buffering=0) as writing:
        assert program.call("fd_read", fd, b"....", OUT) is Errno.AGAIN
        writing.write(b"abc")
        assert poll(program, (READ, fd)) == [(0, 0, READ, 3, 0)]
        assert program.read(fd) == b"abc"
        descriptor = program.module.session.descriptors.find(fd, 0).resource.host_fd()
        assert descriptor is not None
        assert not os.get_blocking(descriptor)
        assert program.call("fd_fdstat_set_flags", fd, 0) is Errno.SUCCESS
        assert os.get_blocking(descriptor)


@pytest.mark.skipif(sys.platform == "win32", reason="no interval timers")
@pytest.mark.parametrize("with_pipe", [False, True])
def test_ctrl_c_while_it_sleeps(*, with_pipe: bool) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    source, sink = os.pipe()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with os.fdopen(source, "rb", buffering=0) as reading, os.fdopen(sink, "wb", buffering=0):
            program = Program(WasiConfig(stdin=reading))
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(KeyboardInterrupt):
                poll(program, (CLOCK, MONOTONIC, (1 << 64) - 1), *([(READ, 0)] if with_pipe else []))
    finally:
        signal.signal(signal.SIGALRM, before)
