"""Programs that run in pieces: where `Driver.run` stops, what goes on afterwards, and what is left when something fails."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, get_args

import pytest

import arenite
import arenite.driver
import testdata
from arenite import (
    Config,
    Engine,
    Failure,
    Feed,
    Finished,
    FuncType,
    Linker,
    LinkError,
    Module,
    Paused,
    PauseReason,
    Snapshot,
    SnapshotError,
    Store,
    Trap,
    TrapCode,
    ValType,
    WasiConfig,
)
from arenite.config import TierName
from arenite.driver import Driver, exported

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import Instance
    from arenite.driver import Call

ECHO = r"""
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\40\00\00\00")  ;; one vector: 64 bytes at 16
  (func (export "_start")
    (loop $next
      (i32.store (i32.const 4) (i32.const 64))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
      (br_if $next (i32.load (i32.const 8))))))
"""
STEPS = """
(module
  (import "host" "step" (func $step (param i32)))
  (func $begin
    (call $step (i32.const 1)))
  (start $begin)
  (func (export "_initialize")
    (call $step (i32.const 2)))
  (func (export "total") (param $n i32) (result i32)
    (local $sum i32)
    (call $step (i32.const 3))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $next (local.get $n)))
    (local.get $sum))
  (func (export "_start")
    (loop $for_ever
      (br $for_ever))))
"""


@pytest.fixture(params=get_args(TierName))
def engine(request: pytest.FixtureRequest) -> Engine:
    return Engine(Config(tier=request.param, consume_fuel=True))


def total(store: Store, instance: Instance) -> list[Call]:
    """What the tests have called."""
    return exported(store, instance, "total", 100)


def stepping(engine: Engine, seen: list[int]) -> Linker:
    """Where the steps of the program are noted."""
    linker = Linker(engine)
    linker.define_func("host", "step", FuncType([ValType.i32()], []), seen.append)
    return linker


def test_the_example_of_the_package_runs(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert arenite.driver.__doc__ is not None
    example = textwrap.dedent(arenite.driver.__doc__.partition("\n\n")[2])
    out = bytearray()
    names = vars(arenite) | {"Engine": lambda: engine, "Driver": Driver, "wasm": ECHO, "out": out}
    exec(example, names)
    assert out == b"6 * 7\n7 * 7\n"


def test_the_python_of_its_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (testdata.ROOT / "docs" / "driver.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repl.wasm").write_bytes(arenite.wat2wasm(ECHO))
    names: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    assert names["output"] == b"6 * 7\n7 * 7\n"


def test_a_program_is_fed_where_it_waits(engine: Engine) -> None:
    out, feed = bytearray(), Feed()
    with Driver.begin(Module(engine, ECHO), wasi=WasiConfig(stdin=feed, stdout=out)) as driver:
        for line in (b"one\n", b"two\n"):
            paused = driver.run()
            assert isinstance(paused, Paused)
            assert paused.reason is PauseReason.NOT_READY
            feed.write(line)
        feed.close()
        assert driver.run() == Finished(())
        assert driver.run() == Finished(()), "nothing is left to do"
    assert out == b"one\ntwo\n"


def test_whoever_waits_says_whether_it_is_asked_again(engine: Engine) -> None:
    out, feed, lines = bytearray(), Feed(), [b"one\n", b"two\n"]

    def wait() -> bool:
        if not lines:
            return False
        feed.write(lines.pop(0))
        return True

    with Driver.begin(Module(engine, ECHO), wasi=WasiConfig(stdin=feed, stdout=out), wait=wait) as driver:
        assert isinstance(driver.run(), Paused)
    assert out == b"one\ntwo\n"
    assert not lines


def test_calls_follow_the_instantiation_through_every_pause(engine: Engine) -> None:
    seen: list[int] = []
    with Driver.begin(Module(engine, STEPS), total, linker=stepping(engine, seen)) as driver:
        for done in range(3):
            paused = driver.run(pause_at=["host.step"])
            assert isinstance(paused, Paused)
            assert paused.call is not None
            assert (paused.reason, paused.call.params) == (PauseReason.CALL, (done + 1,))
            assert seen == list(range(1, done + 1))
        assert driver.run(pause_at=["host.step"]) == Finished((5050,))
    assert seen == [1, 2, 3]


def test_a_place_by_fuel_counts_through_all_calls(engine: Engine) -> None:
    def used(pieces: int | None) -> tuple[int, int]:
        """Units that the program takes, run in pieces of so many; how many pieces."""
        count = 1
        with Driver.begin(Module(engine, STEPS), total, linker=stepping(engine, []), fuel=1000) as driver:
            while isinstance(driver.run(fuel=pieces), Paused):
                assert driver.store.get_fuel() == 1000 - count * (pieces or 0)
                count += 1
            return 1000 - driver.store.get_fuel(), count

    whole, _ = used(None)
    assert used(7) == (whole, (whole + 6) // 7)


def test_a_deadline_that_is_over_stops_at_once(engine: Engine) -> None:
    with Driver.begin(Module(engine, STEPS), linker=stepping(engine, [])) as driver:
        assert isinstance(driver.run(deadline=0), Paused)
        assert isinstance(driver.run(deadline=0.01), Paused), "it has come to the endless loop or not: it stops"


def test_the_limit_of_fuel_is_no_place_but_may_be_raised(engine: Engine) -> None:
    seen: list[int] = []
    with Driver.begin(Module(engine, STEPS), total, linker=stepping(engine, seen), fuel=0) as driver:
        for fuel in (1, 50, 0):  # enough for the instantiation; for the first steps; for nothing
            with pytest.raises(Trap) as caught:
                driver.run(fuel=1000)
            assert caught.value.code is TrapCode.OUT_OF_FUEL
            assert caught.value.frames
            driver.limit(fuel)
        driver.limit(None)
        assert driver.run() == Finished((5050,))
    assert seen == [1, 2, 3]


def test_an_epoch_is_the_end(engine: Engine) -> None:
    watched = Engine(Config(tier=engine.config.tier, epoch_interruption=True))
    with Driver.begin(Module(watched, STEPS), linker=stepping(watched, [])) as driver:
        driver.store.set_epoch_deadline(1)
        watched.increment_epoch()
        with pytest.raises(Trap) as caught:
            driver.run()
    assert caught.value.code is TrapCode.INTERRUPT


def test_after_an_error_nothing_of_the_entry_is_called(engine: Engine) -> None:
    seen: list[int] = []

    def step(number: int) -> None:
        seen.append(number)
        if number == 2:
            raise OverflowError("the second step")

    linker = Linker(engine)
    linker.define_func("host", "step", FuncType([ValType.i32()], []), step)
    with Driver.begin(Module(engine, STEPS), total, linker=linker) as driver:
        with pytest.raises(OverflowError, match="the second step"):
            driver.run()
        assert driver.run() == Finished(())
    assert seen == [1, 2]


def test_a_program_goes_on_from_its_snapshot(engine: Engine) -> None:
    with Driver.begin(Module(engine, STEPS), total, linker=stepping(engine, []), fuel=1000) as driver:
        assert isinstance(driver.run(fuel=50), Paused)
        snapshot = driver.store.snapshot()
        assert driver.run() == Finished((5050,))
    for _ in range(2):
        with Driver.resume(snapshot) as driver:
            assert driver.run() == Finished((5050,))
    with Driver.resume(snapshot, fuel=5) as driver, pytest.raises(Trap, match="all fuel consumed"):
        driver.run()


def test_a_snapshot_of_an_instantiation_needs_its_entry_again(engine: Engine) -> None:
    seen: list[int] = []
    with Driver.begin(Module(engine, STEPS), total, linker=stepping(engine, seen)) as driver:
        assert isinstance(driver.run(pause_at=["host.step"]), Paused)
        snapshot = driver.store.snapshot()
    assert seen == []
    with Driver.resume(snapshot, total) as driver:
        assert driver.run() == Finished((5050,))
    assert seen == [1, 2, 3]


def test_between_calls_there_is_nothing_to_resume(engine: Engine) -> None:
    with Store(engine) as store:
        snapshot = store.snapshot()
    with pytest.raises(SnapshotError, match="nothing is going on in it"):
        Driver.resume(snapshot)
    with Snapshot.loads(snapshot.dumps(), engine).fork() as store:
        assert Driver(store).run() == Finished(())


def test_what_cannot_begin_is_refused_in_words(engine: Engine) -> None:
    with pytest.raises(LinkError, match="unknown import"):
        Driver.begin(Module(engine, STEPS))
    with pytest.raises(FileNotFoundError):
        Driver.begin(Module(engine, ECHO), wasi=WasiConfig(dirs={"/": "/no/such/folder"}))
    library = Module(engine, '(module (func (export "f")))')
    with Driver.begin(library) as driver, pytest.raises(Failure, match="no function '_start' is exported; there are: f"):
        driver.run()
    uncounted = Engine(Config(tier=engine.config.tier))
    with pytest.raises(Failure, match="fuel"):
        Driver.begin(Module(uncounted, ECHO), wasi=WasiConfig(), fuel=10)
