"""What WebAssembly 3.0 encodes in old places is refused as long as the feature is not there, and the error names it.

Each file is also shown to wasm-tools, which must take it with that feature and refuse it without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arenite.api.text import wasm_tools
from arenite.errors import AreniteError, DecodeError
from arenite.features import SUPPORTED
from arenite.wasm.decode import decode
from arenite.wasm.validate import validate
from differential.binary import MAGIC, section, sized

if TYPE_CHECKING:
    from pathlib import Path

LONG_ZERO = b"\x80\x80\x80\x80\x80\0"  # six bytes
TYPES, FUNCTION = section(1, b"\x60\0\0"), section(3, b"\0")
MEMORY = section(5, b"\0\1")
OWN_GLOBAL = b"\x7f\0\x41\0\x0b"


def body(code: bytes) -> bytes:
    """A function () -> () and a memory."""
    return TYPES + FUNCTION + MEMORY + section(10, sized(b"\0" + code + b"\x0b"))


FILES = {
    "offset of a load": ("memory64", body(b"\x41\0\x28\2" + LONG_ZERO + b"\x1a")),
    "offset of a store, dead": ("memory64", body(b"\0\x36\2" + LONG_ZERO)),
    "memory index of a load": ("multi-memory", body(b"\x41\0\x28\x42\0\0\x1a")),
    "memory index of a store": ("multi-memory", body(b"\x41\0\x41\0\x3a\x40\0\0")),
    "memory.grow": ("multi-memory", body(b"\x41\0\x40\x80\0\x1a")),
    "memory.size": ("multi-memory", body(b"\x3f\x80\0\x1a")),
    "own global in a global": ("gc", section(6, OWN_GLOBAL, b"\x7f\0\x23\0\x0b")),
    "own global in data": ("gc", MEMORY + section(6, OWN_GLOBAL) + section(11, b"\0\x23\0\x0b\0")),
    "own global in elements": ("gc", section(4, b"\x70\0\0") + section(6, OWN_GLOBAL) + section(9, b"\0\x23\0\x0b\0")),
    "ref.null of a type": ("function-references", body(b"\xd0\0\x1a")),
    "ref.null of a type in two bytes": ("function-references", body(b"\xd0\x80\0\x1a")),
}


@pytest.mark.parametrize("name", FILES)
def test_the_error_names_the_feature(name: str, tmp_path: Path) -> None:
    feature, content = FILES[name]
    wasm = MAGIC + content
    with pytest.raises(AreniteError, match=f"it needs {feature}, which (arenite does not have|is switched off)") as caught:
        validate(decode(wasm, features=SUPPORTED - {feature}))
    if feature in SUPPORTED:
        validate(decode(wasm))
    assert 8 <= getattr(caught.value, "offset", 0) < len(wasm)
    path = tmp_path / "a.wasm"
    path.write_bytes(wasm)
    with pytest.raises(DecodeError):
        wasm_tools("validate", "--features", "wasm2,extended-const,-simd", path)
    wasm_tools("validate", "--features", f"wasm2,extended-const,function-references,{feature}", path)


def test_a_number_behind_a_prefix_is_taken_whole() -> None:
    """It is no instruction's, so no feature is named for it, and its low bits are none's either."""
    for number in (b"\x80\x80\x02", b"\x80\x08", b"\x12"):
        with pytest.raises(DecodeError, match=r"illegal opcode fc [0-9a-f]+ "):
            validate(decode(MAGIC + body(b"\xfc" + number), features=frozenset({"mvp"})))


def test_imported_globals_are_constant() -> None:
    imported = section(2, b"\0\0\3\x7f\0")
    validate(decode(MAGIC + imported + section(6, b"\x7f\0\x23\0\x0b")))


@pytest.mark.parametrize(("long", "short"), [(b"\x63\x70", b"\x70"), (b"\x63\x6f", b"\x6f")], ids=["funcref", "externref"])
def test_the_long_form_of_a_nullable_reference_is_the_short_one(long: bytes, short: bytes, tmp_path: Path) -> None:
    def file(type_: bytes) -> bytes:
        """It as a parameter, a result, an element of a table, a global, a segment's items, a local, a block's result."""
        null = b"\xd0" + short
        code = b"\1\1" + type_ + b"\x02" + type_ + null + b"\x0b\x0b"
        types_ = section(1, b"\x60\1" + type_ + b"\1" + type_)
        items = b"\5" + type_ + b"\1" + null + b"\x0b"
        return (
            MAGIC
            + types_
            + FUNCTION
            + section(4, type_ + b"\0\1")
            + section(6, type_ + b"\0" + null + b"\x0b")
            + section(9, items)
            + section(10, sized(code))
        )

    found, expected = decode(file(long)), decode(file(short))
    validate(found)
    assert (found.types, found.tables, found.globals) == (expected.types, expected.tables, expected.globals)
    wasm = tmp_path / "a.wasm"
    wasm.write_bytes(file(long))
    wasm_tools("validate", "--features=mvp,mutable-global,reference-types,bulk-memory", wasm)
