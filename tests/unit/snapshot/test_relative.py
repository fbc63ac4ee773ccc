"""What a store has beyond another, as bytes: they are whole and made to go on, or refused."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
import xxhash
import zstandard

from arenite import Config, Engine, Limit, Linker, Memory, MemoryFS, Module, Snapshot, SnapshotError, Store, WasiConfig
from arenite.snapshot import relative
from arenite.snapshot.limits import DEFAULT, FileLimits
from arenite.snapshot.relative import HEADER, SUM, Base
from arenite.wasi import files_of
from tiers import TIERS, engine_of

if TYPE_CHECKING:
    from arenite import Instance
    from arenite.machine.frozen.freeze import FrozenMachine
    from tiers import Way

KEY, NAME = b"k" * 32, b"n" * 32
WAT = """(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 4)
  (table (export "table") 3 funcref)
  (func (export "count") (param i32) (result i32)
    (i32.store (local.get 0) (i32.add (i32.load (local.get 0)) (i32.const 1)))
    (i32.load (local.get 0)))
  (func (export "grow") (result i32) (memory.grow (i32.const 2)))
  (func (export "widen") (result i32) (table.grow (ref.null func) (i32.const 5)))
  (func (export "work") (param i32) (result i32)
    (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 3)))
      (br_if $again (i32.lt_u (local.get $n) (local.get 0))))
    (local.get $n)))"""


def begun(engine: Engine) -> Store:
    linker = Linker(engine)
    linker.define_wasi()
    store = Store(engine)
    store.set_wasi(given())
    linker.instantiate(store, Module(engine, WAT))
    call(store, "count", 0)
    return store


def given() -> WasiConfig:
    return WasiConfig(argv=["program", "x" * 1000], dirs={"/": MemoryFS({"a": b"1"})})


def call(store: Store, name: str, *args: int) -> int:
    instance: Instance = store.instances[0]
    found: int = instance.exports(store)[name](store, *args)  # type: ignore[operator]
    return found


def frozen(store: Store) -> FrozenMachine:
    return store.snapshot().frozen()


def again(base: Base, data: bytes, engine: Engine, key: bytes | None = None) -> Store:
    return Snapshot(engine, base.loads(data, FileLimits.of(engine.config), key)).fork(wasi=given())


@pytest.mark.parametrize("way", TIERS)
def test_a_fork_goes_on_from_few_bytes(way: Way) -> None:
    engine = engine_of(way)
    base = Base(frozen(begun(engine)), NAME)
    store = Snapshot(engine, base.frozen).fork(wasi=given())
    call(store, "count", 0)
    call(store, "count", 200_000)
    files_of(store, "/")["b"] = b"2" * 50_000
    call(store, "grow")
    call(store, "count", 5 << 16)
    execution = store.instances[0].exports(store)["work"].start(store, 100_000)  # type: ignore[union-attr]
    data = base.dumps(frozen(store), DEFAULT)
    assert len(data) < 4096
    one, two = again(base, data, engine), again(base, data, engine)
    outcome = execution.run()
    for each in (one, two):
        assert each.execution is not None
        assert each.execution.run() == outcome
        assert [call(each, "count", at) for at in (0, 200_000, 5 << 16, 300_000)] == [3, 2, 2, 1]
        assert {**files_of(each, "/")} == {"a": b"1", "b": b"2" * 50_000}
    further = base.dumps(frozen(one), DEFAULT)
    assert call(again(base, further, engine), "count", 0) == 4


def test_what_was_there_before_is_seen_by_nobody(base: Base) -> None:
    """Forks of the base and what is read beside it use the same address space, one after the other."""
    data, places = dumped(base), range(0, 4 << 16, 4096)
    for _ in range(3):
        with Snapshot(ENGINE, base.frozen).fork(wasi=given()) as other:
            assert [call(other, "count", at) for at in places] == [2] + [1] * (len(places) - 1)
        with again(base, data, ENGINE) as found:
            assert [call(found, "count", at) for at in (*places, 100_000)] == [2] + [1] * (len(places) - 1) + [2]
        with Snapshot(ENGINE, base.frozen).fork(wasi=given()) as other:
            assert [call(other, "count", at) for at in (0, 100_000)] == [2, 1]


def test_pages_that_are_as_they_were_do_not_travel(base: Base) -> None:
    store = Snapshot(ENGINE, base.frozen).fork(wasi=given())
    call(store, "count", 100_000)
    memory = store.instances[0].exports(store)["memory"]
    assert isinstance(memory, Memory)
    for at in (0, 5000, 130_000):
        memory.write(store, memory.read(store, at, at + 1), at)
    loaded = base.loads(base.dumps(frozen(store), DEFAULT), DEFAULT)
    assert list(loaded.image.changed[1].numbers) == [100_000 // 4096]


def test_an_image_that_has_changes_itself_is_a_base() -> None:
    engine = Engine()
    store = Snapshot(engine, frozen(begun(engine))).fork(wasi=given())
    call(store, "count", 70_000)
    base = Base(frozen(store), NAME)
    call(store, "count", 70_000)
    call(store, "count", 140_000)
    found = again(base, base.dumps(frozen(store), DEFAULT), engine)
    assert [call(found, "count", at) for at in (0, 70_000, 140_000)] == [2, 3, 2]


def test_what_is_not_carried() -> None:
    engine = Engine()
    base = Base(frozen(begun(engine)), NAME)
    other = begun(engine)
    grown = Snapshot(engine, base.frozen).fork(wasi=given())
    call(grown, "widen")
    assert [base.carries(frozen(store)) for store in (other, grown, Snapshot(engine, base.frozen).fork(wasi=given()))] == [
        False,
        False,
        True,
    ]


ENGINE = Engine()


@pytest.fixture
def base() -> Base:
    return Base(frozen(begun(ENGINE)), NAME)


def dumped(base: Base, key: bytes | None = None) -> bytes:
    store = Snapshot(ENGINE, base.frozen).fork(wasi=given())
    call(store, "count", 100_000)
    return base.dumps(frozen(store), DEFAULT, key)


def test_a_key_says_who_wrote_them(base: Base) -> None:
    plain, sealed = dumped(base), dumped(base, KEY)
    assert base.loads(sealed, DEFAULT, KEY).areas == base.loads(sealed, DEFAULT).areas == base.loads(plain, DEFAULT).areas
    for data, key in (
        (plain, KEY),
        (sealed, b"x" * 32),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), KEY),
        (resummed(sealed, 70), KEY),
    ):
        with pytest.raises(SnapshotError, match="with this key"):
            base.loads(data, DEFAULT, key)
    with pytest.raises(ValueError, match="16 to 64"):
        base.loads(plain, DEFAULT, b"short")


def resummed(data: bytes, at: int) -> bytes:
    """Another byte, and a sum that agrees."""
    tagged = HEADER.unpack_from(data)[2]
    body = bytearray(data[: len(data) - SUM - relative.TAG * tagged])
    body[at] ^= 1
    return bytes(body) + xxhash.xxh3_128_digest(body) + data[len(body) + SUM :]


def test_every_cut_and_every_changed_byte_is_refused(base: Base) -> None:
    data = dumped(base)
    for size in (0, 1, 8, HEADER.size, HEADER.size + SUM, len(data) - 1):
        with pytest.raises(SnapshotError, match="a dumped store"):
            base.loads(data[:size], DEFAULT)
    for at in range(len(data)):
        with pytest.raises(SnapshotError, match="a dumped store"):
            base.loads(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], DEFAULT)
    with pytest.raises(SnapshotError, match="another image"):
        Base(base.frozen, b"m" * 32).loads(data, DEFAULT)
    with pytest.raises(SnapshotError, match="another version"):
        base.loads(resummed(data, 8), DEFAULT)


def forged(base: Base, change: str, to: str, *, more: bytes = b"", data: bytes = b"") -> bytes:
    """What is said of the machine is other than it was."""
    data = data or dumped(base)
    magic, version, tagged, name, said, head, first, second = HEADER.unpack_from(data)
    at = HEADER.size
    whole = relative.unpacked(data[at : at + first], head)
    text = whole[:said].decode()
    assert change in text
    text = text.replace(change, to)
    whole = text.encode() + whole[said:] + more
    packed = zstandard.ZstdCompressor().compress(whole)
    body = (
        HEADER.pack(magic, version, tagged, name, len(text.encode()), len(whole), len(packed), second)
        + packed
        + data[at + first : at + first + second]
    )
    return body + xxhash.xxh3_128_digest(body)


def test_what_the_forged_ones_are_made_of(base: Base) -> None:
    assert base.loads(forged(base, '"fuel":null', '"fuel":7'), DEFAULT).fuel == 7


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ('"memories":[262144]', '"memories":[131072]'),
        ('"memories":[262144]', '"memories":[262145]'),
        ('"memories":[262144]', '"memories":[]'),
        ('"memories":[262144]', '"memories":[1099511627776]'),
        ('"executions":[]', '"executions":[{}]'),
        ('"executions":[]', '"executions":7'),
        ('"pages":[', '"pages":[9000,'),
        ('"pages":[', '"pages":[1,'),
        ('"fuel":null', '"fuel":-1'),
        ('"layout":"', '"layout":"0'),
        ('"same":[', '"same":["nothing",'),
        ('"same":["args"', '"same":["clocks"'),
        ('"hosts":{', '"hosts":{"x":1,'),
        ('"$chunk":"', '"$chunk":"00'),
        ('{"arena"', '[{"arena"'),
        ('"fuel":null', '"fuel":' + "[" * 100),
    ],
)
def test_forged(base: Base, change: str, to: str) -> None:
    with pytest.raises((SnapshotError, Limit)):
        Snapshot(ENGINE, base.loads(forged(base, change, to), DEFAULT)).fork(wasi=given()).host("wasi")


def test_they_are_paid_for(base: Base) -> None:
    data = dumped(base)
    with pytest.raises(Limit, match="max_snapshot_memory"):
        base.loads(data, FileLimits.of(Config(max_snapshot_memory=2048)))
    with pytest.raises(Limit, match="max_snapshot_memory"):
        base.dumps(base.frozen, FileLimits.of(Config(max_snapshot_memory=10)))
    with pytest.raises(Limit, match="max_memory"):
        base.loads(forged(base, '"memories":[262144]', '"memories":[4294901760]'), FileLimits.of(Config(max_memory=1 << 20)))
    header = list(HEADER.unpack_from(data))
    header[5] = (1 << 32) - 1
    body = HEADER.pack(*header) + data[HEADER.size : -SUM]
    with pytest.raises(Limit, match="max_snapshot_memory"):
        base.loads(body + xxhash.xxh3_128_digest(body), DEFAULT)


def test_bytes_that_are_changed_and_agree_are_refused_or_whole(base: Base) -> None:
    """Whoever has no key may write anything: the guest is then another, and no more."""
    draw, opened = random.Random(5), 0
    data = dumped(base)
    for _ in range(300):
        changed = resummed(data, draw.randrange(len(data) - SUM))
        try:
            store = again(base, changed, ENGINE)
            call(store, "count", 0)
            opened += 1
        except (SnapshotError, Limit):
            continue
    assert opened < 300
