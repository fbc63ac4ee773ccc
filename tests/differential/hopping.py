"""A player whose calls never run through: they pause after a few units of fuel, and go on in a fork, or out of a snapshot on another tier.

DiffEngine(HoppingPlayer(seed), arenite)
"""

from __future__ import annotations

import random
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from arenite import Engine, Func, Global, Instance, Module, Paused, Snapshot, Store
from tiers import WAYS, Way, engine_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite import Execution

UNITS: Final = (1, 1, 2, 3, 5, 9, 20)
MOST: Final = 6  # pauses of one call
FLOATS: Final = {"f32": ("<f", "<I"), "f64": ("<d", "<Q")}
WIDTHS: Final = {"i32": 32, "i64": 64}


@lru_cache(maxsize=2 * len(WAYS))
def kept(way: Way, generation: int) -> Engine:
    """An engine of some modules."""
    del generation
    return engine_of(way)


class HoppingPlayer:
    """Plays one module.  What it does at each pause follows from the seed."""

    def __init__(self, seed: int, generation: int) -> None:
        self.rng = random.Random(seed)
        self.generation = generation
        self.store = Store(self.engine())
        self.hops = 0  # to other engines

    def engine(self) -> Engine:
        """One that goes on from here."""
        return kept(self.rng.choice(WAYS), self.generation)

    def instantiate(self, wasm: bytes) -> Instance:
        """The module's instance; later the store's only instance takes its place."""
        return Instance(self.store, Module(self.store.engine, wasm), [])

    def exports(self, _: Instance) -> dict[str, Any]:
        """Everything exported, of the instance as it is now."""
        return dict(self.store.instances[0].exports(self.store))

    def get(self, _: Instance, name: str) -> object:
        """The bits of a global."""
        item = self.exports(_)[name]
        assert isinstance(item, Global)
        return item.bits(self.store)

    def invoke(self, instance: Instance, name: str, args: Sequence[object]) -> list[object]:
        """Call a function with bits, none of a NaN, and get such."""
        function = self.exports(instance)[name]
        assert isinstance(function, Func)
        type_ = function.type(self.store)
        execution: Execution | None = function.start(self.store, *map(value_of, map(str, type_.params), args))
        for pauses in range(MOST + 1):
            assert execution is not None
            stopped = execution.run(fuel=self.rng.choice(UNITS) if pauses < MOST else None)
            if not isinstance(stopped, Paused):
                return list(map(bits_of, map(str, type_.results), stopped.values))
            self.hop()
            execution = self.store.execution
        raise AssertionError("without a limit it runs to its end")

    def hop(self) -> None:
        """Stay, or go on in a fork, or elsewhere."""
        kind = self.rng.randrange(4)
        if kind == 0:
            return
        old, snapshot = self.store, self.store.snapshot()
        if kind > 1:
            self.hops += 1
            snapshot = Snapshot.loads(snapshot.dumps(), self.engine())
        self.store = snapshot.fork()
        old.close()

    def close(self) -> None:
        """Give the memory back."""
        self.store.close()


def value_of(type_: str, bits: Any) -> Any:
    """A value as the interface has it."""
    if type_ not in FLOATS:
        return bits
    float_, integer = FLOATS[type_]
    return struct.unpack(float_, struct.pack(integer, bits))[0]


def bits_of(type_: str, value: Any) -> object:
    """Its bits."""
    if type_ in WIDTHS:
        return value % (1 << WIDTHS[type_])
    if type_ not in FLOATS:
        return value
    float_, integer = FLOATS[type_]
    return struct.unpack(integer, struct.pack(float_, value))[0]
