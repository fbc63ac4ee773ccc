"""Room on the disk that is made piece by piece: the guest says how much, and the host may have to write to each block."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Finished, Linker, Module, Paused, Store
from arenite.wasi import WasiConfig
from arenite.wasi.errno import Errno
from arenite.wasi.preview1 import MODULE
from marks import EACH_TIER
from unit.machine.guests import engine
from unit.wasi.program import Program

if TYPE_CHECKING:
    from pathlib import Path

CREATE = 1
LENGTH = 100 << 20
GUEST = f"""(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "big")
    (func (export "go") (result i32)
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i32.const {CREATE})
            (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 16)))
        (call $allocate (i32.load (i32.const 16)) (i64.const 5) (i64.const {LENGTH}))))"""


@EACH_TIER
def test_a_deadline_comes_between_two_pieces(tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = []

    def allocate(_: int, offset: int, length: int) -> None:
        pieces.append((offset, length))
        time.sleep(0.03)

    monkeypatch.setattr("arenite.world.hostio.allocate", allocate)
    of = engine(tier=tier)
    linker = Linker(of)
    linker.define_wasi()
    with Store(of) as store:
        store.set_wasi(WasiConfig(dirs={"/": tmp_path}))
        exports: Any = linker.instantiate(store, Module(of, GUEST)).exports(store)
        execution = exports["go"].start(store)
        at_pauses = []
        while isinstance(outcome := execution.run(deadline=0.02), Paused):
            at_pauses.append(len(pieces))
        assert outcome == Finished((0,))
    assert at_pauses[0] < len(pieces)
    assert [offset for offset, _ in pieces] == [5 + sum(length for _, length in pieces[:at]) for at in range(len(pieces))]
    assert sum(length for _, length in pieces) == LENGTH


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the host cannot give room")
@pytest.mark.parametrize("done", [0, 1 << 20, (1 << 64) - 1])
def test_the_file_grows_to_its_end(tmp_path: Path, done: int) -> None:
    """Also where the guest goes on with another file than it began with, which has nothing of what was done."""
    program = Program(WasiConfig(dirs={"/": tmp_path}))
    fd = program.open("big", oflags=CREATE)
    found = program.module.function(MODULE, "fd_allocate")
    assert found is not None
    program.progress = done
    assert found[1](program, fd, 0, 20 << 20) == Errno.SUCCESS
    assert (tmp_path / "big").stat().st_size == 20 << 20
