"""Image files whose regions lie elsewhere than arenite puts them."""

from __future__ import annotations

import functools
import hashlib
import os
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Instance, Memory, Module, Snapshot, SnapshotError, Store, Table
from arenite.layout.cage import HOST_PAGE
from arenite.machine.space.image import GAP
from arenite.snapshot.container import CHECKSUM, FORM_NUMBERS, FORMAT, HEADER, Reader
from arenite.snapshot.magic import MAGIC
from arenite.snapshot.manifest import canonical
from marks import EACH_TIER

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.config import TierName

WAT = '(module (memory (export "m") 1 9) (table (export "t") 1 funcref))'


@functools.cache
def engine(tier: TierName) -> Engine:
    """One for each tier."""
    return Engine(Config(tier=tier, max_wasm_stack=1 << 16))


def moved(path: Path, to: int, filler: bytes) -> None:
    """Let the memory of an image file lie at `to` from its arena, and `filler` right behind the arena.  Checksums stay right."""
    reader = Reader.open(path)
    manifest: dict[str, Any] = reader.manifest
    arena, memory = manifest["regions"]
    data = os.pread(reader.fd, memory["size"], memory["offset"])
    with path.open("r+b") as file:
        # what lay behind the arena is written anew at the end
        at = arena["offset"] + max(to, 2 * arena["size"]) + 2 * memory["size"]
        for region in (arena, memory):
            sums = region["sums"]
            content = os.pread(reader.fd, sums["size"], sums["offset"])
            os.pwrite(file.fileno(), content, at)
            sums["offset"] = at
            at += HOST_PAGE
        for module in manifest["modules"]:
            module.pop("wasm"), module.pop("carried")
        os.pwrite(file.fileno(), filler, arena["offset"] + arena["size"])
        memory["offset"] = arena["offset"] + to
        os.pwrite(file.fileno(), data, memory["offset"])
        text = canonical(manifest)
        os.pwrite(file.fileno(), text, at)
        header = HEADER.pack(MAGIC, FORMAT, FORM_NUMBERS["image"], at, len(text), hashlib.sha256(text).digest())
        os.pwrite(file.fileno(), header + CHECKSUM.pack(zlib.crc32(header)), 0)


def saved(path: Path, tier: TierName) -> Module:
    """Save a store with an arena and a memory; its module."""
    store = Store(engine(tier))
    module = Module(engine(tier), WAT)
    found = Instance(store, module, []).exports(store)["m"]
    assert isinstance(found, Memory)
    found.write(store, b"memory", 100)
    store.snapshot().save(path)
    return module


@EACH_TIER
def test_what_lies_behind_an_arena_in_the_file_is_not_in_the_cage(tmp_path: Path, tier: TierName) -> None:
    """Not even when memory lies as far behind it as in a cage: the arena grows by zeros."""
    path = tmp_path / "s.arn"
    module = saved(path, tier)
    moved(path, GAP, b"\xff" * (8 << 20))
    fork = Snapshot.open(path, engine(tier), verify=True).link(modules=[module]).fork()
    exports = fork.instances[0].exports(fork)
    memory, table = exports["m"], exports["t"]
    assert isinstance(memory, Memory)
    assert isinstance(table, Table)
    assert memory.read(fork, 100, 106) == b"memory"
    before = len(fork.machine.cage.arena)
    table.grow(fork, 600_000, None)
    assert len(fork.machine.cage.arena) > before
    heap = len(fork.machine.cage.arena) - HOST_PAGE
    assert not any(fork.machine.cage.arena[heap:])


@EACH_TIER
def test_a_region_that_does_not_lie_on_pages(tmp_path: Path, tier: TierName) -> None:
    path = tmp_path / "s.arn"
    module = saved(path, tier)
    moved(path, (8 << 20) + 100, b"")
    with pytest.raises(SnapshotError, match="does not lie on pages"):
        Snapshot.open(path, engine(tier)).link(modules=[module]).fork()
