"""Translations of modules, kept in the user's cache, so that the next process need not translate.

An entry is found by the digest of the module's file and of the sources that it was translated by; no option of an engine changes a
translation.  It holds the parts in which a translation travels along with a snapshot (`code.sections`), and what the file says beside
(`structure`).  What a process of the user's wrote is used as it is.  Of what anybody may have written (there is no key) only the bytecode is used, as
of a snapshot's that travels along: it is put into the module that the file says, and verified.

    name = entry_name(digest_of(cache, data))
    code = find(cache, name, WasmFile.of(data), structure)
    if code is None:
        keep(cache, name, code := translate(data))
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Final

from arenite.bytecode.module import file_digest
from arenite.errors import AreniteError
from arenite.layout.raw import RAW
from arenite.platform import ours, sources
from arenite.platform.cpu import SHA, features
from arenite.snapshot import code as codes
from arenite.snapshot import structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.bytecode.module import ModuleCode, WasmFile
    from arenite.platform.cache import Cache

SOURCES: Final = (
    *("bytecode/**/*.py", "layout/**/*.py", "translate/**/*.py", "wasm/**/*.py", "features.py", "traps.py"),
    *(f"snapshot/{name}.py" for name in ("code", "older", "structure", "translations")),
)
COMPILED: Final = "arenite__mypyc*"  # beside the package
LARGE: Final = 1 << 22  # bytes of a file from which on half its digest's time is worth an entry
LONGEST_NAME: Final = 60  # characters of a module's name that an entry shows


@functools.cache
def _version() -> bytes:
    """Digest of everything that makes a translation.  What was compiled of these sources is known by its size and time."""
    hash_ = hashlib.sha256(sources.digest(*SOURCES).encode())
    for path in sorted(sources.PACKAGE.parent.glob(COMPILED)):
        info = path.stat()
        hash_.update(f"{path.name} {info.st_size} {info.st_mtime_ns}".encode())
    return hash_.digest()


def entry_name(file_digest: bytes, bytecode_digest: str = "") -> str:
    """What the translation of a file is kept under.  `bytecode_digest`: of one that travelled along with a snapshot, as the snapshot knows it."""
    return hashlib.sha256(b"raw" * RAW + _version() + file_digest + bytecode_digest.encode()).hexdigest()[:40]


def digest_of(cache: Cache, data: bytes) -> bytes:
    """As `file_digest`: what large files are known by is kept under their SHA-256, where the CPU has instructions for that."""
    if len(data) < LARGE or not SHA & features():
        return file_digest(data)
    name = hashlib.sha256(b"file" + hashlib.sha256(data).digest()).hexdigest()[:40]
    found = cache.get(name)
    if found is not None and found.proven:
        return found.pieces[0]
    digest = file_digest(data)
    cache.put(name, [digest], "what a module's file is known by")
    return digest


def find(cache: Cache, name: str, wasm: WasmFile, without_bodies: Callable[[bytes], ModuleCode]) -> ModuleCode | None:
    """What was kept under a name; None if there is nothing to be used.

    `without_bodies`: decodes the module's file, where the entry is not known to be the user's.
    Raises: what `wasm.load` does, where the file is needed.
    """
    found = cache.get(name)
    if found is None:
        return None
    head, names, records, *parts = found.pieces
    if not found.proven:
        return _verified(wasm, without_bodies, parts)
    code, more = structure.read(head, names, records, wasm)
    code = codes.with_sections(code, parts)
    codes.know_digest(code, more["bytecode"])
    return code


def _verified(wasm: WasmFile, without_bodies: Callable[[bytes], ModuleCode], parts: list[bytes]) -> ModuleCode | None:
    """Bytecode that anybody may have written, if it keeps the rules."""
    module = without_bodies(wasm.data)
    try:
        return codes.checked_sections(module, parts)
    except (*codes.BREAKS, AreniteError) as error:
        ours.warn("bytecode", f"bytecode in the cache is not used: {str(error).splitlines()[0]}")
        return None


def keep(cache: Cache, name: str, code: ModuleCode) -> None:
    """Keep a translation under a name, if the cache can have it."""
    described = structure.described(code, bytecode=codes.bytecode_digest(code))
    what = code.name[:LONGEST_NAME] or code.digest.hex()[:12]
    cache.put(name, [*described, *codes.sections(code)], f"the translation of {what}")
