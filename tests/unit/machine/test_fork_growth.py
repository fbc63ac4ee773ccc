"""Forks of a fork that has grown: new pages are zero in each, and old pages are what they were, whether anybody looked at the new ones or not."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Memory, Module, Snapshot, Store

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

PAGE = 65536
CHANGED = 200 * 4096  # far behind the pages that are there from the start
TIERS = pytest.mark.parametrize("tier", ["threaded", "safe"])


@functools.cache
def engine(tier: TierName) -> Engine:
    """One for each tier."""
    return Engine(Config(tier=tier))


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


@TIERS
def test_forks_of_a_fork_that_grew_unseen(tier: TierName) -> None:
    snapshot = grown_unseen(tier)
    for fork in [*snapshot.fork(30), *snapshot.fork(30)]:  # on the way the image gets a template of its own
        assert memory_of(fork).read(fork) == expected()
        fork.close()


@TIERS
@pytest.mark.parametrize("packed", [False, True])
def test_files_of_a_fork_that_grew_unseen(tmp_path: Path, tier: TierName, *, packed: bool) -> None:
    grown_unseen(tier).save(tmp_path / "s.arn", packed=packed)
    fork = Snapshot.open(tmp_path / "s.arn", engine(tier), verify=True).fork()
    assert memory_of(fork).read(fork) == expected()
