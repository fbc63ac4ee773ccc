"""Random loops with ifs, elses and ways out inside: values, traps and fuel on the safe tier as on the threaded one."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Func, Instance, Module, Store
from arenite.errors import Trap
from arenite.platform import HAS_OBJECTS

if TYPE_CHECKING:
    from arenite.config import TierName

pytestmark = pytest.mark.skipif(not HAS_OBJECTS, reason="the threaded tier needs machine code")

HEAD = '(module (memory 1) (func (export "f") (param $a i32) (param $b i32) (result i64) (local $c i64) (local $d f64) (local $i i32) (local $j i32)'
RESULT = "(i64.add (i64.xor (local.get $c) (i64.reinterpret_f64 (local.get $d))) (i64.extend_i32_u (i32.xor (local.get $a) (local.get $b))))))"


class Writer:
    """Writes the text of one function."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.labels: list[str] = []

    def i32(self) -> str:
        """An operand."""
        return self.r.choice(
            ["(local.get $a)", "(local.get $b)", "(local.get $i)", f"(i32.const {self.r.choice([0, 1, 3, 7, -1, 100000])})"]
        )

    def condition(self) -> str:
        """An i32 to branch on."""
        if self.r.random() < 0.2:
            return "(f64.lt (local.get $d) (f64.convert_i32_s (local.get $a)))"
        return f"(i32.{self.r.choice(['lt_s', 'ge_u', 'and', 'eq', 'xor'])} {self.i32()} {self.i32()})"

    def assignment(self) -> str:
        """A statement without branches."""
        a, b = self.i32(), self.i32()
        return self.r.choice([
            f"(local.set ${self.r.choice('ab')} (i32.{self.r.choice(['add', 'sub', 'mul', 'xor', 'rotl'])} {a} {b}))",
            f"(local.set $c (i64.add (i64.mul (local.get $c) (i64.const 31)) (i64.extend_i32_s {a})))",
            "(local.set $c (i64.reinterpret_f64 (local.get $d)))",
            f"(local.set $d (f64.add (local.get $d) (f64.convert_i32_s {a})))",
            f"(local.set $a (i32.wrap_i64 (local.get $c)))",  # noqa: F541
            f"(i32.store (i32.and {a} (i32.const 0x1fff)) {b})",
            f"(local.set $b (i32.load (i32.and {a} (i32.const 0x1fff))))",
            f"(local.set $b (i32.load8_u (i32.and {a} (i32.const 0x100ff))))",
            f"(local.set $d (select (local.get $d) (f64.const 0.5) {a}))",
        ])  # fmt: skip

    def body(self, depth: int) -> str:
        """Some statements."""
        return " ".join(self.statement(depth) for _ in range(self.r.randrange(1, 4)))

    def statement(self, depth: int) -> str:
        """Any statement."""
        kind = self.r.randrange(8) if depth else 7
        if kind == 0:
            return f"(if {self.condition()} (then {self.body(depth - 1)}))"
        if kind <= 2:
            return f"(if {self.condition()} (then {self.body(depth - 1)}) (else {self.body(depth - 1)}))"
        if kind == 3:
            self.labels.append(f"$l{len(self.labels)}")
            text = f"(block {self.labels[-1]} {self.body(depth - 1)} (br_if {self.labels[-1]} {self.condition()}) {self.body(depth - 1)})"
            self.labels.pop()
            return text
        if kind == 4 and self.labels:
            return f"(br_if {self.r.choice(self.labels)} {self.condition()})"
        if kind == 5 and depth > 2:
            turn = "(local.tee $j (i32.sub (local.get $j) (i32.const 1)))"
            return f"(local.set $j (i32.const 3)) (loop $inner {self.body(1)} (br_if $inner {turn}))"
        if kind == 6 and self.r.random() < 0.2:
            return f"(if (i32.eq {self.i32()} (i32.const 12345)) (then (return (local.get $c))))"
        return self.assignment()

    def text(self) -> str:
        """The module."""
        turn = "(i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))"
        return f"{HEAD} (loop $main {self.body(5)} (br_if $main {turn})) {RESULT}"


@cache
def engine(tier: TierName) -> Engine:
    return Engine(Config(tier=tier, deterministic=True, consume_fuel=True))


def play(tier: TierName, text: str, fuels: tuple[int, ...]) -> list[tuple[object, int]]:
    """What each run gives, and the fuel that it leaves."""
    found: list[tuple[object, int]] = []
    with Store(engine(tier)) as store:
        store.set_fuel(1000)
        function = Instance(store, Module(engine(tier), text), []).exports(store)["f"]
        assert isinstance(function, Func)
        for i, fuel in enumerate(fuels):
            store.set_fuel(fuel)
            try:
                result: object = function(store, 12345 * i, -i)
            except Trap as trap:
                result = str(trap)
            found.append((result, store.get_fuel()))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_loops_agree(seed: int) -> None:
    text, fuels = Writer(seed).text(), (1000, 1000, 7, 1000, 19, 1000)
    assert play("safe", text, fuels) == play("threaded", text, fuels)
