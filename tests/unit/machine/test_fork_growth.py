"""Forks of a fork that has grown: new pages are zero in each, and old pages are what they were, whether anybody looked at the new ones or not."""

from __future__ import annotations

import functools
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Limit, Memory, Module, Snapshot, Store, Table
from marks import EACH_TIER

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

PAGE = 65536
CHANGED = 200 * 4096  # far behind the pages that are there from the start


@functools.cache
def engine(tier: TierName) -> Engine:
    """One for each tier; with room for memories that forks make, so that no cage has to move."""
    return Engine(Config(tier=tier, max_wasm_stack=1 << 16, memories=4))


def memory_of(store: Store) -> Memory:
    """The memory of the newest instance."""
    found = store.instances[-1].exports(store)["m"]
    assert isinstance(found, Memory)
    return found


def grown_unseen(tier: TierName) -> Snapshot:
    """Of a fork that has changed one page of twenty and grown; nothing has read what it grew by."""
    store = Store(engine(tier))
    Instance(store, Module(engine(tier), '(module (memory (export "m") 20))'), [])
    for page in range(20):
        memory_of(store).write(store, b"old", page * 4096)
    fork = store.snapshot().fork()
    memory_of(fork).write(fork, b"new", CHANGED)
    memory_of(fork).grow(fork, 1)
    return fork.snapshot()


def expected() -> bytes:
    """What the memory of `grown_unseen` holds."""
    data = bytearray(21 * PAGE)
    for page in range(20):
        data[page * 4096 : page * 4096 + 3] = b"old"
    data[CHANGED : CHANGED + 3] = b"new"
    return bytes(data)


@EACH_TIER
def test_forks_of_a_fork_that_grew_unseen(tier: TierName) -> None:
    snapshot = grown_unseen(tier)
    for fork in [*snapshot.fork(30), *snapshot.fork(30)]:  # on the way the image gets a template of its own
        assert memory_of(fork).read(fork) == expected()
        fork.close()


@EACH_TIER
@pytest.mark.parametrize("packed", [False, True])
def test_files_of_a_fork_that_grew_unseen(tmp_path: Path, tier: TierName, *, packed: bool) -> None:
    grown_unseen(tier).save(tmp_path / "s.arn", packed=packed)
    fork = Snapshot.open(tmp_path / "s.arn", engine(tier), verify=True).fork()
    assert memory_of(fork).read(fork) == expected()


def small(tier: TierName) -> Snapshot:
    """A store with one memory, of three pages of 64 KiB."""
    store = Store(engine(tier))
    Instance(store, Module(engine(tier), '(module (memory (export "m") 3 60) (table (export "t") 1 funcref))'), [])
    memory_of(store).write(store, b"a", 9)
    return store.snapshot()


def grow_all(store: Store) -> None:
    """Grow the memory and the arena, make another memory, write to all, and let that be what the store is frozen as."""
    memory_of(store).grow(store, 30)
    memory_of(store).write(store, b"x" * (33 * PAGE))
    table = store.instances[0].exports(store)["t"]
    assert isinstance(table, Table)
    table.grow(store, 600_000, None)
    other = Instance(store, Module(store.engine, '(module (memory (export "m") 2))'), []).exports(store)["m"]
    assert isinstance(other, Memory)
    other.write(store, b"y" * (2 * PAGE))


def check_small(store: Store) -> None:
    """It is as `small` made it, and whatever is made of it is too."""
    expected = bytes(9) + b"a" + bytes(3 * PAGE - 10)
    again = store.snapshot()
    for found in (store, again.fork(), Snapshot.loads(again.dumps(), store.engine).fork(), again.fork().snapshot().fork()):
        assert len(found.instances) == 1
        assert memory_of(found).read(found) == expected
    grow_all(store)
    store.reset()
    assert memory_of(store).read(store) == expected


@EACH_TIER
def test_a_fork_that_grew_and_was_frozen_is_reset(tmp_path: Path, tier: TierName) -> None:
    """What it was frozen as meanwhile has more and longer regions than what it goes back to."""
    fork = small(tier).fork()
    for number in range(2):
        grow_all(fork)
        fork.snapshot().save(tmp_path / f"{number}.arn")
        fork.reset()
        check_small(fork)


@EACH_TIER
def test_a_fork_of_a_file_is_reset(tmp_path: Path, tier: TierName) -> None:
    small(tier).save(tmp_path / "s.arn")
    fork = Snapshot.open(tmp_path / "s.arn", engine(tier)).fork()
    for _ in range(2):
        grow_all(fork)
        fork.snapshot()
        fork.reset()
        check_small(fork)


@EACH_TIER
def test_a_reset_that_is_refused_changes_nothing(tier: TierName) -> None:
    fork = small(tier).fork()
    grow_all(fork)
    with memory_of(fork).view(fork) as view:
        for _ in range(2):
            with pytest.raises(Limit):
                fork.reset()
        assert view[0] == ord("y")
    assert memory_of(fork).read(fork) == b"y" * (2 * PAGE)
    snapshot = fork.snapshot()
    for store in (fork, snapshot.fork()):
        first = store.instances[0].exports(store)["m"]
        assert isinstance(first, Memory)
        assert first.read(store) == b"x" * (33 * PAGE)
    fork.reset()
    check_small(fork)


@EACH_TIER
def test_forks_with_one_more_memory_than_their_template(tmp_path: Path, tier: TierName) -> None:
    """The template has no such region: it is all zeros there."""
    fork = small(tier).fork()
    other = Instance(fork, Module(engine(tier), '(module (memory (export "m") 2))'), []).exports(fork)["m"]
    assert isinstance(other, Memory)
    other.write(fork, b"z", PAGE)
    snapshot = fork.snapshot()
    snapshot.save(tmp_path / "s.arn")
    snapshot.save(tmp_path / "p.arn", packed=True)
    opened = [Snapshot.open(tmp_path / name, engine(tier), verify=True) for name in ("s.arn", "p.arn")]
    for found in (snapshot, *opened):
        for store in found.fork(20):
            assert memory_of(store).read(store) == bytes(PAGE) + b"z" + bytes(PAGE - 1)
            store.close()


@pytest.mark.parametrize("tier", ["threaded", "baseline"])
def test_freezing_copies_nothing_of_what_gets_a_template_of_its_own(tier: TierName) -> None:
    """A guest may have written all that it may have, and its host keep no more than that."""
    store = Store(engine(tier))
    Instance(store, Module(engine(tier), '(module (memory (export "m") 1))'), [])
    fork = store.snapshot().fork()
    memory_of(fork).grow(fork, 255)
    for page in range(256):
        memory_of(fork).write(fork, bytes([page or 1]) * PAGE, page * PAGE)
    tracemalloc.start()
    try:
        snapshot = fork.snapshot()
        assert tracemalloc.get_traced_memory()[1] < 16 * PAGE
    finally:
        tracemalloc.stop()
    again = snapshot.fork()
    assert all(memory_of(again).read(again, page * PAGE, (page + 1) * PAGE) == bytes([page or 1]) * PAGE for page in range(256))
