"""Deltas of every shape: of a parent that has more or longer regions, of another form or tier, in every order.  What was saved is opened."""

from __future__ import annotations

import functools
import itertools
import os
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Memory, Module, Snapshot, SnapshotError, Store, Table
from arenite.snapshot import opening, saving
from marks import EACH_TIER
from tiers import TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

PAGE = 65536
WAT = """(module
  (memory (export "m") 3 40)
  (table (export "t") 2 funcref)
  (global (export "g") (mut i32) (i32.const 7)))"""
OTHER = '(module (memory (export "m") 2 20))'


@functools.cache
def engine(tier: TierName) -> Engine:
    """One for each tier."""
    return Engine(Config(tier=tier, max_wasm_stack=1 << 16))


@functools.cache
def module(of: Engine, wat: str) -> Module:
    """A module of an engine."""
    return Module(of, wat)


def memory_of(store: Store, instance: int = 0) -> Memory:
    """The memory of an instance."""
    found = store.instances[instance].exports(store)["m"]
    assert isinstance(found, Memory)
    return found


def moments(tier: TierName) -> list[Snapshot]:
    """A store that grows: at first, with a longer memory, with a second memory, with a longer arena, with everything written to."""
    of = engine(tier)
    store = Store(of)
    table = Instance(store, module(of, WAT), []).exports(store)["t"]
    assert isinstance(table, Table)
    memory = memory_of(store)
    memory.write(store, b"first", 5)
    found = [store.snapshot()]
    memory.grow(store, 3)
    memory.write(store, b"end", 6 * PAGE - 3)
    memory.write(store, b"FIRST", 5)
    found.append(store.snapshot())
    Instance(store, module(of, OTHER), [])
    memory_of(store, 1).write(store, b"second memory", PAGE)
    found.append(store.snapshot())
    table.grow(store, 700_000, None)
    memory_of(store, 1).grow(store, 5)  # nobody touches what it grew by
    found.append(store.snapshot())
    for number in range(2):
        memory = memory_of(store, number)
        memory.write(store, b"x" * memory.data_len(store))
    found.append(store.snapshot())
    return found


def content(snapshot: Snapshot) -> list[object]:
    """What a fork of it has."""
    with snapshot.fork() as fork:
        memories = [bytes(memory_of(fork, n).read(fork)) for n in range(len(fork.instances))]
        table = fork.instances[0].exports(fork)["t"]
        assert isinstance(table, Table)
        return [memories, table.size(fork), fork.machine.cage.sizes]


@EACH_TIER
def test_every_moment_as_a_delta_of_every_other(tmp_path: Path, tier: TierName) -> None:
    found = moments(tier)
    for number, parent in enumerate(found):
        parent.save(tmp_path / f"{number}.arn")
    for (a, snapshot), (b, parent) in itertools.product(enumerate(found), enumerate(found)):
        path = tmp_path / f"{a}-{b}.arn"
        snapshot.save(path, parent=parent)
        for other in TIERS:
            opened = Snapshot.open(path, engine(other), verify=True)
            assert content(opened) == content(snapshot)
            assert content(opened) == content(Snapshot.open(tmp_path / f"{a}.arn", engine(other)))


@EACH_TIER
def test_of_a_sibling_that_has_grown(tmp_path: Path, tier: TierName) -> None:
    origin = moments(tier)[1]
    one, two = origin.fork(2)
    memory_of(one).grow(one, 20)
    memory_of(one).write(one, b"only here", 20 * PAGE)
    memory_of(two).write(two, b"and only here", PAGE)
    parent, snapshot = one.snapshot(), two.snapshot()
    parent.save(tmp_path / "parent.arn")
    snapshot.save(tmp_path / "snapshot.arn", parent=parent)
    assert content(Snapshot.open(tmp_path / "snapshot.arn", engine(tier))) == content(snapshot)


@EACH_TIER
@pytest.mark.parametrize("order", [(4, 0, 3, 1, 2), (2, 0, 4, 0, 3)])
def test_deltas_of_deltas(tmp_path: Path, tier: TierName, order: tuple[int, ...]) -> None:
    """Each of the one before, larger and smaller in turn; of the snapshot itself, or of what was opened."""
    found = moments(tier)
    for reopened in (False, True):
        parent: Snapshot | None = None
        for link, number in enumerate(order):
            path = tmp_path / f"{link}.arn"
            found[number].save(path, parent=parent)
            assert content(Snapshot.open(path, engine(tier), verify=True)) == content(found[number])
            parent = Snapshot.open(path, engine(tier)) if reopened else found[number]


@EACH_TIER
@pytest.mark.parametrize("form", ["packed", "bytes", "image"])
def test_of_a_parent_that_was_opened(tmp_path: Path, tier: TierName, form: str) -> None:
    """Of another tier's as well: pages that lie in a file there are copied here, and the other way round."""
    small, *_, large = moments(tier)
    for snapshot, saved in ((small, large), (large, small)):
        saved.save(tmp_path / "p.arn", packed=form == "packed")
        data = saved.dumps()
        for other in TIERS:
            parent = Snapshot.loads(data, engine(other)) if form == "bytes" else Snapshot.open(tmp_path / "p.arn", engine(other))
            snapshot.save(tmp_path / "d.arn", parent=parent)
            for last in TIERS:
                assert content(Snapshot.open(tmp_path / "d.arn", engine(last), parent=parent)) == content(snapshot)


@EACH_TIER
def test_forks_of_a_delta_of_what_is_larger(tmp_path: Path, tier: TierName) -> None:
    """What was cut off is not there when it grows again, and a reset cuts it off again."""
    small, *_, large = moments(tier)
    large.save(tmp_path / "large.arn")
    small.save(tmp_path / "small.arn", parent=large)
    opened = Snapshot.open(tmp_path / "small.arn", engine(tier))
    for fork in opened.fork(3):
        for _ in range(2):
            assert content(fork.snapshot()) == content(small)
            memory_of(fork).grow(fork, 3)
            assert not any(memory_of(fork).read(fork, 3 * PAGE))
            Instance(fork, module(engine(tier), OTHER), [])
            assert not any(memory_of(fork, 1).read(fork))
            assert not any(fork.machine.cage.arena[len(small.fork().machine.cage.arena) :])
            fork.reset()


def test_modules_of_a_parent_in_this_process(tmp_path: Path) -> None:
    """They are found there also by an engine that has none."""
    first, *_ = found = moments("threaded")
    found[3].save(tmp_path / "parent.arn")
    first.save(tmp_path / "child.arn", parent=found[3])
    later = found[3].fork().snapshot()
    later.save(tmp_path / "grandchild.arn", parent=first)  # with a module that the parent lacks and its parent has
    for name, parent, snapshot in (("child", found[3], first), ("grandchild", first, later)):
        path = tmp_path / f"{name}.arn"
        assert content(Snapshot.open(path, Engine())) == content(snapshot)
        assert content(Snapshot.open(path, Engine(), parent=parent)) == content(snapshot)


def test_a_delta_in_the_place_of_what_it_needs(tmp_path: Path) -> None:
    first, second, third, *_ = moments("threaded")
    first.save(tmp_path / "first.arn")
    second.save(tmp_path / "second.arn", parent=first)
    (tmp_path / "link.arn").symlink_to("first.arn")
    (tmp_path / "folder").symlink_to(tmp_path)
    before = (tmp_path / "first.arn").read_bytes()
    linked = Snapshot.open(tmp_path / "link.arn", engine("threaded"))
    for path, parent in (
        (tmp_path / "second.arn", second),
        (tmp_path / "first.arn", second),
        (tmp_path / "folder" / "first.arn", second),
        (tmp_path / "first.arn", linked),
        (tmp_path / "link.arn", linked),
        (tmp_path / "first.arn", Snapshot.open(tmp_path / "second.arn", engine("threaded"))),
    ):
        with pytest.raises(SnapshotError, match="cannot take the place of its parent"):
            third.save(path, parent=parent)
    assert (tmp_path / "first.arn").read_bytes() == before
    assert content(Snapshot.open(tmp_path / "second.arn", engine("threaded"))) == content(second)
    third.save(tmp_path / "first.arn")  # whole, it may


def test_of_a_parent_of_the_same_name_elsewhere(tmp_path: Path) -> None:
    first, second, *_ = moments("threaded")
    (tmp_path / "elsewhere").mkdir()
    first.save(tmp_path / "s.arn")
    second.save(tmp_path / "elsewhere" / "s.arn", parent=first)
    with pytest.raises(SnapshotError, match="of its name in another folder"):
        Snapshot.open(tmp_path / "elsewhere" / "s.arn", engine("threaded"))
    assert content(Snapshot.open(tmp_path / "elsewhere" / "s.arn", engine("threaded"), parent=first)) == content(second)


def test_of_a_parent_whose_name_is_no_text(tmp_path: Path) -> None:
    first, second, *_ = moments("threaded")
    path = tmp_path / os.fsdecode(b"p\xff.arn")
    first.save(path)
    second.save(tmp_path / "d.arn", parent=first)
    assert content(Snapshot.open(tmp_path / "d.arn", engine("threaded"), parent=first)) == content(second)


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused when it is saved, exactly from where on it could not be opened."""
    for end in (opening, saving):
        monkeypatch.setattr(end, "LONGEST_CHAIN", 3)
    store = moments("threaded")[0].fork()
    parent: Snapshot | None = None
    for number in range(4):
        snapshot = store.snapshot()
        snapshot.save(tmp_path / f"{number}.arn", parent=parent)
        assert content(Snapshot.open(tmp_path / f"{number}.arn", engine("threaded"))) == content(snapshot)
        parent = snapshot
    with pytest.raises(SnapshotError, match="more than 3 times: save it whole"):
        store.snapshot().save(tmp_path / "4.arn", parent=parent)
