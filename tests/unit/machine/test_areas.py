"""Many memories in one store: as many as the store context has room for, with views held, after moves, in forks."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest

from arenite import Instance, Limit, Limits, Memory, MemoryType, Module, Store
from arenite.layout.cage import MAX_AREAS
from arenite.machine.space import room
from arenite.machine.space.cage import Cage
from marks import EACH_TIER
from unit.machine.guests import engine

PAGE = 1 << 16
BIG = 1 << 30
WAT = """(module (memory (export "m") 1)
  (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "set") (param i32 i32) (i32.store (local.get 0) (local.get 1))))"""


def memory_of(store: Store, pages: int = 1) -> Memory:
    return Memory(store, MemoryType(Limits(pages, None)))


def fill(store: Store, memories: list[Memory]) -> None:
    """Write to each what no other has."""
    for number, memory in enumerate(memories):
        memory.write(store, number.to_bytes(4, "little"), 8)


def check(store: Store, memories: list[Memory]) -> None:
    """Each has what `fill` wrote."""
    assert [int.from_bytes(memory.read(store, 8, 12), "little") for memory in memories] == list(range(len(memories)))


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with so many cages that none has room for more than it asks for."""
    monkeypatch.setattr(room, "LADDER", ())


@EACH_TIER
def test_as_many_memories_as_there_are_areas(tier: Any) -> None:
    of = engine(tier=tier, max_wasm_stack=PAGE)
    store, module = Store(of), Module(of, WAT)
    exports: list[Any] = [dict(Instance(store, module, []).exports(store)) for _ in range(MAX_AREAS)]
    for number in (0, 1, MAX_AREAS // 2, MAX_AREAS - 1):
        exports[number]["set"](store, PAGE - 4, number + 1)
        assert exports[number]["m"].grow(store, 1) == 1
    assert [exports[n]["get"](store, PAGE - 4) for n in (0, 1, 2, MAX_AREAS - 1)] == [1, 2, 0, MAX_AREAS]
    with pytest.raises(Limit, match=f"at most {MAX_AREAS} memories"):
        Instance(store, module, [])


@EACH_TIER
def test_a_memory_beside_a_view(tier: Any) -> None:
    store = Store(engine(tier=tier))
    first = memory_of(store)
    view = first.view(store)
    others = [memory_of(store) for _ in range(12)]
    view[8] = 77
    fill(store, others)
    assert first.read(store, 8, 9) == b"\x4d"
    assert view[8] == 77
    check(store, others)


@pytest.mark.parametrize("how", ["moved", "copied"])
@pytest.mark.usefixtures("crowded")
def test_a_store_without_room_moves(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "copied":
        monkeypatch.setattr("arenite.platform.Move.run", lambda _move: False)
    store = Store(engine(tier="threaded"))
    memories = [memory_of(store, BIG // PAGE)]  # sparse: what was never touched is not touched by a move
    exports: Any = Instance(store, Module(store.engine, WAT), []).exports(store)
    exports["set"](store, 100, 5)
    memories[0].write(store, b"end", BIG - 3)
    memories += [memory_of(store) for _ in range(130)]
    fill(store, memories)
    check(store, memories)
    assert memories[0].read(store, BIG - 3, BIG) == b"end"
    assert exports["get"](store, 100) == 5
    pages = store.machine.cage.dirty_pages(1)
    assert pages is None or sum(b - a for a, b in pages) < BIG // 4


@pytest.mark.parametrize("how", ["moved", "copied"])
@pytest.mark.usefixtures("crowded")
def test_a_fork_moves(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pages are its template's, its own, and zeros where the template has something."""
    if how == "copied":
        monkeypatch.setattr("arenite.platform.Move.run", lambda _move: False)
    store = Store(engine(tier="threaded"))
    memory = memory_of(store, 4)
    memory.write(store, b"t" * 4 * PAGE, 0)
    fork = store.snapshot().fork()
    memory.write(fork, bytes(PAGE), PAGE)
    memory.write(fork, b"own", 2 * PAGE)
    expected = memory.read(fork, 0, None)
    others = [memory_of(fork) for _ in range(3)]
    fill(fork, others)
    assert memory.read(fork, 0, None) == expected
    grandchild = fork.snapshot().fork()
    assert memory.read(grandchild, 0, None) == expected
    check(grandchild, others)


@pytest.mark.usefixtures("crowded")
def test_without_room_nothing_moves_under_a_view() -> None:
    store = Store(engine(tier="threaded"))
    first = memory_of(store)
    view = first.view(store)
    with pytest.raises(Limit, match="a view of one is held"):
        memory_of(store)
    view[0] = 1
    assert first.read(store, 0, 1) == b"\1"
    view.release()
    assert memory_of(store).size(store) == 1
    reserved = Store(engine(tier="threaded", memories=3))
    kept = memory_of(reserved).view(reserved)
    assert [memory_of(reserved).size(reserved) for _ in range(2)] == [1, 1]
    assert len(kept) == PAGE


def move(store: Store) -> None:
    """Let a store's cage move."""
    cage = store.machine.cage
    assert isinstance(cage, Cage)
    cage._move(2)


@pytest.mark.usefixtures("crowded")
def test_an_exception_behind_every_call_of_a_move_loses_nothing() -> None:
    """What a signal's handler may raise, wherever it comes: the memories are where they were, or all of them have moved."""
    for at in range(1, 400):
        store = Store(engine(tier="threaded"))
        first = memory_of(store)
        first.write(store, b"here", 0)
        left = at

        def trace(_frame: object, event: str, _argument: object) -> Any:
            nonlocal left
            if event in ("call", "line", "return"):
                left -= 1
                if not left:
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            move(store)
            done = True
        except KeyboardInterrupt:
            done = False
        finally:
            sys.settrace(before)
        assert first.read(store, 0, 4) == b"here", at
        assert memory_of(store).size(store) == 1
        if done:
            return
    raise AssertionError("the move never came to its end")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no other test had left a store."""
    monkeypatch.setattr(room, "_roomy", type(room._roomy)())


@pytest.mark.parametrize("wanted", [MAX_AREAS + 1, 1 << 31, (1 << 64) - 1])
def test_no_store_has_room_for_more_memories_than_it_can_have(wanted: int) -> None:
    """Room is no more than memories that could lie there: the tier stays, and so do its stores."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a tier that was exchanged
        store = Store(engine(memories=wanted))
    assert not store.engine.tier.portable
    assert store.machine.born().areas == MAX_AREAS
    store.close()
