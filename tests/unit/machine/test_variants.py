"""Every tier and every way of addressing gives the same results, traps, fuel and bytes for the same calls."""

from __future__ import annotations

import random
from typing import Any

import pytest

from arenite import Trap
from arenite.layout.records import StoreContext
from fuzz.corrupt import VARIANTS, argument, ending
from fuzz.worlds import World, engine, modules

FUELS = (1, 7, 50, 3000, 20_000)


def observed(variant: str, fuel: int) -> tuple[list[object], list[bytes]]:
    """What calls of every exported function give, and the bytes that they leave."""
    tier, options = VARIANTS[variant]
    of = engine(tier, **options)
    world, choose = World(of, modules(of)), random.Random(fuel)
    seen: list[object] = []
    for _ in range(60):
        function, params = choose.choice(world.functions)
        args = [argument(world, choose, t.code) for t in params]
        world.store.set_fuel(fuel)
        results: list[Any] = []
        frames: list[str] = []

        def call(
            function: Any = function, args: list[Any] = args, results: list[Any] = results, frames: list[str] = frames
        ) -> None:
            try:
                results.append(function(world.store, *args))
            except Trap as trap:
                frames += map(str, trap.frames)
                raise

        seen.append((ending(call), repr([r for r in results if not isinstance(r, list)]), frames, world.store.get_fuel()))
    heap = world.machine.heap
    bytes_left = [bytes(world.arena[StoreContext.stack_limit.read(world.machine.cage.store_page, 0) : heap])]
    return seen, bytes_left + [bytes(world.machine.cage.memory(area)) for area in range(2)]


@pytest.mark.parametrize("fuel", FUELS)
def test_variants_agree(fuel: int) -> None:
    expected = observed("threaded", fuel)
    for variant in VARIANTS:
        found = observed(variant, fuel)
        assert found[0] == expected[0], variant
        assert found[1] == expected[1], variant
