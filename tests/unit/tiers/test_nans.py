"""Which bits of a NaN may differ between the tiers, as docs/wasmtime.md says, and that none does where it is asked for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Instance, Module, Store
from tiers import TIERS

if TYPE_CHECKING:
    from arenite.config import TierName

BINARY = ("add", "sub", "mul", "div", "min", "max")
UNARY = ("sqrt", "ceil", "floor", "trunc", "nearest")


@dataclass(frozen=True)
class Format:
    """A float's bits."""

    bits: int
    sign: int
    infinity: int
    quiet: int

    def is_nan(self, word: int) -> bool:
        return word & ~self.sign > self.infinity

    @property
    def words(self) -> list[int]:
        """Numbers and NaNs with both signs, quiet and not, with payloads."""
        some = [
            0,
            self.infinity,
            1,
            self.infinity - 1,
            self.infinity | self.quiet,
            self.infinity | self.quiet | 77,
            self.infinity | 5,
        ]
        return [word | sign for word in some for sign in (0, self.sign)]


FORMATS = {
    32: Format(32, 1 << 31, 0xFF << 23, 1 << 22),
    64: Format(64, 1 << 63, 0x7FF << 52, 1 << 51),
}


def text(bits: int) -> str:
    """A module with each operation on words."""

    def operand(index: int) -> str:
        return f"(f{bits}.reinterpret_i{bits} (local.get {index}))"

    def function(name: str, operands: int) -> str:
        call = f"(f{bits}.{name} {' '.join(map(operand, range(operands)))})"
        signature = f"(param{f' i{bits}' * operands}) (result i{bits})"
        return f'(func (export "{name}") {signature} (i{bits}.reinterpret_f{bits} {call}))'

    return f"(module {' '.join([function(name, 2) for name in BINARY] + [function(name, 1) for name in UNARY])})"


def results(tier: TierName, bits: int, *, deterministic: bool) -> dict[tuple[str, tuple[int, ...]], int]:
    """What each operation makes of the words."""
    store = Store(Engine(Config(tier=tier, deterministic=deterministic)))
    instance = Instance(store, Module(store.engine, text(bits)), [])
    calls = [(name, args) for name in BINARY for args in itertools.product(FORMATS[bits].words, repeat=2)]
    calls += [(name, (word,)) for name in UNARY for word in FORMATS[bits].words]
    return {(name, args): int(instance.call(store, name, *args)) % 2**bits for name, args in calls}  # type: ignore[call-overload]  # an int


@pytest.mark.parametrize("bits", FORMATS)
def test_what_may_differ(bits: int) -> None:
    f = FORMATS[bits]
    threaded, baseline, safe = (results(tier, bits, deterministic=False) for tier in TIERS)
    for (name, args), word in (*threaded.items(), *baseline.items()):
        other, nans = safe[name, args], [arg | f.quiet for arg in args if f.is_nan(arg)]
        if not nans:
            assert word == other or (f.is_nan(word) and word == other ^ f.sign), (name, args)
        elif len(nans) == 1:
            assert word == other, (name, args)
        else:
            assert {word, other} <= set(nans), (name, args)


@pytest.mark.parametrize("bits", FORMATS)
def test_nothing_differs_where_that_is_asked_for(bits: int) -> None:
    f = FORMATS[bits]
    threaded, baseline, safe = (results(tier, bits, deterministic=True) for tier in TIERS)
    assert threaded == baseline == safe
    assert {word for word in safe.values() if f.is_nan(word)} == {f.infinity | f.quiet}
