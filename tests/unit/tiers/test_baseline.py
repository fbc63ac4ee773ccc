"""When functions are compiled."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Module, Store
from arenite.errors import Limit
from arenite.layout.side_tables import SIDE_TABLES, SideTable
from arenite.layout.spaces import Space
from arenite.machine.run import watch as watches
from arenite.machine.run.fuel import SLICE, UNATTENDED
from arenite.machine.space.window import Window, changing
from arenite.platform import HAS_OBJECTS, codespace, faults
from arenite.tiers.baseline import CALM
from arenite.tiers.baseline.code import CodeOfWindow
from tiers import engine_of

if TYPE_CHECKING:
    from arenite.config import TierName
    from arenite.tiers.baseline import BaselineTier

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

SUM = """
(module
  (func $add (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))
  (func (export "sum") (param $n i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (call $add (local.get $sum) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "never")))
"""


def run(engine: Engine, n: int) -> tuple[object, Store]:
    """The sum of the numbers to `n`, and the store."""
    store = Store(engine)
    return Instance(store, Module(engine, SUM), []).call(store, "sum", n), store


def code_of(store: Store) -> CodeOfWindow:
    """What is compiled of the store's window."""
    tier: BaselineTier = store.engine.tier  # type: ignore[assignment]
    return tier.code_of(store.machine.window)


def compiled(store: Store) -> set[int]:
    """Numbers of the functions that are compiled."""
    return {placed.module.code.function_at(placed.begin) or 0 for placed in code_of(store).placed}


def test_what_is_called_often_or_runs_long_is_compiled() -> None:
    result, store = run(engine_of("auto"), 100)
    assert result == 5050
    assert compiled(store) == {0, 1}


def test_all_is_compiled_where_that_was_asked_for() -> None:
    _, store = run(Engine(Config(tier="baseline")), 1)
    assert compiled(store) == {0, 1, 2}


def test_few_calls_are_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches.Watch, "attend", lambda _self, _machine: False)  # its look would be taken for a slice's end
    _, store = run(Engine(Config(tier="auto")), 10)
    assert compiled(store) == set()
    assert code_of(store).space is None  # nothing was set aside for it


def test_slices_stay_short_where_nobody_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches.Watch, "attend", lambda _self, _machine: False)
    _, store = run(engine_of("auto"), 1_000_000)
    assert store.machine.fuel.slice == UNATTENDED < SLICE


@pytest.mark.parametrize(("tier", "after"), [("baseline", "_publish"), ("baseline", "_keep"), ("auto", "count")])
def test_a_signals_handler_runs_guests_while_their_code_is_made(
    tier: TierName, after: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    engine = Engine(Config(tier=tier))
    module = Module(engine, SUM)
    first, second = Store(engine), Store(engine)
    one, two = Instance(first, module, []), Instance(second, module, [])
    seen = list[object]()

    def handler(*_: object) -> None:
        two.call(second, "sum", 200_000)
        seen.append(code_of(second))

    done = getattr(CodeOfWindow, after)

    def interrupted(self: CodeOfWindow, *args: object, **options: object) -> object:
        result = done(self, *args, **options)
        if not seen:
            os.kill(os.getpid(), signal.SIGUSR1)
        return result

    monkeypatch.setattr(CodeOfWindow, after, interrupted)
    before = signal.signal(signal.SIGUSR1, handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGUSR1, before))
    assert first.machine.window is second.machine.window
    code_of(first)
    assert seen == [code_of(first)]  # else what the window's entries lead to may be gone
    assert code_of(first).ready
    assert one.call(first, "sum", 100) == two.call(second, "sum", 100) == 5050


def test_what_an_exception_interrupts_is_made_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Config(tier="baseline"))
    store = Store(engine)
    instance = Instance(store, Module(engine, SUM), [])
    keep = CodeOfWindow._keep
    kept = list[object]()

    def interrupted(self: CodeOfWindow, *args: object) -> None:
        keep(self, *args)  # type: ignore[arg-type]  # what the original takes
        kept.append(args)
        if len(kept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(CodeOfWindow, "_keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        instance.call(store, "sum", 100)
    assert instance.call(store, "sum", 100) == 5050
    assert [placed.begin for placed in code_of(store).placed] == sorted({placed.begin for placed in code_of(store).placed})
    assert len(compiled(store)) == 3


def test_no_range_of_faults_is_left_where_tables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of("auto")
    side_table, ranges = Window.side_table, faults._handler.rows  # type: ignore[union-attr]  # the engine has installed it

    def refused(self: Window, table: SideTable, *, everywhere: bool = False) -> memoryview[int]:
        if table is SIDE_TABLES[Space.ENTRIES]:
            raise Limit("no memory")
        return side_table(self, table, everywhere=everywhere)

    monkeypatch.setattr(Window, "side_table", refused)
    gc.collect()
    before = set(ranges)
    result, store = run(engine, 1000)
    assert result == 500500
    assert code_of(store).closed
    assert set(ranges) <= before


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # Python 3.12 and later say so of every such fork
@pytest.mark.parametrize("lock", [codespace._lock, faults._lock], ids=["code space", "faults"])
def test_a_fork_takes_locks_in_the_order_of_a_thread_that_compiles(lock: threading.RLock) -> None:
    begun, got = threading.Event(), list[bool]()

    def compiles() -> None:
        with changing:
            begun.set()
            time.sleep(0.2)  # meanwhile the fork takes what it can
            got.append(lock.acquire(timeout=2))
            if got[0]:
                lock.release()

    thread = threading.Thread(target=compiles)
    thread.start()
    begun.wait()
    child = os.fork()
    if not child:
        os._exit(0)
    thread.join()
    os.waitpid(child, 0)
    assert got == [True]


def test_a_fork_does_not_stop_to_find_out_what_others_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches.Watch, "attend", lambda _self, _machine: False)  # as above
    engine = engine_of("auto")
    _, store = run(engine, 1_000_000)
    fork = store.snapshot().fork()
    assert store.machine.tier.slice < fork.machine.fuel.slice <= CALM
