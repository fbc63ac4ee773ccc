"""The interpreter as an object file: compiled when arenite is installed (`build`), or at first use, and found again by content.

An object is named by a digest of the sources that it is generated from, its variant and the CPU, so finding one needs neither LLVM
nor the generator.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from arenite.errors import Limit
from arenite.layout.raw import RAW
from arenite.light import NamedTuple
from arenite.platform import cache, llvm, sources
from arenite.platform.architectures import HOST

if TYPE_CHECKING:
    from arenite.platform.architectures import Architecture

SOURCES: Final = (
    *("bytecode/*.py", "layout/**/*.py", "platform/architectures.py", "platform/llvm.py", "traps.py"),
    *(
        f"emit/{name}.py"
        for name in ("addressing", "addressings", "handler", "interpreter", "llvm_text", "op", "raw", "routine", "vector_text")
    ),
)


class Variant(NamedTuple):
    """One interpreter of the possible ones."""

    addressing: str = "single"
    explicit_bounds: bool = False
    """It compares instead of relying on guard pages."""
    deterministic: bool = False
    """Every NaN that arithmetic makes is the canonical one."""

    def ir(self, architecture: Architecture) -> str:
        """Its LLVM IR."""
        from arenite.emit.addressings import ADDRESSINGS  # noqa: PLC0415 (what is found in the cache is not generated)
        from arenite.emit.interpreter import Interpreter  # noqa: PLC0415 (as above)

        options = {"explicit_bounds": self.explicit_bounds, "deterministic": self.deterministic}
        return Interpreter(ADDRESSINGS[self.addressing], architecture, **options).text()

    @property
    def key(self) -> str:
        """Its name among the objects."""
        return key_of("", self)


USUAL: Final = Variant()


def key_of(what: str, variant: Variant, *more: str) -> str:
    """The name of what is generated for a variant; `more`: patterns of sources beside those of the interpreter."""
    version = f"{'raw' * RAW}{sources.digest(*SOURCES)}{sources.digest(*more)}"
    made_from = f"{what}{version} {variant} {HOST and HOST.name} {llvm.host_cpu()}"
    return hashlib.blake2b(made_from.encode(), digest_size=20).hexdigest()


def object_file(variant: Variant) -> bytes:
    """The variant's object; compiled now (about a second) if there is none yet.

    Raises: `Limit` where it cannot be compiled.
    """
    found = cache.get(variant.key)
    if found is None:
        found = compiled(variant)
        cache.put(variant.key, found, "an interpreter")
    return found


def compiled(variant: Variant) -> bytes:
    """The variant's object, compiled now.  Raises: `Limit`."""
    try:
        if HOST is None or not llvm.preserve_none_supported():
            raise Limit("the threaded tier needs a calling convention that LLVM lacks on this machine; use tier='safe'")
        return llvm.compile_object(variant.ir(HOST))
    except ImportError as error:
        raise Limit(
            "the interpreter of the threaded tier is neither installed nor in the cache, and llvmlite, which compiles it, "
            f"cannot be imported ({error}): install llvmlite, or use tier='safe'"
        ) from error
