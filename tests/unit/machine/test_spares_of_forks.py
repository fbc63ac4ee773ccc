"""Address space that forks of one snapshot use one after the other: pages that a fork wrote are written back, and nothing of it is left."""

from __future__ import annotations

import gc
import os
import weakref
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Memory, Module, Snapshot, SnapshotError, Store
from arenite.machine.space import spares
from fuzz.frozen import Document

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

PAGE = 4096
PAGES = 64
GUEST = f"""(module (memory (export "m") {PAGES} {2 * PAGES})
  (global (export "g") (mut i32) (i32.const 7))
  (func (export "deep") (param i32) (result i32) (local i64 i64 i64 i64)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call 0 (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
  (func (export "grow") (drop (memory.grow (i32.const 1))))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2))))"""


class Line:
    """A snapshot, and forks of it."""

    def __init__(self, tier: TierName) -> None:
        self.engine = Engine(Config(tier=tier))
        self.store = Store(self.engine)
        self.exports = Instance(self.store, Module(self.engine, GUEST), []).exports(self.store)
        memory = self.exports["m"]
        assert isinstance(memory, Memory)
        self.memory = memory
        for n in range(0, PAGES * 16, 3):
            memory.write(self.store, bytes([n % 255 + 1]) * 100, n * PAGE)
        self.snapshot = self.store.snapshot()

    def call(self, store: Store, name: str, *args: int) -> object:
        return self.exports[name](store, *args)  # type: ignore[operator]

    def content(self, store: Store) -> list[bytes]:
        cage = store.machine.cage
        return [bytes(cage.region(number)) for number in range(len(cage.sizes))]

    def place(self, store: Store) -> int:
        return store.machine.cage.base


@pytest.fixture(params=["threaded", "auto"])
def line(request: pytest.FixtureRequest) -> Line:
    return Line(request.param)


@pytest.mark.parametrize("pages", [1, 40, PAGES * 16])
@pytest.mark.parametrize("closed", [True, False])
def test_nothing_of_a_former_fork_is_seen(line: Line, pages: int, *, closed: bool) -> None:
    fresh = line.snapshot.fork()
    expected = line.content(fresh)
    used = line.snapshot.fork()
    place = line.place(used)
    line.call(used, "deep", 500)
    for n in range(pages):
        line.call(used, "fill", (n * 37 % (PAGES * 16)) * PAGE, 0xA5, PAGE)
    if closed:
        used.close()
    del used
    gc.collect()
    again = line.snapshot.fork()
    assert line.place(again) == place
    assert line.content(again) == expected
    assert line.call(again, "deep", 3) == 3
    fresh.close()


def test_pages_are_there_already_for_the_next_fork(line: Line) -> None:
    used = line.snapshot.fork()
    line.call(used, "fill", 8 * PAGE, 1, 20 * PAGE)
    used.close()
    again = line.snapshot.fork()
    dirty = again.machine.cage.dirty_pages(1)
    if dirty is None:
        pytest.skip("this system does not tell which pages were written")
    assert (8 * PAGE, 28 * PAGE) in dirty


def test_many_pages_are_given_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "FEW", 10 * PAGE)
    used = line.snapshot.fork()
    line.call(used, "fill", 0, 1, 200 * PAGE)
    used.close()
    again = line.snapshot.fork()
    assert again.machine.cage.dirty_pages(1) in ([], None)


def test_forks_that_live_do_not_share(line: Line) -> None:
    forks = [line.snapshot.fork() for _ in range(10)]
    for n, fork in enumerate(forks):
        line.call(fork, "fill", 0, n + 1, 100)
    assert [line.memory.read(fork, 0, 2) for fork in forks] == [bytes([n + 1, n + 1]) for n in range(10)]
    assert len({line.place(fork) for fork in forks}) == 10


def test_of_many_forks_the_last_are_used_again(line: Line) -> None:
    spares.forget()
    forks = line.snapshot.fork(spares.MOST + 3)
    places = [line.place(fork) for fork in forks]
    spaces = [weakref.ref(fork.machine.cage.space[0]) for fork in forks]  # type: ignore[union-attr]  # a cage
    forks.clear()
    assert [space() is None for space in spaces] == [True] * 3 + [False] * spares.MOST
    assert {line.place(fork) for fork in line.snapshot.fork(spares.MOST)} == set(places[3:])


def test_a_memory_that_grew_is_not_used_again(line: Line) -> None:
    used = line.snapshot.fork()
    line.call(used, "grow")
    line.call(used, "fill", PAGES * 65536, 9, 100)
    used.close()
    again = line.snapshot.fork()
    assert line.memory.size(again) == PAGES
    line.call(again, "grow")
    assert line.memory.read(again, PAGES * 65536, PAGES * 65536 + 100) == bytes(100)


def test_what_changed_since_the_template_is_there_again(line: Line) -> None:
    fork = line.snapshot.fork()
    line.memory.write(fork, b"later" * 2000, 5 * PAGE)
    later = fork.snapshot()
    expected = line.content(later.fork())
    for _ in range(3):
        with later.fork() as again:
            assert line.content(again) == expected
            line.call(again, "fill", 0, 0x5A, 30 * PAGE)


def test_what_changed_since_the_template_is_not_written_twice(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count for what is written back; whatever of it a former fork left is overwritten."""
    fork = line.snapshot.fork()
    for n in (3, 5, 6, 50):
        line.memory.write(fork, b"later" * 1000, n * 4 * PAGE)
    later = fork.snapshot()
    expected = line.content(later.fork())
    monkeypatch.setattr(spares, "FEW", 8 * PAGE)
    with later.fork() as used:
        line.call(used, "fill", 11 * PAGE, 0xA5, 3 * PAGE)
        line.call(used, "fill", 21 * PAGE, 0xA5, PAGE)
        place = line.place(used)
    with later.fork() as again:
        assert line.place(again) == place
        assert line.content(again) == expected
        assert again.machine.cage.dirty_pages(1) in (
            [(11 * PAGE, 14 * PAGE), (20 * PAGE, 22 * PAGE), (24 * PAGE, 26 * PAGE), (200 * PAGE, 202 * PAGE)],
            None,
        )


def test_of_a_mapped_file(line: Line, tmp_path: Path) -> None:
    line.snapshot.save(tmp_path / "line.arn")
    opened = Snapshot.open(tmp_path / "line.arn", line.engine)
    expected = line.content(line.snapshot.fork())[1:]
    for _ in range(3):
        with opened.fork() as fork:
            assert line.content(fork)[1:] == expected
            cage = fork.machine.cage
            cage.memory(0)[: 30 * PAGE] = b"x" * (30 * PAGE)


def test_a_file_that_was_cut_off_gives_none_back(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "line.arn"
    line.snapshot.save(path)
    opened = Snapshot.open(path, line.engine)
    fork = opened.fork()
    fork.machine.cage.memory(0)[:] = b"x" * (PAGES * 65536 // 1)
    fork.machine.cage.memory(0)[PAGE * 10 :] = bytes(PAGES * 65536 - PAGE * 10)
    fork.close()
    os.truncate(path, PAGE * 16)
    with pytest.raises(SnapshotError):
        seen(line, opened)


def seen(line: Line, opened: Snapshot) -> None:
    again = opened.fork()
    line.content(again)
    again.machine.cage.check()


def test_where_a_page_was_lost_nobody_else_begins(line: Line, tmp_path: Path) -> None:
    """Zeros lie in its place, which wiping leaves there: the next fork would take them for the file's."""
    path = tmp_path / "line.arn"
    line.snapshot.save(path)
    whole = path.read_bytes()
    expected = line.content(line.snapshot.fork())[1]
    opened = Snapshot.open(path, line.engine)
    fork = opened.fork()
    fork.machine.cage.memory(0)[: 120 * PAGE] = b"x" * (120 * PAGE)  # so many that they are given back
    os.truncate(path, Document(whole).manifest["regions"][1]["offset"] + 200 * PAGE)
    assert fork.machine.cage.memory(0)[-PAGE:].tobytes() == bytes(PAGE)
    fork.close()
    with path.open("r+b") as file:
        file.write(whole)
    again = opened.fork()
    assert line.content(again)[1] == expected
    again.machine.cage.check()
