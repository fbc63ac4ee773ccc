"""The table of stencils as it is kept: found again by content, as the interpreter's object, without LLVM or the generator."""

from __future__ import annotations

import functools
import importlib
import struct
from typing import Final

from arenite.errors import InternalError, Limit
from arenite.light import NamedTuple
from arenite.platform import cache, llvm
from arenite.platform.architectures import HOST
from arenite.tiers.baseline.tables import Tables
from arenite.tiers.threaded.objects import Variant, key_of

SOURCES: Final = ("emit/hole.py", "emit/stencil.py", "tiers/baseline/*.py")


class StencilTable(NamedTuple):
    """`pieces`: what `Tables` is made from.  `routines`: names of the interpreter's routines that the compiler's code leaves to."""

    pieces: tuple[bytes, ...]
    routines: tuple[str, ...]

    def pack(self) -> bytes:
        """For the cache."""
        pieces = (*self.pieces, "\n".join(self.routines).encode())
        return struct.pack(f"<{len(pieces) + 1}I", len(pieces), *map(len, pieces)) + b"".join(pieces)

    @classmethod
    def unpack(cls, data: bytes) -> StencilTable:
        """From the cache."""
        (count,) = struct.unpack_from("<I", data)
        at, pieces = 4 + 4 * count, []
        for size in struct.unpack_from(f"<{count}I", data, 4):
            pieces.append(data[at : at + size])
            at += size
        return cls(tuple(pieces[:-1]), tuple(pieces[-1].decode().split("\n")))

    def tables(self) -> Tables:
        """For the compiler."""
        return Tables(*self.pieces)


def kept(variant: Variant, *, plain: bool = False) -> tuple[str, bytes]:
    """The name and the bytes of a variant's table among the objects; made now if there is none yet (`table.table_of`).

    Raises: `Limit`, `ImportError` where it cannot be made.
    """
    key = _key(variant, plain=plain)
    data = cache.get(key)
    if data is None:
        if HOST is None:
            raise Limit("no code is compiled for this CPU")
        table_of = importlib.import_module("arenite.tiers.baseline.table").table_of
        try:
            data = table_of(variant, HOST, llvm.host_cpu(), plain=plain).pack()
        except InternalError as error:  # under another LLVM than those that the tests know
            raise Limit(f"no table of stencils can be made with this LLVM: {error}") from error
        cache.put(key, data, "plain stencils" if plain else "stencils")
    return key, data


def _key(variant: Variant, *, plain: bool) -> str:
    return key_of("plain stencils" if plain else "stencils", variant, *SOURCES)


@functools.cache
def stencils_of(variant: Variant, *, soon: bool = False) -> StencilTable:
    """The process's copy of a variant's table; `soon`: a plain one does, unless the other is there already.  Raises: as `kept`."""
    found = cache.get(_key(variant, plain=False)) if soon else None
    return StencilTable.unpack(kept(variant, plain=soon)[1] if found is None else found)
