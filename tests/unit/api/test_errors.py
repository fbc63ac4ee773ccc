"""The tree of errors and the reasons of traps, as programs written for the `wasmtime` package meet them."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

import arenite
import testdata
from arenite import AreniteError, Failure, Trap, TrapCode
from arenite.traps import Cause
from marks import EACH_TIER
from tiers import TIERS

PACKAGES = ("wasmtime", *TIERS)

TRAPS = {
    "unreachable": "unreachable",
    "a call beyond the table": "(call_indirect (i32.const 9))",
    "a call of null": "(call_indirect (i32.const 0))",
    "a call of another type": "(call_indirect (param i32) (i32.const 5) (i32.const 1))",
    "an element beyond the table": "(drop (table.get (i32.const 9)))",
    "a read beyond the memory": "(drop (i32.load (i32.const 65536)))",
    "division by zero": "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
    "overflow of a division": "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
    "a number that is none": "(drop (i32.trunc_f32_s (f32.const nan)))",
    "a number too large": "(drop (i32.trunc_f32_s (f32.const 1e30)))",
    "recursion": "(call 0)",
}


def trapped(package: str, body: str) -> Any:
    """The trap of a function with this body, caught as programs do that tell an engine's errors from traps."""
    api, engine = package_of(package)
    store = api.Store(engine)
    text = f'(module (memory 1) (table 2 funcref) (elem (i32.const 1) 0) (func (export "f") {body}))'
    f = api.Instance(store, api.Module(engine, text), []).exports(store)["f"]
    try:
        f(store)
    except api.WasmtimeError as error:
        pytest.fail(f"{error!r} is no trap")
    except api.Trap as trap:
        return trap
    return None


def package_of(name: str) -> tuple[Any, Any]:
    """A package and an engine of it."""
    if name == "wasmtime":
        api = importlib.import_module(name)
        return api, api.Engine()
    return arenite, arenite.Engine(arenite.Config(tier=name))  # type: ignore[arg-type]  # one of the tiers


@EACH_TIER
@pytest.mark.parametrize("case", TRAPS)
def test_a_trap_has_the_code_of_the_other_package(case: str, tier: str) -> None:
    theirs, ours = (trapped(package, TRAPS[case]).trap_code for package in ("wasmtime", tier))
    assert (ours.name, ours.value, str(ours)) == (theirs.name, theirs.value, str(theirs))
    assert ours is TrapCode[ours.name]


def test_codes_are_numbered_as_there() -> None:
    theirs = importlib.import_module("wasmtime").TrapCode
    extra = [code for code in TrapCode if code.value >= 1000]
    assert extra == [TrapCode.CORRUPT]
    assert {c.name: c.value for c in TrapCode if c not in extra} == {
        c.name: theirs[c.name].value for c in TrapCode if c not in extra
    }
    assert {cause.code for cause in Cause} == set(TrapCode) - {TrapCode.UNCAUGHT_EXCEPTION}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_an_error_of_what(package: str) -> None:
    api, _ = package_of(package)
    assert not issubclass(api.Trap, api.WasmtimeError)
    assert not issubclass(api.WasmtimeError, api.Trap)
    assert issubclass(api.ExitTrap, api.WasmtimeError)
    assert not issubclass(api.ExitTrap, api.Trap)


def test_every_error_is_a_trap_or_a_failure() -> None:
    kinds = [kind for kind in vars(arenite.errors).values() if inspect.isclass(kind) and issubclass(kind, AreniteError)]
    assert len(kinds) > 8
    assert [kind for kind in kinds if not issubclass(kind, (Failure, Trap))] == [AreniteError]
    assert arenite.WasmtimeError is Failure


def test_nothing_raises_what_is_neither() -> None:
    """The root of the tree is for `except` clauses: an error that is neither a trap nor a failure would pass by programs for `wasmtime`."""
    raised = []
    files = testdata.files(Path(arenite.__file__).parent, "**/*.py")
    assert len(files) > 100
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            called = node.exc.func
            if isinstance(called, ast.Name) and called.id in {"AreniteError", "Exception"}:
                raised.append(f"{path.name}:{node.lineno}")
    assert raised == []
