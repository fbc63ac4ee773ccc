"""Compiled code goes with its window, and forks share it.

What is counted is a process's, so each count has one to itself: nothing of other tests comes or goes in the middle of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Instance, Module, Store
from arenite.platform import HAS_OBJECTS, faults
from released import collect
from tiers import engine_of
from unit.tiers.test_baseline import code_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiers import Way

pytestmark = [
    pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code"),
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc"),
]

EACH = "\n".join(f"(func $f{n} (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))" for n in range(500))
CALLS = "\n".join(f"(local.set $n (call $f{n} (local.get $n)))" for n in range(500))
MODULE = f"""(module (memory (export "memory") 4) {EACH}
  (func (export "all") (param $n i32) (result i32) {CALLS} (i32.store (local.get $n) (local.get $n)) (local.get $n)))"""
FORKS = 200
ROUNDS = 10
SUM = sum(range(500))


def used(way: Way) -> tuple[Store, Instance]:
    """A store that has called all functions, twice."""
    engine = engine_of(way)
    store = Store(engine)
    instance = Instance(store, Module(engine, MODULE), [])
    for _ in range(4):
        assert instance.call(store, "all", 1) == SUM + 1
    return store, instance


def held() -> tuple[int, int]:
    """Registered ranges of text, and mappings whose code may run."""
    collect()
    assert faults._handler is not None
    runs = [line for line in Path("/proc/self/maps").read_text("utf-8").splitlines() if "x" in line.split()[1]]
    return len(faults._handler.rows), len(runs)


def private() -> int:
    """Bytes that are this process's alone."""
    collect()
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))


def alone(count: Callable[[Way], object], way: Way) -> Any:
    """What it counts, in a process of its own."""
    program = f"import json; from {__name__} import {count.__name__} as count; print(json.dumps(count({way!r})))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def coming_and_going(way: Way) -> list[tuple[int, int]]:
    """What is held before there are stores that have called all functions, beside them, and when they are gone."""
    used(way)
    before = held()
    stores = [used(way) for _ in range(ROUNDS)]
    beside = held()
    del stores
    return [before, beside, held()]


@pytest.mark.parametrize("way", ["baseline", "auto"])
def test_code_goes_with_its_engine_and_stores(way: Way) -> None:
    before, beside, after = alone(coming_and_going, way)
    assert beside[0] == before[0] + ROUNDS
    assert beside[1] >= before[1] + ROUNDS
    assert after == before


def taken(way: Way) -> int:
    """Bytes for all forks of a store, each of them used."""
    store, instance = used(way)
    snapshot = store.snapshot()
    warm = snapshot.fork(20)
    for fork in warm:
        instance.call(fork, "all", 1)
    before = private()
    forks = snapshot.fork(FORKS)
    for number, fork in enumerate(forks):
        assert instance.call(fork, "all", number) == SUM + number
    if way != "threaded":
        assert {id(code_of(fork)) for fork in forks} == {id(code_of(store))}
        assert {fork.machine.window for fork in forks} == {store.machine.window}
    return private() - before


@pytest.mark.parametrize("way", ["baseline", "auto"])
def test_forks_share_the_code(way: Way) -> None:
    """What is compiled would be some 40 KiB in each."""
    assert alone(taken, way) < alone(taken, "threaded") + FORKS * 4096
