"""Types print themselves as what makes them, and are equal by what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from arenite import Engine, FuncType, GlobalType, Limits, MemoryType, Module, TableType, TagType, ValType

I32, I64, EXNREF = ValType.i32(), ValType.i64(), ValType.exnref()
TYPES: dict[str, tuple[Any, Any]] = {
    "GlobalType(ValType(i64), mutable=True)": (GlobalType(I64, True), GlobalType(I64, mutable=True)),
    "GlobalType(ValType(i64), mutable=False)": (GlobalType(I64, False), GlobalType(I64, mutable=False)),
    "TableType(ValType(exnref), Limits(min=1, max=None))": (TableType(EXNREF, Limits(1)), TableType(EXNREF, Limits(1, None))),
    "TableType(ValType(exnref), Limits(min=1, max=2), is_64=True)": (
        TableType(EXNREF, Limits(1, 2), True),
        TableType(EXNREF, Limits(1, 2), is_64=True),
    ),
    "MemoryType(Limits(min=1, max=3))": (MemoryType(Limits(1, 3)), MemoryType(Limits(1, 3), page_size_log2=16)),
    "MemoryType(Limits(min=1, max=3), is_64=True, page_size_log2=0)": (
        MemoryType(Limits(1, 3), True, page_size_log2=0),
        MemoryType(Limits(1, 3), is_64=True, page_size_log2=0),
    ),
    "TagType(FuncType((i32 i64) -> ()))": (TagType(FuncType([I32, I64], [])), TagType(FuncType([I32, I64], []))),
    "FuncType((i32 i64) -> ())": (FuncType([I32, I64], []), FuncType((I32, I64), ())),
}


@pytest.mark.parametrize("text", TYPES)
def test_a_type_prints_itself(text: str) -> None:
    assert repr(TYPES[text][0]) == text


@pytest.mark.parametrize("text", [text for text in TYPES if "FuncType" not in text])
def test_what_it_prints_makes_it_again(text: str) -> None:
    names: dict[str, Any] = {"i64": I64, "exnref": EXNREF}
    names |= {made.__name__: made for made in (GlobalType, Limits, MemoryType, TableType)}
    source = text.replace("ValType(i64)", "i64").replace("ValType(exnref)", "exnref")
    assert eval(source, names) == TYPES[text][0]


def test_types_are_equal_by_what_they_mean() -> None:
    for first, second in TYPES.values():
        assert first == second
        assert hash(first) == hash(second)
        assert not first != second  # noqa: SIM202 (both operators)
    assert len({first for first, _ in TYPES.values()}) == len(TYPES)
    assert all(first != other for first, _ in TYPES.values() for other, _ in TYPES.values() if other is not first)
    assert TYPES["FuncType((i32 i64) -> ())"][0] != 5


def test_those_of_a_module_are_those_that_are_made() -> None:
    wat = '(module (import "a" "m" (memory 1 3)) (import "a" "g" (global (mut i64))) (import "a" "t" (tag (param i32 i64))))'
    found = [one.type for one in Module(Engine(), wat).imports]
    assert found == [MemoryType(Limits(1, 3)), GlobalType(I64, True), TagType(FuncType([I32, I64], []))]
