"""Images: what is mapped of one, and what is refused."""

from __future__ import annotations

import gc
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="the extra ray is not there for every Python")

from arenite import Config, Engine, Failure, FuncType, Instance, Linker, Module, Sandbox, Snapshot, SnapshotError, Store, ValType
from arenite.ray.image import Image, Mapped, sealed

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = b"a key of sixteen"
COUNTER = '(module (memory 4) (global $n (mut i32) (i32.const 40)) (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))'


def counter(config: Config | None = None) -> Snapshot:
    engine = Engine(config)
    store = Store(engine)
    instance = Instance(store, Module(engine, COUNTER), [])
    instance.exports(store)["next"](store)  # type: ignore[operator]
    return store.snapshot()


def descriptors() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def answered(store: Store) -> object:
    return store.instances[-1].exports(store)["next"](store)  # type: ignore[operator]


def test_what_is_mapped_is_a_sealed_copy() -> None:
    data = bytearray(b"x" * 5000 + bytes(1 << 20) + b"y")
    fd = sealed(memoryview(data))
    try:
        assert os.pread(fd, len(data), 0) == data
        assert os.fstat(fd).st_blocks * 512 < 1 << 17  # zeros take no room
        for change in (lambda: os.pwrite(fd, b"z", 0), lambda: os.ftruncate(fd, 1)):
            with pytest.raises(PermissionError):
                change()
    finally:
        os.close(fd)


def test_a_box_goes_on_from_its_image_and_elsewhere_from_what_it_has_become(image: Image) -> None:
    first, second = (Mapped.copied(image.kind, memoryview(image.data)) for _ in range(2))
    with first.box() as box:
        box.run("def count():\n    n = 0\n    while True:\n        n += 1\n        yield n\nit = count(); next(it)")
        after = first.after(box)
    assert len(after) < len(image.data) / 10
    with second.again(after) as box:
        assert box.run("next(it)").value == 2


def test_another_process_of_the_machine_maps_the_same_file(image: Image) -> None:
    first = Mapped.copied(image.kind, image.data)
    assert first.path is not None
    second = Mapped.shared(image.kind, first.path)
    assert second.path is not None
    assert Path(first.path).samefile(second.path)
    with second.box() as box:
        assert box.run("6 * 7").value == 42


@pytest.mark.parametrize("config", [Config(tier="threaded"), Config(tier="safe")], ids=["threaded", "safe"])
def test_snapshots_that_are_none_of_boxes(config: Config) -> None:
    found = Image.of(counter(config))
    again: Image = pickle.loads(pickle.dumps(found))
    mapped = Mapped.copied(again.kind, again.data)
    assert [answered(mapped.store()) for _ in range(2)] == [42, 42]


def test_who_opens_an_image_links_it() -> None:
    engine = Engine()
    linker = Linker(engine)
    gives = FuncType([], [ValType.i32()])
    linker.define_func("host", "ten", gives, lambda: 1)
    store = Store(engine)
    text = '(module (import "host" "ten" (func $ten (result i32))) (func (export "next") (result i32) (call $ten)))'
    linker.instantiate(store, Module(engine, text))

    def link(snapshot: Snapshot) -> None:
        other = Linker(snapshot.engine)
        other.define_func("host", "ten", gives, lambda: 10)
        snapshot.link(other)

    found = Image.of(store.snapshot(), link=link)
    assert answered(Mapped.copied(found.kind, found.data).store()) == 10


REFUSED: list[tuple[str, Callable[[Image], tuple[Image, str]]]] = [
    ("key", lambda i: (replace(i, kind=replace(i.kind, key=b"another key, too")), "not written with this key")),
    ("no key", lambda _: (Image.of(counter()), "written without a key")),
    ("cut", lambda i: (replace(i, data=i.data[:-1]), "bytes; expected")),
    ("id", lambda i: (replace(i, kind=replace(i.kind, id="0" * 64)), "another image")),
]


@pytest.mark.parametrize("made", [made for _, made in REFUSED], ids=[name for name, _ in REFUSED])
def test_what_is_no_such_image_is_refused_before_it_runs(made: Callable[[Image], tuple[Image, str]]) -> None:
    good = Image.of(counter(), key=KEY)
    assert answered(Mapped.copied(good.kind, good.data).store()) == 42
    bad, said = made(good)
    kind = bad.kind if bad.kind.key is not None else replace(bad.kind, key=KEY)
    before = descriptors()
    with pytest.raises(SnapshotError, match=said):
        Mapped.copied(kind, bad.data)
    assert descriptors() <= before


def test_every_page_is_checked_once() -> None:
    found = Image.of(counter())
    data = bytearray(found.data)
    place = data.index((41).to_bytes(4, "little"))  # the guest's own
    data[place] ^= 1
    with pytest.raises(SnapshotError, match="damaged"):
        Mapped.copied(found.kind, bytes(data))


def test_another_version_is_refused() -> None:
    found = Image.of(counter())
    data = found.data.replace(b'"layout":"', b'"layout":"0', 1)
    with pytest.raises(SnapshotError):
        Mapped.copied(replace(found.kind, size=len(data)), data)


def test_what_a_box_has_become_is_of_its_image_alone(image: Image) -> None:
    mapped = Mapped.copied(image.kind, image.data)
    with mapped.box() as box:
        box.run("x = 1")
        after = mapped.after(box)
        other = Image.of(box)
    with pytest.raises(SnapshotError, match="another image"):
        Mapped.copied(other.kind, other.data).again(after)


def test_a_box_in_the_middle_of_a_run_is_no_image() -> None:
    with Sandbox.python() as box:
        box.run("while True: pass", seconds=0.05)
        with pytest.raises(Failure, match="in the middle of a run"):
            Image.of(box)


def test_what_was_put_into_a_box_is_in_its_image() -> None:
    with Sandbox.python() as box:
        box.files["/data/x"] = b"1"
        found = Image.of(box)
    with Mapped.copied(found.kind, found.data).box() as fork:
        assert fork.run("open('/data/x').read()").value == "1"


def test_forks_have_each_their_own_chance(image: Image) -> None:
    mapped = Mapped.copied(image.kind, image.data)
    drawn = set[object]()
    for _ in range(3):
        with mapped.box() as box:
            drawn.add(box.run("import random\nrandom.random()").value)
    assert len(drawn) == 3
