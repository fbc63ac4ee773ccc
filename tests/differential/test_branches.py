"""Branches out of functions with many results, on each tier and on wasmtime: what a branch carries goes where it belongs, and nowhere else."""

from __future__ import annotations

import pytest
from wasmtime import wat2wasm

from arenite.translate.module import translate
from differential.binary import MAGIC, section, sized, u
from differential.compare import observe
from tiers import WAYS

RESULTS = "i32 " * 6
SIX = "(local.get 0) (local.get $a) (local.get $b) (local.get $c) (local.get 1) (i32.const 9)"
STALE = "(local.get 0) " * 8 + "drop " * 8  # what the translator's stack held once must not matter later
FUNCTION = f"""(module (func (export "f") (param i32 i32) (result {RESULTS}) (local $a i32) (local $b i32) (local $c i32)
  (local.set $a (i32.const 70)) (local.set $b (i32.const 71)) (local.set $c (i32.const 72)) {STALE} %s))"""
BODIES = {
    "no operand below the index": f"(block (br_table 0 0 0 (local.get 1))) {SIX}",
    "a constant index": f"(block (br_table 0 0 (i32.const 0))) {SIX}",
    "fewer operands than results": f"(i32.const 5) (block (br_table 0 0 (local.get 1))) drop {SIX}",
    "a value carried": f"(block (result i32) (local.get 0) (br_table 0 0 (local.get 1))) (local.set $b) {SIX}",
    "two depths": f"(block (block (br_table 0 1 0 (local.get 1))) (local.set $c (i32.const 4))) {SIX}",
    "a loop": f"(block (loop (local.set 1 (i32.sub (local.get 1) (i32.const 1))) (br_table 0 1 1 (local.get 1)))) {SIX}",
    "into dead code": "(block (br_table 0 0 (local.get 1))) unreachable",
    "the body among others": f"(block (result {RESULTS}) {SIX} (br_table 0 1 0 1 (local.get 1))) (i32.const 1) i32.add",
    "parameters exchanged": f"(block (local.get 1) (local.get 0) (local.get 1) {'(local.get 0) ' * 3} (br_table 1 1 (local.get 0))) {SIX}",
    "more operands than results": f"(i32.const 3) (i32.const 4) (block {SIX} (br_table 1 1 (local.get 1))) drop drop {SIX}",
    "br_if with results": f"(i32.const 3) {SIX} (local.get 0) (br_if 0) drop drop drop drop drop drop drop {SIX}",
    "return below a block": f"(block (block (if (local.get 0) (then {SIX} return)))) {SIX} (local.set 0) (local.get 0)",
}


@pytest.mark.parametrize("name", BODIES)
def test_tiers_agree_with_wasmtime(name: str) -> None:
    wasm = bytes(wat2wasm(FUNCTION % BODIES[name]))
    translate(wasm)
    expected = observe("wasmtime", wasm, limit=200)
    for tier in WAYS:
        assert observe(tier, wasm, limit=200) == expected, tier


def test_blocks_in_one_another_as_deep_as_nobody_writes_them() -> None:
    """Out of 70,000 blocks to the outermost, one in the middle, or nowhere; each end that is passed counts."""
    depth, counted = 70_000, 100
    count = b"\x20\x01\x41\x01\x6a\x21\x01"  # of locals, the second, + 1
    inner = b"".join(b"\x20\0\x41" + bytes([n]) + b"\x46\x0d" + u(to) for n, to in enumerate((depth - 1, depth // 2, 0)))
    ends = b"\x0b" * (depth - counted) + (b"\x0b" + count) * counted
    body = b"\1\1\x7f" + b"\x02\x40" * depth + inner + ends + b"\x20\x01\x0b"
    exports = section(7, b"\1f\0\0")
    wasm = MAGIC + section(1, b"\x60\1\x7f\1\x7f") + section(3, b"\0") + exports + section(10, sized(body))
    expected = observe("wasmtime", wasm, limit=200)
    for tier in WAYS:
        assert observe(tier, wasm, limit=200) == expected, tier


KEPT = {
    "a block": "(block (br_if 0 (local.get 1)) (local.set 0 (i32.const 5)))",
    "an if": "(if (local.get 1) (then (local.set 0 (i32.const 5))))",
    "an else": "(if (local.get 1) (then) (else (local.set 0 (i32.const 5))))",
    "a loop": "(loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.and (local.get 0) (i32.const 3))))",
    "a local set under it": "(local.set 0 (i32.const 5)) (local.set 0 (i32.add (local.get 1) (local.get 0)))",
    "a br_table": "(block (block (br_table 0 1 (local.get 1))) (local.set 0 (i32.const 5)))",
    "a block in a block": "(block (block (br_if 1 (local.get 1))) (local.set 0 (i32.const 5)))",
}


@pytest.mark.parametrize("name", KEPT)
def test_what_waits_on_the_stack_is_what_a_local_was(name: str) -> None:
    """An operand that is a local's value, below control that changes the local on some ways only."""
    wasm = bytes(
        wat2wasm(f"""(module (func (export "f") (param i32 i32) (result i32)
          (local.get 0) (i32.mul (local.get 0) (i32.const 100)) (local.get 0) {KEPT[name]} i32.sub i32.add (local.get 0) i32.sub))""")
    )
    expected = observe("wasmtime", wasm, limit=200)
    for tier in WAYS:
        assert observe(tier, wasm, limit=200) == expected, tier


COMPARISONS = [f"{name}{sign}" for name in ("lt", "gt", "le", "ge") for sign in ("_s", "_u")] + ["eq", "ne"]


@pytest.mark.parametrize("step", ["(i32.const 1)", "(i32.const -1)", "(local.get 1)"])
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_a_counter_that_is_compared_with_itself(comparison: str, step: str) -> None:
    """What the addition and the branch at a loop's end become must not compare what was there before with what is there now."""
    turn = f"(local.set 0 (i32.add (local.get 0) {step})) (br_if $again (i32.{comparison} (local.get 0) (local.get 0)))"
    wasm = bytes(
        wat2wasm(f"""(module (func (export "f") (param i32 i32) (result i32) (local $turns i32)
          (block $out (loop $again
            (br_if $out (i32.gt_u (local.tee $turns (i32.add (local.get $turns) (i32.const 1))) (i32.const 5))) {turn}))
          (i32.mul (local.get $turns) (local.get 0))))""")
    )
    expected = observe("wasmtime", wasm, limit=200)
    for tier in WAYS:
        assert observe(tier, wasm, limit=200) == expected, tier
