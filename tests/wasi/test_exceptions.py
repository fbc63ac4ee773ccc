"""What a host's side raises during a guest's call reaches whoever called the guest, and leaves a store that can be closed."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Exit, Func, Linker, Module, Store, WasiConfig
from arenite.wasi import SystemClocks
from tiers import TIERS

if TYPE_CHECKING:
    from types import FrameType

    from arenite.config import TierName
    from arenite.world.hostio import Ready

WRITES = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00hi")
  (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))"""
SLEEPS = """(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 3_600_000_000_000))
    (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"""
EXITS = """(module
  (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (call $exit (i32.const 7))))"""


@pytest.fixture(params=TIERS)
def engine(request: pytest.FixtureRequest) -> Engine:
    tier: TierName = request.param
    return Engine(Config(tier=tier))


def run(engine: Engine, text: str, config: WasiConfig) -> None:
    linker = Linker(engine)
    linker.define_wasi()
    with Store(engine) as store:
        store.set_wasi(config)
        start = linker.instantiate(store, Module(engine, text)).exports(store)["_start"]
        assert isinstance(start, Func)
        start(store)


def test_a_sink_that_raises(engine: Engine) -> None:
    def take(data: bytes) -> None:
        raise ZeroDivisionError(data)

    with pytest.raises(ZeroDivisionError) as raised:
        run(engine, WRITES, WasiConfig(stdout=take))
    assert raised.value.args == (b"hi",)


def test_exit(engine: Engine) -> None:
    with pytest.raises(Exit) as ended:
        run(engine, EXITS, WasiConfig())
    assert ended.value.code == 7


@pytest.mark.skipif(sys.platform == "win32", reason="no interval timers")
def test_ctrl_c_while_the_guest_sleeps(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def alarmed(*arguments: Any) -> Ready:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return wait(*arguments)

    wait = SystemClocks.wait
    monkeypatch.setattr(SystemClocks, "wait", alarmed)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(engine, SLEEPS, WasiConfig())
    finally:
        signal.signal(signal.SIGALRM, before)
