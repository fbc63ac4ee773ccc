"""On `safe`, work and memory are for what was touched, never for what a memory or an arena could have."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Limit, Limits, Snapshot, Store, Table, TableType, Trap
from arenite.machine.space.pages import BLOCK
from arenite.machine.space.portable import PortableCage
from arenite.machine.space.template import PortableTemplate
from arenite.platform import HAS_CAGE
from unit.machine.guests import EXTERNREF, FUNCREF, fresh

if TYPE_CHECKING:
    from pathlib import Path

    from arenite.machine.machine import Machine

LARGE = """(module (memory (export "m") 0xfffe) (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))"""
FIRST, LAST = 5 << 16, (0xFFFE << 16) - 4
HUGE = 2 << 20  # what one touch may take where the system gives out large pages
needs_pagemap = pytest.mark.skipif(not HAS_CAGE, reason="nobody tells what was touched")


def large() -> tuple[Store, dict[str, Any]]:
    """Nearly 4 GiB, two pages of which are not zero."""
    store, exports = fresh(LARGE, tier="safe", max_wasm_stack=1 << 16)
    exports["store"](store, FIRST, 77)
    exports["store"](store, LAST, 88)
    return store, exports


def touched(store: Store) -> int:
    """Bytes of its memory that anybody ever touched, for reading too."""
    cage: Any = store.machine.cage
    pages = cage.dirty_pages(1)
    assert pages is not None
    return sum(stop - start for start, stop in pages)


def template(snapshot: Snapshot) -> PortableTemplate:
    found = snapshot.frozen().image.template
    assert isinstance(found, PortableTemplate)
    return found


@needs_pagemap
def test_pages_that_nobody_touched_are_not_looked_at() -> None:
    """Looking at them would touch them."""
    store, exports = large()
    snapshot = store.snapshot()
    assert set(template(snapshot).blocks[1]) == {FIRST // BLOCK, LAST // BLOCK}
    assert template(snapshot).pages < 40
    fork = snapshot.fork()
    exports["store"](fork, 1 << 30, 99)
    assert exports["grow"](fork) == 0xFFFE
    again = fork.snapshot()
    assert list(again.frozen().image.changed[1].numbers) == [(1 << 30) // 4096]
    fork.reset()
    store.snapshot()
    for one, most in ((store, 2), (fork, 2), (again.fork(), 3)):
        assert 0 < touched(one) <= most * HUGE
        assert exports["m"].read(one, LAST, LAST + 4) == b"\x58\0\0\0"


@pytest.mark.parametrize("packed", [False, True])
def test_files_are_as_small_and_are_opened_for_as_little(tmp_path: Path, packed: bool) -> None:  # noqa: FBT001 (a parameter of a test)
    store, _ = large()
    store.snapshot().save(tmp_path / "s.arn", packed=packed)
    little = Engine(Config(tier="safe", max_wasm_stack=1 << 16, max_snapshot_memory=3 << 20))
    snapshot = Snapshot.open(tmp_path / "s.arn", little)
    fork = snapshot.fork()
    there: dict[str, Any] = dict(fork.instances[0].exports(fork))
    assert there["m"].read(fork, FIRST, FIRST + 4) == b"\x4d\0\0\0"
    there["store"](fork, LAST, 5)
    fork.snapshot().save(tmp_path / "d.arn", parent=snapshot)
    child = Snapshot.open(tmp_path / "d.arn", little).fork()
    memory: Any = child.instances[0].exports(child)["m"]
    assert [memory.read(child, at, at + 1) for at in (FIRST, LAST)] == [b"\x4d", b"\5"]
    with pytest.raises(Limit, match="max_snapshot_memory"):
        Snapshot.open(tmp_path / "s.arn", Engine(Config(tier="safe", max_snapshot_memory=1 << 16)))


@pytest.mark.parametrize("tell", [True, False], ids=["told", "not told"])
def test_a_snapshot_is_the_same_whether_the_system_tells_what_was_touched(monkeypatch: pytest.MonkeyPatch, tell: bool) -> None:  # noqa: FBT001
    if not tell:
        monkeypatch.setattr(PortableCage, "dirty_pages", lambda _cage, _region: None)
    store, exports = fresh(
        '(module (memory (export "m") 40) (table (export "t") 90 externref))', tier="safe", max_wasm_stack=1 << 16
    )
    memory = exports["m"]
    for at in (0, 70_000, 39 * 65536, (40 << 16) - 1):
        memory.write(store, b"x", at)
    first = store.snapshot()
    memory.write(store, b"\0y", 70_000)
    exports["t"].grow(store, 300_000, None)
    second = store.snapshot()
    assert second.frozen().image.template is template(first)
    for snapshot, there in ((first, {0: 120, 70_000: 120}), (second, {0: 120, 70_001: 121})):
        fork = snapshot.fork()
        bytes_ = memory.read(fork)
        assert {at: byte for at, byte in enumerate(bytes_) if byte} == there | {39 * 65536: 120, (40 << 16) - 1: 120}
        assert fork.machine.cage.arena[:] == snapshot.fork().machine.cage.arena[:]
        assert exports["t"].size(fork) == (90 if snapshot is first else 300_090)


# the arena grows
def test_many_stores_need_little_address_space() -> None:
    """A thousand arenas of a gigabyte each would not fit."""
    program = """
import resource
import arenite
engine = arenite.Engine(arenite.Config(tier="safe", max_wasm_stack=1 << 16))
module = arenite.Module(engine, b"\\0asm\\1\\0\\0\\0")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20), -1))
stores = [arenite.Store(engine) for _ in range(100)]
for store in stores:
    arenite.Instance(store, module, [])
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def grown(machine: Machine) -> int:
    return len(machine.cage.arena)


def test_what_lies_in_the_arena_moves_with_it() -> None:
    """Tables of several sizes, each grown past all room there was; a table of before, host's objects, and a paused execution."""
    store, exports = fresh(
        """(module
  (table (export "t") 3 externref)
  (func (export "f") (param $a i32) (result i32)
    (loop (br_if 0 (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))
    (i32.const 8)))""",
        tier="safe",
        max_wasm_stack=1 << 16,
    )
    execution = exports["f"].start(store, 10)
    execution.run(fuel=3)
    exports["t"].set(store, 1, "kept")
    sizes = [grown(store.machine)]
    tables = []
    for length in (300_000, 1_500_000, 6_000_000):
        tables.append(Table(store, TableType(EXTERNREF, Limits(length, None)), length))
        sizes.append(grown(store.machine))
    assert sizes == sorted(set(sizes))
    assert exports["t"].grow(store, 2_000_000, "new") == 3
    assert [exports["t"].get(store, at) for at in (0, 1, 2_000_002)] == [None, "kept", "new"]
    assert [table.get(store, 99_999) for table in tables] == [300_000, 1_500_000, 6_000_000]
    assert execution.run().values == (8,)
    fork = store.snapshot().fork()
    assert tables[2].get(fork, 5_999_999) == 6_000_000


def test_an_error_that_somebody_keeps_holds_no_arena_still() -> None:
    """Its frames may have parts of it."""
    store, exports = fresh(
        """(module
  (table (export "t") 9 funcref)
  (func (export "f")
    (table.fill 0 (i32.const 8) (ref.null func) (i32.const 2))))""",
        tier="safe",
    )
    with pytest.raises(Trap) as kept:
        exports["f"](store)
    part = store.machine.cage.arena[:8]
    before = grown(store.machine)
    assert Table(store, TableType(FUNCREF, Limits(5_000_000, None)), None).size(store) == 5_000_000
    assert grown(store.machine) > before
    assert exports["t"].size(store) == 9
    assert bytes(part) == bytes(8)
    assert kept.value.frames


def test_arguments_that_are_being_put_in_place_are_not_left_behind() -> None:
    """An argument that asks for more of the arena while it is made a number."""
    store, exports = fresh(
        '(module (func (export "f") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))',
        tier="safe",
        max_wasm_stack=1 << 16,
    )

    class Number:
        def __index__(self) -> int:
            Table(store, TableType(FUNCREF, Limits(5_000_000, None)), None)
            return 5

    try:
        assert exports["f"](store, 3, Number()) == 8
    except Limit as error:
        assert "arguments" in str(error)  # noqa: PT017 (either is right)
    assert exports["f"](store, 3, 4) == 7
    Table(store, TableType(FUNCREF, Limits(5_000_000, None)), None)
    assert exports["f"](store, 3, 4) == 7


def test_memories_grow_where_there_is_no_room_for_more_than_is_asked() -> None:
    program = """
import resource
import arenite
engine = arenite.Engine(arenite.Config(tier="safe", max_wasm_stack=1 << 16))
store = arenite.Store(engine)
memory = arenite.Memory(store, arenite.MemoryType(arenite.Limits(1600, None)))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (20 << 20), -1))
assert memory.grow(store, 16) == 1600
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
