"""Named pipes of the host's in a directory that a guest is given: whoever opens one waits for the other end, and is stopped there."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Finished, Linker, Paused, PauseReason, Store, Trap, TrapCode, WasiConfig
from arenite.wasi.errno import Errno
from marks import EACH_TIER
from unit.machine.guests import engine, module
from unit.wasi.program import OUT, Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere opening one waits in the host")

READ, WRITE, NONBLOCK = 2, 64, 4
GUEST = r"""(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "pipe")
  (data (i32.const 8) "\00\01\00\00\04\00\00\00")
  (data (i32.const 256) "text")
  (func $opened (param $a i64) (result i32)
    (call $open
      (i32.const 3)
      (i32.const 0)
      (i32.const 0)
      (i32.const 4)
      (i32.const 0)
      (local.get $a)
      (i64.const 0)
      (i32.const 0)
      (i32.const 16)))
  (func (export "read") (result i32 i32)
    (drop (call $opened (i64.const 2)))
    (call $read (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20))
    (i32.load (i32.const 20)))
  (func (export "write") (result i32 i32)
    (drop (call $opened (i64.const 64)))
    (call $write (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20))
    (i32.load (i32.const 20))))"""


def guest(tier: str, directory: Path, **options: Any) -> tuple[Store, Any]:
    os.mkfifo(directory / "pipe")
    store = Store(engine(tier=tier, **options))
    store.set_wasi(WasiConfig(dirs={"/": directory}))
    linker = Linker(store.engine)
    linker.define_wasi()
    return store, linker.instantiate(store, module(store.engine, GUEST)).exports(store)


@EACH_TIER
def test_a_deadline_ends_the_wait_for_a_writer(tier: str, tmp_path: Path) -> None:
    store, exports = guest(tier, tmp_path)
    execution = exports["read"].start(store)
    for _ in range(2):
        outcome = execution.run(deadline=0.02)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.DEADLINE
    with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
        assert isinstance(execution.run(deadline=0.02), Paused)  # it is there, but has written nothing
        pipe.write(b"abc")
    assert execution.run(deadline=60.0) == Finished((0, 3))
    assert exports["memory"].read(store, 256, 259) == b"abc"


@EACH_TIER
def test_a_deadline_ends_the_wait_for_a_reader(tier: str, tmp_path: Path) -> None:
    store, exports = guest(tier, tmp_path)
    execution = exports["write"].start(store)
    for _ in range(2):
        outcome = execution.run(deadline=0.02)
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.DEADLINE
    with open(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:  # noqa: PTH123 (a descriptor)
        assert execution.run(deadline=60.0) == Finished((0, 4))
        assert pipe.read(100) == b"text"


@EACH_TIER
@pytest.mark.parametrize("way", ["read", "write"])
def test_an_epoch_ends_an_ordinary_call(tier: str, way: str, tmp_path: Path) -> None:
    store, exports = guest(tier, tmp_path, epoch_interruption=True)
    store.set_epoch_deadline(1)
    timer = threading.Timer(0.05, store.engine.increment_epoch)
    timer.start()
    with pytest.raises(Trap) as trap:
        exports[way](store)
    timer.join()
    assert trap.value.code is TrapCode.INTERRUPT


class Meeting(Program):
    """Somebody comes to the other end once the guest waits for it."""

    come: Callable[[], object]

    def wait(self, step: Callable[[float | None], bool], seconds: float | None = None, *, wanted: object = None) -> bool:
        threads: list[threading.Thread] = []

        def watched(limit: float | None) -> bool:
            if not threads:
                threads.append(threading.Thread(target=self.come))
                threads[0].start()
            return step(limit)

        came = super().wait(watched, seconds, wanted=wanted)
        threads[0].join()
        return came


def test_nobody_is_in_a_hurry(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = Meeting(WasiConfig(dirs={"/": tmp_path}))
    reading = program.open("pipe", rights=READ)
    program.come = lambda: (tmp_path / "pipe").write_bytes(b"hello")
    assert program.read(reading) == b"hello"
    program.come = lambda: None
    assert program.read(reading) == b""
    assert program.call("fd_close", reading) is Errno.SUCCESS
    opened: list[int] = []
    program.come = lambda: opened.append(os.open(tmp_path / "pipe", os.O_RDONLY))
    writing = program.open("pipe", rights=WRITE)
    assert program.write(writing, b"hello") == 5
    assert os.read(opened[0], 100) == b"hello"
    os.close(opened[0])


def test_a_guest_that_wants_no_waiting_has_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = Program(WasiConfig(dirs={"/": tmp_path}))
    assert program.call("path_open", 3, 0, "pipe", 0, WRITE, 0, NONBLOCK, OUT) is Errno.NXIO
    assert program.read(program.open("pipe", rights=READ, fdflags=NONBLOCK)) == b""
