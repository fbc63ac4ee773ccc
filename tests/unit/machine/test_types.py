"""Types of functions: two modules' equal types are one, unequal ones never, and none outlives its last user."""

from __future__ import annotations

import weakref
from array import array
from typing import TYPE_CHECKING

import pytest

from arenite import Config, Engine, Func, FuncType, Instance, Linker, Module, Paused, Store, Table, Trap, TrapCode
from arenite.bytecode.encode import decode
from arenite.machine.space.window import Window
from marks import EACH_TIER
from released import collect
from unit.machine.guests import I32, module

if TYPE_CHECKING:
    from arenite.config import TierName

# Types for which a digest of 32 bits (BLAKE2b of their text) is the same.
ONE = "(param i32 i32 i64 i64 i32 i32 f64 f64 i64)"
OTHER = "(param i32 f32 f64 i32 f32 f32 f32 i32 i32)"


def of(tier: TierName) -> Engine:
    """An engine that has seen nothing yet."""
    return Engine(Config(tier=tier))


def zeros(params: str) -> str:
    return " ".join(f"({t}.const 0)" for t in params.removeprefix("(param ").removesuffix(")").split())


def holder(params: str) -> str:
    """Exports a table that holds a function of this type, and calls one of this type in it."""
    return f"""(module (type $t (func {params})) (global $n (export "n") (mut i32) (i32.const 0))
      (table (export "table") 2 funcref) (elem (i32.const 0) $f)
      (func $f (type $t) (global.set $n (i32.add (global.get $n) (i32.const 1))))
      (func (export "run") (result i32) (call_indirect (type $t) {zeros(params)} (i32.const 0)) (global.get $n)))"""


def caller(params: str) -> str:
    """Calls through another module's table."""
    return f"""(module (import "lib" "table" (table 1 funcref))
      (func (export "run") (call_indirect {params} {zeros(params)} (i32.const 0))))"""


def call(store: Store, instance: Instance, name: str, *args: int) -> object:
    function = instance.exports(store)[name]
    assert isinstance(function, Func)
    return function(store, *args)


@EACH_TIER
def test_types_that_a_digest_takes_for_one_are_two(tier: TierName) -> None:
    guest = of(tier)
    modules = {params: Module(guest, holder(params)) for params in (ONE, OTHER)}
    for code in modules.values():
        store = Store(guest)
        assert call(store, Instance(store, code, []), "run") == 1
    store = Store(guest)
    libraries = {params: Instance(store, code, []) for params, code in modules.items()}
    for lib in ONE, OTHER:
        table = libraries[lib].exports(store)["table"]
        assert isinstance(table, Table)
        for wanted in ONE, OTHER:
            user = Instance(store, Module(guest, caller(wanted)), [table])
            if wanted == lib:
                call(store, user, "run")
            else:
                with pytest.raises(Trap) as caught:
                    call(store, user, "run")
                assert caught.value.trap_code is TrapCode.BAD_SIGNATURE
    assert [call(store, instance, "run") for instance in libraries.values()] == [2, 2]


@EACH_TIER
def test_one_module_may_have_both(tier: TierName) -> None:
    store = Store(of(tier))
    text = f"""(module (type $a (func {ONE})) (type $b (func {OTHER})) (table 1 funcref) (elem (i32.const 0) $f) (func $f (type $b))
      (func (export "same") (call_indirect (type $b) {zeros(OTHER)} (i32.const 0)))
      (func (export "other") (call_indirect (type $a) {zeros(ONE)} (i32.const 0))))"""
    instance = Instance(store, module(store.engine, text), [])
    call(store, instance, "same")
    with pytest.raises(Trap):
        call(store, instance, "other")


@EACH_TIER
def test_types_go_with_their_last_user(tier: TierName) -> None:
    guest = of(tier)
    store = Store(guest)
    code = Module(guest, holder(ONE))
    instance = Instance(store, code, [])
    call(store, instance, "run")
    types = [weakref.ref(t) for t in code.code.types]
    snapshot = store.snapshot()
    fork = snapshot.fork()
    del code, instance, store
    collect()
    assert all(t() is not None for t in types), "a fork uses them"
    assert call(fork, fork.instances[0], "run") == 2
    del fork, snapshot
    collect()
    assert [t() for t in types] == [None] * len(types)


@EACH_TIER
def test_types_of_host_functions_make_way_for_the_next_stores(tier: TierName) -> None:
    guest = of(tier)

    def defined(*params: object) -> weakref.ref[object]:
        type_ = FuncType([I32] * len(params), [])
        Func(Store(guest), type_, lambda *_: None)
        return weakref.ref(type_.core)

    first = defined(1, 2, 3)
    defined(1, 2, 3, 4)
    collect()
    assert first() is None


@EACH_TIER
def test_a_window_in_use_gets_types_of_host_functions(tier: TierName) -> None:
    """A paused call, then more types and more modules in its store: it goes on, and calls what came since."""
    guest = of(tier)
    store = Store(guest)
    text = """(module
  (table (export "table") 4 funcref)
  (elem (i32.const 0) $f)
  (func $f (param $a i32) (result i32)
    (i32.add (local.get $a) (i32.const 1)))
  (func (export "spin") (param $n i32) (result i32) (local $sum i32)
    (loop $l
      (local.set $sum
        (call_indirect (param i32) (result i32)
          (local.get $sum)
          (i32.and (local.get $n) (i32.const 1))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))"""
    instance = Instance(store, Module(guest, text), [])
    exports = instance.exports(store)
    table, spin = exports["table"], exports["spin"]
    assert isinstance(table, Table)
    assert isinstance(spin, Func)
    table.set(store, 1, table.get(store, 0))
    execution = spin.start(store, 1000)
    assert isinstance(execution.run(fuel=100), Paused)
    for count in range(1, 4):  # the last has the type that the guest calls by
        host = Func(store, FuncType([I32] * (4 - count), [I32]), lambda *args: args[0] + 1)
        table.set(store, 1, host)
        Instance(store, Module(guest, holder(ONE) if count == 1 else holder(OTHER)), [])
        if count < 3:
            table.set(store, 1, table.get(store, 0))
    outcome = execution.run()
    assert outcome.values == (1000,)  # type: ignore[union-attr]  # it has finished


@EACH_TIER
def test_files_do_not_tell_what_else_an_engine_has_run(tier: TierName) -> None:
    text = holder(ONE)
    fresh, used = of(tier), of(tier)
    kept = []
    for other in (OTHER, "(param f32)", "(param i64)"):
        store = Store(used)
        linker = Linker(used)
        linker.define_func("env", "f", FuncType([I32], [I32]), lambda a: a)
        kept.append((store, linker.instantiate(store, Module(used, holder(other)))))
    files = []
    for guest in fresh, used:
        store = Store(guest)
        instance = Instance(store, Module(guest, text), [])
        call(store, instance, "run")
        files.append(store.snapshot().dumps())
    assert files[0] == files[1]


def test_a_module_lists_where_its_bytecode_names_types() -> None:
    code = module(of("safe"), holder(ONE)).code
    (place,) = array("I", code.type_places)
    op = decode(code.bytecode, place - 8)
    assert (op.row.name, op.values["type_"]) == ("call_indirect", 0)


@EACH_TIER
def test_a_thunk_whose_maker_was_interrupted_is_there_for_the_next(tier: TierName, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's exception comes when the thunk is there and no window shows it: whoever wants it next makes up for that."""
    guest = of(tier)
    store, other = Store(guest), Store(guest)
    type_ = FuncType([I32, I32], [I32])

    def interrupted(_window: Window) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Window, "refresh", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Func(store, type_, lambda a, b: a + b)
    monkeypatch.undo()
    for used in store, other, Store(guest):
        assert Func(used, type_, lambda a, b: a + b)(used, 3, 4) == 7
