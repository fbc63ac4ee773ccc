"""Bulk work: paid before it is done, a piece at a time; an execution stops in the middle of it and goes on anywhere."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Finished, Instance, Paused, PauseReason, Snapshot, SnapshotError, Store, Trap, TrapCode
from arenite.layout.records import TableRecord
from arenite.machine.records.tables import elements
from arenite.traps import Cause
from marks import EACH_TIER
from unit.machine.guests import engine, module
from unit.snapshot.surveyed import altered

if TYPE_CHECKING:
    from pathlib import Path

BULK = """(module
  (memory (export "memory") 40) (table (export "table") 8 2000000 funcref)
  (elem $items func %s) (data $bytes "%s") (func $x)
  (func (export "fill") (param i32) (memory.fill (i32.const 3) (i32.const 7) (local.get 0)))
  (func (export "forward") (param i32) (memory.copy (i32.const 3) (i32.const 900) (local.get 0)))
  (func (export "backward") (param i32) (memory.copy (i32.const 900) (i32.const 3) (local.get 0)))
  (func (export "memory.init") (param i32) (memory.init $bytes (i32.const 1) (i32.const 2) (local.get 0)))
  (func (export "grow") (param i32) (result i32)
    (i32.add (i32.const 1000) (table.grow (ref.func $x) (local.get 0))))
  (func (export "grow in a wide frame") (param i32) (result i32) (local %s)
    (i32.add (i32.const 1000) (table.grow (ref.func $x) (local.get 0))))
  (func $more (drop (table.grow (ref.func $x) (i32.const 100000))))
  (func (export "table.init") (param i32) (call $more)
    (table.init $items (i32.const 1) (i32.const 2) (local.get 0)))
  (func (export "table.fill") (param i32) (call $more) (table.fill (i32.const 1) (ref.null func) (local.get 0)))
  (func (export "table.forward") (param i32) (call $more) (table.copy (i32.const 1) (i32.const 5) (local.get 0)))
  (func (export "table.backward") (param i32) (call $more) (table.copy (i32.const 5) (i32.const 1) (local.get 0))))
"""
ITEMS = 9000
WIDE = 9000  # locals: temporaries behind them lie where most ops cannot name them
# what is done -> (how much, what it costs beside the calls)
PRICES = {
    "fill": (0x21_0001, 34),
    "forward": (0x10_0000, 16),
    "backward": (0x10_0000, 16),
    "memory.init": (0x1_0000, 1),
    "grow": (100_000, 7),
    "grow in a wide frame": (100_000, 7),
    "table.init": (ITEMS - 2, 7 + 9),
    "table.fill": (90_000, 7 + 6),
    "table.forward": (90_000, 7 + 6),
    "table.backward": (90_000, 7 + 6),
}


def bulk_world(tier: str) -> tuple[Store, Any]:
    store = Store(engine(tier=tier, consume_fuel=True))
    store.set_fuel(10_000)
    text = BULK % (" ".join(["$x"] * ITEMS), "abcdefgh" * 0x2010, "i64 " * WIDE)
    exports: Any = Instance(store, module(store.engine, text), []).exports(store)
    exports["memory"].write(store, bytes(n * 7 & 255 for n in range(5000)), 0)
    return store, exports


def bulk_state(store: Store, exports: Any) -> tuple[bytes, bytes, int]:
    """Everything in the memory and, as references, in the table; the fuel."""
    with elements(store.machine, exports["table"].addr.at) as table:
        return bytes(exports["memory"].read(store, 0, None)), bytes(table), store.get_fuel()


@pytest.mark.parametrize("name", PRICES)
@EACH_TIER
def test_bulk_work_is_the_same_however_often_it_stops(tier: str, name: str, tmp_path: Path) -> None:
    size, price = PRICES[name]
    store, exports = bulk_world(tier)
    wanted = exports[name](store, size)
    state = bulk_state(store, exports)
    assert state[2] == 10_000 - price - 1 - (name.startswith("table."))
    store, exports = bulk_world(tier)
    execution: Any = exports[name].start(store, size)
    stops = 0
    while not isinstance(outcome := execution.run(fuel=1), Finished):
        stops += 1
        if stops in (2, 5):  # go on in a fork, and from a file
            snapshot = store.snapshot()
            if stops == 5:
                snapshot.save(tmp_path / "middle.arn")
                snapshot = Snapshot.open(tmp_path / "middle.arn", store.engine)
            store = snapshot.fork()
            execution = store.execution
    assert stops == price + (name.startswith("table."))
    assert outcome.values == (() if wanted is None else (wanted,))
    assert bulk_state(store, exports if stops < 2 else store.instances[0].exports(store)) == state


@pytest.mark.parametrize("number", [1 << 32, (1 << 64) - 1])
@pytest.mark.parametrize("name", [name for name in PRICES if name != "memory.init"])  # which is done with the first unit
def test_a_file_says_no_more_than_an_op_can(name: str, number: int, tmp_path: Path) -> None:
    store, exports = bulk_world("safe")
    execution: Any = exports[name].start(store, PRICES[name][0])
    assert isinstance(execution.run(fuel=2 + name.startswith("table.")), Paused)
    store.snapshot().save(tmp_path / "middle.arn")
    operands = len(store.machine.activations[0].rest)
    assert operands > 2
    for operand in range(operands):

        def change(manifest: Any, operand: int = operand) -> None:
            manifest["executions"][0]["rest"][operand] = number

        opened = Snapshot.open(altered(tmp_path / "middle.arn", change), store.engine)
        with pytest.raises(SnapshotError, match=r"rest is .*; expected a list of 0 \.\. 4294967295"):
            opened.fork()


@pytest.mark.parametrize("name", [*PRICES, "nothing"])
@EACH_TIER
def test_what_is_not_paid_is_not_done(tier: str, name: str) -> None:
    store, exports = bulk_world(tier)
    if name == "nothing":  # costs nothing but the function's entry
        store.set_fuel(1)
        exports["fill"](store, 0)
        assert store.get_fuel() == 0
        return
    before = bulk_state(store, exports)
    store.set_fuel(2 if name.startswith("table.") else 1)
    with pytest.raises(Trap) as trap:
        exports[name](store, PRICES[name][0])
    assert trap.value.code is TrapCode.OUT_OF_FUEL
    assert bulk_state(store, exports)[:2] == before[:2]


@pytest.mark.parametrize("size", [1, 0xFFFF, None], ids=["a byte", "the op's own", "the machine's"])
@pytest.mark.parametrize("name", PRICES)
@EACH_TIER
def test_exactly_enough_fuel(tier: str, name: str, size: int | None) -> None:
    """With what it costs everything is done and nothing is left; with one unit less it traps."""
    size = min(PRICES[name][0], size or 1 << 32)
    store, exports = bulk_world(tier)
    exports[name](store, size)
    whole = bulk_state(store, exports)
    price = 10_000 - whole[2]
    for units, enough in ((price, True), (price - 1, False)):
        store, exports = bulk_world(tier)
        store.set_fuel(units)
        if enough:
            exports[name](store, size)
            assert bulk_state(store, exports) == (*whole[:2], 0)
        else:
            with pytest.raises(Trap) as trap:
                exports[name](store, size)
            assert trap.value.code is TrapCode.OUT_OF_FUEL
            assert store.get_fuel() == 0


@EACH_TIER
def test_elements_that_must_move_are_paid_for(tier: str) -> None:
    """One more element where there is room costs one unit; where all must move first, a unit for each 16,384 of these as well."""
    store, exports = bulk_world(tier)
    table, grow = exports["table"], exports["grow"]
    table.grow(store, 100_000 - table.size(store), None)
    with elements(store.machine, table.addr.at) as before:
        full = TableRecord.capacity.read(store.machine.cage.arena, table.addr.at) == len(before)
    prices = []
    for _ in range(3):
        left = store.get_fuel()
        grow(store, 1)
        prices.append(left - store.get_fuel() - 1)  # the call's own unit
    assert full
    assert prices == [7, 1, 1]


COPY = """(module
  (memory (export "memory") 320)
  (func (export "copy") (param $a i32) (param $b i32) (param $c i32)
    (memory.copy (local.get $a) (local.get $b) (local.get $c))))"""


@pytest.mark.parametrize("distance", [1, 65_536, 4_194_304, 5_000_001])
@pytest.mark.parametrize("upward", [False, True])
@EACH_TIER
def test_long_copies_that_overlap(tier: str, *, upward: bool, distance: int) -> None:
    """Over 16 MiB, in as many pieces as it takes: as if all had been read before anything is written."""
    store = Store(engine(tier=tier))
    exports: Any = Instance(store, module(store.engine, COPY), []).exports(store)
    size = 320 * 65536 - 5_000_001
    content = random.Random(distance).randbytes(320 * 65536)
    exports["memory"].write(store, content, 0)
    to, source = (distance, 0) if upward else (0, distance)
    exports["copy"](store, to, source, size)
    expected = content[:to] + content[source : source + size] + content[to + size :]
    assert bytes(exports["memory"].read(store, 0, None)) == expected


@EACH_TIER
def test_what_builtins_were_asked_is_not_in_a_snapshot(tier: str) -> None:
    """The store page of a store that has done bulk work is that of one that has not: arguments are the guest's secret."""
    store, exports = bulk_world(tier)
    before = store.snapshot().frozen().image.page(0, 0)
    for name in ("fill", "backward", "memory.init"):
        exports[name](store, 0x1_0000)
        assert store.snapshot().frozen().image.page(0, 0) == before
    exports["fill"](store, 5)
    assert store.snapshot().frozen().image.page(0, 0) == before
    execution: Any = exports["fill"].start(store, 0x21_0001)
    assert isinstance(execution.run(fuel=3), Paused)
    assert store.snapshot().frozen().image.page(0, 0) == before


@EACH_TIER
def test_an_interrupt_comes_between_two_pieces(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is not asked: every look of the machine at its deadline is counted, and the third says that it has come."""
    store, exports = bulk_world(tier)
    looks = iter(range(1000))
    machine = store.machine
    monkeypatch.setattr(type(machine), "interrupt", lambda _: None)  # on a loaded machine the watch would have it look more often

    def third() -> Cause | None:
        machine.due = True  # as the watch would say
        return Cause.INTERRUPT if next(looks) == 2 else None

    machine.check, machine.due = third, True
    execution: Any = exports["fill"].start(store, 0x21_0001)
    outcome = execution.run(fuel=8)
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.FUEL
    outcome = execution.run()
    assert isinstance(outcome, Paused)
    assert outcome.reason is PauseReason.EPOCH
    assert isinstance(execution.run(), Finished)
    assert store.get_fuel() == 10_000 - 1 - PRICES["fill"][1]


@EACH_TIER
def test_an_ordinary_call_traps_between_two_pieces(tier: str) -> None:
    store, exports = bulk_world(tier)
    machine = store.machine
    machine.check, machine.due = (lambda: Cause.INTERRUPT), True
    with pytest.raises(Trap) as trap:
        exports["fill"](store, 0x1_0000)
    assert trap.value.code is TrapCode.INTERRUPT
