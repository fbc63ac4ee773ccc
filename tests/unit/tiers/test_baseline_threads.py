"""Stores of one engine share the code of their modules, also when several threads make it at once; and modules may have no code at all."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from arenite import Instance, Module, Store
from arenite.platform import HAS_OBJECTS
from tiers import GENERATED, engine_of
from unit.tiers.test_baseline import code_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tiers import Way

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the baseline tier needs machine code")

FUNCTIONS, THREADS, ROUNDS = 40, 4, 20
EACH = "\n".join(f"(func $f{n} (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))" for n in range(FUNCTIONS))
CALLS = "\n".join(f"(local.set $n (call $f{n} (local.get $n)))" for n in range(FUNCTIONS))
MANY = f"""(module {EACH}
  (func (export "all") (param $n i32) (param $rounds i32) (result i32)
    (loop $again
      {CALLS}
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $n)))"""


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(stores: list[Store], module: Module) -> dict[int, object]:
    """What each store's guest gives, in a thread of its own; all begin with nothing compiled."""
    start, found = threading.Barrier(len(stores)), dict[int, object]()

    def go(index: int, store: Store) -> None:
        start.wait()
        found[index] = Instance(store, module, []).call(store, "all", index, 10)

    threads = [threading.Thread(target=go, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("way", ["auto", "baseline"])
def test_threads_that_call_the_same_cold_functions(way: Way) -> None:
    for _ in range(ROUNDS):
        engine = engine_of(way)
        stores = [Store(engine) for _ in range(THREADS)]
        expected = {index: index + 10 * sum(range(FUNCTIONS)) for index in range(THREADS)}
        assert at_once(stores, Module(engine, MANY)) == expected
        assert len({id(code_of(store)) for store in stores}) == 1
        places = [placed.begin for placed in code_of(stores[0]).placed]
        assert len(places) == len(set(places)) == FUNCTIONS + 1


@pytest.mark.parametrize("way", GENERATED)
def test_modules_without_code(way: Way) -> None:
    """Behind each other, and between others, in one store."""
    engine = engine_of(way)
    store, empty = Store(engine), Module(engine, '(module (memory (export "m") 1))')
    for _ in range(2):
        Instance(store, empty, [])
    for _ in range(2):
        instance = Instance(store, Module(engine, MANY), [])
        assert instance.call(store, "all", 0, 10) == 10 * sum(range(FUNCTIONS))
        Instance(store, Module(engine, '(module (global (export "g") i32 (i32.const 1)))'), [])
        assert instance.call(store, "all", 1, 10) == 1 + 10 * sum(range(FUNCTIONS))
