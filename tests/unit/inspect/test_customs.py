"""Custom sections, and branch hints among them, are shown; what is damaged is said to be, and refuses no module."""

from __future__ import annotations

from typing import Any

import pytest

from arenite import Config, Engine, Instance, Module, Store, wat2wasm
from arenite.features import SUPPORTED
from arenite.inspect.module import inspect_module
from arenite.wasm.annotations import annotated
from arenite.wasm.decode import decode
from differential.binary import section, sized, u, vec

HEAD = b"\0asm\1\0\0\0" + section(1, b"\x60\1\x7f\0") + section(2, sized(b"") + sized(b"") + b"\0\0") + section(3, b"\0", b"\0")
BODIES = (b"\0\x20\0\x04\x40\x0b\x20\0\x0d\0\x0b", b"\0\x20\0\x0d\0\x0b")  # `if` at 3, `br_if` at 8; `br_if` at 3
CODE = section(10, *map(sized, BODIES))
HINTS = "metadata.code.branch_hint"
IF, BR_IF, OTHER = b"\3\1\1", b"\x08\1\0", b"\3\1\0"
WHOLE = vec([b"\1" + vec([IF, BR_IF]), b"\2" + vec([OTHER])])


def custom(name: str, content: bytes) -> bytes:
    """A custom section."""
    return b"\0" + sized(sized(name.encode()) + content)


def hinted(content: bytes) -> bytes:
    """A module with branch hints: function 0 is imported, 1 and 2 are its own."""
    return HEAD + custom(HINTS, content) + CODE


def said(wasm: bytes) -> list[tuple[str, str]]:
    return [(name, text.partition(": ")[2]) for name, text in inspect_module(wasm).customs]


def test_branch_hints_as_an_outside_tool_writes_them() -> None:
    wasm = wat2wasm(r"""(module (func (param i32) (result i32)
      (@metadata.code.branch_hint "\01") (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
      (block (@metadata.code.branch_hint "\00") (br_if 0 (local.get 0)))
      (i32.const 2)))""")
    (found,) = annotated(decode(wasm))
    assert [note.text for note in found.notes] == ["if likely", "br_if unlikely"]
    assert [wasm[note.at] for note in found.notes] == [0x04, 0x0D]
    assert found.problem == ""
    assert inspect_module(wasm).features == ["branch-hinting"]


def test_branch_hints_stand_behind_their_ops() -> None:
    lines = Module(Engine(), hinted(WHOLE)).disassemble().splitlines()
    with_notes = [line for line in lines if ";" in line]
    assert [line.partition("; ")[2] for line in with_notes] == ["if likely", "br_if unlikely", "br_if unlikely"]
    assert all("br_" in line.partition(";")[0] for line in with_notes)
    one = Module(Engine(), hinted(WHOLE)).disassemble(2).splitlines()
    assert [line.partition("; ")[2] for line in one if ";" in line] == ["br_if unlikely"]


DAMAGED: dict[str, tuple[bytes, list[str], str]] = {
    "an imported function": (vec([b"\0" + vec([IF])]), [], "function 0 is none that the module defines"),
    "no function": (vec([b"\3" + vec([IF])]), [], "function 3 is none that the module defines"),
    "functions out of order": (
        vec([b"\2" + vec([OTHER]), b"\1" + vec([IF])]),
        ["br_if unlikely"],
        "function 1 comes after function 2",
    ),
    "a function twice": (vec([b"\1" + vec([IF]), b"\1" + vec([BR_IF])]), ["if likely"], "function 1 comes after function 1"),
    "offsets out of order": (vec([b"\1" + vec([BR_IF, IF])]), ["br_if unlikely"], "function 1: offset 3 comes after offset 8"),
    "two at one place": (vec([b"\1" + vec([IF, IF])]), ["if likely"], "function 1: offset 3 comes after offset 3"),
    "behind the body": (
        vec([b"\1" + vec([u(len(BODIES[0])) + b"\1\1"])]),
        [],
        "function 1: offset 11 is behind the end of its body",
    ),
    "far away": (vec([b"\1" + vec([u(0xFFFFFFFF) + b"\1\1"])]), [], "offset 4294967295 is behind the end of its body"),
    "no branch": (vec([b"\1" + vec([b"\1\1\1"])]), [], "function 1, offset 1: there is no branch"),
    "another value": (vec([b"\1" + vec([IF, b"\x08\1\2"])]), ["if likely"], "function 1, offset 8: no branch_hint 02"),
    "two bytes": (vec([b"\1" + vec([b"\3\2\1\1"])]), [], "function 1, offset 3: no branch_hint 0101"),
    "no byte": (vec([b"\1" + vec([b"\3\0"])]), [], "function 1, offset 3: no branch_hint"),
    "more behind": (WHOLE + b"xy", ["if likely", "br_if unlikely", "br_if unlikely"], "2 bytes are left over"),
    "nothing": (b"", [], "unexpected end of section or function"),
    "cut": (WHOLE[:6], ["if likely"], "unexpected end of section or function"),
    "too many": (u(0xFFFFFFFF) + WHOLE, [], "unexpected end of section or function"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_branch_hints(kind: str) -> None:
    content, texts, problem = DAMAGED[kind]
    wasm = hinted(content)
    (found,) = annotated(decode(wasm))
    assert [note.text for note in found.notes] == texts
    assert problem in found.problem
    ((name, text),) = said(wasm)
    assert name == HINTS
    assert f"damaged: {found.problem}" in text
    module = Module(Engine(), wasm)
    assert sum(";" in line for line in module.disassemble().splitlines()) == len(texts)


def test_where_branch_hints_do_not_belong() -> None:
    wasm = HEAD + custom(HINTS, WHOLE) + custom(HINTS, WHOLE) + CODE + custom("metadata.code.other", WHOLE)
    first, second, late = annotated(decode(wasm))
    assert (len(first.notes), first.problem) == (3, "")
    assert (second.notes, second.problem) == ([], "it is the second of this name")
    assert (late.notes, late.problem) == ([], "it stands behind the code")


def test_annotations_of_other_kinds_are_shown_as_bytes() -> None:
    wasm = HEAD + custom("metadata.code.trace", vec([b"\1" + vec([b"\1\2\xab\xcd", b"\3\0"])])) + CODE
    assert said(wasm) == [("metadata.code.trace", "1 trace abcd, 1 trace")]
    assert "; trace abcd" in Module(Engine(), wasm).disassemble()


@pytest.mark.parametrize("content", [WHOLE, b"", b"\xff"])
def test_custom_sections_refuse_nothing(content: bytes) -> None:
    engine = Engine(Config(features=SUPPORTED - {"branch-hinting"}))
    store, wasm = Store(engine), hinted(content)
    Module.validate(engine, wasm)
    module = Module(engine, wasm)
    assert len(module.custom_sections(HINTS)) == 1
    plain = Module(engine, HEAD + CODE)
    assert module.code.bytecode == plain.code.bytecode
    with pytest.raises(Exception, match="1 import"):
        Instance(store, module, [])


CONTENTS: dict[str, tuple[bytes, str]] = {
    "name": (b"\0\2\1m" + b"\1\4\1\0\1f" + b"\x0d\0", "names of the module, 1 function, kind 13"),
    "producers": (
        vec([sized(b"language") + vec([sized(b"C11") + sized(b"")]), sized(b"sdk") + vec([sized(b"tool") + sized(b"1.2")])]),
        "language C11, sdk tool 1.2",
    ),
    "target_features": (vec([b"+" + sized(b"simd128"), b"-" + sized(b"atomics")]), "+simd128, -atomics"),
    "sourceMappingURL": (sized(b"a.map"), "'a.map'"),
    "mine": (b"hello", "'hello'"),
    "bytes": (bytes((0, 1, 0xFF)), "0001ff"),
    "long": (b"x" * 100, f"'{'x' * 60}'..."),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_sections_say(name: str) -> None:
    content, text = CONTENTS[name]
    assert said(b"\0asm\1\0\0\0" + custom(name, content)) == [(name, text)]


@pytest.mark.parametrize("name", ["name", "producers", "target_features", "sourceMappingURL"])
@pytest.mark.parametrize("content", [b"\x7f", b"\xff\xff\xff\xff\x0f", b"\1\xff", b"\1\5\1\xfe", b"\2\1a\1\1b\xff"])
def test_damaged_sections_are_shown_as_far_as_they_go(name: str, content: bytes) -> None:
    wasm: Any = b"\0asm\1\0\0\0" + custom(name, content)
    ((_, text),) = said(wasm)
    assert "damaged: " in text
    Module(Engine(), wasm)


def test_places_of_custom_sections() -> None:
    wasm = b"\0asm\1\0\0\0" + custom("a", b"") + section(1, b"\x60\0\0") + custom("b", b"x")
    assert inspect_module(wasm).customs == [("a", "0 bytes, behind nothing"), ("b", "1 byte, behind types: 'x'")]
