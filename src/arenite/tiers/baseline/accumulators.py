"""What the accumulators hold while a function is compiled: which slots, which variant of an op that allows, and where a result goes.

Compiled by mypyc.
"""

from __future__ import annotations

from typing import final

from librt.strings import read_i16_le, read_i32_le
from librt.vecs import vec
from mypy_extensions import i64

from arenite.tiers.baseline.tables import Tables  # noqa: TC001 (compiled code checks its arguments at run time)


@final
class Accumulators:
    """`held`: the slot that each one has, or -1; numbered as in `Tables.sources`: `acc0`, `acc1`, `facc0`."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.held: vec[i64] = vec[i64]([i64(-1)] * 3)
        self.older: i64 = 0  # of `acc0` and `acc1` the one that was written longer ago

    def sources(self, code: bytes, pc: i64, record: i64) -> i64:
        """Which of the op's sets of sources is where the accumulators have them."""
        t, held = self.tables, self.held
        count = i64(read_i32_le(t.ops, record + 20))
        base = i64(read_i32_le(t.ops, record + 24))
        chosen: i64 = -1
        place: i64 = -1
        k: i64 = 0
        while k < count:
            source = i64(read_i32_le(t.sources, 4 * (base + k)))
            at = source & 0xFFFF
            if at != place and held[source >> 16] == i64(read_i16_le(code, pc + at)) & 0xFFFF:
                if chosen < 0:
                    chosen = k
                    place = at
                else:
                    pair = i64(read_i32_le(t.pairs, 4 * (i64(read_i32_le(t.ops, record + 28)) + chosen * count + k)))
                    if pair >= 0:
                        return pair
            k += 1
        return 1 + chosen

    def forget(self) -> None:
        """Accumulators hold nothing known."""
        held = self.held
        held[0] = -1
        held[1] = -1
        held[2] = -1

    def result(self, slot: i64, *, closes: bool) -> i64:
        """The accumulator of words that a result for a slot goes to: what has the slot, or what was written before the other."""
        held = self.held
        chosen: i64 = self.older
        if closes:
            chosen = 0
            if held[1] == slot:
                held[1] = -1
        elif held[0] == slot:
            chosen = 0
        elif held[1] == slot:
            chosen = 1
        self.older = 1 - chosen
        if held[2] == slot:
            held[2] = -1
        held[chosen] = slot
        return chosen

    def overwritten(self, slot: i64) -> None:
        """No accumulator has what is in this slot now."""
        held = self.held
        k: i64 = 0
        while k < 3:
            if held[k] == slot:
                held[k] = -1
            k += 1
