"""Tags: made by the host, defined by modules, imported and exported, as in the `wasmtime` package."""

from __future__ import annotations

from typing import Any

import pytest

import arenite
from arenite import AreniteError, Failure, LinkError, Store, Tag, WasmException
from marks import EACH_TIER
from unit.api.packages import PACKAGES, Package
from unit.machine.guests import engine

WAT = """(module
  (import "env" "t" (tag (param i32 f64)))
  (export "imported" (tag 0)) (tag (export "own") (param i64 f32)) (tag (export "bare")))"""
EACH_PACKAGE = pytest.mark.parametrize("package", PACKAGES)


def packaged(name: str) -> Package:
    """A package with exceptions switched on."""
    return Package(name, wasm_exceptions=True)


def tag(p: Package, params: str = "") -> Any:
    """A tag of the host's."""
    return p.Tag(p.store, p.TagType(p.type(params)))


def names(types: Any) -> list[str]:
    """Value types in words."""
    return list(map(str, types))


@EACH_PACKAGE
def test_a_tag_has_a_type(package: str) -> None:
    p = packaged(package)
    found = tag(p, "i32 f64").type(p.store)
    assert type(found) is p.TagType
    assert (names(found.functype.params), names(found.functype.results)) == (["i32", "f64"], [])


@EACH_PACKAGE
def test_what_is_the_same_tag(package: str) -> None:
    p = packaged(package)
    mine, other = tag(p, "i32 f64"), tag(p, "i32 f64")
    first, second = (p.exports(WAT, one) for one in (mine, mine))
    assert mine.eq(p.store, mine)
    assert not mine.eq(p.store, other)
    assert first["imported"].eq(p.store, mine)
    assert first["imported"].eq(p.store, second["imported"])
    assert not first["own"].eq(p.store, second["own"])
    assert not first["own"].eq(p.store, first["bare"])
    assert type(first["own"]) is p.Tag


@EACH_PACKAGE
def test_a_module_tells_its_tags(package: str) -> None:
    p = packaged(package)
    module = p.module(WAT)
    assert [(i.module, i.name, type(i.type), names(i.type.functype.params)) for i in module.imports] == [
        ("env", "t", p.TagType, ["i32", "f64"])
    ]
    assert [(e.name, type(e.type), names(e.type.functype.params)) for e in module.exports] == [
        ("imported", p.TagType, ["i32", "f64"]),
        ("own", p.TagType, ["i64", "f32"]),
        ("bare", p.TagType, []),
    ]


@EACH_PACKAGE
@pytest.mark.parametrize("params", ["", "i32", "i32 f32", "i32 f64 i32"])
def test_an_import_of_another_type(package: str, params: str) -> None:
    p = packaged(package)
    with pytest.raises(p.WasmtimeError, match="incompatible import type"):
        p.exports(WAT, tag(p, params))


@EACH_PACKAGE
def test_an_import_of_another_kind(package: str) -> None:
    p = packaged(package)
    number = p.Global(p.store, p.GlobalType(p.ValType.i32(), False), p.Val.i32(1))
    for item in (number, p.Func(p.store, p.type("i32 f64"), print)):
        with pytest.raises(p.WasmtimeError, match="incompatible import type"):
            p.exports(WAT, item)
    with pytest.raises(p.WasmtimeError, match="incompatible import type"):
        p.exports('(module (import "env" "t" (func (param i32 f64))))', tag(p, "i32 f64"))


@EACH_PACKAGE
def test_a_linker_has_tags(package: str) -> None:
    p = packaged(package)
    linker, mine = p.linker(), tag(p, "i32 f64")
    with pytest.raises(p.WasmtimeError, match="has not been defined"):
        linker.instantiate(p.store, p.module(WAT))
    linker.define(p.store, "env", "t", mine)
    assert linker.get(p.store, "env", "t").eq(p.store, mine)
    instance = linker.instantiate(p.store, p.module(WAT))
    assert instance.exports(p.store)["imported"].eq(p.store, mine)
    linker.define_instance(p.store, "lib", instance)
    again = linker.instantiate(p.store, p.module('(module (import "lib" "own" (tag (param i64 f32))) (export "x" (tag 0)))'))
    assert again.exports(p.store)["x"].eq(p.store, instance.exports(p.store)["own"])


@EACH_PACKAGE
def test_an_unknown_tag_by_default(package: str) -> None:
    p = packaged(package)
    linker, module = p.linker(), p.module(WAT)
    linker.define_unknown_imports_as_traps(module)
    with pytest.raises(p.WasmtimeError, match="has not been defined"):
        linker.instantiate(p.store, module)
    linker.define_unknown_imports_as_default_values(p.store, module)
    exports = linker.instantiate(p.store, module).exports(p.store)
    assert names(exports["imported"].type(p.store).functype.params) == ["i32", "f64"]


@EACH_PACKAGE
def test_what_makes_no_tag(package: str) -> None:
    p = packaged(package)
    with pytest.raises(TypeError, match="expected a FuncType"):
        p.TagType(3)
    with pytest.raises(TypeError, match="expected a TagType"):
        p.Tag(p.store, p.type())
    with pytest.raises(p.WasmtimeError):
        p.Tag(p.store, p.TagType(p.type("", "i32")))


@EACH_TIER
def test_tags_of_another_store(tier: str) -> None:
    of = engine(tier=tier, wasm_exceptions=True)
    store, foreign = Store(of), Store(of)
    type_ = arenite.TagType(arenite.FuncType([arenite.ValType.i32(), arenite.ValType.f64()], []))
    theirs = Tag(foreign, type_)
    with pytest.raises(LinkError, match=r"the tag for .* belongs to another store"):
        arenite.Instance(store, arenite.Module(of, WAT), [theirs])
    with pytest.raises(Failure, match="this tag belongs to another store"):
        theirs.type(store)
    with pytest.raises(Failure, match="this tag belongs to another store"):
        Tag(store, type_).eq(store, theirs)
    with pytest.raises(Failure, match="this tag belongs to another store"):
        arenite.Linker(of).define(store, "env", "t", theirs)
    with pytest.raises(Failure, match="this tag belongs to another store"):
        theirs.bind(store, KeyError)


@EACH_TIER
def test_tags_in_forks(tier: str) -> None:
    of = engine(tier=tier, wasm_exceptions=True)
    store = Store(of)
    mine = Tag(store, arenite.TagType(arenite.FuncType([arenite.ValType.i32(), arenite.ValType.f64()], [])))
    exports: Any = arenite.Instance(store, arenite.Module(of, WAT), [mine]).exports(store)
    fork = store.snapshot().fork()
    later = Tag(store, mine.type(store))
    theirs: Any = fork.instances[0].exports(fork)
    assert mine.eq(fork, theirs["imported"])
    assert exports["own"].eq(fork, theirs["own"])
    with pytest.raises(Failure, match="belongs to another store"):
        later.type(fork)


@EACH_TIER
@pytest.mark.parametrize(
    "wrong", [3, int, BaseException, KeyboardInterrupt, arenite.Trap, AreniteError, WasmException, KeyError()]
)
def test_what_cannot_be_bound(tier: str, wrong: Any) -> None:
    store = Store(engine(tier=tier))
    mine = Tag(store, arenite.TagType(arenite.FuncType([], [])))
    with pytest.raises(TypeError, match=r"expected a class of exceptions|arenite's own"):
        mine.bind(store, wrong)


@EACH_TIER
@pytest.mark.parametrize("wrong", [5, "args", (1,)])
def test_values_that_cannot_be_asked_for_are_refused_at_once(tier: str, wrong: Any) -> None:
    store = Store(engine(tier=tier))
    mine = Tag(store, arenite.TagType(arenite.FuncType([], [])))
    message = f"expected a callable that gives the values of a KeyError, found {type(wrong).__name__}"
    with pytest.raises(TypeError, match=message):
        mine.bind(store, KeyError, wrong)
    with pytest.raises(TypeError, match=message):
        arenite.Linker(store.engine).bind_tag("env", "t", KeyError, wrong)


def test_what_an_exception_says() -> None:
    error = WasmException(None, (1, 2.5, "x" * 1000, *range(20)))
    assert str(error).startswith("uncaught exception (1, 2.5, 'xxx")
    assert len(str(error)) < 200
    error.leave("cpp\n", [])
    error.leave("other", [])
    assert str(error).startswith("uncaught exception cpp\\n (1, ")
    assert str(WasmException(None)) == "uncaught exception ()"
    assert error.code is error.trap_code is arenite.TrapCode.UNCAUGHT_EXCEPTION
    assert (error.frames, WasmException(None, [1]).values) == ([], (1,))
