"""Random modules (wasm-tools smith), stopped all over: the tiers' images are the same bytes, and forks end as who was never frozen.

ARENITE_FUZZ=N plays N modules, ARENITE_FUZZ_FIRST=S begins at seed S; a failure names its seed, which makes the same module again.
"""

from __future__ import annotations

import functools
import os
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Engine, Finished, Func, Limit, Linker, LinkError, Module, Store, Trap
from arenite.api.text import wasm_tools
from property.worlds import differences, image_of
from tiers import WAYS, engine_of

if TYPE_CHECKING:
    from arenite import Execution

SMITH = Path(__file__).parents[1] / "differential" / "smith.json"
FIRST = int(os.environ.get("ARENITE_FUZZ_FIRST", "0"))
COUNT = int(os.environ.get("ARENITE_FUZZ", "12"))
ARGUMENTS = {"i32": 5, "i64": 7, "f32": 1.5, "f64": 2.5, "funcref": None, "externref": None}
STEPS = 6  # runs of each function, each of a few units


@functools.cache
def engines() -> list[Engine]:
    """One of each way, NaNs canonical."""
    return [engine_of(way, consume_fuel=True, max_wasm_stack=1 << 16, deterministic=True) for way in WAYS]


def module(seed: int) -> bytes:
    """The module of a seed."""
    generator = random.Random(seed)
    with TemporaryDirectory() as folder:
        entropy, wasm = Path(folder) / "seed", Path(folder) / "a.wasm"
        entropy.write_bytes(generator.randbytes(generator.choice((2048, 8192))))
        tame = str(seed % 2 == 0).lower()
        wasm_tools(
            "smith", entropy, "--config", SMITH, "--ensure-termination", "--fuel", "300", "--disallow-traps", tame, "-o", wasm
        )
        return wasm.read_bytes()


class Run:
    """What a module does, in steps: images where it stopped, and how each call ended."""

    def __init__(self, engine: Engine, wasm: bytes, seed: int, *, forks: bool) -> None:
        self.forks = forks
        self.random = random.Random(seed)
        self.steps: list[Any] = []
        self.store = Store(engine)
        self.store.set_fuel(100_000)
        code = Module(engine, wasm)
        linker = Linker(engine)
        linker.define_unknown_imports_as_traps(code)
        self.play(linker.start(self.store, code))
        exports = self.store.instances[-1].exports(self.store)
        for item in exports.values():
            if isinstance(item, Func):
                self.play(item.start(self.store, *[ARGUMENTS[str(p)] for p in item.type(self.store).params]))
        self.steps.append(image_of(self.store.snapshot()))

    def play(self, execution: Execution) -> None:
        """Stop it again and again; half of the time it goes on in a fork."""
        for _ in range(STEPS):
            fuel, fork = self.random.choice((1, 2, 3, 7, 20, 50)), self.random.random() < 0.5
            try:
                outcome = execution.run(fuel=fuel)
            except Trap as trap:
                self.steps.append(f"trap {trap.message}")
                return
            except LinkError as error:  # a function that is nowhere
                self.steps.append(str(error))
                return
            if isinstance(outcome, Finished):
                self.steps.append(" ".join("function" if isinstance(v, Func) else repr(v) for v in outcome.values))
                return
            snapshot = self.store.snapshot()
            self.steps.append(image_of(snapshot))
            if fork and self.forks:
                self.store = snapshot.fork()
                found = self.store.execution
                assert found is not None
                execution = found
        execution.close()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_tiers_and_forks_agree(seed: int) -> None:
    wasm = module(seed)
    try:
        expected = Run(engines()[0], wasm, seed, forks=False).steps
    except (LinkError, Limit, Trap) as error:
        with pytest.raises(type(error)):
            Run(engines()[1], wasm, seed, forks=True)
        pytest.skip(f"the module does not begin: {error}")
    for index, forks in ((0, True), (1, False), (1, True)):
        found = Run(engines()[index], wasm, seed, forks=forks).steps
        assert len(found) == len(expected)
        for number, (a, b) in enumerate(zip(expected, found, strict=True)):
            said = f"seed {seed}, step {number}: play it again with ARENITE_FUZZ=1 ARENITE_FUZZ_FIRST={seed}"
            if isinstance(a, dict) and isinstance(b, dict):
                assert not differences(a, b), said
            else:
                assert a == b, said
