"""What a small file may cost: each limit is looked at before the memory or the time is spent, and holds for whoever saves too."""

from __future__ import annotations

import gc
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from arenite import Config, Engine, Instance, Limit, Memory, MemoryType, Module, Snapshot, SnapshotError, Store
from arenite import Limits as Extent
from arenite.bytecode.module import file_digest
from arenite.inspect.records import MOST_ROWS_IN_ALL
from arenite.machine.space.pages import CHUNK
from arenite.snapshot import checked, container, pack
from arenite.snapshot import manifest as texts
from arenite.snapshot.limits import FileLimits
from differential.binary import MAGIC, section, sized, u
from fuzz.frozen import Document
from marks import EACH_TIER
from unit.snapshot.surveyed import altered, looked_at, paused

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.config import TierName

FORMS = ("image", "packed", "delta")
MEMORY = '(module (memory (export "m") 8) (func (export "f")))'


def engine(tier: TierName = "threaded", **options: Any) -> Engine:
    return Engine(Config(tier=tier, max_wasm_stack=1 << 16, **options))


def filled(of: Engine, instances: int = 1, byte: bytes = b"x") -> Store:
    """Instances with 512 KiB of the same byte each: two chunks that are one."""
    store, module = Store(of), Module(of, MEMORY)
    for _ in range(instances):
        memory = Instance(store, module, []).exports(store)["m"]
        assert isinstance(memory, Memory)
        memory.write(store, byte * (1 << 19), 0)
    return store


def saved(store: Store, path: Path, form: str) -> Path:
    """A file of a form; the delta's parent has nothing of what is filled."""
    parent = None
    if form == "delta":
        bare = Store(store.engine)
        parent = bare.snapshot()
        parent.save(path.with_name("parent.arn"))
    store.snapshot().save(path, packed=form == "packed", parent=parent)
    return path


def spread(manifest: Any, memories: int, size: int) -> None:
    """Make a packed file say that it has so many memories, all full of its one chunk."""
    chunk = manifest["regions"][1]["chunks"][0]
    manifest["memory_sizes"] = [size] * memories
    manifest["regions"][1:] = [{"size": size, "chunks": [chunk] * (size // CHUNK)} for _ in range(memories)]


@pytest.fixture
def unpacking(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that chunks are unpacked to."""
    done: list[int] = []
    real = container.decompressed

    def decompressed(data: bytes, most: int) -> bytes:
        found = real(data, most)
        done.append(len(found))
        return found

    monkeypatch.setattr(pack, "decompressed", decompressed)
    return done


@EACH_TIER
def test_memories_that_nobody_has(tmp_path: Path, tier: TierName, unpacking: list[int]) -> None:
    of = engine(tier, max_memory=1 << 20)
    path = saved(filled(of), tmp_path / "s.arn", "packed")
    bomb = altered(path, lambda m: spread(m, 64, 1 << 20))
    with pytest.raises(SnapshotError, match="region 2 has pages, but no instance has its memory"):
        Snapshot.open(bomb, of)
    assert not unpacking


@EACH_TIER
def test_memories_in_the_same_area(tmp_path: Path, tier: TierName) -> None:
    of = engine(tier)
    path = saved(filled(of), tmp_path / "s.arn", "packed")
    with pytest.raises(SnapshotError, match="each in an area of its own"):
        Snapshot.open(altered(path, lambda m: m["memories"].append(dict(m["memories"][0]))), of)


@EACH_TIER
@pytest.mark.parametrize(("option", "most"), [("max_store_memory", 3 << 19), ("max_instances", 3), ("max_tables", 3)])
def test_a_snapshot_is_no_larger_than_a_store(tmp_path: Path, tier: TierName, option: str, most: int) -> None:
    of = engine(tier)
    store, module = Store(of), Module(of, "(module (memory 8) (table 1 funcref))")
    for number in range(4):
        Instance(store, module, [])
        store.snapshot().save(tmp_path / f"{number}.arn")
    small = engine(tier, **{option: most})
    Snapshot.open(tmp_path / "2.arn", small).fork().close()
    with pytest.raises(Limit, match=option):
        Snapshot.open(tmp_path / "3.arn", small)


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
def test_elements_of_tables_are_counted_when_it_opens(tmp_path: Path, tier: TierName, form: str) -> None:
    """As the arena says, before anybody wants one more."""
    of = engine(tier)
    store, module = Store(of), Module(of, "(module (table 7 9 funcref) (table 3 externref))")
    for _ in range(2):
        Instance(store, module, [])
    path = saved(store, tmp_path / "s.arn", form)
    Snapshot.open(path, engine(tier, max_table_elements=20)).fork().close()
    with pytest.raises(Limit, match=r"its tables have 20 elements; 19 are allowed \(max_table_elements\)"):
        Snapshot.open(path, engine(tier, max_table_elements=19))


@EACH_TIER
def test_memories_of_many_instances(tmp_path: Path, tier: TierName, unpacking: list[int]) -> None:
    """Memories that are somebody's are bounded by what they take together."""
    of = engine(tier, max_memory=1 << 20, max_snapshot_memory=8 << 20)
    path = saved(filled(of), tmp_path / "s.arn", "packed")

    def change(manifest: Any) -> None:
        spread(manifest, 16, 1 << 20)
        one, owner = manifest["memories"][0], manifest["instances"][0]
        manifest["memories"] = [one | {"area": n} for n in range(16)]
        manifest["instances"] = [owner | {"memories": [n]} for n in range(16)]

    with pytest.raises(Limit, match=r"its pages take \d+ bytes of memory; 8388608 are allowed \(max_snapshot_memory\)"):
        Snapshot.open(altered(path, change), of)
    assert not unpacking


def test_a_chunk_is_unpacked_once(tmp_path: Path, unpacking: list[int]) -> None:
    of = engine()
    path = altered(saved(filled(of), tmp_path / "s.arn", "packed"), lambda m: spread(m, 1, 16 << 20))
    opened = Snapshot.open(path, of)
    assert 0 < sum(unpacking) < 4 * CHUNK
    store = opened.fork()
    memory = store.instances[0].exports(store)["m"]
    assert isinstance(memory, Memory)
    assert memory.read(store, (16 << 20) - 3, 16 << 20) == b"xxx"


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
def test_whoever_saves_is_held_to_the_same(tmp_path: Path, tier: TierName, form: str) -> None:
    """What cannot be opened is not saved, and what is saved is opened; an image takes memory only where it is copied."""
    size = None
    for allowed in (1 << 18, 1 << 20, 1 << 21, 1 << 22):
        of, path = engine(tier, max_snapshot_memory=allowed), tmp_path / f"{allowed}.arn"
        try:
            saved(filled(of), path, form)
        except Limit as error:
            assert "max_snapshot_memory" in str(error)  # noqa: PT017 (one of the sizes)
            assert not path.exists()
            assert size is None
            continue
        size = size or allowed
        Snapshot.open(path, of).fork().close()
    assert size == (1 << 18 if form == "image" and tier != "safe" else 1 << 20)


@EACH_TIER
def test_the_pages_of_a_line_of_deltas_count_together(tmp_path: Path, tier: TierName) -> None:
    of = engine(tier)
    store = filled(of)
    before = store.snapshot()
    before.save(tmp_path / "0.arn")
    memory = store.instances[0].exports(store)["m"]
    assert isinstance(memory, Memory)
    for number in range(1, 4):
        memory.write(store, bytes([number]) * (1 << 19), 0)
        after = store.snapshot()
        after.save(tmp_path / f"{number}.arn", parent=before)
        before = after
    small = engine(tier, max_snapshot_memory=5 << 18 if tier != "safe" else 7 << 18)
    Snapshot.open(tmp_path / "2.arn", small)
    with pytest.raises(Limit, match="max_snapshot_memory"):
        Snapshot.open(tmp_path / "3.arn", small)


@EACH_TIER
@pytest.mark.parametrize("form", FORMS)
def test_what_a_host_made_and_nobody_imports_is_not_kept(tmp_path: Path, tier: TierName, form: str) -> None:
    """Nobody could reach it; the places of the others do not change, and who imports it later finds it again."""
    of = engine(tier)
    store = Store(of)
    lone = Memory(store, MemoryType(Extent(8, None)))
    lone.write(store, b"z" * (1 << 19), 0)
    Instance(store, Module(of, MEMORY), []).exports(store)
    store.snapshot().save(tmp_path / "parent.arn")
    parent = store.snapshot()
    parent.save(tmp_path / "whole.arn", packed=form == "packed")
    assert Document((tmp_path / "parent.arn").read_bytes()).manifest["memory_sizes"] == [1 << 19] * 2
    assert bytes((tmp_path / "parent.arn").read_bytes()).count(b"z" * 4096) == 0
    Instance(store, Module(of, '(module (import "" "" (memory 1)) (export "n" (memory 0)))'), [lone])
    store.snapshot().save(tmp_path / "child.arn", packed=form == "packed", parent=parent if form == "delta" else None)
    fork = Snapshot.open(tmp_path / "child.arn", of).fork()
    found = fork.instances[1].exports(fork)["n"]
    assert isinstance(found, Memory)
    assert found.read(fork, 0, 1 << 19) == b"z" * (1 << 19)


# modules


def custom(size: int) -> bytes:
    """A module with a custom section of so many zeros, compressed to little."""
    count = size + 2
    length = bytes((count >> shift & 127) | (128 if shift < 28 else 0) for shift in (0, 7, 14, 21, 28))
    return b"\0asm\1\0\0\0" + b"\0" + length + b"\1a" + bytes(size)


def with_module(path: Path, frame: bytes, copies: int = 1) -> Path:
    document = Document(path.read_bytes())
    place = document.put(frame)
    first = document.manifest["modules"][0]
    document.manifest["modules"] = [first, *({**first, "wasm": place, "digest": f"{n:064x}"} for n in range(copies))]
    other = path.with_name("bomb.arn")
    other.write_bytes(document.whole())
    return other


def grown(act: Callable[[], object]) -> int:
    """Bytes that were resident at the most, beyond those before."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    before = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    act()
    return (int(Path("/proc/self/status").read_text("ascii").split("VmHWM:")[1].split()[0]) << 10) - before


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc")
@EACH_TIER
def test_modules_that_unpack_to_much(tmp_path: Path, tier: TierName) -> None:
    of = engine(tier, max_snapshot_modules=128 << 20)
    path = saved(filled(of), tmp_path / "s.arn", "packed")
    bomb = with_module(path, zstandard.ZstdCompressor(level=3).compress(custom(200 << 20)))
    gc.collect()
    assert bomb.stat().st_size < 1 << 17

    def refused() -> None:
        with pytest.raises(Limit, match=r"its modules have \d+ bytes unpacked; 134217728 are allowed \(max_snapshot_modules\)"):
            Snapshot.open(bomb, of)

    assert grown(refused) < 16 << 20


def test_many_modules_count_together(tmp_path: Path) -> None:
    of = engine(max_snapshot_modules=20 << 20)
    path = saved(filled(of), tmp_path / "s.arn", "packed")
    frame = zstandard.ZstdCompressor(level=3).compress(custom(6 << 20)[: -1 << 20] + os.urandom(1 << 20))
    Snapshot.open(with_module(path, frame, 3), of)
    with pytest.raises(Limit, match="max_snapshot_modules"):
        Snapshot.open(with_module(path, frame, 4), of)


def test_modules_that_share_their_bytes_pay_with_them_once(tmp_path: Path) -> None:
    path = saved(filled(engine()), tmp_path / "s.arn", "image")
    frame = zstandard.ZstdCompressor(level=3).compress(custom(6 << 20)[: -100 << 10] + os.urandom(100 << 10))
    assert path.stat().st_size > 3 * len(frame)
    Snapshot.open(with_module(path, frame, 1), engine())
    with pytest.raises(Limit, match="in the file: more than 64 times as many"):
        Snapshot.open(with_module(path, frame, 3), engine())


def with_modules(path: Path, count: int) -> Path:
    """A file with so many modules more, each with bytes of its own."""
    document, frame = Document(path.read_bytes()), zstandard.ZstdCompressor(level=3).compress(custom(1))
    size, start = len(frame), document.put(frame * 2 * count)["offset"]
    document.manifest["modules"] += [
        {"digest": f"{n:064x}", "name": "", "bytecode": ""}
        | {name: {"offset": start + size * (2 * n + i), "size": size} for i, name in enumerate(("wasm", "carried"))}
        for n in range(count)
    ]
    other = path.with_name("modules.arn")
    other.write_bytes(document.whole())
    return other


@pytest.mark.parametrize("form", FORMS)
def test_each_of_many_modules_is_counted_once(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a module costs does not depend on how many there are."""
    asked = 0

    class Counting(container.Section):
        @property
        def size(self) -> int:  # read like the field
            nonlocal asked
            asked += 1
            return self[1]

    monkeypatch.setattr(checked, "Section", Counting)
    found = []
    for count in (500, 1000):
        other = with_modules(saved(filled(engine()), tmp_path / "s.arn", form), count)
        asked = 0
        Snapshot.open(other, engine())
        found.append(asked)
    assert 500 < found[0] < found[1] < 2.5 * found[0]


def nops(count: int) -> bytes:
    """A module of one function that does nothing for long."""
    return MAGIC + section(1, b"\x60\0\0") + section(3, b"\0") + section(10, sized(b"\0" + b"\x01" * count + b"\x0b"))


@pytest.mark.parametrize("form", FORMS)
def test_a_module_that_is_little_in_the_file_is_little_to_read(tmp_path: Path, form: str) -> None:
    """Whoever saves is told how to do it; whoever opens does nothing for it."""
    of, long = engine(), Module(engine(), nops(12 << 20))
    store = filled(of)
    Instance(store, Module(of, nops(3 << 20)), [])
    path = saved(store, tmp_path / "s.arn", form)
    Snapshot.open(path, engine()).fork().close()
    frame = zstandard.ZstdCompressor(level=3).compress(long.code.file)
    bomb = with_module(path, frame) if form != "delta" else with_module(path, frame, 3)
    assert len(frame) < 1 << 12
    with pytest.raises(Limit, match=r"\d+ bytes unpacked, and \d+ in the file: .* \(embed=False\)"):
        Snapshot.open(bomb, engine())
    Instance(store, Module(of, long.code.file), [])
    snapshot = store.snapshot()
    with pytest.raises(Limit, match="embed=False"):
        snapshot.save(tmp_path / "long.arn")
    snapshot.save(tmp_path / "long.arn", embed=False)
    Snapshot.open(tmp_path / "long.arn", of).fork().close()


def test_time_is_paid_by_what_a_module_takes_in_the_file(tmp_path: Path) -> None:
    """Branches with a thousand results each, in code that nobody reaches: as a file it may take long, as a part of a snapshot it may not."""
    many = b"\x60\0" + u(1000) + b"\x7f" * 1000
    body = b"\0" + b"\0" + b"\x0c\0" * (1 << 20) + b"\x0b"
    wasm = MAGIC + section(1, many) + section(3, b"\0") + section(10, sized(body))
    of = engine()
    path = saved(filled(of), tmp_path / "s.arn", "packed")
    document = Document(path.read_bytes())
    module = {"digest": file_digest(wasm).hex(), "name": "", "bytecode": "another"}
    carried = document.manifest["modules"][0]["carried"]
    wasm_at = document.put(zstandard.ZstdCompressor(level=3).compress(wasm))
    document.manifest["modules"].append({**module, "wasm": wasm_at, "carried": carried})
    (tmp_path / "slow.arn").write_bytes(document.whole())
    with pytest.raises(Limit, match="too long for its size"):
        Snapshot.open(tmp_path / "slow.arn", engine()).link()


def test_modules_that_do_not_say_how_long_they_are(tmp_path: Path) -> None:
    of = engine()
    path = saved(filled(of), tmp_path / "s.arn", "packed")
    quiet = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(custom(1 << 20))
    padded = zstandard.ZstdCompressor(level=3).compress(custom(1 << 10)) + bytes(4 << 10)
    for frame, words in (
        (quiet, "does not say how long"),
        (b"no frame", "damaged"),
        (b"", "damaged"),
        (padded, r"takes 4\d+ bytes, and has 1\d+"),
    ):
        with pytest.raises(SnapshotError, match=words):
            Snapshot.open(with_module(path, frame), of)


def test_a_module_that_comes_twice(tmp_path: Path) -> None:
    """It is written once; a window has it as often as it is said, so that is bounded too."""
    of = engine()
    text = '(module (func (export "f") (result i32) (i32.const 7)))'
    store = Store(of)
    first, second = (Module(of, text) for _ in range(2))
    assert first.code is not second.code
    for module in (first, second):
        Instance(store, module, [])
    store.snapshot().save(tmp_path / "s.arn")
    entries = Document((tmp_path / "s.arn").read_bytes()).manifest["modules"]
    assert len(entries) == 2
    assert entries[0] == entries[1]
    fork = Snapshot.open(tmp_path / "s.arn", engine()).fork()
    assert [i.call(fork, "f") for i in fork.instances] == [7, 7]
    many = altered(tmp_path / "s.arn", lambda m: m["modules"].extend([m["modules"][0]] * 3000))
    small = engine(max_snapshot_modules=3000 * len(first.code.bytecode))
    with pytest.raises(Limit, match="max_snapshot_modules"):
        Snapshot.open(many, small).link()


# the manifest


def test_a_manifest_has_so_many_bytes_and_values(tmp_path: Path) -> None:
    path = tmp_path / "s.arn"
    saved(filled(engine()), path, "image")
    size = len(texts.canonical(Document(path.read_bytes()).manifest))
    with pytest.raises(Limit, match=rf"a manifest of {size} bytes; {size - 1} are allowed \(max_snapshot_manifest\)"):
        Snapshot.open(path, engine(max_snapshot_manifest=size - 1))
    Snapshot.open(path, engine(max_snapshot_manifest=size))
    small = engine(max_snapshot_manifest=size + 100)
    store = filled(small)
    module = Module(small, MEMORY)
    while True:  # as many instances as it takes
        Instance(store, module, [])
        try:
            store.snapshot().save(path)
        except Limit:
            break
        Snapshot.open(path, small)
    with pytest.raises(Limit, match="more than 266240 values"):
        Snapshot.open(altered(path, lambda m: m.update(x=[0] * 300_000)), engine(max_snapshot_manifest=4 << 20))


def test_nesting_and_digits_are_counted_before_they_are_read(tmp_path: Path) -> None:
    path = saved(filled(engine()), tmp_path / "s.arn", "image")
    before, recursion = sys.get_int_max_str_digits(), sys.getrecursionlimit()
    sys.set_int_max_str_digits(0)  # a program may have lifted both
    sys.setrecursionlimit(1 << 30)
    try:
        for text, words in (('"a":' + "[" * 200_000 + "]" * 200_000, "nested"), ('"a":' + "7" * 300_000, "digits")):
            document = Document(path.read_bytes())
            document.text = b"{" + text.encode() + b"," + texts.canonical(document.manifest)[1:]
            other = path.with_name("bomb.arn")
            other.write_bytes(document.whole())
            with pytest.raises(SnapshotError, match=words):
                Snapshot.open(other, engine())
    finally:
        sys.set_int_max_str_digits(before)
        sys.setrecursionlimit(recursion)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('{"a":"[[[[{{{{"}', True),
        ('{"a":"\\\\","b":[1,2]}', True),
        ('{"a":"\\"]"}', True),
        ("[" * texts.DEEPEST + "]" * texts.DEEPEST, True),
        ("[" * (texts.DEEPEST + 1) + "]" * (texts.DEEPEST + 1), False),
        ('{"a":' * 80 + "1" + "}" * 80, False),
        ("[" + "9" * 4300 + "]", True),
        ("[" + "9" * 4301 + "]", False),
        ('["' + "9" * 5000 + '"]', True),
        ("[" + "1," * 4000 + "1]", True),
        ("[" + "1," * 5200 + "1]", False),
        ("[" + "[]," * 2600 + "1]", False),
    ],
)
def test_what_the_text_of_a_manifest_may_be(text: str, good: bool) -> None:  # noqa: FBT001 (a parameter of a test)
    limits = FileLimits.of(Config(max_snapshot_manifest=1 << 14))
    if good:
        texts.check(text.encode(), limits, "x")
    else:
        with pytest.raises((ValueError, Limit), match=r"values|nested|digits"):
            texts.check(text.encode(), limits, "x")


def test_a_state_that_is_nested_too_deeply_is_not_saved(tmp_path: Path) -> None:
    class Deep:
        def __init__(self, depth: int) -> None:
            self.depth = depth

        def open(self) -> Deep:
            return self

        def freeze(self) -> Any:
            found: Any = 1
            for _ in range(self.depth):
                found = [found]
            return found

        def close(self) -> None:
            pass

    for depth in (64, 65):
        store = Store(engine())
        store.set_host("deep", Deep(depth))
        if depth == 64:
            store.snapshot().save(tmp_path / "s.arn")
            Snapshot.open(tmp_path / "s.arn", engine())
        else:
            with pytest.raises(SnapshotError, match="nested more than 64 deep"):
                store.snapshot().save(tmp_path / "s.arn")


def test_instances_lie_at_places_of_their_own(tmp_path: Path) -> None:
    path = saved(filled(engine()), tmp_path / "s.arn", "image")
    other = altered(path, lambda m: m["instances"].append(dict(m["instances"][0])))
    with pytest.raises(SnapshotError, match="each at a place of its own"):
        Snapshot.open(other, engine()).link()


# who only looks


def test_lists_that_thousands_of_records_name(tmp_path: Path) -> None:
    """All rows of all records together are bounded."""
    _, snapshot = paused(
        """(module
  (table (export "t") 4000 funcref)
  (memory (export "m") 1 4)
  (global (export "g") (mut i64) (i64.const 77))
  (func $f)
  (elem (i32.const 0) func $f $f $f))"""
    )
    snapshot.save(tmp_path / "s.arn")
    other = altered(tmp_path / "s.arn", lambda m: m["tables"].extend([m["tables"][0]] * 2000))
    survey, _ = looked_at(other)
    assert sum(len(record.rows) for record in survey.records) < MOST_ROWS_IN_ALL + 100 * len(survey.records)
    assert survey.rows == 0
