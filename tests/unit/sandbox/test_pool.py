"""A pool of fresh boxes: bounded, in turn, for threads and for event loops."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import anyio
import pytest

from arenite import Failure
from arenite.sandbox.sandbox import Sandbox

LOOPS = ["asyncio", "trio"]


def test_each_box_is_fresh_and_one_is_made_for_it() -> None:
    with Sandbox.pool(2) as pool:
        found = set()
        for _ in range(5):
            with pool.box() as box:
                found.add(box)
                assert box.run("x = globals().get('x', 0) + 1\nx").value == 1
                assert len(pool._made) == 1
            assert box.closed
            assert len(pool._made) == 2
        assert len(found) == 5


def test_no_more_are_out_than_there_may_be() -> None:
    out, most, lock = 0, 0, threading.Lock()

    def work(n: int) -> object:
        nonlocal out, most
        with pool.box() as box:
            with lock:
                out += 1
                most = max(most, out)
            value = box.run(f"{n} * 2").value
            with lock:
                out -= 1
        return value

    with Sandbox.pool(3) as pool, ThreadPoolExecutor(12) as threads:
        assert list(threads.map(work, range(48))) == [2 * n for n in range(48)]
    assert most <= 3


def test_who_waits_too_long_is_told_and_leaves_room_for_others() -> None:
    with Sandbox.pool(1) as pool:
        with pool.box(), pytest.raises(TimeoutError, match="all 1 boxes"), pool.box(timeout=0.01):
            pass
        with pool.box(timeout=0.01) as box:
            assert box.run("1").value == 1


def test_an_error_gives_the_box_back() -> None:
    with Sandbox.pool(1) as pool:
        with suppress(ZeroDivisionError), pool.box():
            raise ZeroDivisionError
        with pool.box(timeout=0.01) as box:
            assert box.run("1").value == 1


def test_a_box_that_cannot_be_made_is_made_by_who_wants_it() -> None:
    with Sandbox.pool(1) as pool:
        make, failing = pool._make, deque([Failure("no memory")] * 2)

        def maybe() -> Sandbox:
            if failing:
                raise failing.pop()
            return make()

        pool._make = maybe
        with pool.box() as box:
            assert box.run("1").value == 1
        assert len(failing) == 1
        with pytest.raises(Failure, match="no memory"), pool.box():
            pass
        with pool.box(timeout=0.01) as box:
            assert box.run("1").value == 1


def test_a_closed_pool_gives_none_and_closes_what_it_has() -> None:
    pool = Sandbox.pool(2)
    told = []

    def wait() -> None:
        try:
            with pool.box():
                told.append("box")
        except Failure as error:
            told.append(str(error))

    with pool.box() as first, pool.box() as second:
        thread = threading.Thread(target=wait)
        thread.start()
        while not pool._waiting:
            pass
        pool.close()
        thread.join()
        assert first.run("1").value == 1
    assert told == ["the pool is closed"]
    assert first.closed
    assert second.closed
    assert not pool._made
    with pytest.raises(Failure, match="closed"), pool.box():
        pass


def test_boxes_begin_where_another_is_with_a_seed_of_their_own() -> None:
    with Sandbox.python() as box:
        box.run("import random\nx = 7")
        with Sandbox.pool(2, begin=box.checkpoint()) as pool, pool.box() as one, pool.box() as other:
            values = [one.run("x, random.random()").value, other.run("x, random.random()").value]
        forks = box.fork(2, reseed=True) + box.fork(2)
        chances = [fork.run("random.random()").value for fork in forks]
        for fork in forks:
            fork.close()
    assert [value[0] for value in values if isinstance(value, tuple)] == [7, 7]
    assert values[0] != values[1]
    assert chances[0] != chances[1]
    assert chances[2] == chances[3]


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_has_a_box(size: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sandbox.pool(size)


@pytest.mark.parametrize("backend", LOOPS)
def test_tasks_share_a_pool(backend: str) -> None:
    found: dict[int, object] = {}

    async def work(n: int) -> None:
        async with pool.box_async() as box:
            found[n] = (await box.run_async(f"{n} * 2")).value

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for n in range(20):
                tasks.start_soon(work, n)

    with Sandbox.pool(3) as pool:
        anyio.run(main, backend=backend)
        assert len(pool._made) == pool._room == 3
    assert found == {n: 2 * n for n in range(20)}


@pytest.mark.parametrize("backend", LOOPS)
def test_a_task_that_is_cancelled_while_it_waits_holds_nobody_up(backend: str) -> None:
    async def main() -> None:
        with pool.box():
            with anyio.move_on_after(0.01) as scope:
                async with pool.box_async():
                    pass
            assert scope.cancelled_caught
        with anyio.fail_after(5):
            async with pool.box_async() as box:
                assert box.run("1").value == 1

    with Sandbox.pool(1) as pool:
        anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", LOOPS)
def test_a_thread_wakes_a_task(backend: str) -> None:
    def hold() -> None:
        with pool.box():
            held.set()
            while not pool._waiting:
                pass

    async def main() -> None:
        thread = threading.Thread(target=hold)
        thread.start()
        await anyio.to_thread.run_sync(held.wait)
        with anyio.fail_after(5):
            async with pool.box_async() as box:
                assert box.run("1").value == 1
        thread.join()

    held = threading.Event()
    with Sandbox.pool(1) as pool:
        anyio.run(main, backend=backend)
