"""Each vector instruction does the same on this CPU and on another: bit for bit where NaNs are canonical, else but for the bits of NaNs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Func, Instance, Memory, Module, Store
from arenite.api.text import wat2wasm
from differential.test_vectors import differences, plain
from differential.vector_ops import INSTRUCTIONS, MOST, OPERAND, OPERANDS, RESULTS, operands, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = """
import sys, warnings
from pathlib import Path
from arenite import Config, Engine, Instance, Module, Store
warnings.simplefilter("error")  # the tier that was asked for, no other
_, wasm, given, out, tier, deterministic, results, size = sys.argv
store = Store(Engine(Config(tier=tier, deterministic=deterministic == "True")))
assert store.engine.tier.name == tier, store.engine.tier.name
exports = Instance(store, Module(store.engine, Path(wasm).read_bytes()), []).exports(store)
memory, given, results, size = exports["memory"], Path(given).read_bytes(), int(results), int(size)
with open(out, "wb") as file:
    for name in exports:
        if name != "memory":
            memory.write(store, given)
            exports[name](store, size // 16)
            file.write(memory.read(store, results, results + size))
"""


def here(wasm: bytes, given: bytes, *, deterministic: bool) -> dict[str, bytes]:
    """What this CPU makes of all operands."""
    store = Store(Engine(Config(tier="threaded", deterministic=deterministic)))
    exports = Instance(store, Module(store.engine, wasm), []).exports(store)
    memory, found = exports["memory"], {}
    assert isinstance(memory, Memory)
    for name in INSTRUCTIONS:
        function = exports[name]
        assert isinstance(function, Func)
        memory.write(store, given)
        function(store, MOST)
        found[name] = bytes(memory.read(store, RESULTS, RESULTS + OPERAND * MOST))
    return found


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("tier", ["threaded", "baseline"])
def test_vectors(elsewhere: Callable[..., str], tmp_path: Path, tier: str, *, deterministic: bool) -> None:
    given = operands(MOST, 12) + bytes(2 * RESULTS - OPERANDS * OPERAND * MOST)
    wasm, size = wat2wasm(text(relaxed=True)), OPERAND * MOST
    (tmp_path / "guest.wasm").write_bytes(wasm)
    (tmp_path / "given").write_bytes(given)
    files = [tmp_path / name for name in ("guest.wasm", "given", "found")]
    elsewhere(PROGRAM, *files, tier, str(deterministic), str(RESULTS), str(size))
    all_found = (tmp_path / "found").read_bytes()
    assert len(all_found) == size * len(INSTRUCTIONS)
    wanted = here(wasm, given, deterministic=deterministic)
    differ = []
    for number, name in enumerate(INSTRUCTIONS):
        found, expected = all_found[size * number : size * (number + 1)], wanted[name]
        if not deterministic:
            found, expected = plain(name, found), plain(name, expected)
        differ += differences(name, expected, found)
    assert differ == []
