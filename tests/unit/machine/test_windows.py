"""Code windows: what lies where."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from arenite import Config, Engine, Module
from arenite.layout.cage import WINDOW_SIZE
from tiers import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from arenite.config import TierName


class Counting(list[Any]):
    """A list that counts how often it is asked."""

    asked = 0

    def __getitem__(self, at: Any) -> Any:
        self.asked += 1
        return super().__getitem__(at)

    def __iter__(self) -> Iterator[Any]:
        for at in range(len(self)):
            yield self[at]


def test_a_module_is_found_among_many_without_asking_each() -> None:
    engine = Engine(Config(tier="safe"))
    texts = ("(module (func) (func (drop (i32.const 1))))", "(module)", "(module (func unreachable))")
    codes = tuple(Module(engine, text).code for text in texts) * 200
    window = engine.windows.window(codes, ())
    starts = [placed.origin for placed in window.modules]
    wanted: dict[int, int | None] = {}
    for index, placed in enumerate(window.modules):
        wanted |= dict.fromkeys((placed.origin, placed.end - 1) if placed.code.bytecode else (), index)
        wanted.setdefault(placed.end)
    wanted |= dict.fromkeys((0, starts[0] - 1, 1 << 31))
    window.modules = modules = Counting(window.modules)
    assert {pc: window.module_at(pc) for pc in wanted} == wanted
    assert 400 < modules.asked <= len(wanted)


@pytest.mark.parametrize("tier", TIERS)
def test_entries_that_a_window_does_not_have_take_no_memory(tier: TierName) -> None:
    engine = Engine(Config(tier=tier))
    code = Module(engine, "(module (func))").code
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        window = engine.windows.window((code,), ())
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(window.entries) == WINDOW_SIZE
    assert after - before < WINDOW_SIZE // 16
