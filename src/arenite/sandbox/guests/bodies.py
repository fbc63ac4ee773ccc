"""A module with other bodies of some functions, which are known by what they are: in a module that has none of them nothing changes.

Example:  with_bodies(wasm, {sha256(body).hexdigest(): another})
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from arenite.sandbox.guests.stack import leb
from arenite.wasm.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER: Final = 8
CODE: Final = 10


def with_bodies(wasm: bytes, bodies: Mapping[str, bytes]) -> bytes:
    """The module with those bodies in place of the ones with these digests (SHA-256, in hexadecimal).  Raises: `DecodeError`."""
    found, sections = bytearray(wasm[:HEADER]), Reader(wasm, HEADER, len(wasm))
    while not sections.done():
        section, length = sections.byte(), sections.u32()
        begin = sections.pos
        body = wasm[begin : begin + length]
        sections.take(length)
        if section == CODE:
            body = replaced(body, bodies)
        found += bytes([section]) + leb(len(body)) + body
    return bytes(found)


def replaced(code: bytes, bodies: Mapping[str, bytes]) -> bytes:
    """The section of code."""
    reader = Reader(code, 0, len(code))
    count = reader.u32()
    found = bytearray(leb(count))
    for _ in range(count):
        size = reader.u32()
        begin = reader.pos
        body = code[begin : begin + size]
        reader.take(size)
        body = bodies.get(hashlib.sha256(body).hexdigest(), body)
        found += leb(len(body)) + body
    return bytes(found)
