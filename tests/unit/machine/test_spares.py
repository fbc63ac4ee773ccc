"""Stores of one kind use address space one after the other; nothing of a former one is seen, and what somebody still sees is not used."""

from __future__ import annotations

import gc
import os
import random
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Instance, Limit, Memory, Module, Snapshot, Store, Trap, platform
from arenite.layout.cage import LOW, MEMORY_AT, cage_size
from arenite.machine.space import room, spares
from arenite.machine.space.cage import Cage
from interrupts import interrupted, places
from unit.machine.guests import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not platform.HAS_OBJECTS, reason="where nothing is mapped, nothing is lent")

WAT = """(module
  (memory (export "memory") 1 8)
  (data (i32.const 16) "template")
  (global (export "g") (mut i64) (i64.const 5))
  (table (export "table") 20 externref)
  (elem declare func $deep)
  (table (export "functions") 8 funcref)
  (func $deep (export "deep") (param $a i64) (result i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64) (local $h i64) (local $i i64)
    (local.set $b (i64.const -1))
    (local.set $e (i64.const -1))
    (local.set $h (i64.const -1))
    (i64.add (local.get $h) (call $deep (i64.add (local.get $b) (local.get $e)))))
  (func (export "soil")
    (memory.fill (i32.const 0) (i32.const 0xa5) (i32.mul (memory.size) (i32.const 65536)))
    (global.set 0 (i64.const -1))
    (table.fill 1 (i32.const 0) (ref.func $deep) (i32.const 8)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "sum") (result i32) (local $at i32) (local $n i32)
    (loop $next
      (local.set $n (i32.add (local.get $n) (i32.load8_u (local.get $at))))
      (br_if $next
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 65536))))
    (local.get $n)))"""
FRESH = sum(b"template")
ALL = os.environ.get("ARENITE_STRESS") == "all"
SEED = os.environ.get("ARENITE_SEED") or str(random.randrange(1 << 32))  # by chance, as in `stress/test_interrupts.py`


@pytest.fixture
def world() -> Iterator[Stores]:
    """A module of which two stores have been, so that the next are mapped."""
    spares.forget()
    stores = Stores(WAT)
    for _ in range(2):
        stores.store()
    assert len(stores.module.births._found) == 1, "what these tests read is not there in a cage that was built by hand"
    yield stores
    spares.forget()


def base(store: Store) -> int:
    """Where a store's cage lies."""
    return store.machine.cage.base


def everything(store: Store) -> list[bytes]:
    """All bytes of a cage that anybody can write, as they are; of what lies between arena and memory, the ends."""
    cage = store.machine.cage
    assert isinstance(cage, Cage)
    found = [bytes(cage.region(region)) for region in range(len(cage.sizes))]
    space, _ = cage.space
    return [*found, bytes(space.view(MEMORY_AT - LOW - 4096, MEMORY_AT - LOW))]


def soil(store: Store, exports: dict[str, Any]) -> None:
    """Write everywhere: as a guest can, and as its host can."""
    exports["soil"](store)
    with pytest.raises(Trap):
        exports["deep"](store, 1)  # all of the stack
    for n in range(20):
        exports["table"].set(store, n, object())
    cage = store.machine.cage
    assert isinstance(cage, Cage)
    for region in range(len(cage.sizes)):
        view = cage.region(region)
        view[:] = b"\x5a" * len(view)
    space, _ = cage.space
    space.view(MEMORY_AT - LOW - 4096, MEMORY_AT - LOW)[:] = b"\x5a" * 4096


@pytest.mark.parametrize("closed", [False, True])
def test_nothing_of_a_former_store_is_seen(world: Stores, *, closed: bool) -> None:
    store, exports = world.store()
    fresh, at = everything(store), base(store)
    soil(store, exports)
    if closed:
        store.close()
    del store, exports
    for _ in range(3):
        store, exports = world.store()
        assert base(store) == at, "so it is the same address space"
        assert everything(store) == fresh
        assert exports["sum"](store) == FRESH
        assert exports["g"].value(store) == 5
        assert [exports["table"].get(store, n) for n in range(20)] == [None] * 20
        assert [exports["functions"].get(store, n) for n in range(8)] == [None] * 8
        soil(store, exports)
        if closed:
            store.close()
        del store, exports


def test_saved_forms_are_the_same(world: Stores, tmp_path: Path) -> None:
    """Pages that were given back count as untouched."""
    files = []
    for n in range(3):
        store, exports = world.store()
        exports["g"].set_value(store, 9)
        store.snapshot().save(tmp_path / f"{n}.arn")
        files.append((tmp_path / f"{n}.arn").read_bytes())
        fork = Snapshot.open(tmp_path / f"{n}.arn", world.engine).fork()
        assert fork.instances[0].exports(fork)["sum"](fork) == FRESH  # type: ignore[operator]  # a function
        del store, exports, fork
        soil(*world.store())
    assert len(set(files)) == 1


def test_a_snapshot_keeps_what_it_has(world: Stores) -> None:
    store, exports = world.store()
    exports["soil"](store)
    snapshot = store.snapshot()
    del store
    for _ in range(2):
        store, others = world.store()
        assert others["sum"](store) == FRESH
        soil(store, others)
        del store, others
        fork = snapshot.fork()
        assert exports["sum"](fork) == 65536 * 0xA5
        assert exports["g"].value(fork) == -1


@pytest.mark.parametrize("what", ["memory", "buffer", "slice"])
def test_what_somebody_sees_is_not_used(world: Stores, what: str) -> None:
    store, exports = world.store()
    at, memory = base(store), exports["memory"]
    assert isinstance(memory, Memory)
    held: Any = memory.view(store) if what == "memory" else memory.get_buffer_ptr(store)
    if what == "slice":
        held = memory.view(store)[100:200]
    del store, exports, memory
    store, exports = world.store()
    assert base(store) != at
    held[0] = 77
    assert exports["sum"](store) == FRESH
    assert held[0] == 77


def test_a_store_is_not_closed_under_a_view(world: Stores) -> None:
    store, exports = world.store()
    with exports["memory"].view(store) as view:
        with pytest.raises(BufferError):
            store.close()
        view[0] = 1
    assert exports["sum"](store) == FRESH + 1
    store.close()


@pytest.mark.parametrize("how", ["memory", "host", "another memory", "arena"])
def test_what_was_mapped_in_another_way_is_not_used(world: Stores, how: str) -> None:
    store, exports = world.store()
    cage = store.machine.cage
    assert isinstance(cage, Cage)
    space = weakref.ref(cage.space[0])
    if how == "memory":
        assert exports["grow"](store) == 1
    elif how == "host":
        exports["memory"].grow(store, 2)
    elif how == "another memory":
        Instance(store, Module(world.engine, "(module (memory 1))"), [])
    else:
        cage.grow_arena(len(cage.arena) + 1)
    del store, exports, cage
    gc.collect()
    assert space() is None, "so it has been given back"
    store, exports = world.store()
    assert exports["sum"](store) == FRESH
    assert exports["memory"].size(store) == 1


def test_only_the_newest_few_wait(world: Stores) -> None:
    many = [world.store() for _ in range(spares.MOST + 3)]
    addresses = [base(store) for store, _ in many]
    spaces = [weakref.ref(store.machine.cage.space[0]) for store, _ in many]  # type: ignore[union-attr]  # a cage
    assert len(set(addresses)) == len(addresses)
    many.clear()
    assert [space() is None for space in spaces] == [True] * 3 + [False] * spares.MOST
    again = [world.store() for _ in range(spares.MOST)]
    assert {base(store) for store, _ in again} == set(addresses[3:])


def test_what_is_used_again_and_again_waits_longer(world: Stores) -> None:
    store, _ = world.store()
    at = base(store)
    for n in range(3):
        del store, _
        store, _ = world.store()
        assert base(store) == at
        others = [world.store() for _ in range(spares.MOST if n else 1)]
        assert at not in {base(one) for one, _ in others}
        del others
    del store, _
    many = [world.store() for _ in range(spares.MOST)]
    spaces = [weakref.ref(store.machine.cage.space[0]) for store, _ in many]  # type: ignore[union-attr]  # a cage
    many.clear()
    assert None not in [space() for space in spaces], "but not for ever"


def test_large_ones_are_given_back(world: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "LARGEST", 1 << 16)
    store, _ = world.store()
    space = weakref.ref(store.machine.cage.space[0])  # type: ignore[union-attr]  # a cage
    del store, _
    assert space() is None


def test_they_go_with_their_module(world: Stores) -> None:
    store, _ = world.store()
    space = weakref.ref(store.machine.cage.space[0])  # type: ignore[union-attr]  # a cage
    del store, _
    assert space() is not None
    del world.module
    gc.collect()
    assert space() is None


def test_whoever_needs_address_space_gets_it(world: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = world.store()
    waits = weakref.ref(store.machine.cage.space[0])  # type: ignore[union-attr]  # a cage
    del store, _
    reservation = platform.Reservation

    def scarce(size: int) -> platform.Reservation:
        if waits() is not None:
            raise Limit("no address space")
        return reservation(size)

    monkeypatch.setattr(room, "_roomy", type(room._roomy)())
    monkeypatch.setattr(platform, "Reservation", scarce)
    space, areas = room.reserve(1)
    assert (space.size >= cage_size(1), areas) == (True, 1)


def test_pages_that_cannot_be_wiped_are_not_used(world: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    store, exports = world.store()
    at = base(store)
    soil(store, exports)
    kept = store.machine.cage.space[0]  # type: ignore[union-attr]  # a cage
    del store, exports

    def locked(*_: object) -> None:
        raise OSError("pages are locked")

    monkeypatch.setattr(platform.Reservation, "wipe", locked)
    store, exports = world.store()
    assert base(store) != at
    assert exports["sum"](store) == FRESH
    assert kept is not None


def test_where_wiping_does_nothing_nothing_is_lent(world: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator may take it for a hint."""
    with monkeypatch.context() as patch:
        patch.setattr(platform.Reservation, "wipe", lambda *_: None)
        patch.setattr(spares, "wiping_works", spares.wiping_works.__wrapped__)
        store, exports = world.store()
        soil(store, exports)
        space = weakref.ref(store.machine.cage.space[0])  # type: ignore[union-attr]  # a cage
        del store, exports
        assert space() is None
    assert spares.wiping_works()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_has_its_own(world: Stores) -> None:
    """Both have a spare at the same address."""
    store, exports = world.store()
    at = base(store)
    soil(store, exports)
    del store, exports
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store, exports = world.store()
            good = base(store) == at and exports["sum"](store) == FRESH
            soil(store, exports)
            code = 0 if good else 2
        finally:
            os._exit(code)
    store, exports = world.store()
    assert base(store) == at
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert exports["sum"](store) == FRESH


@pytest.mark.parametrize("closed", [False, True])
def test_interrupted_everywhere(world: Stores, *, closed: bool) -> None:
    """Whatever an interrupted store leaves behind: the next ones are fresh, and each has its own."""
    store, exports = world.store()
    fresh = everything(store)
    del store, exports

    def prepare() -> tuple[object, Callable[[], object]]:
        soil(*world.store())
        return None, act

    def act() -> None:
        store, exports = world.store()
        exports["g"].set_value(store, 6)
        if closed:
            store.close()

    found = places(prepare)
    came = 0
    print(f"ARENITE_SEED={SEED}")
    for place in found if ALL else random.Random(f"{SEED} {closed}").sample(found, 15):
        prepare()
        came += interrupted(act, place)
        both = [world.store()[0] for _ in range(2)]
        assert [everything(store) for store in both] == [fresh, fresh]
        assert base(both[0]) != base(both[1])
        del both
    assert came


def test_threads_never_share_one(world: Stores) -> None:
    wrong = list[object]()
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait(60)
        for n in range(60):
            store, exports = world.store()
            exports["g"].set_value(store, n)
            found = exports["sum"](store), exports["g"].value(store)
            exports["soil"](store)
            if found != (FRESH, n):
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
