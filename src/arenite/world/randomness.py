"""Where a guest's random bytes come from: the host, a callable of the user's, or a generator with a seed, which can be frozen."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from arenite.world.travel import GENERATOR_SIZE, Generator, decode, encode

if TYPE_CHECKING:
    from arenite.machine.run.hosts import HostState

Random: TypeAlias = Callable[[int], bytes] | int | None

WORDS = struct.Struct(f"<{GENERATOR_SIZE}I")
SEED_SIZE = 32
VERSION = 3  # of what Python's generator says of its state


class Seeded:
    """Bytes that are the same each time."""

    def __init__(self, seed: int) -> None:
        import random  # noqa: PLC0415 (few guests have a seed)

        self._generator = random.Random(seed)  # noqa: S311 - asked for by its seed

    def __call__(self, size: int) -> bytes:
        """The next ones."""
        return self._generator.randbytes(size)

    def freeze(self) -> HostState:
        """How far it is."""
        *words, used = self._generator.getstate()[1]
        return encode(Generator(words=WORDS.pack(*words), used=used))

    @classmethod
    def thaw(cls, state: HostState) -> Seeded:
        """One that goes on where another was.  Raises: `SnapshotError`."""
        frozen = decode(Generator, state, "random numbers")
        seeded = cls(0)
        seeded._generator.setstate((VERSION, (*WORDS.unpack(frozen.words), frozen.used), None))
        return seeded


def random_bytes(chosen: Random) -> Callable[[int], bytes]:
    """A new guest's."""
    if chosen is None:
        return os.urandom
    return Seeded(chosen) if isinstance(chosen, int) else chosen


def freeze_random(random: Callable[[int], bytes]) -> HostState:
    """What there is to say of them: something of a generator only."""
    return random.freeze() if isinstance(random, Seeded) else None


def thaw_random(chosen: Random, state: HostState, *, reseed: bool) -> Callable[[int], bytes]:
    """Those of a guest that goes on: fresh, or what the frozen ones would have been; a callable of the user's is itself.

    Raises: `SnapshotError`.
    """
    if callable(chosen):
        return chosen
    if reseed:
        return random_bytes(None if chosen is None else int.from_bytes(os.urandom(SEED_SIZE)))
    return random_bytes(chosen) if state is None else Seeded.thaw(state)
