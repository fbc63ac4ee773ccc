"""A file that is cut off while stores are mapped from it: whoever touches what is gone gets an error, and the process lives."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, FuncType, Instance, Linker, Module, Snapshot, SnapshotError, Store, Trap
from arenite.machine.space import spares
from arenite.machine.space.cage import NOTHING_LOST
from arenite.platform import HAS_FAULTS, faults
from arenite.snapshot import private
from fuzz.frozen import Document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not HAS_FAULTS, reason="nothing is mapped here")

PAGES = 32
WAT = f"""(module (import "" "f" (func $f)) (memory (export "m") {PAGES})
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32) (i32.store (local.get 0) (i32.const 1)))
  (func (export "through") (result i32) (call $f) (i32.const 7)))"""
FAR = (PAGES << 16) - 8192
CUT = "the file was cut, or could not be read, while it was mapped"


@pytest.fixture
def engine() -> Engine:
    return Engine(Config(max_wasm_stack=1 << 16))


@pytest.fixture
def mapped(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Path, Snapshot]:
    """A store out of a file, and the file."""
    monkeypatch.setattr(private, "SMALL", 0)
    return forked(tmp_path, engine)


def forked(folder: Path, engine: Engine, host: Callable[[Any], object] = lambda _: None) -> tuple[Store, Path, Snapshot]:
    linker = Linker(engine)
    linker.define_func("", "f", FuncType([], []), host, access_caller=True)
    store = Store(engine)
    memory: Any = linker.instantiate(store, Module(engine, WAT)).exports(store)["m"]
    memory.write(store, os.urandom(PAGES << 16), 0)
    store.snapshot().save(folder / "s.arn")
    snapshot = Snapshot.open(folder / "s.arn", engine).link(linker)
    return snapshot.fork(), folder / "s.arn", snapshot


def cut(path: Path, *, arena: bool = False) -> None:
    """Cut the file off in its memory, or in its arena too."""
    offset = Document(path.read_bytes()).manifest["regions"][1]["offset"]
    os.truncate(path, 4096 if arena else offset + 65536)


def exports(store: Store) -> Any:
    return store.instances[0].exports(store)


ACTS: dict[str, Callable[[Store], object]] = {
    "read": lambda s: exports(s)["m"].read(s, FAR, FAR + 4),
    "item": lambda s: exports(s)["m"][s, FAR],
    "write": lambda s: exports(s)["m"].write(s, b"abc", FAR),
    "set": lambda s: exports(s)["m"].__setitem__((s, FAR), 1),
    "load": lambda s: exports(s)["load"](s, FAR),
    "store": lambda s: exports(s)["store"](s, FAR),
    "snapshot": lambda s: (exports(s)["m"].read(s, FAR, FAR + 4), s.snapshot()),
}


@pytest.mark.parametrize("arena", [False, True])
@pytest.mark.parametrize("act", ACTS)
def test_what_touches_what_is_gone(mapped: tuple[Store, Path, Snapshot], act: str, *, arena: bool) -> None:
    store, path, _ = mapped
    cut(path, arena=arena)
    with pytest.raises(SnapshotError, match=CUT) as caught:
        ACTS[act](store)
    assert str(path) in str(caught.value)
    for again in ACTS.values():  # and so it stays
        with pytest.raises(SnapshotError, match=CUT):
            again(store)
    with pytest.raises(SnapshotError, match=CUT):
        exports(store)["through"](store)
    with pytest.raises(SnapshotError, match=CUT):
        store.snapshot()
    store.close()


def test_what_is_written_again_is_read_from_the_file(mapped: tuple[Store, Path, Snapshot], tmp_path: Path) -> None:
    """Saving reads the template, not the mapping: it is cut, and says so; nothing appears."""
    store, path, snapshot = mapped
    exports(store)["m"].write(store, b"abc", 5)
    changed = store.snapshot()
    cut(path)
    for one in (changed, snapshot):
        for options in ({}, {"packed": True}):
            with pytest.raises(SnapshotError, match=CUT):
                one.save(tmp_path / "t.arn", **options)  # type: ignore[arg-type]
    assert [p.name for p in tmp_path.iterdir()] == ["s.arn"]


def test_a_view_reads_zeros_and_the_next_act_says_so(mapped: tuple[Store, Path, Snapshot]) -> None:
    store, path, _ = mapped
    view = exports(store)["m"].view(store)
    cut(path)
    assert bytes(view[FAR : FAR + 4]) == bytes(4)
    with pytest.raises(SnapshotError, match=CUT):
        exports(store)["m"].view(store)
    del store
    assert view[FAR + 4096] == 0  # the view keeps the mapping, and that is looked after
    view.release()


def test_other_stores_are_not_concerned(mapped: tuple[Store, Path, Snapshot], tmp_path: Path, engine: Engine) -> None:
    store, path, snapshot = mapped
    (tmp_path / "other").mkdir()
    other, _, _ = forked(tmp_path / "other", engine)
    second = snapshot.fork()
    cut(path)
    with pytest.raises(SnapshotError, match=CUT):
        exports(store)["m"].read(store, FAR, FAR + 4)
    assert len(exports(other)["m"].read(other, FAR, FAR + 4)) == 4
    assert exports(other)["through"](other) == 7
    with pytest.raises(SnapshotError, match=CUT):  # its own touch
        exports(second)["m"].read(second, FAR, FAR + 4)


def test_a_guest_does_not_go_on_after_a_host_function_read_zeros(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "SMALL", 0)
    seen = []

    def host(caller: Any) -> None:
        try:
            caller.get("m").read(caller, FAR, FAR + 4)
        except SnapshotError:
            seen.append("refused")

    store, path, _ = forked(tmp_path, engine, host)
    cut(path)
    with pytest.raises(SnapshotError, match=CUT):
        exports(store)["through"](store)
    assert seen == ["refused"]


def test_a_store_that_moves_stays_watched(mapped: tuple[Store, Path, Snapshot], engine: Engine) -> None:
    store, path, _ = mapped
    module = Module(engine, "(module (memory 1))")
    base = store.machine.cage.base
    while store.machine.cage.base == base:
        Instance(store, module, [])
    cut(path)
    with pytest.raises(SnapshotError, match=CUT):
        exports(store)["m"].read(store, FAR, FAR + 4)


def test_no_row_is_left_behind(mapped: tuple[Store, Path, Snapshot]) -> None:
    """But those of the few reservations that wait for the next fork."""
    handler: Any = faults._handler
    store, _, snapshot = mapped
    free = len(handler.files_free)
    forks = snapshot.fork(5)
    assert len(handler.files_free) == free - 5
    forks[0].close()
    view = exports(forks[1])["m"].view(forks[1])
    del forks
    spares.forget()
    assert len(handler.files_free) == free - 1
    view.release()
    del view
    assert len(handler.files_free) == free
    store.reset()
    assert len(handler.files_free) == free
    store.close()
    spares.forget()
    assert len(handler.files_free) == free + 1


def test_what_is_sealed_is_not_watched(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "SMALL", 0)
    _, path, snapshot = forked(tmp_path, engine)
    handler: Any = faults._handler
    spares.forget()
    free = len(handler.files_free)
    copied = Snapshot.open(path, engine, trusted=False)
    store = Store(engine)
    again = store.snapshot().fork()
    assert len(handler.files_free) == free
    assert again.machine.cage.lost is NOTHING_LOST
    del snapshot, copied


def test_a_trap_of_the_guests_own_is_still_one(mapped: tuple[Store, Path, Snapshot]) -> None:
    store, _, _ = mapped
    with pytest.raises(Trap, match="out of bounds"):
        exports(store)["load"](store, PAGES << 16)


FOREIGN = """
import mmap, os, sys, tempfile
from arenite.platform import Reservation, faults
faults.install()
with tempfile.TemporaryFile() as file:
    file.write(bytes(8192)); file.flush()
    space = Reservation(1 << 16)
    space.map(0, file.fileno(), 8192, writable=True, private=True)
    if sys.argv[1] == "watched":
        flag = space.watch()
    if sys.argv[1] == "forgotten":
        space.watch(); space.unwatch()
    if sys.argv[1] == "elsewhere":
        other = Reservation(1 << 16); other.watch()
    os.truncate(file.fileno(), 4096)
    view = space.view(0, 8192)
    assert view[0] == 0 and (sys.argv[1] != "watched" or not flag[0])
    print(view[5000], flag[0])
    view[5000] = 7
    print(view[5000], view[4096], view[1])
"""


@pytest.mark.parametrize(("how", "lives"), [("watched", True), ("forgotten", False), ("elsewhere", False), ("never", False)])
def test_what_nobody_watches_ends_as_ever(how: str, lives: bool) -> None:  # noqa: FBT001 (a parameter of a test)
    done = subprocess.run([sys.executable, "-c", FOREIGN, how], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == ((0, "0 1\n7 0 0\n") if lives else (-7, "")), done.stderr
