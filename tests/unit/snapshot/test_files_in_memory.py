"""Files in memory in snapshots: each piece once, in deltas what has changed, and what is forged is refused."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Limit, Linker, MemoryFS, Module, Snapshot, SnapshotError, Store, WasiConfig
from arenite.machine.run.chunks import Chunk
from arenite.snapshot.container import Reader
from arenite.wasi import files_of
from arenite.world.memory.nodes import BLOCK
from arenite.world.memory.travel import HEADER, NAME, NUMBER, RECORD, Contents, read_tree
from tiers import TIERS, engine_of

if TYPE_CHECKING:
    from pathlib import Path

    from arenite import Instance
    from tiers import Way

WAT = """(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "log")
  (data (i32.const 200) "line\\0a")
  (func (export "open") (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 3) (i32.const 1) (i64.const -1) (i64.const -1) (i32.const 1) (i32.const 0)))
  (func (export "unlink") (result i32) (call $unlink (i32.const 3) (i32.const 100) (i32.const 3)))
  (func (export "write") (result i32)
    (i32.store (i32.const 8) (i32.const 200)) (i32.store (i32.const 12) (i32.const 5))
    (call $write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16))))"""


def begun(engine: Engine, fs: MemoryFS) -> Store:
    linker = Linker(engine)
    linker.define_wasi()
    store = Store(engine)
    store.set_wasi(WasiConfig(dirs={"/data": fs}))
    linker.instantiate(store, Module(engine, WAT))
    call(store, "open")
    return store


def call(store: Store, name: str) -> None:
    instance: Instance = store.instances[0]
    assert instance.exports(store)[name](store) == 0  # type: ignore[operator]


def given(fs: MemoryFS | None = None) -> WasiConfig:
    return WasiConfig(dirs={"/data": MemoryFS() if fs is None else fs})


@pytest.mark.parametrize("way", TIERS)
def test_forks_have_files_of_their_own(way: Way) -> None:
    fs = MemoryFS({"a": b"shared"})
    store = begun(engine_of(way), fs)
    call(store, "write")
    one, two = store.snapshot().fork(2)
    call(one, "write")
    call(one, "write")
    call(store, "write")
    assert [files_of(each, "/data")["log"].count(b"line") for each in (store, one, two)] == [2, 3, 1]
    assert fs["log"] == b"line\nline\n"
    files_of(two, "/data")["a"] = b"two"
    assert (fs["a"], files_of(one, "/data")["a"]) == (b"shared", b"shared")
    store.rebind_wasi(WasiConfig(dirs={"/data": fs}))
    call(store, "write")
    assert fs["log"].count(b"line") == 3, "options that change leave the files where they are"


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_and_a_delta(packed: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    engine = Engine()
    fs = MemoryFS({"big": random.Random(1).randbytes(50 * BLOCK), "d/same": b"1" * BLOCK, "d/again": b"1" * BLOCK})
    store = begun(engine, fs)
    call(store, "write")
    store.snapshot().save(tmp_path / "whole.arn", packed=packed)
    opened = Snapshot.open(tmp_path / "whole.arn", engine)
    fork = opened.fork(wasi=given())
    call(fork, "write")
    files = files_of(fork, "/data")
    assert {**files} == {**fs, "log": b"line\nline\n"}
    with files.open("big", "r+b") as file:
        file.seek(20 * BLOCK)
        file.write(b"changed")
    fork.snapshot().save(tmp_path / "delta.arn", parent=opened)
    section = Reader.open(tmp_path / "delta.arn").manifest["contents"]
    assert section["size"] < 4 * BLOCK
    assert len(str(Reader.open(tmp_path / "delta.arn").manifest)) < 10_000
    again = Snapshot.open(tmp_path / "delta.arn", engine).fork(wasi=given())
    assert {**files_of(again, "/data")} == {**files}
    call(again, "write")
    assert files_of(again, "/data")["log"].count(b"line") == 3


def test_what_is_open_without_a_name_travels(tmp_path: Path) -> None:
    engine = Engine()
    store = begun(engine, MemoryFS())
    call(store, "write")
    call(store, "unlink")
    store.snapshot().save(tmp_path / "s.arn")
    fork = Snapshot.open(tmp_path / "s.arn", engine).fork(wasi=given())
    call(fork, "write")
    files = files_of(fork, "/data")
    assert (list(files), files.used_bytes, files.used_entries) == ([], 10, 1)
    fork.close()
    assert (files.used_bytes, files.used_entries) == (0, 0)


def test_options_bound_what_is_opened(tmp_path: Path) -> None:
    engine = Engine()
    store = begun(engine, MemoryFS({"a": b"x" * 1000, "b": b""}))
    store.snapshot().save(tmp_path / "s.arn")
    opened = Snapshot.open(tmp_path / "s.arn", engine)
    for options, why in (
        (given(MemoryFS(max_bytes=999)), "bytes that are allowed"),
        (given(MemoryFS(max_entries=2)), "more than the 2"),
        (WasiConfig(dirs={"/data": tmp_path}), "lies in memory"),
        (WasiConfig(), "given none"),
    ):
        with pytest.raises(SnapshotError, match=why):
            call(opened.fork(wasi=options), "write")


def test_a_damaged_chunk_is_missing(tmp_path: Path) -> None:
    engine = Engine()
    store = begun(engine, MemoryFS({"a": b"needle" * 100}))
    path = tmp_path / "s.arn"
    store.snapshot().save(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"needle", b"noodle", 1))
    with pytest.raises(SnapshotError, match="missing, or damaged"):
        Snapshot.open(path, engine)


def test_contents_are_paid_for(tmp_path: Path) -> None:
    store = begun(Engine(), MemoryFS({"a": random.Random(1).randbytes(1 << 20)}))
    store.snapshot().save(tmp_path / "s.arn")
    config = Config(max_snapshot_memory=1 << 19)
    with pytest.raises(Limit, match="max_snapshot_memory"):
        Snapshot.open(tmp_path / "s.arn", Engine(config))


def record(number: int, kind: int, *, grouped: int = 0, size: int = 0, count: int = 0) -> bytes:
    return RECORD.pack(number, kind, grouped, 1, 2, 3, size, count)


def name(serial: int, number: int, text: bytes) -> bytes:
    return NAME.pack(serial, number, len(text)) + text


def tree(*pages: Chunk, following: int = 100, version: int = 1) -> Chunk:
    return Chunk(HEADER.pack(version, following), [Chunk(b"", pages)])


ROOT = record(1, 1, size=9, count=1) + name(2, 2, b"f")
FORGED = {
    "version": tree(version=2),
    "no root": tree(),
    "empty page": tree(Chunk(b"")),
    "root is a file": tree(Chunk(record(1, 0))),
    "kind": tree(Chunk(record(1, 7))),
    "number": tree(Chunk(record(100, 1, size=2))),
    "twice": tree(Chunk(record(1, 1, size=2) * 2)),
    "page twice": tree(Chunk(record(1, 1, size=2)), Chunk(record(1, 1, size=2))),
    "other page": tree(Chunk(record(1, 1, size=2) + record(70, 0))),
    "name of nothing": tree(Chunk(ROOT)),
    "cut": tree(Chunk(ROOT[:-1])),
    "slash": tree(Chunk(record(1, 1, size=9, count=1) + name(2, 2, b"a/b") + record(2, 0))),
    "dots": tree(Chunk(record(1, 1, size=9, count=1) + name(2, 2, b"..") + record(2, 0))),
    "zero": tree(Chunk(record(1, 1, size=9, count=1) + name(2, 2, b"a\0") + record(2, 0))),
    "long name": tree(Chunk(record(1, 1, size=9, count=1) + name(2, 2, b"a" * 256) + record(2, 0))),
    "serials": tree(Chunk(record(1, 1, size=9, count=2) + name(3, 2, b"a") + name(2, 2, b"b") + record(2, 0))),
    "same name": tree(Chunk(record(1, 1, size=9, count=2) + name(2, 2, b"a") + name(3, 2, b"a") + record(2, 0))),
    "next serial": tree(Chunk(record(1, 1, size=2, count=1) + name(2, 2, b"a") + record(2, 0))),
    "two parents": tree(Chunk(record(1, 1, size=9, count=2) + name(2, 2, b"a") + name(3, 2, b"b") + record(2, 1, size=2))),
    "loop": tree(
        Chunk(
            record(1, 1, size=2)
            + record(2, 1, size=9, count=1)
            + name(2, 3, b"a")
            + record(3, 1, size=9, count=1)
            + name(2, 2, b"a")
        )
    ),
    "root in itself": tree(Chunk(record(1, 1, size=9, count=1) + name(2, 1, b"a"))),
    "nameless and full": tree(Chunk(record(1, 1, size=2) + record(2, 1, size=9, count=1) + name(2, 3, b"a") + record(3, 0))),
    "too large": tree(Chunk(ROOT + record(2, 0, size=1 << 50))),
    "block outside": tree(Chunk(ROOT + record(2, 0, size=5, count=1) + NUMBER.pack(0), [Chunk(b"123456")])),
    "block far": tree(Chunk(ROOT + record(2, 0, size=5, count=1) + NUMBER.pack(9), [Chunk(b"1")])),
    "block missing": tree(Chunk(ROOT + record(2, 0, size=5, count=1) + NUMBER.pack(0))),
    "block too many": tree(Chunk(ROOT + record(2, 0, size=5), [Chunk(b"1")])),
    "blocks in disorder": tree(Chunk(ROOT + record(2, 0, size=99, count=2) + NUMBER.pack(0) * 2, [Chunk(b"1"), Chunk(b"1")])),
    "long link": tree(Chunk(ROOT + record(2, 2, size=5000, count=5000) + b"a" * 5000)),
    "empty link": tree(Chunk(ROOT + record(2, 2))),
}


def test_what_the_forged_ones_are_made_of() -> None:
    block = Chunk(b"hello")
    good = tree(Chunk(ROOT + record(2, 0, size=6, count=1) + NUMBER.pack(0), [block]))
    assert {**MemoryFS().going_on(good)} == {"f": b"hello\0"}


@pytest.mark.parametrize("root", FORGED.values(), ids=FORGED)
def test_forged(root: Chunk) -> None:
    with pytest.raises(SnapshotError, match="files in memory"):
        read_tree(root, 1 << 20, 1000)


def altered(chunk: Chunk, draw: random.Random) -> Chunk:
    """One of the chunks below, and so all above it, is another."""
    if chunk.children and draw.random() < 0.7:
        children = list(chunk.children)
        at = draw.randrange(len(children))
        children[at] = altered(children[at], draw) if draw.random() < 0.9 else draw.choice(children)
        return Chunk(chunk.data, children)
    data = bytearray(chunk.data)
    for _ in range(draw.randint(1, 3)):
        if data:
            data[draw.randrange(len(data))] = draw.choice([0, 1, 2, 255, draw.randrange(256)])
    return Chunk(data, chunk.children)


def test_altered_trees_are_refused_or_whole() -> None:
    fs = MemoryFS({f"d{n % 7}/f{n}": bytes([n]) * n * 700 for n in range(200)})
    fs.symlink("d1", "l")
    fs["large"] = b"x" * (20 * BLOCK)
    root = Contents.of(fs._tree).chunk()
    draw, refused = random.Random(7), 0
    for _ in range(400):
        try:
            there = MemoryFS(max_bytes=1 << 26, max_entries=1000).going_on(altered(root, draw))
        except SnapshotError:
            refused += 1
            continue
        for path, content in there.items():
            assert there.stat(path).size == len(content)
        again = MemoryFS().going_on(Contents.of(there._tree).chunk())
        assert {**again} == {**there}
        for path in list(there):
            del there[path]
    assert 100 < refused < 400


def test_inspect_shows_them(tmp_path: Path) -> None:
    fs = MemoryFS({"d/a": b"12345"})
    fs.symlink("d", "l")
    store = begun(Engine(), fs)
    call(store, "write")
    store.snapshot().save(tmp_path / "s.arn")
    shown = subprocess.run(
        [sys.executable, "-m", "arenite", "inspect", tmp_path / "s.arn"], capture_output=True, text=True, check=True
    )
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    for line in (
        "descriptor 4 file log in /data, in memory, at byte 5",
        "in memory /data 4 names, 11 bytes",
        "d/a 5 bytes",
        "l link to d",
    ):
        assert line in lines


def test_under_one_name() -> None:
    fs = MemoryFS()
    with pytest.raises(ValueError, match="under another name"):
        WasiConfig(dirs={"/a": fs, "/b": (fs, "ro")}).open()
    with pytest.raises(TypeError, match="a path or a MemoryFS, not int"):
        WasiConfig(dirs={"/a": 5}).open()  # type: ignore[dict-item]  # that is what is tried
