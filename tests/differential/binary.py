"""Pieces of the binary format, for tests that write modules themselves.

Spec: binary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC = b"\0asm\1\0\0\0"
TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B, "funcref": 0x70, "externref": 0x6F, "exnref": 0x69}


def u(n: int) -> bytes:
    """An unsigned LEB128."""
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def s(n: int) -> bytes:
    """A signed LEB128."""
    out = bytearray()
    while not -0x40 <= n < 0x40:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n & 0x7F)
    return bytes(out)


def vec(items: Iterable[bytes]) -> bytes:
    """A vector."""
    found = list(items)
    return u(len(found)) + b"".join(found)


def sized(data: bytes) -> bytes:
    """Bytes behind their number."""
    return u(len(data)) + data


def section(number: int, *items: bytes) -> bytes:
    """A section that is a vector."""
    return bytes([number]) + sized(vec(items))


def types(names: Iterable[str]) -> bytes:
    """A result type."""
    return vec(bytes([TYPES[name]]) for name in names)
