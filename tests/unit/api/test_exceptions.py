"""Exceptions between guests and Python: what reaches whom, as which object, and what crosses guests without a word."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import subprocess
import sys
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from arenite import (
    Engine,
    Exit,
    Failure,
    Finished,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limit,
    Linker,
    NotReady,
    Paused,
    PauseReason,
    Snapshot,
    Store,
    Tag,
    TagType,
    Trap,
    TrapCode,
    ValType,
    WasmException,
)
from arenite.features import SUPPORTED
from arenite.machine.records.exceptions import LEAST
from marks import EACH_TIER, EACH_WAY
from tiers import engine_of
from unit.api.packages import PACKAGES, Package
from unit.machine.guests import EXTERNREF, I32, module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXNREF = ValType.exnref()
EACH_PACKAGE = pytest.mark.parametrize("package", PACKAGES)

WAT = """(module
  (import "env" "host" (func $host (param i32) (result i32)))
  (import "env" "error" (tag $error (param i32)))
  (import "env" "bare" (tag $bare))
  (tag $own (export "own") (param i32 i64 f32 f64))
  (table $kept (export "kept") 100 exnref)
  (global $caught (export "caught") (mut i32) (i32.const 0))
  (func $throw (export "throw") (param i32)
    (throw $own (local.get 0) (i64.const -5) (f32.const 0.5) (f64.const 2.25)))
  (func (export "deep") (param i32) (call $throw (local.get 0)))
  (func $call (export "call") (param i32) (result i32) (call $host (local.get 0)))
  ;; what it caught with $error, or -1 for any other, counted
  (func (export "catch") (param i32) (result i32)
    (block $all
      (block $mine (result i32)
        (try_table (result i32) (catch $error $mine) (catch_all $all) (call $call (local.get 0)))
        (return))
      (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
      (return))
    (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
    (i32.const -1))
  ;; passes on what it has caught
  (func $pass (export "pass") (param i32) (result i32)
    (block $all (result exnref)
      (return (try_table (result i32) (catch_all_ref $all) (call $call (local.get 0)))))
    (global.set $caught (i32.add (global.get $caught) (i32.const 1)))
    (throw_ref))
  (func (export "keep") (param $at i32) (param i32) (result i32) (local $found exnref)
    (block $all (result exnref)
      (return (try_table (result i32) (catch_all_ref $all) (call $call (local.get 1)))))
    (local.set $found) (table.set $kept (local.get $at) (local.get $found)) (i32.const -2))
  (func (export "again") (param $at i32) (throw_ref (table.get $kept (local.get $at))))
  (func (export "none") (param i32) (result i32)
    (block $mine (try_table (catch $bare $mine) (return (call $call (local.get 0)))))
    (i32.const -3)))"""


@functools.cache
def engine(way: Any, **options: Any) -> Engine:
    """An engine with exceptions."""
    return engine_of(way, features=SUPPORTED | {"exceptions"}, **options)


class Guest:
    """A store with an instance of `WAT`.  `host`: its host function, which gets this and a number."""

    def __init__(self, tier: str, host: Callable[[Guest, int], object], wat: str = WAT, **options: Any) -> None:
        self.engine = engine(tier, **options)
        self.store = Store(self.engine)
        self.linker = Linker(self.engine)
        self.error, self.bare = (Tag(self.store, TagType(FuncType(params, []))) for params in ([I32], []))
        self.linker.define(self.store, "env", "error", self.error)
        self.linker.define(self.store, "env", "bare", self.bare)
        self.linker.define_func("env", "host", FuncType([I32], [I32]), lambda n: host(self, n))
        self.instance = self.linker.instantiate(self.store, module(self.engine, wat))
        self.exports: dict[str, Any] = dict(self.instance.exports(self.store))

    def call(self, name: str, *args: object) -> Any:
        """What an export gives."""
        return self.exports[name](self.store, *args)

    @property
    def caught(self) -> int:
        """How many exceptions its handlers have met."""
        found: int = self.exports["caught"].value(self.store)
        return found


def raising(error: BaseException) -> Callable[[Guest, int], object]:
    """A host function that raises this."""

    def host(_guest: Guest, _number: int) -> object:
        raise error

    return host


def nothing(_guest: Guest, number: int) -> int:
    """A host function."""
    return number


# ---- a guest's, which reaches Python


@EACH_WAY
def test_what_no_guest_catches_reaches_python(tier: str) -> None:
    guest = Guest(tier, nothing)
    with pytest.raises(WasmException) as caught:
        guest.call("deep", 7)
    error = caught.value
    assert error.tag.eq(guest.store, guest.exports["own"])  # type: ignore[attr-defined]
    assert error.values == (7, -5, 0.5, 2.25)
    assert error.code is error.trap_code is TrapCode.UNCAUGHT_EXCEPTION
    assert [frame.func_name for frame in error.frames] == ["throw", "deep"]
    first, *rest = str(error).splitlines()
    assert first == "uncaught exception own (7, -5, 0.5, 2.25)"
    assert len(rest) == 3


def thrown_in(package: str) -> list[Any]:
    """Where a package's engine tells that an exception was thrown."""
    p = Package(package, wasm_exceptions=True)
    wat = """(module $m (tag $t (param i32)) (func $f (param i32) (nop) (throw $t (local.get 0)))
        (func $g (export "g") (nop) (nop) (call $f (i32.const 3)) (nop)))"""
    with pytest.raises(p.Trap) as caught:
        p.call(wat, "g")
    return [(f.func_index, f.func_name, f.module_name, f.module_offset, f.func_offset) for f in caught.value.frames]


@EACH_TIER
def test_where_it_was_thrown_is_told_as_in_the_other_package(tier: str) -> None:
    frames = thrown_in(tier)
    assert frames == thrown_in("wasmtime")
    assert [name for _, name, *_ in frames] == ["f", "g"]


@EACH_TIER
def test_values_of_all_types(tier: str) -> None:
    of = engine(tier)
    store = Store(of)
    guest = module(
        of,
        """(module (tag $inner (param i32)) (tag $t (param v128 funcref externref exnref exnref funcref externref i64))
        (elem declare func $f)
        (func $f (export "f") (param externref) (local $x exnref)
          (block $b (result exnref)
            (try_table (catch_all_ref $b) (throw $inner (i32.const 5))) (unreachable))
          (local.set $x)
          (throw $t (v128.const i32x4 1 2 3 4) (ref.func $f) (local.get 0) (local.get $x) (ref.null exn) (ref.null func)
            (ref.null extern) (i64.const 9))))""",
    )
    f: Any = Instance(store, guest, []).exports(store)["f"]
    thing = object()
    with pytest.raises(WasmException) as caught:
        f(store, thing)
    vector, function, extern, inner, *rest = caught.value.values
    assert vector == b"".join(n.to_bytes(4, "little") for n in (1, 2, 3, 4))
    assert function == f
    assert extern is thing
    assert isinstance(inner, WasmException)
    assert inner.values == (5,)
    assert rest == [None, None, None, 9]


@EACH_TIER
def test_a_thousand_values(tier: str) -> None:
    of = engine(tier)
    store = Store(of)
    types, numbers = "i32 i64 f64 v128 " * 250, range(1000)
    push = " ".join(f"({t}.const {'i64x2 0 ' if t == 'v128' else ''}{n})" for t, n in zip(types.split(), numbers, strict=True))
    wat = f"""(module (import "env" "h" (func $h)) (import "env" "t" (tag $t (param {types})))
      (func $throw (export "throw") {push} (throw $t))
      (func (export "keep") (result exnref)
        (block $b (result exnref) (try_table (catch_all_ref $b) (call $throw)) (unreachable)))
      (func (export "host") (result {types})
        (block $b (result {types}) (try_table (catch $t $b) (call $h)) (unreachable)))
      (func (export "again") (block $b (result exnref) (try_table (catch_all_ref $b) (call $throw)) (unreachable)) (throw_ref)))"""
    linker = Linker(of)
    mine = Tag(store, TagType(FuncType([getattr(ValType, t)() for t in types.split()], [])))
    error = WasmException(
        mine, [bytes(8) + n.to_bytes(8, "little") if t == "v128" else n for t, n in zip(types.split(), numbers, strict=True)]
    )

    def h() -> None:
        raise error

    linker.define(store, "env", "t", mine)
    linker.define_func("env", "h", FuncType([], []), h)
    exports: Any = linker.instantiate(store, module(of, wat)).exports(store)
    for name in ("throw", "again"):
        with pytest.raises(WasmException) as caught:
            exports[name](store)
        assert caught.value.values == error.values
    assert exports["host"](store) == list(error.values)
    assert exports["keep"](store).values == error.values


# ---- Python's, which guests catch


@EACH_WAY
def test_what_a_host_function_throws_is_caught(tier: str) -> None:
    def host(guest: Guest, number: int) -> int:
        if number < 10:
            raise WasmException(guest.error, [number])
        if number < 20:
            raise WasmException(guest.bare)
        return number

    guest = Guest(tier, host)
    assert [guest.call("catch", n) for n in (3, 13, 23, -4)] == [3, -1, 23, -4]
    assert guest.caught == 3
    assert [guest.call("none", n) for n in (13, 23)] == [-3, 23]
    with pytest.raises(WasmException) as caught:
        guest.call("none", 3)
    assert caught.value.values == (3,)
    assert str(caught.value).startswith("uncaught exception env.error (3)\nwasm backtrace (innermost first):\n")
    assert [frame.func_name for frame in caught.value.frames] == ["call", "none"]


@EACH_WAY
def test_what_a_guest_passes_on_comes_out_as_the_same_object(tier: str) -> None:
    error: list[Any] = []
    guest = Guest(tier, lambda _guest, _number: raising(error[0])(guest, 0))
    error.append(WasmException(guest.error, [4]))
    for _ in range(3):
        with pytest.raises(WasmException) as caught:
            guest.call("pass", 0)
        assert caught.value is error[0]
    assert guest.caught == 3
    assert guest.call("keep", 5, 0) == -2
    guest.store.gc()
    for _ in range(2):
        with pytest.raises(WasmException) as caught:
            guest.call("again", 5)
        assert caught.value is error[0]
    assert str(error[0]).startswith("uncaught exception env.error (4)\nwasm backtrace (innermost first):\n")
    assert guest.exports["kept"].get(guest.store, 5) is error[0]


@EACH_WAY
def test_a_guests_exception_keeps_its_backtrace_on_its_way(tier: str) -> None:
    guest = Guest(tier, lambda guest, _number: guest.call("throw", 1))
    with pytest.raises(WasmException) as caught:
        guest.call("pass", 0)
    assert [frame.func_name for frame in caught.value.frames] == ["throw"]
    assert guest.caught == 1
    assert caught.value.values[0] == 1


@EACH_WAY
@pytest.mark.parametrize(
    "error", [KeyError("a"), KeyboardInterrupt(), SystemExit(3), Exit(3), Limit("full"), Trap("bad"), Failure("x")]
)
def test_all_others_cross_and_run_no_handler(tier: str, error: BaseException) -> None:
    guest = Guest(tier, raising(error))
    guest.error.bind(guest.store, ValueError)
    for name in ("catch", "pass", "none"):
        with pytest.raises(type(error)) as caught:
            guest.call(name, 0)
        assert caught.value is error
    assert guest.caught == 0


@EACH_PACKAGE
def test_they_cross_as_in_the_other_package(package: str) -> None:
    p = Package(package, wasm_exceptions=True)
    wat = """(module (import "a" "h" (func $h)) (global $n (export "n") (mut i32) (i32.const 0))
      (func (export "f") (block $b (try_table (catch_all $b) (call $h)) (return)) (global.set $n (i32.const 1)))
      (func (export "trap") unreachable))"""
    found: list[Any] = []

    def h() -> None:
        found[0]()

    exports = p.exports(wat, p.Func(p.store, p.type(), h))
    for error, act in ((ZeroDivisionError, lambda: 1 // 0), (p.Trap, lambda: exports["trap"](p.store))):
        found[:] = [act]
        with pytest.raises(error):
            exports["f"](p.store)
        assert exports["n"].value(p.store) == 0


@EACH_WAY
def test_a_tag_of_another_store_is_known_to_its_guests_alone(tier: str) -> None:
    other = Guest(tier, nothing)
    guest = Guest(tier, lambda _guest, number: other.call("throw", number))
    for name in ("catch", "pass", "none"):
        with pytest.raises(WasmException) as caught:
            guest.call(name, 8)
        assert caught.value.tag.eq(other.store, other.exports["own"])  # type: ignore[attr-defined]
    assert guest.caught == 0


@EACH_TIER
def test_values_that_do_not_fit(tier: str) -> None:
    wrong: list[list[object]] = [[2**40], ["a"], [1, 2]]
    guest = Guest(tier, lambda guest, number: raising(WasmException(guest.error, wrong[number]))(guest, 0))
    for number, error in enumerate((OverflowError, TypeError, TypeError)):
        with pytest.raises(error):
            guest.call("catch", number)
    assert guest.caught == 0
    guest = Guest(tier, raising(WasmException(None, [3])))  # such as another process has sent
    with pytest.raises(WasmException):
        guest.call("catch", 0)
    assert guest.caught == 0


# ---- classes that are bound to a tag


class SpecialError(KeyError):
    """Of a class that is not bound itself."""


@EACH_WAY
def test_classes_of_python_are_caught_by_the_tag_that_they_are_bound_to(tier: str) -> None:
    errors: list[Exception] = [KeyError(5), SpecialError(6), LookupError(7), ValueError("no number")]
    guest = Guest(tier, lambda guest, number: raising(errors[number])(guest, 0))
    guest.error.bind(guest.store, KeyError)
    guest.bare.bind(guest.store, LookupError)
    assert [guest.call("catch", n) for n in range(3)] == [5, 6, -1]
    with pytest.raises(ValueError, match="no number"):
        guest.call("catch", 3)
    guest.error.bind(guest.store, ValueError, lambda error: [len(str(error))])
    assert guest.call("catch", 3) == 9
    for number in (0, 1, 3):
        with pytest.raises(type(errors[number])) as caught:
            guest.call("pass", number)
        assert caught.value is errors[number]
    guest.error.bind(guest.store, Exception)
    guest.bare.bind(guest.store, KeyError)
    assert [guest.call("catch", n) for n in range(2)] == [-1, -1]


@EACH_TIER
def test_an_exception_itself_may_be_the_value(tier: str) -> None:
    of = engine(tier)
    store = Store(of)
    linker, mine = Linker(of), Tag(store, TagType(FuncType([EXTERNREF], [])))
    mine.bind(store, OSError)
    error = OSError(2, "nothing there")
    linker.define(store, "env", "python", mine)
    linker.define_func("env", "open", FuncType([], []), lambda: raising(error)(None, 0))  # type: ignore[arg-type]  # it does not look at it
    wat = """(module (import "env" "open" (func $open)) (import "env" "python" (tag $p (param externref)))
      (func (export "f") (result externref)
        (block $b (result externref) (try_table (catch $p $b) (call $open)) (ref.null extern))))"""
    f: Any = linker.instantiate(store, module(of, wat)).exports(store)["f"]
    assert f(store) is error


NO_HANDLERS = """(module (import "env" "host" (func $host (param i32) (result i32))) (import "env" "error" (tag $error (param i32)))
  (import "env" "bare" (tag $bare))
  (func (export "catch") (param i32) (result i32) (call $host (local.get 0))))"""
MISFITS: dict[str, tuple[Exception, Any, str]] = {
    "a type": (
        KeyError("a"),
        None,
        r"a KeyError cannot be thrown with 'env.error', the tag \(i32\): expected an int for i32, found str",
    ),
    "too many": (KeyError(1, 2), None, r"a KeyError .*'env.error'.*: expected 1 values of type \(i32\), found 2"),
    "a range": (KeyError(1 << 40), None, r"a KeyError .*'env.error'.*i32"),
    "derived": (SpecialError(1.5), None, r"a SpecialError .*'env.error'.*: expected an int for i32, found float"),
    "no sequence": (KeyError(1), lambda _: 5, r"a KeyError .*'env.error'.*: expected a sequence of values, found int"),
    "text": (KeyError(1), lambda _: "1", r"a KeyError .*'env.error'.*: expected a sequence of values, found str"),
}


@EACH_TIER
@pytest.mark.parametrize("wat", [WAT, NO_HANDLERS], ids=["handlers", "none"])
@pytest.mark.parametrize("what", MISFITS)
def test_what_a_binding_gives_wrongly_is_said(tier: str, what: str, wat: str) -> None:
    """Whether any guest has a handler or not, in place of the exception, which it comes from."""
    error, values, message = MISFITS[what]
    guest = Guest(tier, raising(error), wat)
    guest.error.bind(guest.store, KeyError, values)
    with pytest.raises((TypeError, OverflowError), match=message) as caught:
        guest.call("catch", 0)
    assert caught.value.__cause__ is error
    execution = guest.exports["catch"].start(guest.store, 0)
    assert isinstance(execution.run(pause_at=["env.host"]), Paused)
    with pytest.raises((TypeError, OverflowError), match=message):
        execution.throw(error)
    assert not execution.over


@EACH_TIER
@pytest.mark.parametrize("wat", [WAT, NO_HANDLERS], ids=["handlers", "none"])
def test_what_a_wasm_exception_has_wrongly_is_said(tier: str, wat: str) -> None:
    found: list[WasmException] = []
    guest = Guest(tier, lambda _guest, _number: raising(found[-1])(_guest, 0), wat)
    for error, message in (
        (WasmException(guest.error, ["a"]), "'env.error', the tag .* expected an int for i32, found str"),
        (WasmException(guest.error, []), r"'env.error', .* expected 1 values of type \(i32\), found 0"),
        (WasmException(5, [1]), "expected a Tag for a WasmException, found int"),
    ):
        found.append(error)
        with pytest.raises(TypeError, match=message) as caught:
            guest.call("catch", 0)
        assert caught.value.__cause__ is error


def test_a_host_function_that_the_host_calls_raises_what_it_raises() -> None:
    guest = Guest("threaded", raising(KeyError("a")))
    guest.error.bind(guest.store, KeyError)
    function: Any = guest.linker.get(guest.store, "env", "host")
    with pytest.raises(KeyError, match="a"):
        function(guest.store, 0)


@EACH_TIER
def test_which_of_several_values_is_wrong_is_said(tier: str) -> None:
    guest = Guest(tier, nothing)
    with pytest.raises(TypeError, match=r"expected an int for i64, found str \(value 1 of 4, counted from 0\)"):
        raise_in(guest, WasmException(guest.exports["own"], [1, "b", 0.5, 0.5]))
    with pytest.raises(TypeError, match=r"expected a WasmException or None for exnref, found int"):
        guest.exports["kept"].set(guest.store, 0, 5)


@EACH_TIER
def test_which_argument_is_of_another_store_is_said(tier: str) -> None:
    wat = """(module (func (export "f") (param i32 exnref) (result exnref) (local.get 1))
      (func (export "g") (param i32 funcref) (result funcref) (local.get 1)))"""
    of = engine(tier)
    store, other = Store(of), Store(of)
    exports: Any = Instance(store, module(of, wat), []).exports(store)
    theirs: Any = Instance(other, module(of, wat), []).exports(other)
    error = WasmException(Tag(other, TagType(FuncType([], []))))
    with pytest.raises(Failure, match=r"this tag belongs to another store \(value 1 of 2, counted from 0\)"):
        exports["f"](store, 1, error)
    with pytest.raises(Failure, match=r"this func belongs to another store \(argument 1 of 2, counted from 0\)"):
        exports["g"](store, 1, theirs["g"])
    with pytest.raises(Failure, match=r"argument 1 of 2"):
        exports["g"].start(store, 1, theirs["g"])


def raise_in(guest: Guest, error: Exception) -> None:
    """Let the host call raise that, in which a guest waits."""
    execution = guest.exports["catch"].start(guest.store, 0)
    execution.run(pause_at=["env.host"])
    execution.throw(error)


@EACH_TIER
def test_bindings_are_of_a_store_and_its_forks(tier: str) -> None:
    guest = Guest(tier, raising(KeyError(5)))
    guest.error.bind(guest.store, KeyError)
    fork = guest.store.snapshot().fork()
    assert guest.exports["catch"](fork, 0) == 5
    guest.bare.bind(fork, KeyError)
    assert (guest.exports["catch"](fork, 0), guest.call("catch", 0)) == (-1, 5)


def value_error(number: int) -> int:
    raise ValueError(number) if number < 100 else KeyError(number)


def binding_linker(of: Engine) -> Linker:
    """A linker by which a `ValueError` of the host is caught, in whatever store."""
    linker = Linker(of)
    linker.define_func("env", "host", FuncType([I32], [I32]), value_error)
    linker.bind_tag("env", "error", ValueError)
    linker.bind_tag("env", "bare", LookupError)
    return linker


@EACH_TIER
def test_a_linker_binds_in_every_store(tier: str, tmp_path: Path) -> None:
    """Where an instance is made, also by a start function; in forks; and in a store from a file, which knows nothing of Python's classes."""
    of = engine(tier)
    linker, store = binding_linker(of), Store(of)
    for name, params in (("error", [I32]), ("bare", [])):
        linker.define(store, "env", name, Tag(store, TagType(FuncType(params, []))))
    start = """(module (import "env" "host" (func $h (param i32) (result i32))) (import "env" "error" (tag $e (param i32)))
      (global $g (export "g") (mut i32) (i32.const 0))
      (func $s (global.set $g (block $b (result i32) (try_table (catch $e $b) (drop (call $h (i32.const 4)))) (i32.const 0))))
      (start $s))"""
    assert linker.instantiate(store, module(of, start)).exports(store)["g"].value(store) == 4  # type: ignore[union-attr]  # a global
    instance = linker.instantiate_pre(module(of, WAT)).instantiate(store)
    execution = instance.exports(store)["catch"].start(store, 5)  # type: ignore[union-attr]  # a function
    assert isinstance(execution.run(pause_at=["env.host"]), Paused)
    store.snapshot().save(tmp_path / "a.arn")
    plain = Linker(of)
    plain.define_func("env", "host", FuncType([I32], [I32]), value_error)
    unbound = Snapshot.open(tmp_path / "a.arn", of).link(plain).fork()
    assert unbound.execution is not None
    with pytest.raises(ValueError, match="5"):
        unbound.execution.run()
    for fork in (store.snapshot().fork(), Snapshot.open(tmp_path / "a.arn", of).link(binding_linker(of)).fork()):
        assert fork.execution is not None
        assert fork.execution.run() == Finished((5,))
        assert fork.instances[-1].call(fork, "catch", 6) == 6
        assert fork.instances[-1].call(fork, "none", 100) == -3


@EACH_TIER
def test_what_a_linker_binds_in_another_process(tier: str, tmp_path: Path) -> None:
    of = engine(tier)
    linker, store = binding_linker(of), Store(of)
    for name, params in (("error", [I32]), ("bare", [])):
        linker.define(store, "env", name, Tag(store, TagType(FuncType(params, []))))
    execution = linker.instantiate(store, module(of, WAT)).exports(store)["catch"].start(store, 5)  # type: ignore[union-attr]  # a function
    execution.run(pause_at=["env.host"])
    store.snapshot().save(tmp_path / "a.arn")
    program = """if True:
        import sys
        from arenite import Config, Engine, FuncType, Linker, Snapshot, ValType
        engine = Engine(Config(tier=sys.argv[2]))
        linker = Linker(engine)
        def host(n):
            raise ValueError(n + 1)
        linker.define_func("env", "host", FuncType([ValType.i32()], [ValType.i32()]), host)
        linker.bind_tag("env", "error", ValueError, lambda error: [10 * error.args[0]])
        print(*Snapshot.open(sys.argv[1], engine).link(linker).fork().execution.run().values)"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "a.arn", tier], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "60\n", done.stderr


# ---- to and fro


@EACH_WAY
@pytest.mark.parametrize("caught_at", [None, 0, 20])
def test_through_many_guests_and_hosts(tier: str, caught_at: int | None) -> None:
    deepest = 40
    error: list[Any] = []

    def host(guest: Guest, number: int) -> object:
        if number == deepest:
            raise error[0]
        return guest.call("catch" if number == caught_at else "pass" if number % 2 else "call", number + 1)

    guest = Guest(tier, host)
    error.append(WasmException(guest.error, [77]))
    if caught_at is None:
        with pytest.raises(WasmException) as caught:
            guest.call("call", 0)
        assert caught.value is error[0]
        assert guest.caught == deepest // 2
    else:
        assert guest.call("call", 0) == 77
        assert guest.caught == (deepest - caught_at) // 2 + 1
    assert guest.store.machine.depth == 0


@EACH_TIER
def test_pythons_traceback_is_whole_but_does_not_grow_for_ever(tier: str) -> None:
    error: list[Any] = []

    def host(guest: Guest, number: int) -> object:
        if number == 0:
            raise error[0]
        return guest.call("pass", number - 1)

    guest = Guest(tier, host)
    error.append(WasmException(guest.error, [1]))
    with pytest.raises(WasmException) as caught:
        guest.call("pass", 3)
    text = "".join(traceback.format_exception(caught.value))
    assert text.count("in host") == 4
    for _ in range(300):
        with pytest.raises(WasmException):
            guest.call("pass", 3)
    assert len(traceback.extract_tb(error[0].__traceback__)) < 600


@EACH_TIER
def test_an_exception_that_a_guest_keeps_holds_no_frames_of_python(tier: str) -> None:
    class Thing:
        """In a local variable of a host function."""

    things: list[weakref.ref[Thing]] = []

    def host(guest: Guest, _number: int) -> object:
        thing = Thing()
        things.append(weakref.ref(thing))
        raise WasmException(guest.error, [1])

    guest = Guest(tier, host)
    for at in range(3):
        assert guest.call("keep", at, 0) == -2
    gc.collect()
    execution = guest.exports["keep"].start(guest.store, 3, 0)
    execution.run(pause_at=["env.host"])
    assert execution.run() == Finished((-2,))
    gc.collect()
    assert [thing() for thing in things] == [None] * 4


@EACH_WAY
def test_in_a_start_function(tier: str) -> None:
    wat = """(module (import "env" "host" (func $host (param i32) (result i32))) (import "env" "error" (tag $e (param i32)))
      (func $start (drop (call $host (i32.const 3)))) (start $start))"""
    of = engine(tier)
    store = Store(of)
    linker, mine = Linker(of), Tag(store, TagType(FuncType([I32], [])))
    linker.define(store, "env", "error", mine)
    errors = itertools.count()

    def host(_number: int) -> int:
        raise WasmException(mine, [next(errors)])

    linker.define_func("env", "host", FuncType([I32], [I32]), host)
    for number in range(2):
        with pytest.raises(WasmException) as caught:
            linker.instantiate(store, module(of, wat))
        assert caught.value.values == (number,)
    execution = linker.start(store, module(of, wat))
    with pytest.raises(WasmException):
        execution.run()
    assert execution.over


# ---- executions


@EACH_WAY
def test_a_search_stops_for_fuel_and_goes_on_in_forks_and_files(tier: str, tmp_path: Path) -> None:
    wat = """(module (import "env" "host" (func $host (param i32) (result i32))) (import "env" "error" (tag $e (param i32)))
      (import "env" "bare" (tag $bare))
      (func $deep (param $n i32) (result i32)
        (if (i32.eqz (local.get $n)) (then (throw $e (call $host (i32.const 3)))))
        (block $b (try_table (catch $bare $b) (return (call $deep (i32.sub (local.get $n) (i32.const 1)))))) (unreachable))
      (func (export "f") (param i32) (result i32) (local $x exnref)
        (block $b (result i32 exnref)
          (try_table (catch_ref $e $b) (call $deep (local.get 0)) (return)) (unreachable))
        (local.set $x) (local.set 0)
        (block $c (result i32) (try_table (catch $e $c) (throw_ref (local.get $x))) (unreachable))
        (i32.mul (local.get 0))))"""
    guest = Guest(tier, nothing, wat)
    execution = guest.exports["f"].start(guest.store, 20)
    statuses, stops = set(), 0
    while isinstance(execution.run(fuel=3), Paused):
        assert execution.paused.reason is PauseReason.FUEL
        statuses.add(execution._activation.status)
        stops += 1
        if stops % 5 == 0:
            snapshot = guest.store.snapshot()
            fork = snapshot.fork()
            assert fork.execution is not None
            assert fork.execution.run() == Finished((9,))
            snapshot.save(tmp_path / "a.arn")
            other = engine("safe" if tier != "safe" else "threaded")
            opened = Snapshot.open(tmp_path / "a.arn", other).link(guest.linker)
            there = opened.fork().execution
            assert there is not None
            assert there.run() == Finished((9,))
    assert stops > 20
    assert len(statuses) > 1


@EACH_WAY
def test_a_host_function_that_was_not_ready_throws_when_it_is_asked_again(tier: str) -> None:
    asked: list[int] = []

    def host(guest: Guest, number: int) -> int:
        asked.append(number)
        if len(asked) < 3:
            raise NotReady("later")
        raise WasmException(guest.error, [number])

    guest = Guest(tier, host)
    guest.bare.bind(guest.store, Exception)
    execution = guest.exports["catch"].start(guest.store, 5)
    for _ in range(2):
        outcome = execution.run()
        assert (outcome.reason, guest.caught) == (PauseReason.NOT_READY, 0)
    fork = guest.store.snapshot().fork()
    assert fork.execution is not None
    assert execution.run() == fork.execution.run() == Finished((5,))
    assert asked == [5] * 4
    asked.clear()
    with pytest.raises(NotReady):
        guest.call("catch", 5)


def waiting(tier: str, name: str) -> tuple[Guest, Any]:
    """A call of an export that waits in the host function."""
    guest = Guest(tier, nothing)
    execution = guest.exports[name].start(guest.store, 5)
    outcome = execution.run(pause_at=["env.host"])
    assert isinstance(outcome, Paused)
    return guest, execution


@EACH_WAY
def test_a_waiting_call_is_answered_by_an_exception(tier: str) -> None:
    guest, execution = waiting(tier, "catch")
    assert execution.throw(WasmException(guest.error, [6])) == Finished((6,))
    assert guest.caught == 1
    for name in ("pass", "call", "none"):
        guest, execution = waiting(tier, name)
        error = WasmException(guest.error, [6])
        with pytest.raises(WasmException) as caught:
            execution.throw(error)
        assert caught.value is error
        assert execution.over
        assert guest.call("catch", 3) == 3
    guest, execution = waiting(tier, "catch")
    guest.error.bind(guest.store, KeyError)
    outcome = execution.throw(KeyError(8), fuel=0) if tier == "safe" else execution.throw(KeyError(8))
    while isinstance(outcome, Paused):
        outcome = execution.run(fuel=1)
    assert outcome == Finished((8,))


@EACH_WAY
def test_a_waiting_call_is_answered_by_an_error_that_no_guest_catches(tier: str) -> None:
    for error in (ValueError("x"), KeyboardInterrupt(), Trap("bad")):
        guest, execution = waiting(tier, "catch")
        with pytest.raises(type(error)) as caught:
            execution.throw(error)
        assert caught.value is error
        assert execution.over
        assert (guest.caught, guest.call("catch", 3)) == (0, 3)


@EACH_TIER
def test_what_cannot_answer_leaves_the_call_waiting(tier: str) -> None:
    guest, execution = waiting(tier, "catch")
    with pytest.raises(OverflowError):
        execution.throw(WasmException(guest.error, [2**40]))
    with pytest.raises(TypeError, match="expected a BaseException"):
        execution.throw("no error")
    assert execution.resume(4) == Finished((4,))
    with pytest.raises(Failure, match="over"):
        execution.throw(KeyError())
    execution = guest.exports["catch"].start(guest.store, 5)
    with pytest.raises(Failure, match="does not wait in a host call"):
        execution.throw(KeyError())
    execution.run()


@EACH_WAY
def test_an_answer_in_another_process_by_an_exception_of_that_one(tier: str, tmp_path: Path) -> None:
    guest, _ = waiting(tier, "pass")
    guest.store.snapshot().save(tmp_path / "a.arn")
    fork = Snapshot.open(tmp_path / "a.arn", guest.engine).link(guest.linker).fork()
    execution, tags = fork.execution, fork.instances[0].exports(fork)
    assert execution is not None
    error = WasmException(tags["own"], [1, 2, 3.0, 4.0])
    with pytest.raises(WasmException) as caught:
        execution.throw(error)
    assert caught.value is error
    assert str(error).startswith("uncaught exception own (1, 2, 3.0, 4.0)")


# ---- what guests keep


KEEP = """(module
  (tag $t (param i32))
  (table $kept (export "kept") 1 exnref)
  (func $make (param i32) (result exnref)
    (block $b (result exnref) (try_table (catch_all_ref $b) (throw $t (local.get 0))) (unreachable)))
  (func (export "churn") (param i32) (result i32) (local $first exnref)
    (local.set $first (call $make (i32.const 77)))
    (loop $next
      (drop (call $make (local.get 0)))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (block $c (result i32) (try_table (catch $t $c) (throw_ref (local.get $first))) (unreachable)))
  (func (export "fill") (param i32)
    (loop $next
      (drop (table.grow $kept (call $make (local.get 0)) (i32.const 1)))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "nest") (param i32) (local $x exnref)
    (loop $next
      (local.set $x (call $around (local.get $x)))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (table.set $kept (i32.const 0) (local.get $x)))
  (tag $around (param exnref))
  (func $around (param exnref) (result exnref)
    (block $b (result exnref) (try_table (catch_all_ref $b) (throw $around (local.get 0))) (unreachable)))
  (func (export "depth") (result i32) (local $x exnref) (local $n i32)
    (local.set $x (table.get $kept (i32.const 0)))
    (block $end
      (loop $next
        (br_if $end (ref.is_null (local.get $x)))
        (local.set $x (block $b (result exnref) (try_table (catch $around $b) (throw_ref (local.get $x))) (unreachable)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $n)))"""


def keeper(tier: str, **options: Any) -> tuple[Store, Any]:
    """A store with an instance of `KEEP`, and its exports."""
    of = engine(tier, **options)
    store = Store(of)
    return store, Instance(store, module(of, KEEP), []).exports(store)


@EACH_WAY
def test_what_a_guest_does_not_keep_takes_no_room_for_long(tier: str) -> None:
    store, exports = keeper(tier)
    assert exports["churn"](store, 20000) == 77
    assert sum(end - begin for begin, end in store.machine.registry.exceptions.regions) <= 2 * LEAST


@EACH_WAY
def test_what_a_guest_keeps_is_bounded(tier: str) -> None:
    store, exports = keeper(tier, max_exception_memory=2 * LEAST)
    with pytest.raises(Limit, match="max_exception_memory"):
        exports["fill"](store, 10**6)
    kept = exports["kept"]
    assert 7000 < kept.size(store) <= 2 * LEAST // 16 + 1
    assert kept.get(store, 1).values == (10**6,)


@EACH_TIER
def test_a_long_chain_of_exceptions_is_held_and_let_go(tier: str) -> None:
    store, exports = keeper(tier)
    exports["nest"](store, 10000)
    store.gc()
    assert exports["depth"](store) == 10000
    found = store.machine.registry.exceptions
    assert sum(end - begin for begin, end in found.regions) - sum(end - begin for begin, end in found.gaps) == 160000
    with pytest.raises(Limit, match="more than 32 deep"):
        exports["kept"].get(store, 0)
    exports["kept"].set(store, 0, None)
    store.gc()
    found = store.machine.registry.exceptions
    assert found.gaps[::-1] == found.regions


@EACH_WAY
def test_a_frozen_guest_with_exceptions_in_its_frames(tier: str, tmp_path: Path) -> None:
    store, exports = keeper(tier)
    execution = exports["churn"].start(store, 300)
    outcome = execution.run(fuel=700)
    assert isinstance(outcome, Paused)
    store.snapshot().save(tmp_path / "a.arn")
    for other in ("threaded", "safe"):
        fork = Snapshot.open(tmp_path / "a.arn", engine(other), verify=True).fork()
        there = fork.execution
        assert there is not None
        assert there.run() == Finished((77,))
    assert execution.run() == Finished((77,))


# ---- references to exceptions, outside


@EACH_WAY
def test_references_as_values_of_functions_globals_and_tables(tier: str) -> None:
    got: list[Any] = []
    of = engine(tier)
    store, linker = Store(of), Linker(of)

    def swap(first: Any, second: Any) -> tuple[Any, Any]:
        got.append((first, second))
        return second, first

    mine = Tag(store, TagType(FuncType([I32], [])))
    linker.define(store, "env", "t", mine)
    linker.define_func("env", "swap", FuncType([EXNREF, EXNREF], [EXNREF, EXNREF]), swap)
    wat = """(module (import "env" "swap" (func $swap (param exnref exnref) (result exnref exnref))) (import "env" "t" (tag $t (param i32)))
      (global (export "g") (mut exnref) (ref.null exn)) (table (export "t") 2 exnref)
      (func (export "both") (param exnref exnref) (result exnref exnref) (call $swap (local.get 0) (local.get 1)))
      (func (export "value") (param exnref) (result i32)
        (block $b (result i32) (try_table (catch $t $b) (throw_ref (local.get 0))) (unreachable))))"""
    exports: Any = linker.instantiate(store, module(of, wat)).exports(store)
    error = WasmException(mine, [9])
    assert exports["both"](store, error, None) == [None, error]
    assert got == [(error, None)]
    assert exports["value"](store, error) == 9
    assert exports["value"].call_bits(store, [error]) == [9]
    assert exports["both"].call_bits(store, [None, error]) == [error, None]
    exports["g"].set_value(store, error)
    assert exports["g"].value(store) is exports["g"].bits(store) is error
    exports["t"].set(store, 1, error)
    assert (exports["t"].get(store, 0), exports["t"].get(store, 1)) == (None, error)
    with pytest.raises(Trap, match="null") as caught:
        exports["value"](store, None)
    assert caught.value.code is TrapCode.NULL_REFERENCE
    for wrong in (3, "x", KeyError()):
        with pytest.raises(TypeError, match="expected a WasmException or None for exnref"):
            exports["value"](store, wrong)
    mine.bind(store, KeyError)
    assert exports["value"](store, KeyError(4)) == 4


class Tidying:
    """A number that has what nobody holds let go of, where that may be, before it says which it is."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __index__(self) -> int:
        with contextlib.suppress(Failure):
            self.store.gc()
        return 2


@EACH_WAY
@pytest.mark.parametrize("way", ["call", "bits", "start", "answer", "global"])
def test_a_value_lets_go_of_nothing_that_was_made_for_another(tier: str, way: str) -> None:
    wat = """(module (import "env" "two" (func $two (result exnref exnref)))
      (func (export "both") (param exnref exnref) (result exnref exnref) (local.get 1) (local.get 0))
      (func (export "two") (result exnref exnref) (call $two)))"""
    of = engine(tier)
    store, linker = Store(of), Linker(of)
    linker.define_func("env", "two", FuncType([], [EXNREF, EXNREF]), lambda: (None, None))
    exports: Any = linker.instantiate(store, module(of, wat)).exports(store)
    mine, pair = (Tag(store, TagType(FuncType(types, []))) for types in ([I32], [EXNREF, I32]))
    Global(store, GlobalType(EXNREF, mutable=False), WasmException(mine, [0]))  # so there is something to look at
    first, second = WasmException(mine, [1]), WasmException(mine, [Tidying(store)])
    if way == "call":
        assert exports["both"](store, first, second) == [second, first]
    elif way == "bits":
        assert exports["both"].call_bits(store, [first, second]) == [second, first]
    elif way == "start":
        assert exports["both"].start(store, first, second).run() == Finished((second, first))
    elif way == "answer":
        execution = exports["two"].start(store)
        execution.run(pause_at=["env.two"])
        assert execution.resume((first, second)) == Finished((first, second))
    else:
        held = Global(store, GlobalType(EXNREF, mutable=True), WasmException(pair, [first, Tidying(store)]))
        store.machine.registry.exceptions.known.clear()  # so its values are those of the arena
        assert held.value(store).values[0].values == (1,)
        assert held.value(store).values[0].tag == mine
    assert store.machine.depth == 0


@EACH_TIER
def test_a_tag_may_be_an_object_of_the_hosts_as_any_other(tier: str) -> None:
    of = engine(tier)
    store = Store(of)
    wat = """(module (tag $t (export "t") (param externref)) (func (export "same") (param externref) (result externref) (local.get 0))
      (func (export "throw") (param externref) (throw $t (local.get 0))))"""
    exports: Any = Instance(store, module(of, wat), []).exports(store)
    mine = exports["t"]
    assert exports["same"](store, mine) is mine
    with pytest.raises(WasmException) as caught:
        exports["throw"](store, mine)
    assert caught.value.values[0] is mine
