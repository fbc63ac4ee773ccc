"""What an image was prepared for: its objects last, and a box writes to little of its memory."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from arenite import Failure, MemoryFS
from arenite.machine.space import spares
from arenite.sandbox.guests.cpython import LASTING, settle
from arenite.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = 64
"""Of a line, at most: stacks, the allocator's, static data, what is new.  Without lasting objects and filled holes there were 118."""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox.python() as box:
        yield box


def pages(box: Sandbox) -> int | None:
    """How many pages of the guest's memory a box has of its own."""
    cage = box.store.machine.cage
    found = [cage.dirty_pages(region) for region in range(len(cage.sizes))]
    return sum((end - begin) // 4096 for ranges in found for begin, end in ranges or ()) if None not in found else None


def test_a_line_writes_to_few_pages() -> None:
    spares.forget()  # whose pages are there already
    box = Sandbox.python()
    assert box.run("print(6 * 7)").stdout == "42\n"
    found = pages(box)
    if found is None:
        pytest.skip("this system does not tell which pages were written")
    box.close()
    assert 0 < found <= PAGES


@pytest.mark.parametrize(
    "name", ["print", "str.join", "object", "sys", "sys.modules", "type", "Exception.__init__", "(lambda: 0).__class__"]
)
def test_what_was_there_lasts(box: Sandbox, name: str) -> None:
    same = f"import sys; sys.getrefcount({name}) == sys.getrefcount(None)"
    assert box.run(same).value is True
    box.run(f"kept = [{name}] * 1000")
    assert box.run(same).value is True


def test_what_is_new_is_counted(box: Sandbox) -> None:
    assert box.run("import sys\nnew = object()\nkept = [new] * 10\nsys.getrefcount(new)").value == 12
    assert box.run("import weakref\nclass A: pass\na = A(); r = weakref.ref(a); del a\nr()").value is None
    assert box.run("import gc\nclass B: pass\nb = B(); b.b = b; r = weakref.ref(b); del b; gc.collect()\nr()").value is None


def test_nothing_of_the_preparation_is_to_be_seen(box: Sandbox) -> None:
    names = box.run("sorted(globals())").value
    assert names == ["__builtins__", "__doc__", "__loader__", "__name__", "__package__", "__spec__"]
    assert box.run("import os; [os.listdir('/run/arenite'), os.listdir('/')]").value == [["tools", "answer"], []]
    assert box.run("import linecache; sorted(linecache.cache)").value == ["<run 1>", "<run 2>", "<run 3>"]


def settled(words: list[int], places: list[int]) -> list[int]:
    memory = bytearray(struct.pack(f"<{len(words)}I", *words))
    files = MemoryFS({LASTING: struct.pack(f"<{len(places)}I", *places)})
    settle(memoryview(memory), files)
    assert LASTING not in files
    return list(struct.unpack(f"<{len(words)}I", memory))


def test_what_lasts_has_as_many_references_as_none() -> None:
    assert settled([7, 0x3FFFFFFF, 5, 6], [4, 8]) == [7, 0x3FFFFFFF, 0x3FFFFFFF, 6]


def test_another_python_is_refused() -> None:
    with pytest.raises(Failure, match="None has 5 references"):
        settled([5, 6], [0, 4])


@pytest.mark.parametrize(
    "code", ["import random; random.random()", "from random import random; random()", "vars(__import__('random'))['random']()"]
)
def test_chance_that_nobody_has_looked_at_is_seeded_when_somebody_does(code: str) -> None:
    found = set()
    for _ in range(2):
        with Sandbox.python() as box:
            assert box.run("import sys; type(sys.modules['random']).__name__").value == "Untouched"
            found.add(box.run(code).value)
            assert box.run("import random, types; type(random) is types.ModuleType").value is True
            for fork in box.fork(2, reseed=True):
                found.add(fork.run(code).value)
                fork.close()
    assert len(found) == 6
