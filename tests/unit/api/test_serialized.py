"""Serialized modules: their own files, of which nothing is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arenite import DecodeError, Failure, ValidationError
from arenite.api.module import SERIALIZED
from unit.api.packages import PACKAGES, Package

if TYPE_CHECKING:
    from pathlib import Path

TEXT = '(module $named (import "h" "f" (func)) (func (export "f") (result i32) (i32.const 7)))'


@pytest.fixture(params=PACKAGES)
def p(request: Any) -> Package:
    return Package(request.param)


def test_there_and_back(p: Package, tmp_path: Path) -> None:
    data = p.module(TEXT).serialize()
    (tmp_path / "m").write_bytes(data)
    for module in (p.Module.deserialize(p.engine, data), p.Module.deserialize_file(p.engine, str(tmp_path / "m"))):
        f = p.Func(p.store, p.type(), lambda: None)
        assert p.Instance(p.store, module, [f]).exports(p.store)["f"](p.store) == 7
        assert [(i.module, i.name) for i in module.imports] == [("h", "f")]


@pytest.mark.parametrize("data", [b"", b"junk", b"\0asm\1\0\0\0", b"(module)"])
def test_what_is_none(p: Package, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(p.WasmtimeError):
        p.Module.deserialize(p.engine, data)
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(p.WasmtimeError):
        p.Module.deserialize_file(p.engine, str(tmp_path / "m"))


@pytest.mark.parametrize("data", [5, "text", None])
def test_what_are_no_bytes(p: Package, data: Any) -> None:
    with pytest.raises(TypeError):
        p.Module.deserialize(p.engine, data)


def test_nothing_is_believed() -> None:
    p = Package("safe")
    data = p.module("(module (func (result i32) (i32.const 7)))").serialize()
    assert data == p.module("(module (func (result i32) (i32.const 7)))").serialize()
    with pytest.raises(ValidationError):
        p.Module.deserialize(p.engine, data.replace(b"\x41\x07", b"\x01\x01"))
    with pytest.raises(DecodeError):
        p.Module.deserialize(p.engine, data[:-1])
    with pytest.raises(Failure, match=r"no bytes that Module\.serialize has made"):
        p.Module.deserialize(p.engine, SERIALIZED + b"(module)")


@pytest.mark.parametrize("name", ["engine", "module", "linker", "pre"])
def test_closing(p: Package, name: str) -> None:
    """What programs close, with nothing used afterwards."""
    module, linker = p.module("(module)"), p.linker()
    things = {"engine": p.Engine(), "module": module, "linker": linker, "pre": linker.instantiate_pre(module)}
    with things[name] as thing:
        assert thing is things[name]
    thing.close()
