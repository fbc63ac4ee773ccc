"""Exceptions as objects in the arena: what holds them, when their room is given out again, how they travel."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Failure,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limit,
    Limits,
    Snapshot,
    SnapshotError,
    Store,
    Table,
    TableType,
    Tag,
    TagType,
    Trap,
    ValType,
    WasmException,
)
from arenite.layout.cage import ALIGNMENT
from arenite.layout.records import ExceptionRecord, GlobalRecord, TagRecord
from arenite.machine.records import exceptions as records
from arenite.machine.records.exceptions import LEAST, Exceptions, object_at
from arenite.machine.run import collect as collecting
from arenite.machine.run import exceptions as crossing
from arenite.machine.run.collect import collect
from arenite.machine.run.marks import Marks, ObjectShape
from marks import EACH_TIER
from unit.machine.guests import EXTERNREF, I32, I64, engine, module

if TYPE_CHECKING:
    from pathlib import Path

EXNREF = ValType.exnref()
SMALL = 16  # bytes of an exception with a number


def tag(store: Store, *params: ValType) -> Tag:
    """A new tag."""
    return Tag(store, TagType(FuncType(params, [])))


def kept(store: Store, error: WasmException | None) -> Global:
    """A global that holds an exception."""
    return Global(store, GlobalType(EXNREF, mutable=True), error)


def room(store: Store) -> tuple[int, int]:
    """Bytes of all regions, and free of them."""
    found = store.machine.registry.exceptions
    return sum(end - begin for begin, end in found.regions), found.free


@EACH_TIER
def test_what_is_held_comes_out_as_the_same_object(tier: str) -> None:
    store = Store(engine(tier=tier))
    error = WasmException(tag(store, I32, I64, ValType.f64(), ValType.v128()), [-1, 2**40, 0.5, bytes(range(16))])
    held = kept(store, error)
    store.gc()
    assert held.value(store) is error
    assert error.values == (-1, 2**40, 0.5, bytes(range(16)))


@EACH_TIER
def test_an_object_is_its_tag_and_its_slots(tier: str) -> None:
    store = Store(engine(tier=tier))
    mine = tag(store, I64, ValType.v128())
    held = kept(store, WasmException(mine, [-2, b"\1" + bytes(15)]))
    arena = store.machine.cage.arena
    at = GlobalRecord.value.read(arena, held.addr.at)
    assert at % ALIGNMENT == 0
    assert ExceptionRecord.tag.read(arena, at) == mine.addr.at
    assert ExceptionRecord.slots.read(arena, at) == TagRecord.slots.read(arena, mine.addr.at) == 3
    assert bytes(arena[at + ExceptionRecord.size :][:24]) == (2**64 - 2).to_bytes(8, "little") + b"\1" + bytes(15)


@EACH_TIER
def test_what_nobody_holds_is_given_out_again(tier: str) -> None:
    store = Store(engine(tier=tier))
    mine, held = tag(store, I32), kept(store, None)
    heap: set[int] = set()
    for number in range(3 * LEAST // SMALL):
        held.set_value(store, WasmException(mine, [number]))
        heap.add(room(store)[0])
    assert heap == {LEAST}
    last = held.value(store)
    assert last.values == (number,)
    store.gc()
    assert room(store) == (LEAST, LEAST - SMALL)


@EACH_TIER
def test_what_is_held_stays_while_more_is_made(tier: str) -> None:
    store = Store(engine(tier=tier))
    mine = tag(store, I32)
    table = Table(store, TableType(EXNREF, Limits(5000, None)), None)
    for number in range(0, 5000, 2):
        table.set(store, number, WasmException(mine, [number]))
        table.set(store, number + 1, WasmException(mine, [-1]))
        table.set(store, number + 1, None)
    for number in range(2 * LEAST // SMALL):
        table.set(store, 1, WasmException(mine, [number]))
    assert [table.get(store, n).values for n in range(0, 5000, 2)] == [(n,) for n in range(0, 5000, 2)]
    assert room(store)[0] <= 4 * LEAST


@EACH_TIER
def test_what_an_exception_carries_is_held_by_it(tier: str) -> None:
    store = Store(engine(tier=tier))
    inner = WasmException(tag(store, I32), [5])
    thing = object()
    outer = WasmException(tag(store, EXNREF, EXTERNREF, EXNREF), [inner, thing, None])
    held = kept(store, outer)
    machine = store.machine
    store.gc()
    assert (len(machine.registry.references), len(machine.registry.exceptions.known)) == (1, 2)
    machine.registry.exceptions.known.clear()  # as in another process
    found = held.value(store)
    assert found is not outer
    assert found.tag == outer.tag
    assert (found.values[0].values, found.values[1], found.values[2]) == ((5,), thing, None)
    held.set_value(store, None)
    store.gc()
    assert (len(machine.registry.references), len(machine.registry.exceptions.known)) == (0, 0)
    assert room(store) == (LEAST, LEAST)


@EACH_TIER
def test_exceptions_of_python_are_let_go_before_their_room_is_needed(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FEWEST", 10)
    store = Store(engine(tier=tier))
    mine, held = tag(store), kept(store, None)
    store.gc()
    for _ in range(100):
        held.set_value(store, WasmException(mine))
        assert len(store.machine.registry.exceptions.known) <= records.FEWEST + 1


@EACH_TIER
def test_a_limit_where_too_much_is_kept(tier: str) -> None:
    store = Store(engine(tier=tier, max_exception_memory=2 * LEAST))
    mine = tag(store, I32)
    table = Table(store, TableType(EXNREF, Limits(2 * LEAST // SMALL + 1, None)), None)
    for number in range(2 * LEAST // SMALL):
        table.set(store, number, WasmException(mine, [number]))
    for _ in range(2):
        with pytest.raises(Limit, match="max_exception_memory"):
            table.set(store, 0, WasmException(mine, [0]))
    assert table.get(store, 0).values == (0,)
    for number in range(1000):
        table.set(store, number, None)
    store.gc()
    table.set(store, 0, WasmException(mine, [77]))
    assert table.get(store, 0).values == (77,)


@EACH_TIER
def test_forks_have_their_own(tier: str) -> None:
    store = Store(engine(tier=tier))
    mine = tag(store, I32)
    held, error = kept(store, None), WasmException(mine, [1])
    held.set_value(store, error)
    first, second = store.snapshot().fork(2)
    assert held.value(first) is held.value(second) is error
    other = WasmException(mine, [2])
    held.set_value(first, other)
    assert [held.value(one).values for one in (store, first, second)] == [(1,), (2,), (1,)]
    held.set_value(second, None)
    second.gc()
    assert room(second) == (LEAST, LEAST)
    assert held.value(store) is error
    assert held.value(first) is other


@EACH_TIER
def test_they_travel(tier: str, tmp_path: Path) -> None:
    of = engine(tier=tier)
    store = Store(of)
    mine, other = tag(store, I32, EXNREF), tag(store, I64)
    table = Table(store, TableType(EXNREF, Limits(3, None)), None)
    table.set(store, 1, WasmException(mine, [7, WasmException(other, [2**50])]))
    table.set(store, 2, WasmException(other, [9]))
    store.machine.registry.tables[table.addr.at] = table.addr
    store.snapshot().save(tmp_path / "a.arn")
    fork = Snapshot.open(tmp_path / "a.arn", of, verify=True).fork()
    arena = fork.machine.cage.arena
    assert list(fork.machine.registry.tags) == [mine.addr.at, other.addr.at]
    assert fork.machine.registry.tags == store.machine.registry.tags
    assert fork.machine.registry.exceptions.regions == store.machine.registry.exceptions.regions
    found = fork.machine.from_guest(EXNREF.code, int.from_bytes(arena[table_at(table, store) + 4 :][:4], "little"))
    assert isinstance(found, WasmException)
    assert (found.values[0], found.values[1].values) == (7, (2**50,))  # type: ignore[attr-defined]
    assert isinstance(found.tag, Tag)
    assert found.tag.type(fork).functype == FuncType([I32, EXNREF], [])


@EACH_TIER
def test_a_file_whose_arena_says_otherwise_of_a_tag(tier: str, tmp_path: Path) -> None:
    of = engine(tier=tier)
    store = Store(of)
    mine = tag(store, I32, I32)
    TagRecord.slots.write(store.machine.cage.arena, mine.addr.at, 1)
    store.snapshot().save(tmp_path / "a.arn")
    with pytest.raises(SnapshotError, match="has 1 slots"):
        Snapshot.open(tmp_path / "a.arn", of).fork()


def table_at(table: Table, store: Store) -> int:
    """Where a table has its elements."""
    return int.from_bytes(store.machine.cage.arena[table.addr.at :][:4], "little")


@EACH_TIER
def test_what_is_left_over_does_not_travel(tier: str) -> None:
    store = Store(engine(tier=tier))
    held = kept(store, WasmException(tag(store, I64), [0x1122334455667788]))
    at = GlobalRecord.value.read(store.machine.cage.arena, held.addr.at)
    held.set_value(store, None)
    secret = b"\x88\x77\x66\x55\x44\x33\x22\x11"
    assert secret in bytes(store.machine.cage.arena[at : at + SMALL])
    store.snapshot()
    assert not any(store.machine.cage.arena[at : at + SMALL])


def damaged(store: Store, held: Global, at: int) -> None:
    """Reading it must be a trap."""
    GlobalRecord.value.write(store.machine.cage.arena, held.addr.at, at)
    with pytest.raises(Trap, match="damaged"):
        held.value(store)
    store.gc()


@EACH_TIER
def test_references_from_a_damaged_arena(tier: str) -> None:
    store = Store(engine(tier=tier))
    mine = tag(store, I32)
    held, other = kept(store, WasmException(mine, [1])), kept(store, WasmException(mine, [2]))
    arena = store.machine.cage.arena
    at = GlobalRecord.value.read(arena, held.addr.at)
    (region,) = store.machine.registry.exceptions.regions
    for wrong in (at + 8, at + 2, region[0] - 16, region[1], region[1] - 16, len(arena), 2**32 - 16, 64):
        damaged(store, held, wrong)
    GlobalRecord.value.write(arena, held.addr.at, at)
    store.machine.registry.exceptions.known.clear()
    ExceptionRecord.slots.write(arena, at, 1000)
    damaged(store, held, at)
    ExceptionRecord.slots.write(arena, at, 1)
    ExceptionRecord.tag.write(arena, at, mine.addr.at + 16)
    damaged(store, held, at)
    assert other.value(store).values == (2,)
    assert object_at(store.machine, 0) is None


@EACH_TIER
def test_exceptions_of_another_kind_or_store(tier: str) -> None:
    store, foreign = Store(engine(tier=tier)), Store(engine(tier=tier))
    held = kept(store, None)
    with pytest.raises(TypeError, match="expected a WasmException or None for exnref, found int"):
        held.set_value(store, 3)
    with pytest.raises(TypeError, match="found KeyError"):
        held.set_value(store, KeyError("a"))
    with pytest.raises(Failure, match="this tag belongs to another store"):
        held.set_value(store, WasmException(tag(foreign, I32), [3]))
    with pytest.raises(TypeError, match="expected a Tag"):
        held.set_value(store, WasmException(None, []))
    with pytest.raises(TypeError, match="expected 1 values of type \\(i32\\), found 2"):
        held.set_value(store, WasmException(tag(store, I32), [3, 4]))
    with pytest.raises(OverflowError):
        held.set_value(store, WasmException(tag(store, I32), [2**40]))
    assert held.value(store) is None
    assert not store.machine.registry.exceptions.known


def marked(regions: list[tuple[int, int]], objects: list[tuple[int, int]]) -> Marks:
    """Regions with objects of so many slots, at their places, whose tag is that number, and the odd slots of which are references."""
    content = bytearray(sum(end - begin for begin, end in regions))
    starts = dict(
        zip([begin for begin, _ in regions], accumulate((end - begin for begin, end in regions), initial=0), strict=False)
    )
    shapes = {}
    for at, slots in objects:
        begin = max(begin for begin in starts if begin <= at)
        ExceptionRecord.packer().pack_into(content, at - begin + starts[begin], slots, slots)
        shapes[slots] = ObjectShape(
            ExceptionRecord.size + 8 * slots + 15 & -16, slots, [16 * (n + 1) for n in range(slots // 2)], []
        )
    return Marks(regions, bytes(content), shapes)


def test_gaps_are_what_nothing_live_covers() -> None:
    marks = marked([(64, 256), (512, 576)], [(80, 1), (96, 3), (112, 3), (240, 1), (560, 1)])
    for at in (80, 96, 112, 240, 560):
        marks.hold(at)
    assert marks.gaps() == ([(64, 80), (144, 240), (512, 560)], 16 + 32 + 32 + 16 + 16)
    assert [marks.holds(at) for at in (64, 80, 84, 96, 128, 144, 256, 512, 560, 576)] == [
        at in (80, 96, 560) for at in (64, 80, 84, 96, 128, 144, 256, 512, 560, 576)
    ]


def test_what_is_no_object_holds_nothing() -> None:
    marks = marked([(64, 256), (512, 576)], [(80, 1), (544, 3)])
    for at in (0, 64, 72, 81, 48, 256, 496, 528, 576, (1 << 32) - 16):
        marks.hold(at)
    assert marks.gaps() == ([(64, 256), (512, 576)], 0)
    beyond = marked([(64, 256)], [(240, 3)])
    beyond.hold(240)
    assert beyond.gaps() == ([(64, 256)], 0), "it ends behind the region"


def test_the_first_room_is_given_out_first() -> None:
    found = Exceptions([(64, 256), (512, 576)])
    assert found.taken >= found.due
    kept_ = found.kept([(64, 80), (144, 240), (512, 560)], 112, {}, 0, 1 << 20)
    assert kept_.taken == 0
    assert kept_.give(16) == (64, 80)
    assert kept_.give(96) == (144, 240)
    assert kept_.give(16) == (512, 560)
    assert kept_.give(16) is None
    assert (kept_.free, kept_.taken) == (0, 160)


def test_a_gap_is_passed_once_and_used_for_what_is_smaller() -> None:
    gaps = [(64, 96), *((at, at + 32) for at in range(112, 496, 48)), (496, 1024)]
    found = Exceptions([(64, 1024)]).kept(gaps, 144, {}, 0, 1 << 20)
    assert found.give(256) == (496, 1024)
    fork = found.copy()
    for one in (found, fork):
        free = one.free
        places: list[int] = []
        while (room := one.give(32)) is not None:
            places += range(room[0], room[1] - 31, 32)
        assert len(set(places)) == len(places) == free // 32
        assert one.free == 0


def test_no_more_is_given_out_than_is_left_until_it_is_due_to_look() -> None:
    found = Exceptions([(64, 1 << 20)]).kept([(64, 1 << 20)], 0, {}, 0, 1 << 20)
    assert found.give(32) == (64, 64 + LEAST)
    found.take_back(64 + 48, 64 + LEAST)
    assert (found.taken, found.give(64)) == (48, (64 + 48, 64 + LEAST))
    assert found.give(64) == (64 + LEAST, 128 + LEAST), "nothing is left, so no more than was asked for"


def test_what_is_looked_at_is_made_up_for_by_what_is_made() -> None:
    found = Exceptions([(64, 1 << 20)])
    assert found.taken >= found.soonest
    after = found.kept([], 0, {}, 160_000, 1 << 20)
    assert after.taken < after.soonest == 16 * 8192, "however large tables are"
    assert after.due_known >= 10_000
    assert found.kept([], 0, {}, 16_000, 1 << 20).soonest == 16_000


@EACH_TIER
def test_a_guest_cannot_have_its_tables_looked_at_for_every_few_exceptions(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_ones, slots, elements = 1500, 400, 60_000
    wat = f"""(module (tag $small) (tag $big (param {"i64 " * slots})) (table $t {elements} exnref)
      (func $make (result exnref)
        (block $h (result exnref) (try_table (catch_all_ref $h) (throw $small)) (unreachable)))
      (func (export "fill") (local $n i32) (loop $again
        (table.set $t (local.get $n) (call $make)) (drop (call $make))
        (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {kept_ones})))))
      (func (export "both") (drop (call $make))
        (block $h (result exnref) (try_table (catch_all_ref $h) {"(i64.const 1) " * slots} (throw $big)) (unreachable)) drop))"""
    of = engine(tier=tier, max_exception_memory=2 * kept_ones * SMALL + 8192)
    store = Store(of)
    exports: Any = Instance(store, module(of, wat), []).exports(store)
    exports["fill"](store)
    store.gc()
    looked = 0

    def counted(*args: Any) -> None:
        nonlocal looked
        looked += 1
        collect(*args)

    monkeypatch.setattr(collecting, "collect", counted)
    monkeypatch.setattr(crossing, "collect", counted)
    both = exports["both"]
    with pytest.raises(Limit, match="max_exception_memory"):
        any(both(store) for _ in range(20))
    assert looked == 0
    both(store)
    assert looked == 1, "the host's next call looks again"


@EACH_TIER
def test_where_all_is_held_that_is_found_out_once(tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wat = f"""(module (tag $small) (table $t {LEAST // SMALL} exnref)
      (func $make (export "make") (result exnref)
        (block $h (result exnref) (try_table (catch_all_ref $h) (throw $small)) (unreachable)))
      (func (export "fill") (local $n i32) (loop $again
        (table.set $t (local.get $n) (call $make))
        (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {LEAST // SMALL}))))))"""
    of = engine(tier=tier, max_exception_memory=LEAST)
    store = Store(of)
    exports: Any = Instance(store, module(of, wat), []).exports(store)
    exports["fill"](store)
    looked: list[object] = []

    def counted(*args: Any) -> None:
        looked.append(args)
        collect(*args)

    monkeypatch.setattr(collecting, "collect", counted)
    monkeypatch.setattr(crossing, "collect", counted)
    for number in range(1, 4):
        with pytest.raises(Limit, match="max_exception_memory"):
            exports["make"](store)
        assert len(looked) == number
