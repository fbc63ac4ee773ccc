"""Every row on random states: the safe tier against the threaded one, which reads the same meanings into machine code.

Afterwards arena, memories and store context must be the same, byte for byte.  Runs are deterministic, so NaNs are.
"""

from __future__ import annotations

import random
import struct
from typing import NamedTuple

import pytest

from arenite.bytecode.stops import Builtin
from arenite.layout.cage import MODULE_GRAIN
from arenite.layout.records import StoreContext
from arenite.machine.space.cage import Cage
from arenite.platform import HAS_OBJECTS
from arenite.tiers.safe import SafeTier
from unit.tiers.safe_trials import CONTEXT, INSTANCE, LIMIT, PAGE, SP, USED, Trial, records, trials, window

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")


class Outcome(NamedTuple):
    """What is left of a run."""

    registers: tuple[int, ...]
    asked: tuple[object, ...]
    arena: bytes
    memories: list[bytes]


class Machine:
    """One tier's cage."""

    def __init__(self, tier: str) -> None:
        from arenite.tiers.threaded import ThreadedTier  # noqa: PLC0415 (it loads machine code)
        from arenite.tiers.threaded.objects import Variant  # noqa: PLC0415 (as above)

        self.cage = Cage(USED, 2)
        for area in range(2):
            self.cage.new_area()
            self.cage.resize(area, PAGE)
        self.cage.show(window())
        chosen = SafeTier(deterministic=True) if tier == "safe" else ThreadedTier(Variant(deterministic=True))
        self.run = chosen.runner(self.cage, window())

    def play(self, trial: Trial, arena: bytes, memory: bytes) -> Outcome:
        """Run it."""
        page = self.cage.store_page
        self.cage.arena[:USED] = arena
        self.cage.arena[SP : SP + len(trial.frame)] = trial.frame
        for area in range(2):
            self.cage.memory(area)[:] = memory
        StoreContext.stack_limit.write(page, 0, LIMIT)
        CONTEXT.pack_into(page, 0, 99, MODULE_GRAIN + trial.at, SP, INSTANCE, trial.fuel)
        self.run()
        status, *registers = CONTEXT.unpack_from(page)
        asked: tuple[object, ...] = ()
        if status in list(Builtin):
            count = len(Builtin(status).arguments)
            slot = StoreContext.result_slot.read(page, 0) if trial.row.result else None
            asked = (
                struct.unpack_from(f"<{count}Q", page, StoreContext.arguments.offset),
                slot,
                StoreContext.next_pc.read(page, 0),
            )
        memories = [bytes(self.cage.memory(area)) for area in range(2)]
        return Outcome((status, *registers), asked, bytes(self.cage.arena[:USED]), memories)


@pytest.fixture(scope="module")
def machines() -> list[Machine]:
    return [Machine("safe"), Machine("threaded")]


def assert_agree(machines: list[Machine], chosen: list[Trial]) -> None:
    arena, memory = records(), random.Random(3).randbytes(PAGE)
    for trial in chosen:
        safe, threaded = (machine.play(trial, arena, memory) for machine in machines)
        assert (safe.registers, safe.asked) == (threaded.registers, threaded.asked), (trial.row.name, trial.frame.hex(" ", 8))
        same = safe.arena == threaded.arena and safe.memories == threaded.memories  # too long for a message
        assert same, (trial.row.name, trial.frame.hex(" ", 8))


@pytest.mark.parametrize("chapter", range(8))
def test_rows_agree(machines: list[Machine], chapter: int) -> None:
    assert_agree(machines, trials()[1][chapter::8])


def test_trials_reach_what_matters(machines: list[Machine]) -> None:
    arena, memory = records(), bytes(PAGE)
    statuses = {machines[0].play(trial, arena, memory).registers[0] for trial in trials()[1]}
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 64, 65, *Builtin} <= statuses
