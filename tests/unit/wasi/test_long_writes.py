"""What a guest writes at once and a taker of Python's gets in pieces: nothing comes twice, and time may be up between two pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Finished, Linker, NotReady, Paused, PauseReason, Store, Trap, TrapCode, WasiConfig
from arenite.wasi.records import IOVEC
from arenite.world.streams import PIECE
from marks import EACH_TIER
from unit.machine.guests import engine, module
from unit.wasi.program import OUT, Program

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 3 * PIECE + 5
FROM = 1 << 16
GUEST = f"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  (func (export "write") (result i32 i32)
    (i32.store (i32.const 0) (i32.const {FROM}))
    (i32.store (i32.const 4) (i32.const 7))
    (i32.store (i32.const 8) (i32.const {FROM + 7}))
    (i32.store (i32.const 12) (i32.const {SIZE - 7}))
    (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16))
    (i32.load (i32.const 16))))"""
TEXT = b"".join(n.to_bytes(4, "little") for n in range(SIZE // 4 + 1))[:SIZE]


class Taker:
    """Takes all, but raises the errors of the list first, each in its turn (None: takes)."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.pieces: list[bytes] = []

    def __call__(self, data: bytes) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.pieces.append(data)


def guest(tier: str, stdout: Any, **options: Any) -> tuple[Store, Any]:
    store = Store(engine(tier=tier, **options))
    store.set_wasi(WasiConfig(stdout=stdout))
    linker = Linker(store.engine)
    linker.define_wasi()
    exports: Any = linker.instantiate(store, module(store.engine, GUEST)).exports(store)
    exports["memory"].write(store, TEXT, FROM)
    return store, exports["write"]


@EACH_TIER
def test_a_taker_that_is_not_ready_behind_a_piece(tier: str) -> None:
    """What it has taken is written; the guest is not asked for it again."""
    taker = Taker(None, NotReady("later"))
    _, write = guest(tier, taker)
    assert write.start(_).run() == Finished((0, PIECE))
    assert b"".join(taker.pieces) == TEXT[:PIECE]


@EACH_TIER
def test_a_taker_that_is_not_ready_at_first(tier: str) -> None:
    taker = Taker(NotReady("later"))
    store, write = guest(tier, taker)
    execution = write.start(store)
    outcome = execution.run()
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.NOT_READY
    assert execution.run() == Finished((0, SIZE))
    assert b"".join(taker.pieces) == TEXT
    assert [len(piece) for piece in taker.pieces] == [PIECE, PIECE, PIECE, 5]


class Hurried(Taker):
    """The guest's time is up behind each piece."""

    store: Store

    def __call__(self, data: bytes) -> None:
        super().__call__(data)
        self.store.engine.increment_epoch()
        self.store.machine.due = True  # as the watch says it


def hurried(tier: str) -> tuple[Hurried, Any]:
    taker = Hurried()
    taker.store, write = guest(tier, taker, epoch_interruption=True)
    taker.store.set_epoch_deadline(1)
    return taker, write


@EACH_TIER
def test_what_is_written_in_pieces_is_written_once(tier: str) -> None:
    taker, write = hurried(tier)
    execution = write.start(taker.store)
    for pieces in (1, 2, 3):
        outcome = execution.run()
        assert isinstance(outcome, Paused)
        assert outcome.reason is PauseReason.EPOCH
        assert len(taker.pieces) == pieces
        taker.store.set_epoch_deadline(1 if pieces < 3 else 1000)
    assert execution.run() == Finished((0, SIZE))
    assert b"".join(taker.pieces) == TEXT


@EACH_TIER
@pytest.mark.parametrize("kind", ["bytearray", "callable", "path", "file"])
def test_the_rest_goes_to_whatever_output_is_then(tier: str, kind: str, tmp_path: Path) -> None:
    taker, write = hurried(tier)
    assert isinstance(write.start(taker.store).run(), Paused)
    collected, other = bytearray(), Taker()
    with (tmp_path / "out").open("wb") as file:
        stdout: Any = {"bytearray": collected, "callable": other, "path": tmp_path / "out", "file": file}[kind]
        store = taker.store.snapshot().fork(wasi=WasiConfig(stdout=stdout))
        store.set_epoch_deadline(1)
        assert store.execution is not None
        assert store.execution.run() == Finished((0, SIZE))
    rest = bytes(collected) or b"".join(other.pieces) or (tmp_path / "out").read_bytes()
    assert taker.pieces == [TEXT[:PIECE]]
    assert rest == TEXT[PIECE:]


@EACH_TIER
@pytest.mark.parametrize("error", [NotReady("later"), BlockingIOError(11, "later"), OSError(28, "full")])
def test_a_taker_that_fails_once_the_guest_goes_on(tier: str, error: Exception) -> None:
    """A piece was taken before the pause."""
    taker, write = hurried(tier)
    execution = write.start(taker.store)
    assert isinstance(execution.run(), Paused)
    taker.errors = [error]
    taker.store.set_epoch_deadline(1)
    assert execution.run() == Finished((0, PIECE))
    assert taker.pieces == [TEXT[:PIECE]]


@EACH_TIER
def test_an_ordinary_call_traps_between_two_pieces(tier: str) -> None:
    taker, write = hurried(tier)
    with pytest.raises(Trap) as trap:
        write(taker.store)
    assert trap.value.code is TrapCode.INTERRUPT
    assert taker.pieces == [TEXT[:PIECE]]


def test_a_taker_that_breaks_keeps_no_memory() -> None:
    """Though whoever catches its error keeps the frames that it came through."""
    program = Program(WasiConfig(stdout=Taker(None, ZeroDivisionError())))
    vector = program.put(IOVEC.pack(0, 1 << 16) * (2 * PIECE >> 16))
    with pytest.raises(ZeroDivisionError) as raised:
        program.call("fd_write", 1, vector, 2 * PIECE >> 16, OUT)
    assert raised.tb is not None
    program.memory.append(0)  # raises BufferError if a view of the memory is kept


class Asked(Program):
    """Is asked again each time, by a snapshot that says that more was written than the guest writes."""

    @property
    def progress(self) -> int:
        return (1 << 64) - 1

    @progress.setter
    def progress(self, progress: int) -> None:
        pass


def test_progress_out_of_a_file_is_bounded(tmp_path: Path) -> None:
    taker = Taker()
    for stdout in (taker, tmp_path / "out"):
        assert Asked(WasiConfig(stdout=stdout)).write(1, b"hello") == 5
    assert taker.pieces == [b""]
    assert not (tmp_path / "out").read_bytes()
