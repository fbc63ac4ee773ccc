"""Linkers, on the `wasmtime` package and on each tier alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import Engine, LinkError, Snapshot
from marks import EACH_TIER
from unit.api.packages import PACKAGES, Package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNTER = """(global $n (mut i32) (i32.const 0))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))"""


@pytest.fixture(params=PACKAGES)
def p(request: Any) -> Package:
    return Package(request.param)


def defined(p: Package, text: str) -> Any:
    """A linker with a module under the name `m`."""
    linker = p.linker()
    linker.define_module(p.store, "m", p.module(text))
    return linker


def got(p: Package, text: str, name: str, *args: object) -> Any:
    """What a function of a module gives that was defined in a linker."""
    return defined(p, text).get(p.store, "m", name)(p.store, *args)


# modules of a linker
def test_a_library_keeps_its_state(p: Package) -> None:
    linker = defined(p, f"(module {COUNTER})")
    assert [linker.get(p.store, "m", "next")(p.store) for _ in range(3)] == [1, 2, 3]


def test_a_reactor_is_initialised_once(p: Package) -> None:
    linker = defined(p, f'(module {COUNTER} (func (export "_initialize") (global.set $n (i32.const 40))))')
    assert [linker.get(p.store, "m", "next")(p.store) for _ in range(2)] == [41, 42]


def test_a_command_is_new_for_each_call(p: Package) -> None:
    linker = defined(p, f'(module {COUNTER} (memory (export "memory") 1) (func (export "_start")))')
    assert [linker.get(p.store, "m", "next")(p.store) for _ in range(3)] == [1, 1, 1]
    user = '(module (import "m" "next" (func $f (result i32))) (func (export "f") (result i32) (call $f)))'
    f = linker.instantiate(p.store, p.module(user)).exports(p.store)["f"]
    assert [f(p.store) for _ in range(3)] == [1, 1, 1]


def test_functions_of_a_command_take_and_give_what_they_did(p: Package) -> None:
    text = """(module (func (export "_start"))
      (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
      (func (export "same") (param externref) (result externref) (local.get 0)))"""
    assert got(p, text, "swap", 1, 2) == [2, 1]
    assert got(p, text, "same", (1, 2)) == (1, 2)
    with pytest.raises(p.Trap):
        got(p, '(module (func (export "_start") unreachable))', "_start")


def test_a_command_keeps_the_imports_of_then(p: Package) -> None:
    linker = p.linker()
    linker.allow_shadowing = True
    linker.define_func("h", "n", p.type(results="i32"), lambda: 1)
    text = """(module
  (import "h" "n" (func $n (result i32)))
  (func (export "_start"))
  (func (export "f") (result i32) (call $n)))"""
    linker.define_module(p.store, "m", p.module(text))
    linker.define_func("h", "n", p.type(results="i32"), lambda: 2)
    assert linker.get(p.store, "m", "f")(p.store) == 1


@pytest.mark.parametrize(
    "text",
    [
        '(module (func (export "_start")) (func (export "_initialize")))',
        '(module (global (export "_start") i32 (i32.const 1)))',
        '(module (memory (export "_initialize") 1))',
        '(module (func (export "_initialize") (param i32)))',
        '(module (func (export "_start")) (memory (export "mine") 1))',
        '(module (func (export "_start")) (global (export "__stack_pointer") i32 (i32.const 1)))',
        '(module (func (export "_start")) (table (export "memory") 1 funcref))',
        '(module (func (export "_start")) (import "a" "b" (func)))',
    ],
)
def test_modules_that_are_neither(p: Package, text: str) -> None:
    with pytest.raises(p.WasmtimeError):
        defined(p, text)


@pytest.mark.parametrize(
    "more",
    [
        '(memory (export "memory") 1)',
        '(table (export "__indirect_function_table") 1 funcref)',
        '(table (export "table") 1 funcref)',
    ]
    + [f'(global (export "{name}") i32 (i32.const 1))' for name in ("__data_end", "__heap_base", "__dso_handle")],
)
def test_what_a_command_may_export_beside_functions(p: Package, more: str) -> None:
    linker = defined(p, f'(module (func (export "_start")) {more})')
    with pytest.raises(p.WasmtimeError):
        linker.get(p.store, "m", more.split('"')[1])


def test_defaults(p: Package) -> None:
    assert defined(p, '(module (func (export "x")))').get_default(p.store, "m")(p.store) is None
    assert defined(p, '(module (func (export "") (result i32) (i32.const 5)))').get_default(p.store, "m")(p.store) == 5
    with pytest.raises(p.Trap):
        defined(p, '(module (func (export "_start") unreachable))').get_default(p.store, "m")(p.store)
    with pytest.raises(p.WasmtimeError):
        defined(p, '(module (global (export "") i32 (i32.const 1)))').get_default(p.store, "m")
    linker = p.linker()
    linker.define_func("f", "", p.type(results="i32"), lambda: 8)
    assert linker.get_default(p.store, "f")(p.store) == 8


@EACH_TIER
def test_the_default_of_nothing(tier: str) -> None:
    """Here the other package gives a function that does nothing, which hides a wrong name."""
    p = Package(tier)
    with pytest.raises(LinkError, match="nothing has been defined under the name 'm'"):
        p.linker().get_default(p.store, "m")


# unknown imports
ALL = """(module
  (import "a" "f" (func $f (param i32) (result i32 i64 f32 f64 externref funcref)))
  (import "a" "one" (func $one (result i64)))
  (import "a" "none" (func $none))
  (import "a" "m" (memory 2 3))
  (import "a" "t" (table 3 funcref))
  (import "a" "things" (table 1 2 externref))
  (import "a" "g" (global (mut i64)))
  (import "a" "h" (global f64))
  (import "a" "r" (global externref))
  (func (export "f") (result i32 i64 f32 f64 externref funcref)
    (call $none)
    (call $f (i32.const 3)))
  (func (export "one") (result i64) (call $one)))"""


def test_default_values(p: Package) -> None:
    linker, module = p.linker(), p.module(ALL)
    linker.define_func("a", "one", p.type(results="i64"), lambda: 7)
    linker.define_unknown_imports_as_default_values(p.store, module)
    exports = linker.instantiate(p.store, module).exports(p.store)
    assert exports["f"](p.store) == [0, 0, 0.0, 0.0, None, None]
    assert exports["one"](p.store) == 7
    memory, table, things, number, real = (linker.get(p.store, "a", name) for name in ("m", "t", "things", "g", "h"))
    assert (memory.size(p.store), memory.type(p.store).limits.max, bytes(memory.read(p.store, 0, 4))) == (2, 3, bytes(4))
    assert (table.size(p.store), table.type(p.store).limits.max, things.size(p.store)) == (3, None, 1)
    assert (number.value(p.store), number.type(p.store).mutable, real.value(p.store)) == (0, True, 0.0)
    number.set_value(p.store, 5)
    assert linker.get(p.store, "a", "g").value(p.store) == 5


def test_unknown_imports_that_are_no_functions(p: Package) -> None:
    linker, module = p.linker(), p.module(ALL)
    linker.define_unknown_imports_as_traps(module)
    with pytest.raises(p.WasmtimeError, match="unknown import"):
        linker.instantiate(p.store, module)


def test_an_unknown_import_is_an_error_when_it_is_called(p: Package) -> None:
    linker, module = p.linker(), p.module('(module (import "a" "f" (func $f)) (func (export "f") (call $f)))')
    linker.define_unknown_imports_as_traps(module)
    f = linker.instantiate(p.store, module).exports(p.store)["f"]
    with pytest.raises(p.WasmtimeError):
        f(p.store)
    with pytest.raises(p.WasmtimeError):
        linker.get(p.store, "a", "f")(p.store)


SAVED = """(module (import "env" "never" (func $never (result i32 i64)))
  (func (export "f") (result i32) (i32.const 7))
  (func (export "g") (result i32 i64) (call $never)))"""


@pytest.mark.parametrize("kind", ["traps", "values"])
@EACH_TIER
def test_a_snapshot_is_linked_as_its_guest_was(tmp_path: Path, tier: str, kind: str) -> None:
    def linker(p: Package, store: Any) -> Any:
        result = p.linker()
        if kind == "traps":
            result.define_unknown_imports_as_traps(p.module(SAVED))
        else:
            result.define_unknown_imports_as_default_values(store, p.module(SAVED))
        return result

    before = Package(tier)
    linker_ = linker(before, before.store)
    for _ in range(2):  # both are served by the same function, so the file can say which
        linker_.instantiate(before.store, before.module(SAVED))
    before.store.snapshot().save(tmp_path / "x.arn")
    p = Package(tier)
    with pytest.raises(LinkError, match="'env' 'never'"):
        Snapshot.open(tmp_path / "x.arn", p.engine).link(p.linker())
    fork = Snapshot.open(tmp_path / "x.arn", p.engine).link(linker(p, p.store)).fork()
    for instance in fork.instances:
        assert instance.call(fork, "f") == 7
        if kind == "traps":
            with pytest.raises(LinkError, match="'env' 'never' has not been defined, and was called"):
                instance.call(fork, "g")
        else:
            assert instance.call(fork, "g") == [0, 0]


# instances prepared
USER = '(module (import "h" "n" (func $n (result i32))) (func (export "f") (result i32) (call $n)))'


def test_instances_prepared(p: Package) -> None:
    linker, module = p.linker(), p.module(USER)
    linker.define_func("h", "n", p.type(results="i32"), lambda: 3)
    before = linker.instantiate_pre(module)
    linker.allow_shadowing = True
    linker.define_func("h", "n", p.type(results="i32"), lambda: 4)
    for store in (p.store, p.Store(p.engine)):
        for _ in range(2):
            assert before.instantiate(store).exports(store)["f"](store) == 3
    assert [e.name for e in before.module.exports] == ["f"]


@pytest.mark.parametrize("what", ["unknown", "of another type", "unknown beside WASI"])
def test_what_cannot_be_prepared(p: Package, what: str) -> None:
    linker = p.linker()
    if what == "of another type":
        linker.define_func("h", "n", p.type("i32"), lambda _: None)
    elif what == "unknown beside WASI":
        linker.define_wasi()
    with pytest.raises(p.WasmtimeError, match="h"):
        linker.instantiate_pre(p.module(USER))


def test_what_is_of_another_store(p: Package) -> None:
    linker, module = p.linker(), p.module('(module (import "a" "m" (memory 1)))')
    linker.define(p.store, "a", "m", p.Memory(p.store, p.MemoryType(p.Limits(1, None))))
    before = linker.instantiate_pre(module)
    before.instantiate(p.store)
    with pytest.raises(p.WasmtimeError):
        before.instantiate(p.Store(p.engine))


def test_imports_of_wasi_are_found_later(p: Package) -> None:
    linker = p.linker()
    linker.define_wasi()
    text = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $e (param i32)))
  (memory (export "memory") 1)
  (func (export "f") (call $e (i32.const 4))))"""
    before = linker.instantiate_pre(p.module(text))
    p.store.set_wasi(p.WasiConfig())
    f = before.instantiate(p.store).exports(p.store)["f"]
    with pytest.raises(p.ExitTrap) as caught:
        f(p.store)
    assert caught.value.code == 4


# what is no module, store, instance
@pytest.mark.parametrize("wrong", [None, 5, "text", b"bytes", Engine])
def test_what_is_of_no_use_to_a_linker(wrong: Any) -> None:
    p = Package("safe")
    linker, module = p.linker(), p.module("(module)")
    calls: list[Callable[[], object]] = [
        lambda: p.Linker(wrong),
        lambda: linker.define_module(p.store, "m", wrong),
        lambda: linker.define_instance(p.store, "m", wrong),
        lambda: linker.define_unknown_imports_as_traps(wrong),
        lambda: linker.define_unknown_imports_as_default_values(p.store, wrong),
        lambda: linker.define_unknown_imports_as_default_values(wrong, module),
        lambda: linker.instantiate_pre(wrong),
        lambda: linker.instantiate_pre(module).instantiate(wrong),
        lambda: linker.instantiate(wrong, module),
        lambda: linker.instantiate(p.store, wrong),
        lambda: linker.get(wrong, "m", "f"),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"expected an? (Store|Module|Engine|Instance), found"):
            call()
