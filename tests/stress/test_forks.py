"""Very many forks: made, run and dropped in several threads they leave nothing behind; alive at once they take what was promised.

`ARENITE_STRESS=all` does the whole number.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from arenite import Finished, Paused, Store
from arenite.machine.space import room, spares
from marks import EACH_TIER
from released import collect
from stress.test_leaks import ALL, Usage
from unit.machine.guests import I32, World

FORKS = 100_000 if ALL else 2000
LIVE = 10_000 if ALL else 500
THREADS = 4
WARM = 600  # rounds after which the allocator has as much as four threads ever want at a time
MAPPINGS = 6  # of a live fork with one 32-bit memory
RESERVED = 12 << 30
ROOM = 29 << 40  # in all, behind the first few hundred: `machine.space.room`

WAT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 4 100)
  (global $n (export "n") (mut i32) (i32.const 0))
  (func (export "set") (param i32) (global.set $n (local.get 0)))
  (func $work (export "work") (param i32) (result i32)
    (loop $l
      (i32.store (i32.mul (local.get 0) (i32.const 3000)) (local.get 0))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.add (call $f (global.get $n)) (i32.load (i32.const 6000))))
  (func (export "grow") (result i32) (memory.grow (i32.const 1))))"""
ROUNDS = 20

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")


class Working(World):
    """A store with an instance, and an execution of `work` in its middle."""

    def __init__(self, tier: str) -> None:
        super().__init__(WAT, ([I32], [I32], lambda n: 1000 * n), tier=tier, max_wasm_stack=1 << 16)
        self.exports["memory"].write(self.store, b"x" * 100_000, 100_000)
        assert isinstance(self.start("work", ROUNDS).run(fuel=5), Paused)

    def use(self, fork: Store, number: int) -> None:
        """Run a fork to its end; a few also grow, are snapshotted, forked and reset."""
        self.exports["set"](fork, number)
        if number % 7 == 0:
            assert self.exports["grow"](fork) == 4
            self.exports["memory"].write(fork, b"y" * 5000, 4 << 16)
        if number % 50 == 0:
            below = fork.snapshot().fork()
            assert self.result(below) == 1000 * number + 2
            below.reset()
            below.close()
        assert self.result(fork) == 1000 * number + 2
        if number % 11 == 0:
            fork.reset()
            assert self.result(fork) == 2
        if number % 2:
            fork.close()

    def result(self, fork: Store) -> int:
        """What the execution of a fork gives."""
        execution = fork.execution
        assert execution is not None
        outcome = execution.run()
        assert isinstance(outcome, Finished)
        value: int = outcome.values[0]
        return value


@EACH_TIER
def test_nothing_is_left_of_forks(tier: str) -> None:
    """Each thread forks a snapshot of its own and one of all; half of the forks are closed, half only dropped."""
    shared = Working(tier).store.snapshot()
    worlds = [Working(tier) for _ in range(THREADS)]
    snapshots = [world.store.snapshot() for world in worlds]
    errors: list[BaseException] = []

    def go(index: int, count: int) -> None:
        try:
            world, snapshot = worlds[index], snapshots[index]
            for number in range(count):
                world.use(snapshot.fork(), number)
                fork = shared.fork()
                assert world.result(fork) == 2
                if number % 10 == 0:  # a template of its own, whose file goes with its last fork
                    assert world.result(Working(tier).store.snapshot().fork()) == 2
        except BaseException as error:  # noqa: BLE001 (told below)
            errors.append(error)

    def all_threads(count: int) -> None:
        threads = [threading.Thread(target=go, args=(index, count)) for index in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, errors

    count = FORKS // 2 // THREADS // (10 if tier == "safe" else 1)
    all_threads(min(count, WARM))
    before = Usage.now()
    all_threads(count)
    before.assert_kept()


def test_what_a_live_fork_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mappings, address space, descriptors and memory of forks with one memory each, all alive and all used.

    Address space as of one that comes when many live already: the first ones have room for more memories.
    """
    monkeypatch.setattr(room, "LADDER", ())
    world = Working("threaded")
    snapshot = world.store.snapshot()
    first = snapshot.fork(10)
    for number, fork in enumerate(first):
        world.exports["set"](fork, number)
        world.result(fork)
    collect()
    before, reserved = Usage.now(), address_space()
    forks = snapshot.fork(LIVE)
    idle = Usage.now()
    assert (idle.mappings - before.mappings) / LIVE <= MAPPINGS
    assert idle.files <= before.files
    for number, fork in enumerate(forks):
        world.exports["set"](fork, number)
        assert world.result(fork) == 1000 * number + 2
    now = Usage.now()
    assert (now.mappings - before.mappings) / LIVE <= MAPPINGS
    assert address_space() - reserved <= LIVE * RESERVED + ROOM
    assert now.files <= before.files
    assert (now.resident - before.resident) / LIVE < 200_000
    del forks, fork
    collect()
    spares.forget()  # the few reservations that wait for the next fork
    after = Usage.now()
    assert after.mappings <= before.mappings + 8
    assert after.files <= before.files


def address_space() -> int:
    """Bytes of address space of the process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * 4096
