"""Random functions that store and load the same few words, on each tier and on wasmtime: no load is free that must not be.

What is stored and loaded again with little between is what `translate.accesses` looks for; locals, labels, calls and narrower accesses
are what may come between, and kept results (`bytecode.ops`, KEPT) are made of the same pieces.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasmtime import wat2wasm

from arenite.translate.module import translate
from differential.compare import observe
from tiers import WAYS

FRAME = """(module (memory (export "memory") 1)
  (global $n (export "n") (mut i32) (i32.const 16)) (global $m (export "m") (mut i64) (i64.const 0))
  (func $other (param i32) (result i32) (i32.store offset=4 (local.get 0) (i32.const 77777)) (local.get 0))
  (func (export "run") (param $a i32) (param $b i32) (param $x i32) (param $l i64) (param $f f32) (local $turns i32)
    (local.set $a (i32.and (local.get $a) (i32.const 24)))
    (local.set $b (i32.rem_u (local.get $b) (i32.const 50)))
    %s
    (global.set $n (i32.xor (i32.add (local.get $a) (local.get $b)) (local.get $x)))
    (global.set $m (i64.xor (local.get $l) (i64.extend_i32_u (i32.reinterpret_f32 (local.get $f)))))))
"""
FEW = "(i32.lt_u (local.tee $turns (i32.add (local.get $turns) (i32.const 1))) (i32.const 4))"
AGAIN = f"(br_if $again {FEW})"
SOME = "(i32.lt_u (local.get $b) (i32.const 40))"
Text = st.SearchStrategy[str]


def form(template: str, *parts: Text) -> Text:
    """The template with each {} filled."""
    return st.tuples(*parts).map(lambda found: template.format(*found))


def anyof(*texts: str) -> Text:
    return st.sampled_from(texts)


def mostly(often: Text, seldom: Text) -> Text:
    """One of two; `|` would weigh each by how many forms it has."""
    return st.sampled_from((often, often, seldom)).flatmap(lambda chosen: chosen)


address = anyof(*["(local.get $a)"] * 6, "(local.get $b)", "(i32.add (local.get $a) (i32.const 8))", "(i32.const 70000)")
offset = anyof("", "", "", "offset=4", "offset=65536")
pointer = anyof("$a", "$b", "$x")


@cache
def words(depth: int) -> Text:
    """Expressions of type i32."""
    if depth == 0:
        return address | anyof("(local.get $x)", "(global.get $n)", "(i32.const 9)", "(i32.const -70000)")
    word = words(depth - 1)
    return (
        word
        | form("(i32.{} {} {})", anyof("load", "load", "load8_u", "load16_s"), offset, address)
        | form("(i32.{} {} {})", anyof("add", "sub", "and"), word, word)
        | form("({} {})", anyof("i32.clz", "i32.eqz", "call $other", "local.tee $a", "local.tee $b", "local.tee $x"), word)
        | form("(i32.wrap_i64 {})", longs(depth - 1))
        | form("(i32.reinterpret_f32 {})", floats(depth - 1))
        | form("(if (result i32) {} (then {}) (else {}))", word, word, word)
        | form("(block $out (result i32) (br_if $out {} {}))", word, word)
    )


@cache
def longs(depth: int) -> Text:
    """Expressions of type i64."""
    if depth == 0:
        return anyof("(local.get $l)", "(local.get $l)", "(i64.const -1)")
    return (
        form("(i64.{} {} {})", anyof("load", "load", "load32_u", "load32_s"), offset, address)
        | form("({} {})", anyof("local.tee $l", "i64.clz"), longs(depth - 1))
        | form("(i64.extend_i32_u {})", words(depth - 1))
    )


@cache
def floats(depth: int) -> Text:
    """Expressions of type f32."""
    if depth == 0:
        return anyof("(local.get $f)")
    return form("(f32.load {} {})", offset, address) | form("(f32.reinterpret_i32 {})", words(depth - 1))


stores = (
    form("(i32.{} {} {} {})", anyof("store", "store", "store8"), offset, address, words(1))
    | form("(f32.store {} {} {})", offset, address, floats(1))
    | form("(i64.{} {} {} {})", anyof("store", "store32"), offset, address, longs(1))
)


def reloaded(base: str, disp: str, other: str, wrap: str, stored: str, between: str, rest: str) -> str:
    """A word is stored, in a form that the wrapping says, and loaded as the first operand of two."""
    store = wrap % f"(i32.store {disp} (local.get {base}) {stored})"
    return f"{store} {between} (local.set $x (i32.sub (i32.load {other or disp} (local.get {base})) {rest}))"


reload = st.builds(
    reloaded,
    base=anyof("$a", "$b"),
    disp=offset,
    other=anyof("", "", "", "offset=4"),
    wrap=anyof("%s", "%s", "%s", f"(block $out (br_if $out {SOME}) %s)", f"(if {SOME} (then %s))", f"(loop $again %s {AGAIN})"),
    stored=mostly(anyof("(local.get $x)", "(call $other (local.get $b))", "(i32.mul (local.get $x) (local.get $b))"), words(2)),
    between=mostly(
        anyof("", "", "(local.set $x (i32.const 3))", "(local.set $a (i32.xor (local.get $a) (i32.const 8)))"), stores
    ),
    rest=mostly(anyof("(local.tee $x (i32.const 70000))", "(i32.clz (local.get $x))", "(local.get $b)"), words(1)),
)
bump = form("(i32.store (local.tee $a (i32.add (local.get $a) (i32.const 4))) (local.get {}))", pointer)
others = st.one_of(
    bump,
    stores,
    form("(local.set {} {})", pointer, words(2)),
    form("(local.set $l {})", longs(2)),
    form("(local.set $f {})", floats(2)),
    form("(global.set $n {})", words(2)),
    form("(block $out {} (br_if $out {}) {})", reload, words(1), stores),
    form("(if {} (then {}))", words(1), reload),
    form("(loop $again {} (br_if $again (select {} (i32.const 0) " + FEW + ")))", stores, words(1)),
)
statements = mostly(reload, others)


@settings(max_examples=250, deadline=None)
@given(body=st.lists(statements, min_size=1, max_size=10))
def test_tiers_agree_with_wasmtime(body: list[str]) -> None:
    wasm = bytes(wat2wasm(FRAME % "\n".join(body)))
    translate(wasm)
    expected = observe("wasmtime", wasm, limit=6, exact=True)
    for tier in WAYS:
        assert observe(tier, wasm, limit=6, exact=True) == expected, tier


@pytest.mark.parametrize("load", ["i32.load", "i64.load32_u", "i64.load32_s", "i32.load8_s", "i64.load"])
@pytest.mark.parametrize("store", ["i64.store", "i64.store32", "i64.store8"])
def test_what_was_stored_is_loaded_by_other_widths(store: str, load: str) -> None:
    value = f"({load} (local.get 0))"
    result = value if load.startswith("i64") else f"(i64.extend_i32_s {value})"
    body = f"({store} (local.get 0) (local.get 1)) {result}"
    wasm = bytes(wat2wasm(f'(module (memory 1) (func (export "run") (param i32 i64) (result i64) {body}))'))
    expected = observe("wasmtime", wasm, limit=200, exact=True)
    assert all(observe(tier, wasm, limit=200, exact=True) == expected for tier in WAYS)
