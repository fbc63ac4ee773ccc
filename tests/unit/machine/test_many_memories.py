"""A thousand memories in one store, each of an instance of one of several modules: guests keep to their own, also in forks and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Instance, Limit, Module, Snapshot, Store, Trap
from arenite.layout.cage import MAX_AREAS
from tiers import TIERS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 65536
EXPLICIT = [{"tier": tier, "explicit_bounds": True} for tier in ("threaded", "baseline")]


def text(number: int) -> str:
    """A module whose functions reach the end of what its memory has."""
    return f"""(module (memory (export "memory") 1 4)
      (func (export "poke") (param i32) (i32.store (i32.const {PAGE - 4}) (i32.add (local.get 0) (i32.const {number}))))
      (func (export "peek") (result i32) (i32.sub (i32.load (i32.const {PAGE - 4})) (i32.const {number})))
      (func (export "beyond") (i32.store (i32.const {PAGE - 3}) (i32.const 0)))
      (func (export "fill") (param i32) (memory.fill (i32.const {PAGE}) (i32.const 7) (local.get 0)))
      (func (export "grow") (result i32) (memory.grow (i32.const 1)))
      (func (export "size") (result i32) (memory.size)))"""


def holds(store: Store, instances: list[Instance], changed: dict[int, int]) -> None:
    """Every guest finds its own number, or another where one was written."""
    found = [instance.call(store, "peek") for instance in instances]
    assert found == [changed.get(n, n) for n in range(len(instances))]


@pytest.mark.parametrize(
    "options", [*({"tier": tier} for tier in TIERS), *EXPLICIT], ids=[*TIERS, "explicit", "baseline, explicit"]
)
def test_a_thousand_memories(tmp_path: Path, options: dict[str, Any]) -> None:
    engine = Engine(Config(**options))
    modules = [Module(engine, text(n)) for n in range(4)]
    store = Store(engine)
    instances = [Instance(store, modules[n % 4], []) for n in range(MAX_AREAS)]
    assert len(instances) == 1000
    with pytest.raises(Limit, match="1000 memories"):
        Instance(store, modules[0], [])
    for number, instance in enumerate(instances):
        instance.call(store, "poke", number)
    last = instances[-1]
    for instance in last, instances[300]:
        for call in ("beyond",), ("fill", 1):
            with pytest.raises(Trap):
                instance.call(store, *call)
    assert [last.call(store, name) for name in ("size", "grow", "size")] == [1, 1, 2]
    last.call(store, "beyond")
    last.call(store, "poke", 999)
    last.call(store, "fill", PAGE)
    with pytest.raises(Trap):
        last.call(store, "fill", PAGE + 1)
    holds(store, instances, {})

    snapshot = store.snapshot()
    fork = snapshot.fork()
    instances[700].call(fork, "poke", 7)
    holds(fork, instances, {700: 7})
    holds(store, instances, {})
    assert last.call(fork, "size") == 2
    snapshot.save(tmp_path / "image.arn")
    fork.snapshot().save(tmp_path / "delta.arn", parent=snapshot)
    for name, changed in (("image", {}), ("delta", {700: 7})):
        again = Snapshot.open(tmp_path / f"{name}.arn", Engine(Config(**options))).fork()
        holds(again, list(again.instances), changed)
        assert again.instances[999].call(again, "size") == 2
    fork.reset()
    holds(fork, instances, {})
