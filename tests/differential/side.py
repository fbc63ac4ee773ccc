"""Many small modules on each tier and on wasmtime, quickly: engines are kept, each module gets a store.

python tests/differential/side.py --count 20000            # random control flow (`control`); what differs is named by its seed
python tests/differential/side.py --first 17 --count 1     # one of them again
python tests/differential/side.py --hopping                # each call is paused here and there, frozen, and goes on elsewhere
python tests/differential/side.py --exceptions standard    # … which throw and catch
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import wasmtime

import arenite
from arenite import Instance, Module, Store
from arenite.errors import AreniteError
from differential.compare import STACK, VALUES, DiffEngine, EngineName, engine, outcome
from differential.control import module
from differential.control_exceptions import OLDER, STANDARD
from differential.hopping import HoppingPlayer
from differential.wasmtime_engine import Live, WasmtimeEngine
from tiers import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS = 3  # of each function, with different arguments
NUMBERS = {**VALUES, "f32": VALUES["f32"][:-4], "f64": VALUES["f64"][:-3], "externref": (None,)}  # without NaNs and objects
INSIDE = {"wasm_simd", "wasm_exceptions", "wasm_gc", "wasm_function_references"}  # the last two come with the one before
STORE = 20  # modules of a store
MANY = 200  # modules of an engine


class Player:
    """An engine that plays one module after the other.  `DiffEngine` wants exactly what this has.

    A store holds the instances of some modules: making one for each would take as long as all the rest.
    """

    def __init__(self, name: EngineName) -> None:
        self.inner: Any = WasmtimeEngine(inside=INSIDE) if name == "wasmtime" else engine(name).player
        self.store: Any = None
        self.played = 0

    def start(self, wasm: bytes) -> Any:
        """An instance."""
        if self.played % STORE == 0:
            self.renew()
        self.played += 1
        if isinstance(self.inner.engine, wasmtime.Engine):
            instance = wasmtime.Instance(self.store, wasmtime.Module(self.inner.engine, wasm), [])
            return Live(instance, dict(instance.exports(self.store)))
        return Instance(self.store, Module(self.inner.engine, wasm), [])

    def renew(self) -> None:
        """A fresh store."""
        if self.store is not None:
            self.store.close()
        make = wasmtime.Store if isinstance(self.inner.engine, wasmtime.Engine) else Store
        self.store = self.inner.store = make(self.inner.engine)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@lru_cache(maxsize=len(WAYS) + 1)
def player(name: EngineName, generation: int) -> DiffEngine:
    """The player of an engine."""
    return DiffEngine(Player(name), wasmtime if name == "wasmtime" else arenite)


def played(name: EngineName, seed: int, wasm: bytes) -> list[str]:
    """What each function does with a few arguments, and what the module holds in the end; as far as stacks do not run over."""
    subject = player(name, seed // MANY)
    try:
        instance = subject.player.start(wasm)
    except AreniteError as error:
        return [f"no instance: {type(error).__name__}: {error}"]
    return list(lines(subject, instance, random.Random(seed)))


def lines(subject: DiffEngine, instance: Any, rng: random.Random, *, any_nan: bool = False) -> Iterator[str]:
    """A line for each call, and for what is left.  `any_nan`: no argument is a NaN, and results tell of one only that it is one."""
    functions = subject.functions(instance)
    refuel = functions.pop("refuel")
    for name, signature in functions.items():
        for _ in range(CALLS):
            args = tuple(
                rng.choice(NUMBERS[type_] if any_nan or type_ == "externref" else VALUES[type_]) for type_ in signature[0]
            )
            outcome(subject, instance, "refuel", refuel, (), any_nan=False)
            said = outcome(subject, instance, name, signature, args, any_nan=any_nan)
            yield f"{name} {args} = {said}"
            if said == STACK:
                return
    yield from subject.state(instance)


def hopping(seed: int, exceptions: str = "") -> tuple[str, int]:
    """Where calls that pause and go on elsewhere first differ from wasmtime's, or nothing; how often they went to another engine.

    What has exceptions of the older form, which wasmtime does not run, is compared with calls that are not paused.
    """
    wasm, subject = module(seed, exceptions), player("threaded" if exceptions == OLDER else "wasmtime", seed // MANY)
    expected = list(lines(subject, subject.player.start(wasm), random.Random(seed), any_nan=True))
    hopper = HoppingPlayer(seed, seed // MANY)
    found = list(lines(DiffEngine(hopper, arenite), hopper.instantiate(wasm), random.Random(seed), any_nan=True))
    hopper.close()
    return first_pair(f"seed {seed}, hopping", found, expected), hopper.hops


def first_pair(who: str, found: list[str], expected: list[str]) -> str:
    """The first lines that differ, or nothing."""
    if found == expected:
        return ""
    pairs = zip([*found, ""], [*expected, ""], strict=False)
    ours, theirs = next(pair for pair in pairs if pair[0] != pair[1])
    return f"{who}: {ours}\n    wasmtime: {theirs}"


def difference(seed: int, exceptions: str = "") -> str:
    """Where a way and wasmtime first differ about a module, or nothing."""
    wasm = module(seed, exceptions)
    expected = played("wasmtime", seed, wasm)
    for tier in WAYS:
        differs = first_pair(f"seed {seed}, {tier}", played(tier, seed, wasm), expected)
        if differs:
            return differs
    return ""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--hopping", action="store_true")
    parser.add_argument("--exceptions", choices=("", STANDARD, OLDER), default="", help="modules that throw and catch")
    args = parser.parse_args()
    if args.exceptions == OLDER and not args.hopping:
        parser.error("wasmtime does not run the older form: tests/differential/test_exceptions.py asks Node")
    begun = said = time.monotonic()
    failures = hops = 0
    for seed in range(args.first, args.first + args.count):
        try:
            found, more = hopping(seed, args.exceptions) if args.hopping else (difference(seed, args.exceptions), 0)
            hops += more
        except Exception as error:  # noqa: BLE001 (an error out of the tier is what is looked for)
            found = f"seed {seed}: {type(error).__name__}: {error}"
        if found:
            failures += 1
            print(f"{found}\n    after {seed - args.first + 1} modules, {time.monotonic() - begun:.1f} s", flush=True)
        if time.monotonic() - said > 10:
            said = time.monotonic()
            print(f"{seed - args.first + 1} of {args.count} modules, {failures} differ", file=sys.stderr)
    how = f"frozen and moved {hops} times between" if args.hopping else "on"
    print(f"{args.count} modules {how} {', '.join(WAYS)} and wasmtime in {time.monotonic() - begun:.0f} s: {failures} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
