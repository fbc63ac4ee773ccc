"""Nothing is left behind: memory, mappings and file descriptors stay what they were after very many traps and stores.

`ARENITE_STRESS=all` does the whole number.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from arenite import Exit, Func, FuncType, Instance, Store, Trap
from marks import EACH_TIER
from released import collect
from unit.machine.guests import I32, engine, module

ALL = os.environ.get("ARENITE_STRESS") == "all"
TRAPS = 100_000 if ALL else 3000
STORES = 100_000 if ALL else 1000
SLACK = 4 << 20  # bytes that Python's own memory may differ by

WAT = """(module
  (import "host" "f" (func $f))
  (memory (export "memory") 1)
  (table (export "table") 8 funcref)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32) (i32.store offset=4 (local.get 0) (i32.const 1)))
  (func $deep (export "deep") (param i32) (call $deep (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export "host") (param i32) (call $f)))"""


class Usage(NamedTuple):
    """What the process holds."""

    resident: int
    mappings: int
    files: int

    @classmethod
    def now(cls) -> Usage:
        collect()
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        mappings = Path("/proc/self/maps").read_text(encoding="utf-8").count("\n")
        return cls(pages * os.sysconf("SC_PAGE_SIZE"), mappings, len(list(Path("/proc/self/fd").iterdir())))

    def assert_kept(self, slack: int = SLACK) -> None:
        """The process holds no more than then.  `slack`: bytes."""
        now = Usage.now()
        assert now.files <= self.files
        assert now.mappings <= self.mappings + 8  # the allocator's own
        assert now.resident <= self.resident + slack, f"{(now.resident - self.resident) / 1e6:.1f} MB more"


pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")


def store_with_instance(tier: str, call: Any) -> tuple[Store, Instance]:
    """A store, its instance."""
    of = engine(tier=tier, max_wasm_stack=1 << 16)
    store = Store(of)
    return store, Instance(store, module(of, WAT), [Func(store, FuncType([], []), call)])


@EACH_TIER
@pytest.mark.parametrize(("name", "argument"), [("load", -1), ("store", -8), ("deep", 0), ("divide", 0), ("host", 0)])
def test_traps(tier: str, name: str, argument: int) -> None:
    def fail() -> None:
        raise Exit(3)

    store, instance = store_with_instance(tier, fail)
    func: Any = instance.exports(store)[name]
    times = TRAPS // 20 if tier == "safe" or name == "deep" else TRAPS

    def trap(count: int) -> None:
        for _ in range(count):
            with pytest.raises((Trap, Exit)):
                func(store, argument)

    trap(200)
    before = Usage.now()
    trap(times)
    before.assert_kept()
    store.close()


@EACH_TIER
@pytest.mark.parametrize("way", ["close", "drop", "cycle", "half made"])
def test_stores(tier: str, way: str) -> None:
    """Closed; only dropped; dropped while a host function refers to the store it is in; dropped after a failed instantiation."""

    def one() -> None:
        held: list[object] = []
        store, instance = store_with_instance(tier, (lambda: held) if way == "cycle" else int)
        if way == "cycle":
            held += [store, instance]
        if way == "half made":
            with pytest.raises(Trap):
                Instance(store, module(store.engine, "(module (table 1 funcref) (elem (i32.const 9) func 0) (func))"), [])
        memory: Any = instance.exports(store)["memory"]
        memory.write(store, b"x" * 5000)
        if way == "close":
            store.close()

    for _ in range(30):
        one()
    before = Usage.now()
    for _ in range(STORES // (4 if tier == "safe" else 1) // (1 if way in {"close", "drop"} or ALL else 4)):
        one()
    before.assert_kept()


@EACH_TIER
def test_host_functions_of_one_store_only_take_what_they_need(tier: str) -> None:
    store, _ = store_with_instance(tier, int)
    Func(store, FuncType([I32], []), print)
    before = Usage.now()
    for _ in range(2000):
        Func(store, FuncType([I32], []), print)
    before.assert_kept()
    store.close()
