"""`Caller`s see the exports of who imports the host function, also while that instance is being made."""

from __future__ import annotations

from typing import Any

import pytest

from marks import EACH_TIER
from unit.api.packages import PACKAGES, Package


@pytest.fixture(params=PACKAGES)
def p(request: Any) -> Package:
    return Package(request.param)


STARTS = {
    "an import": '(module (import "h" "f" (func $f)) (memory (export "m") 1) (data (i32.const 3) "x") (start $f))',
    "an own function": """(module (import "h" "f" (func $f)) (memory (export "m") 1) (data (i32.const 3) "x") (start $s)
        (func $s (call $f)))""",
}


@pytest.mark.parametrize("kind", STARTS)
def test_what_a_start_function_finds(p: Package, kind: str) -> None:
    seen: list[object] = []

    def look(caller: Any) -> None:
        memory = caller.get("m")
        seen.append((bytes(memory.read(caller, 3, 4)), caller.get("none"), caller["m"].size(caller)))

    p.exports(STARTS[kind], p.Func(p.store, p.type(), look, access_caller=True))
    assert seen == [(b"x", None, 1)]


@EACH_TIER
@pytest.mark.parametrize("kind", STARTS)
def test_what_it_finds_in_an_execution(tier: str, kind: str) -> None:
    p = Package(tier)
    seen: list[int] = []
    found = p.Func(p.store, p.type(), lambda caller: seen.append(caller["m"].size(caller)), access_caller=True)
    for fork in (None, 1):
        execution = p.Instance.start(p.store, p.module(STARTS[kind]), [found])
        if fork:
            execution = p.store.snapshot().fork().execution
        execution.run()
    assert seen == [1, 1]


def test_whose_exports_a_shared_function_finds(p: Package) -> None:
    """One host function as the start of two instances, one of which imports it by way of the other."""
    sizes: list[int] = []
    f = p.Func(p.store, p.type(), lambda caller: sizes.append(caller["m"].size(caller)), access_caller=True)
    first = p.exports('(module (import "h" "f" (func $f)) (memory (export "m") 1) (export "f" (func $f)) (start $f))', f)
    second = p.exports(
        '(module (import "h" "f" (func $f)) (memory (export "m") 2) (start $f) (func (export "g") (call $f)))', first["f"]
    )
    second["g"](p.store)
    assert sizes == [1, 2, 2]


def test_a_host_function_that_the_host_calls_has_no_caller(p: Package) -> None:
    seen: list[object] = []
    f = p.Func(p.store, p.type(), lambda caller: seen.append(caller.get("m")), access_caller=True)
    p.exports('(module (memory (export "m") 1))')
    f(p.store)
    assert seen == [None]
