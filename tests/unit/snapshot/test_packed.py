"""The packed form: each chunk once, holes for nothing, damage found as it is read; bytes and pickles."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Instance, Memory, Module, Snapshot, SnapshotError, Store
from arenite.machine.space.pages import CHUNK
from arenite.snapshot.pack import ROW
from fuzz.frozen import Document
from marks import EACH_TIER
from unit.snapshot.counting import RESULT, ended, of, paused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arenite.config import TierName

WIDE = '(module (memory (export "memory") 256 300))'


def written(*contents: tuple[int, bytes]) -> Snapshot:
    """A store with a memory of 16 MiB, in which some bytes are written."""
    store = Store(of())
    memory = Instance(store, Module(of(), WIDE), []).exports(store)["memory"]
    assert isinstance(memory, Memory)
    for at, data in contents:
        memory.write(store, data, at)
    return store.snapshot()


@EACH_TIER
def test_a_packed_file_goes_on(tmp_path: Path, tier: TierName) -> None:
    path = tmp_path / "p.arn"
    paused().snapshot().save(path, packed=True)
    assert path.stat().st_size < 50_000
    assert ended(Snapshot.open(path, of(tier))) == RESULT


@EACH_TIER
def test_equal_chunks_are_stored_once(tmp_path: Path, tier: TierName) -> None:
    noise = bytes(range(256)) * (CHUNK // 256)
    path = tmp_path / "p.arn"
    written(*((n * CHUNK, noise) for n in (1, 2, 5, 30))).save(path, packed=True)
    document = Document(path.read_bytes())
    chunks = document.manifest["regions"][1]["chunks"]
    assert len({chunks[n] for n in (1, 2, 5, 30)}) == 1
    assert sum(n != 0 for n in chunks) == 4
    fork = Snapshot.open(path, of(tier)).fork()
    memory = fork.instances[0].exports(fork)["memory"]
    assert isinstance(memory, Memory)
    assert bytes(memory.read(fork, 30 * CHUNK, 31 * CHUNK)) == noise
    assert bytes(memory.read(fork, 3 * CHUNK, 4 * CHUNK)) == bytes(CHUNK)
    assert bytes(memory.read(fork, 31 * CHUNK, 64 * CHUNK)) == bytes(33 * CHUNK)
    assert memory.size(fork) == 256


@EACH_TIER
def test_damage_in_any_chunk_is_found(tmp_path: Path, tier: TierName) -> None:
    path = tmp_path / "p.arn"
    paused().snapshot().save(path, packed=True)
    data = bytearray(path.read_bytes())
    rows = Document(bytes(data))._rows()
    assert len(rows) >= 2
    for _, offset, size, _ in rows:
        for at in (offset, offset + size // 2, offset + size - 1):
            data[at] ^= 0x55
            path.write_bytes(data)
            with pytest.raises(SnapshotError, match=r"chunk \d is damaged"):
                Snapshot.open(path, of(tier))
            data[at] ^= 0x55


def test_a_chunk_that_says_that_it_is_huge_takes_no_memory(tmp_path: Path) -> None:
    """The beginning of a compressed frame of 16 TiB."""
    path = tmp_path / "p.arn"
    paused().snapshot().save(path, packed=True)
    document = Document(path.read_bytes())
    place = document.put(b"\x28\xb5\x2f\xfd\xe0" + (1 << 44).to_bytes(8, "little") + b"\x01\x00\x00")
    rows = document._rows()
    rows[0] = (rows[0][0], place["offset"], place["size"], rows[0][3])
    document.set_rows(rows)
    path.write_bytes(document.whole())
    with pytest.raises(SnapshotError, match="17592186044416 bytes"):
        Snapshot.open(path, of())


def test_a_table_of_chunks_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "p.arn"
    paused().snapshot().save(path, packed=True)
    good = Document(path.read_bytes())
    changes: tuple[tuple[Callable[[Any], object], str], ...] = (
        (lambda m: m["regions"][0]["table"].update(size=ROW.size + 1), "table of chunks is damaged"),
        (lambda m: m["regions"][0]["chunks"].append(1), "as many as the region has"),
        (lambda m: m["regions"][1]["chunks"].__setitem__(0, 99), "a list of 0"),
        (lambda m: m["regions"][1].update(size=2 * CHUNK), "as many as the region has"),
        (lambda m: m["regions"].pop(), "2 of them"),
    )
    for change, words in changes:
        document = good.copy()
        change(document.manifest)
        path.write_bytes(document.whole())
        with pytest.raises(SnapshotError, match=words):
            Snapshot.open(path, of())


@EACH_TIER
def test_bytes_and_pickles(tier: TierName) -> None:
    snapshot = paused(engine=of(tier)).snapshot()
    assert ended(Snapshot.loads(snapshot.dumps(), of(tier))) == RESULT
    assert ended(pickle.loads(pickle.dumps(snapshot))) == RESULT
