"""Functions with another body: those that are meant, and no other."""

from __future__ import annotations

import hashlib

from arenite import Engine, Func, Instance, Module, Store
from arenite.api.text import wat2wasm
from arenite.sandbox.guests.bodies import with_bodies
from arenite.sandbox.sandbox import Sandbox

GUEST = """(module
  (func (export "seven") (result i32) (i32.const 7))
  (func (export "eight") (result i32) (i32.const 8)))"""
SEVEN, NINE = b"\0\x41\x07\x0b", b"\0\x41\x04\x41\x05\x6a\x0b"


def answers(wasm: bytes) -> list[object]:
    store = Store(Engine())
    exports = Instance(store, Module(store.engine, wasm), []).exports(store)
    return [function(store) for function in exports.values() if isinstance(function, Func)]


def test_only_what_is_meant_is_replaced() -> None:
    wasm = bytes(wat2wasm(GUEST))
    assert answers(wasm) == [7, 8]
    assert answers(with_bodies(wasm, {hashlib.sha256(SEVEN).hexdigest(): NINE})) == [9, 8]
    assert with_bodies(wasm, {hashlib.sha256(NINE).hexdigest(): SEVEN}) == wasm


def test_a_line_asks_for_what_it_needs() -> None:
    asked: list[str] = []
    with Sandbox.python() as box:
        box.run("1")
        module = box.store.host("wasi")
        module.trace = asked.append
        assert box.run("print(6 * 7)").stdout == "42\n"
    assert [call.partition("(")[0] for call in asked] == ["fd_read", "fd_write", "fd_read"]


def test_the_environment_is_empty_and_can_be_written() -> None:
    with Sandbox.python() as box:
        assert box.run("import os; dict(os.environ)").value == {}
        assert box.run("os.environ['A'] = 'b'; os.getenv('A'), open('/f', 'w').write('x'), os.listdir('/')").value == (
            "b",
            1,
            ["f"],
        )
