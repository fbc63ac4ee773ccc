"""Random functions that store and load the same few words, on each tier and on wasmtime: no load is free that must not be.

What is stored and loaded again with little between is what `translate.accesses` looks for; locals, labels, calls and narrower accesses
are what may come between, and kept results (`bytecode.ops`, KEPT) are made of the same pieces.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasmtime import wat2wasm

from arenite.translate.module import translate
from differential.compare import TIERS, observe

FRAME = """(module (memory (export "memory") 1)
  (global $n (export "n") (mut i32) (i32.const 16)) (global $m (export "m") (mut i64) (i64.const 0))
  (func $other (param i32) (result i32) (i32.store offset=4 (local.get 0) (i32.const 77777)) (local.get 0))
  (func (export "run") (param $a i32) (param $b i32) (param $x i32) (param $l i64) (param $f f32) (local $turns i32)
    (local.set $a (i32.and (local.get $a) (i32.const 24)))
    %s
    (global.set $n (i32.xor (i32.add (local.get $a) (local.get $b)) (local.get $x)))
    (global.set $m (i64.xor (local.get $l) (i64.extend_i32_u (i32.reinterpret_f32 (local.get $f)))))))
"""
AGAIN = "(br_if $again (i32.lt_u (local.tee $turns (i32.add (local.get $turns) (i32.const 1))) (i32.const 4)))"
Text = st.SearchStrategy[str]


def form(template: str, *parts: Text) -> Text:
    """The template with each {} filled."""
    return st.tuples(*parts).map(lambda found: template.format(*found))


small = st.sampled_from(["(local.get $a)"] * 6 + ["(local.get $b)", "(local.get $x)", "(i32.const 8)", "(i32.const 70000)"])
offset = st.sampled_from(["", "", "", "offset=4", "offset=65536"])
words: Text = st.deferred(
    lambda: (
        small
        | form("(i32.load {} {})", offset, address)
        | form("(i32.{} {} {})", st.sampled_from(["load8_u", "load16_s"]), offset, address)
        | form("(i32.add {} {})", words, words)
        | form("(i32.add {} (i32.const {}))", words, st.sampled_from([4, -4]))
        | form("(i32.and {} (i32.const 60))", words)
        | form("(local.tee {} {})", st.sampled_from(["$a", "$b", "$x"]), words)
        | form("(call $other {})", words)
        | form("(i32.wrap_i64 {})", longs)
        | form("(i32.reinterpret_f32 {})", floats)
        | form("(select {} {} {})", words, words, words)
        | form("(if (result i32) {} (then {} {}) (else {}))", words, statement, words, words)
        | form("(block (result i32) {} {})", statement, words)
        | form("(block $out (result i32) {} (br_if $out {}))", statement, form("{} {}", words, words))
        | st.just("(global.get $n)")
    )
)
address: Text = st.one_of(small, small, small, words)
longs: Text = st.deferred(
    lambda: (
        st.sampled_from(["(local.get $l)", "(local.get $l)", "(i64.const -1)"])
        | form("(i64.{} {} {})", st.sampled_from(["load", "load", "load32_u", "load32_s"]), offset, address)
        | form("(local.tee $l {})", longs)
        | form("(i64.add {} {})", longs, longs)
        | form("(i64.extend_i32_u {})", words)
    )
)
floats: Text = st.deferred(
    lambda: (
        st.just("(local.get $f)")
        | form("(f32.load {} {})", offset, address)
        | form("(f32.reinterpret_i32 {})", words)
        | form("(local.tee $f {})", floats)
    )
)
stores = (
    form("(i32.store {} {} {})", offset, address, words)
    | form("(f32.store {} {} {})", offset, address, floats)
    | form("(i64.{} {} {} {})", st.sampled_from(["store", "store32"]), offset, address, longs)
    | form("(i32.{} {} {} {})", st.sampled_from(["store8", "store16"]), offset, address, words)
)
statement: Text = st.deferred(
    lambda: (
        stores
        | stores.map(lambda store: f"{store} (local.set $x (i32.load (local.get $a)))")
        | form("(local.set {} {})", st.sampled_from(["$a", "$b", "$x"]), words)
        | form("(local.set $l {})", longs)
        | form("(local.set $f {})", floats)
        | form("(global.set $n {})", words)
        | form("(block $out {} (br_if $out {}) {})", statement, words, statement)
        | form("(if {} (then {}))", words, statement)
        | form("(loop $again {} {})", statement, st.just(AGAIN))
    )
)


@settings(max_examples=100, deadline=None)
@given(body=st.lists(statement, min_size=1, max_size=12))
def test_tiers_agree_with_wasmtime(body: list[str]) -> None:
    wasm = bytes(wat2wasm(FRAME % "\n".join(body)))
    translate(wasm, verify=True)
    expected = observe("wasmtime", wasm, limit=4, exact=True)
    for tier in TIERS:
        assert observe(tier, wasm, limit=4, exact=True) == expected, tier


@pytest.mark.parametrize("load", ["i32.load", "i64.load32_u", "i64.load32_s", "i32.load8_s", "i64.load"])
@pytest.mark.parametrize("store", ["i64.store", "i64.store32", "i64.store8"])
def test_what_was_stored_is_loaded_by_other_widths(store: str, load: str) -> None:
    value = f"({load} (local.get 0))"
    result = value if load.startswith("i64") else f"(i64.extend_i32_s {value})"
    wasm = bytes(
        wat2wasm(
            f'(module (memory 1) (func (export "run") (param i32 i64) (result i64) ({store} (local.get 0) (local.get 1)) {result}))'
        )
    )
    expected = observe("wasmtime", wasm, limit=200, exact=True)
    assert all(observe(tier, wasm, limit=200, exact=True) == expected for tier in TIERS)
